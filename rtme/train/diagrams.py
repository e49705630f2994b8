"""Pictures of an engine's operating points, and of how far its confidence can be trusted."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtme.train.decoder import Decoder
from rtme.train.operating import KINDS
from rtme.train.pictures import COLOURS, save

CURVE, RELIABILITY = "curve.png", "reliability.png"
PICTURES = (CURVE, RELIABILITY)

_MARKS = {"low": "v", "normal": "o", "high": "^"}


def draw_decoder(decoder: Decoder, title: str, folder: Path) -> None:
    """Draw what was measured when a decoder was chosen; what was not is not drawn.

    Args:
        decoder: With its ``measured``.
        title: Whose it is.
        folder: Gets ``curve.png`` and ``reliability.png``.

    Raises:
        DataError: They cannot be written.
    """
    measured = decoder.measured
    if "curve" in measured:
        figure = Figure(figsize=(7, 4.6), layout="constrained")
        _curve(figure.subplots(), measured["curve"], measured["operating"], title)
        save(figure, folder / CURVE)
    if "reliability" in measured:
        figure = Figure(figsize=(5.6, 5.4), layout="constrained")
        _reliability(figure.subplots(), measured["reliability"], title)
        save(figure, folder / RELIABILITY)


def _curve(axes: Axes, curve: Mapping[str, Any], operating: Mapping[str, Any], title: str) -> None:
    points = curve["points"]
    kinds = [kind for kind in KINDS.values() if any(kind in point for point in points)]
    for kind, colour in zip(kinds, COLOURS, strict=False):
        rates = [point["false_per_minute"] for point in points]
        axes.plot(rates, [point[kind] for point in points], ".-", color=colour, lw=1.2, ms=4, label=kind)
        for name, mark in _MARKS.items():
            at = operating[name]
            rate, recall = at["false_alarms"]["per_minute"], at["planted"][kind]["recall"]
            axes.plot(rate, recall, mark, color=colour, ms=9, mec="black", mew=0.8, clip_on=False)
    for name, mark in _MARKS.items():
        at = operating[name]
        rate = at["false_alarms"]["per_minute"]
        axes.axvline(at["budget"], color="#bbbbbb", lw=0.8, ls=":", zorder=0)
        label = f"{name}: {rate:g} a minute ({at['budget']:g} allowed)"
        axes.plot([], [], mark, color="white", mec="black", label=label)
    # Far beyond the highest sensitivity the threshold finds everything everywhere: nobody would want it.
    widest = max(max(at["false_alarms"]["per_minute"], at["budget"]) for at in operating.values())
    axes.set(
        xlim=(-0.02 * widest, 2 * widest),
        ylim=(0, 1.02),
        xlabel=f"false alarms a minute, in {curve['minutes']:g} min of {curve['false_alarms_in']}",
        ylabel="recall at IoU ≥ 0.5",
        title=f"{title}: validation clips",
    )
    axes.legend(fontsize=8, loc="lower right")
    axes.grid(alpha=0.25)


def _reliability(axes: Axes, trust: Mapping[str, Any], title: str) -> None:
    bins = trust["bins"]
    axes.plot([0, 1], [0, 1], color="#888888", lw=1, ls="--", label="as often right as it says")
    said, right = [one["said"] for one in bins], [one["right"] for one in bins]
    axes.plot(said, right, "o-", color=COLOURS[0], label="intervals of people held out")
    for one in bins:
        axes.annotate(
            str(one["count"]),
            (one["said"], one["right"]),
            (0, 7),
            textcoords="offset points",
            ha="center",
            size=8,
        )
    errors = ", ".join(f"{error:.3f} {name}" for name, error in trust["error"].items())
    axes.set(
        xlim=(0, 1),
        ylim=(0, 1.05),
        xlabel="confidence",
        ylabel="share that is right",
    )
    axes.set_title(f"{title}\nexpected calibration error by sensitivity: {errors}", size=9)
    axes.legend(fontsize=8, loc="upper left")
    axes.grid(alpha=0.25)
