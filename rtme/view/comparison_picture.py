"""Two files of annotations as a picture: what both mark, and what only one does, over time."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from rtme.annotations import Recording, Span
from rtme.annotations.recording import STATES, Kind
from rtme.errors import SettingsError
from rtme.score import Interval, match
from rtme.view.comparison import Comparison, Pair
from rtme.whole import whole

# Okabe and Ito's colours, which most people tell apart.
_BOTH, _ONE, _SPEAKING, _LISTENING = "#009E73", "#D55E00", "#0072B2", "#C9D6DF"
_ROWS: dict[str, tuple[Kind, ...]] = {
    "micro-expressions": ("me",),
    "macro-expressions": ("mae",),
    "state": STATES,
}
_LEAST = 0.004  # of the whole width; what is shorter would not be seen
MOST = 12
"""Recordings that a picture shows."""


def draw(comparison: Comparison, path: Path, a: str, b: str) -> None:
    """Draw the first dozen recordings, a panel each; A above B in each row.

    Args:
        comparison: What was compared.
        path: Where the picture goes; its ending says the form, such as ``.png`` or ``.svg``.
        a: What A is called.
        b: What B is called.

    Raises:
        SettingsError: The file cannot be written.
    """
    pairs = comparison.pairs[:MOST]
    figure = Figure(figsize=(11, 1.3 + 1.9 * len(pairs)), layout="constrained")
    for axes, pair in zip(figure.subplots(len(pairs), squeeze=False)[:, 0], pairs, strict=True):
        _panel(axes, pair, comparison, a, b)
    names = {"in both": _BOTH, "in one": _ONE, "speaking": _SPEAKING, "listening": _LISTENING}
    handles = [Patch(color=colour, label=name) for name, colour in names.items()]
    figure.legend(handles=handles, loc="outside upper right", ncols=4, frameon=False, fontsize=8)
    figure.suptitle(f"A: {a}    B: {b}", x=0.01, ha="left", fontsize=9)
    try:
        with whole(path) as draft:
            figure.savefig(draft, dpi=110, format=path.suffix[1:])
    except (OSError, ValueError) as error:
        raise SettingsError(f"the picture {path} cannot be written: {error}") from error


def _panel(axes: Axes, pair: Pair, comparison: Comparison, a: str, b: str) -> None:
    seconds = max(pair.n_frames, 1) / pair.a.fps
    labels = []
    for row, (name, kinds) in enumerate(_ROWS.items()):
        for side, recording in enumerate((pair.a, pair.b)):
            place = 2.4 * row + side
            labels.append((place, f"{name} {'AB'[side]}" if side == 0 else "B"))
            other = pair.b if side == 0 else pair.a
            for kind in kinds:
                for face in pair.faces:
                    own = pair.spans(recording, face, kind)
                    found = _matched(own, pair.spans(other, face, kind), comparison)
                    for index, span in enumerate(own):
                        colour = _BOTH if index in found else _ONE
                        if kind in STATES:
                            colour = _SPEAKING if kind == "speaking" else _LISTENING
                        _bar(axes, recording, span, place, seconds, colour)
    axes.set(xlim=(0, seconds), ylim=(2.4 * len(_ROWS) - 0.9, -0.6))
    axes.set_yticks([place for place, _ in labels], [label for _, label in labels], fontsize=7)
    axes.set_xlabel(f"{Path(pair.a.source or pair.b.source).name}, seconds", fontsize=8)
    axes.tick_params(axis="x", labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)


def _matched(own: list[Span], other: list[Span], comparison: Comparison) -> set[int]:
    ours, theirs = ([Interval("", one.first, one.last, "me") for one in spans] for spans in (own, other))
    return {i for i, _ in match(ours, theirs, comparison.rules)}


def _bar(axes: Axes, recording: Recording, span: Span, place: float, seconds: float, colour: str) -> None:
    begin = span.first / recording.fps
    width = max((span.last + 1 - span.first) / recording.fps, _LEAST * seconds)
    axes.broken_barh([(begin, width)], (place - 0.4, 0.8), color=colour, linewidth=0)
