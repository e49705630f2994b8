"""The charts of a report card. They show figures and no face."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtme.trial.card import Card

# Okabe and Ito's colours, told apart by most people with a colour vision deficiency.
_BLUE, _ORANGE, _GREEN, _GREY = "#0072B2", "#D55E00", "#009E73", "#555555"

_WIDEST = 30.0  # false alarms a minute


def draw(card: Card, folder: Path, stem: str = "report") -> dict[str, str]:
    """Draw all charts.

    Args:
        card: All figures.
        folder: Where.
        stem: How the names of the files begin.

    Returns:
        Name of each file by what it shows.
    """
    names = {}
    makers: dict[str, Callable[[Card], Figure]] = {
        "scores": _scores,
        "parts": _parts,
        "cameras": _cameras,
        "confidence": _confidence,
    }
    for name, make in makers.items():
        if not card.get(name, True):
            continue
        figure = make(card)
        engine = card["engine"]
        said = f"{engine['name']} {engine['version']}: synthetic micro-expressions, people never trained on"
        figure.supxlabel(said, x=0.99, ha="right", size=7, color=_GREY)
        names[name] = f"{stem}-{name}.png"
        figure.savefig(folder / names[name], dpi=90)
    return names


def draw_scores(axes: Axes, card: Card) -> None:
    """F1, precision and recall of each set in which something was planted."""
    sets = {"portraits": card["sets"]["portraits"]} | {
        f"{folder['folder']}, planted": folder["planted"] for folder in card["sets"]["real"]
    }
    talks = card["sets"]["conversations"]
    sets |= {f"{state} throughout": talks[state] for state in ("speaking", "listening")}
    sets = {name: found for name, found in sets.items() if found["planted"]}
    places = np.arange(len(sets))
    for shift, key, colour in ((-0.27, "f1", _BLUE), (0.0, "precision", _ORANGE), (0.27, "recall", _GREEN)):
        heights = [found[key] or 0.0 for found in sets.values()]
        axes.bar(places + shift, heights, 0.25, label=key.replace("f1", "F1"), color=colour)
        for place, height in zip(places + shift, heights, strict=True):
            # Within the bar, low enough to leave the line of the interval free.
            axes.text(
                place, 0.02, f"{height:.2f}", size=7, ha="center", color="white" if height > 0.1 else _GREY
            )
        ends = [found.get(f"{key}_interval") for found in sets.values()]
        for place, height, end in zip(places + shift, heights, ends, strict=True):
            if end is not None:
                low, high = max(0.0, height - end[0]), max(0.0, end[1] - height)
                axes.errorbar(place, height, [[low], [high]], color=_GREY, lw=1, capsize=2)
    labels = [
        f"{name}\n{found['planted']} planted, {found['false_per_minute'] or 0:.1f} false/min"
        for name, found in sets.items()
    ]
    axes.set_xticks(places, labels, size=7)
    axes.set_ylim(0, 1.15)
    axes.legend(fontsize=7, frameon=False, ncols=3, loc="upper right")
    _plain(axes)


def _scores(card: Card) -> Figure:
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    draw_scores(figure.subplots(), card)
    return figure


def _parts(card: Card) -> Figure:
    figure = Figure(figsize=(10, 5.4), layout="constrained")
    grid = figure.add_gridspec(2, 2)
    for place, name in ((grid[0, 0], "displacement"), (grid[0, 1], "duration"), (grid[1, :], "action unit")):
        axes = figure.add_subplot(place)
        part = card["parts"][name]
        names = list(dict.fromkeys(row["part"] for rows in part.values() for row in rows))
        if name == "action unit":
            names.sort(key=lambda unit: int(unit[2:]))
        for shift, where, label, colour in (
            (-0.2, "portraits", "portraits", _BLUE),
            (0.2, "real", "real clips, planted", _ORANGE),
        ):
            rows = {row["part"]: row for row in part[where]}
            some = [(at, rows[one]) for at, one in enumerate(names) if one in rows and rows[one]["planted"]]
            bars = axes.bar(
                [at + shift for at, _ in some],
                [row["recall"] for _, row in some],
                0.38,
                label=label,
                color=colour,
            )
            axes.bar_label(bars, [str(row["planted"]) for _, row in some], size=6, color=_GREY)
        axes.set_xticks(range(len(names)), names, size=7)
        axes.set(ylim=(0, 1.12), title=f"recall by {name} (planted)")
        _plain(axes)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", fontsize=7, frameon=False, ncols=2)
    return figure


def _cameras(card: Card) -> Figure:
    rows = card["cameras"]
    figure = Figure(figsize=(9, 1.2 + 0.24 * len(rows)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(rows))
    groups = list(dict.fromkeys(row["group"] for row in rows))
    colours = dict(zip(groups, (_GREY, _BLUE, _ORANGE, _GREEN, "#CC79A7", "#E69F00"), strict=False))
    bars = axes.barh(
        places,
        [row["f1"] or 0.0 for row in rows],
        0.7,
        color=[colours.get(row["group"], _GREY) for row in rows],
    )
    axes.bar_label(bars, [f"{row['f1'] or 0:.2f}" for row in rows], size=7, padding=2)
    reference = rows[0]["f1"] or 0.0
    axes.axvline(reference, color=_GREY, lw=1)
    axes.axvline(max(0.0, reference - 0.1), color=_GREY, lw=1, ls=":")
    axes.set_yticks(places, [row["name"] for row in rows], size=7)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.08), title="F1 by camera and light; lines: the reference, and 0.1 below it")
    _plain(axes, "x")
    return figure


def _confidence(card: Card) -> Figure:
    curve = card["curve"]
    figure = Figure(figsize=(8 if curve else 4.6, 3.4), layout="constrained")
    grid = figure.add_gridspec(1, 2 if curve else 1)
    axes = figure.add_subplot(grid[0, 0])
    axes.plot((0, 1), (0, 1), color=_GREY, lw=1, ls=":")
    for name, label, colour in (("portraits", "portraits", _BLUE), ("real", "real clips, planted", _ORANGE)):
        bins: Sequence[Mapping[str, Any]] = card["confidence"][name]
        at = [row["confidence"] for row in bins]
        share = [row["right"] / row["found"] for row in bins]
        axes.plot(at, share, "o-", color=colour, lw=1.2, ms=4, label=label)
        for x, y, row in zip(at, share, bins, strict=True):
            axes.annotate(
                str(row["found"]),
                (x, y),
                (0, 5),
                textcoords="offset points",
                size=6,
                color=colour,
                ha="center",
            )
    axes.set(xlim=(0, 1.02), ylim=(0, 1.1), xlabel="confidence", title="share that is right (number found)")
    axes.legend(fontsize=7, frameon=False, loc="upper left")
    _plain(axes)
    if curve:
        axes = figure.add_subplot(grid[0, 1])
        for (kind, recall), colour in zip(curve["recall"].items(), (_BLUE, _ORANGE, _GREEN), strict=False):
            axes.plot(curve["false_per_minute"], recall, "o-", color=colour, lw=1.2, ms=3, label=kind)
        # Far to the right a threshold finds everything everywhere: nobody would want it.
        widest = min(_WIDEST, max(curve["false_per_minute"]))
        axes.set(xlim=(-0.02 * widest, 1.02 * widest), ylim=(0, 1.02))
        axes.set(xlabel="false alarms a minute", title="recall when thresholds were chosen")
        axes.legend(fontsize=7, frameon=False, loc="lower right")
        _plain(axes)
    return figure


def _plain(axes: Axes, along: str = "y") -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7)
    axes.title.set_fontsize(9)
    axes.xaxis.label.set_fontsize(8)
    axes.grid(axis=along, alpha=0.25, lw=0.6)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
