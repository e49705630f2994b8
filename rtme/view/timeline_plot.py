"""The timeline of a recording as a matplotlib figure: for papers, slides and notebooks."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rtme.errors import SettingsError
from rtme.view.curves import FaceCurve
from rtme.view.result import Result
from rtme.view.statistics import judged_of
from rtme.view.strips import STRIP_S, Strip, runs, step_of, strips, thin
from rtme.view.words import GAPS, TYPES, clock
from rtme.whole import whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, FAINT = "#1c2026", "#5d6671", "#dde1e6"
COLOURS = {"me": "#c2410c", "macro": "#0f766e", "speaking": "#2f62a8", "listening": "#cfe0f3"}
POSE = {"yaw": ("#0b62a4", "-"), "pitch": ("#a4500b", "--"), "roll": ("#6b4fa0", ":")}
ROWS = 12
"""Strips of a picture at most; a longer recording has longer strips."""

_WIDTH_IN = 11.0
_BINS = 2000


def require_matplotlib() -> None:
    """See that there is something to draw with.

    Raises:
        SettingsError: matplotlib is missing.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise SettingsError("a drawn timeline needs matplotlib: pip install 'rtme[notebook]'") from error


def draw_timeline(result: Result, *, pose: bool | None = None) -> "Figure":
    """Scores with intervals, apexes and turns of each face over time, in strips where a line would be too long.

    Args:
        result: Of one recording.
        pose: Draw head pose and eye distance below; None: where one strip shows everything.

    Raises:
        SettingsError: matplotlib is missing.
    """
    require_matplotlib()
    # Not by way of pyplot, which would keep the figure and choose a window for it. But pyplot is what shows figures in
    # notebooks, so this one shows itself.
    from matplotlib.figure import Figure

    class Timeline(Figure):
        def _repr_png_(self) -> bytes:
            picture = BytesIO()
            self.savefig(picture, format="png", dpi=100)
            return picture.getvalue()

    rows = _rows(result)
    pose = len(rows) <= len(result.faces) if pose is None else pose
    kinds = ["score", *(("pose", "eyes") if pose else ())]
    heights = {"score": 1.15, "pose": 0.75, "eyes": 0.45}
    panels = [
        (strip, face, kind) for strip, face in rows for kind in (kinds if face is not None else ["score"])
    ]
    ratios = [heights[kind] for _, _, kind in panels]
    figure = Timeline(figsize=(_WIDTH_IN, 1.3 + sum(ratios)), layout="constrained", facecolor="white")
    report = result.report
    figure.suptitle(result.name, x=0.01, ha="left", fontsize=12, fontweight="bold")
    figure.supxlabel(
        f"{report.engine}, sensitivity {report.sensitivity}. {report.engine_note}",
        x=0.01, ha="left", fontsize=7.5, color=SOFT, wrap=True,
    )  # fmt: skip
    grid = figure.subplots(len(panels), 1, squeeze=False, gridspec_kw={"height_ratios": ratios})[:, 0]
    for number, (axes, (strip, face, kind)) in enumerate(zip(grid, panels, strict=True)):
        curve = None if face is None else result.curve(strip.epoch, face)
        _frame(axes, result, strip, face, last=number + 1 == len(panels) or panels[number + 1][0] != strip)
        if kind == "score":
            _score(axes, result, strip, face, curve)
        elif curve is not None:
            (_pose if kind == "pose" else _eyes)(axes, strip, curve)
    _legend(figure, pose=pose)
    return figure


def save_timeline(result: Result, path: Path) -> None:
    """Draw it to a file, in the format of its suffix.

    Raises:
        SettingsError: matplotlib is missing, or the file cannot be written.
    """
    figure = draw_timeline(result)
    try:
        with whole(path) as draft:
            figure.savefig(draft, dpi=150, format=path.suffix[1:])
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror}") from error


def _rows(result: Result) -> list[tuple[Strip, int | None]]:
    """Strips and the faces in each; a strip without a face is drawn once."""
    total = sum(result.length_s(epoch) for epoch in result.epochs)
    longest = next((s for s in (STRIP_S, 120, 300, 600, 1200) if total / s <= ROWS), total / ROWS)
    rows: list[tuple[Strip, int | None]] = []
    for epoch in result.epochs:
        for strip in strips(result, epoch, longest):
            here = [face for of, face in result.faces if of == epoch and _seen(result, strip, face)]
            rows += [(strip, face) for face in here] or [(strip, None)]
    return rows


def _seen(result: Result, strip: Strip, face: int) -> bool:
    curve = result.curve(strip.epoch, face)
    if curve is None:
        return any(
            (one.epoch, one.face) == (strip.epoch, face) and strip.meets(one.onset_s, one.offset_s)
            for one in result.report.intervals
        )
    return bool(((curve.time_s >= strip.start_s) & (curve.time_s < strip.start_s + strip.width_s)).any())


def _frame(axes: "Axes", result: Result, strip: Strip, face: int | None, *, last: bool) -> None:
    from matplotlib.ticker import MultipleLocator

    axes.set_xlim(strip.start_s, strip.start_s + strip.width_s)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=SOFT, labelsize=8, labelbottom=last, length=2)
    axes.xaxis.set_major_locator(MultipleLocator(step_of(strip.width_s)))
    axes.xaxis.set_major_formatter(lambda at, _: clock(at, 0 if strip.width_s > 8 else 1))
    axes.grid(axis="x", color=FAINT, lw=0.6)
    axes.set_axisbelow(True)
    for gap in result.report.gaps:
        if gap.epoch != strip.epoch or gap.start_s is None or gap.end_s is None:
            continue
        if strip.meets(gap.start_s, gap.end_s):
            _hatch(axes, gap.start_s, gap.end_s)
            if face is None:
                at = max(gap.start_s, strip.start_s)
                axes.text(at, 0.5, f" {gap.count} {GAPS.get(gap.cause, gap.cause)}", color=INK, fontsize=8)


def _score(axes: "Axes", result: Result, strip: Strip, face: int | None, curve: FaceCurve | None) -> None:
    report = result.report
    axes.set_ylim(-0.22, 1.12)
    axes.set_yticks([0, 1])
    name = "no face" if face is None else result.face_name(strip.epoch, face)
    axes.set_ylabel(name if len(result.faces) > 1 or face is None else "score", color=INK, fontsize=8.5)
    if report.method is not None and face is not None:
        axes.axhline(report.method.on, color=SOFT, lw=0.8, ls=(0, (5, 4)))
    if curve is not None:
        for start_s, end_s in runs(curve, ~judged_of(curve)):
            if strip.meets(start_s, end_s):
                _hatch(axes, start_s, end_s)
        for at, of in thin(curve.time_s, curve.score, strip, _BINS, peaks=True):
            axes.plot(at, of, color=INK, lw=1, solid_capstyle="round")
    for one in report.intervals:
        if (one.epoch, one.face) == (strip.epoch, face) and strip.meets(one.onset_s, one.offset_s):
            # What lasts a few frames must be seen in a line of minutes too.
            end_s = max(one.offset_s, one.onset_s + strip.width_s / 500)
            axes.axvspan(one.onset_s, end_s, color=COLOURS[one.type], alpha=0.25, lw=0)
            edge = 1.0 if one.type == "me" else 0.0
            axes.plot(
                [one.onset_s, end_s], [edge, edge], color=COLOURS[one.type], lw=3, solid_capstyle="butt"
            )
            axes.plot(one.apex_s, 1.07, "v", color=INK, ms=4, clip_on=False)
    for state in ("speaking", "listening"):
        spans = [
            (turn.start_s, turn.end_s - turn.start_s)
            for turn in report.speaker
            if (turn.epoch, turn.face, turn.state) == (strip.epoch, face, state)
            and strip.meets(turn.start_s, turn.end_s)
        ]
        axes.broken_barh(spans, (-0.2, 0.12), color=COLOURS[state], lw=0)


def _pose(axes: "Axes", strip: Strip, curve: FaceCurve) -> None:
    for name, (colour, style) in POSE.items():
        for at, of in thin(curve.time_s, getattr(curve, name), strip, _BINS):
            axes.plot(at, of, color=colour, ls=style, lw=1)
    low, high = axes.get_ylim()
    reach = max(20.0, abs(low), abs(high))
    axes.set_ylim(-reach, reach)
    axes.set_ylabel("head, °", color=INK, fontsize=8.5)


def _eyes(axes: "Axes", strip: Strip, curve: FaceCurve) -> None:
    for at, of in thin(curve.time_s, curve.eye_distance_px, strip, _BINS):
        axes.plot(at, of, color=SOFT, lw=1)
    known = curve.eye_distance_px[np.isfinite(curve.eye_distance_px)]
    axes.set_ylim(0, 1.15 * float(max(known, default=1.0)))
    axes.set_ylabel("eyes, px", color=INK, fontsize=8.5)


def _hatch(axes: "Axes", start_s: float, end_s: float) -> None:
    axes.axvspan(start_s, end_s, facecolor="none", edgecolor=SOFT, alpha=0.4, hatch="////", lw=0)


def _legend(figure: "Figure", *, pose: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: Sequence[Line2D | Patch] = [
        *(Patch(color=COLOURS[kind], alpha=0.5, label=name) for kind, name in TYPES.items()),
        Line2D([], [], color=INK, marker="v", ls="", ms=4, label="apex"),
        Patch(color=COLOURS["speaking"], label="speaking"),
        Patch(color=COLOURS["listening"], label="listening"),
        Patch(facecolor="none", edgecolor=SOFT, alpha=0.6, hatch="////", label="not judged, or missing"),
        *(
            Line2D([], [], color=colour, ls=style, label=name)
            for name, (colour, style) in POSE.items()
            if pose
        ),
    ]
    figure.legend(
        handles=list(handles), loc="outside upper right", ncols=len(handles), frameon=False, fontsize=7.5,
        handlelength=1.4, columnspacing=1.0,
    )  # fmt: skip
