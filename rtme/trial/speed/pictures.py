"""The results of the speed benches as pictures, one each."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rtme.errors import SettingsError

Result = Mapping[str, Any]

# Okabe and Ito's colours, told apart by most people with a colour vision deficiency.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#555555")
_MARKS = {"p50": "o", "p95": "s", "p99": "^", "max": "|"}


def draw(bench: str, result: Result, path: Path, machine: str) -> None:
    """Draw a result.

    Args:
        bench: Name of the bench.
        result: What it gave.
        path: The PNG.
        machine: Stands under it.

    Raises:
        SettingsError: The file cannot be written.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    _MAKERS[bench](figure, result)
    figure.supxlabel(machine, x=0.99, ha="right", size=7, color="gray")
    try:
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as error:
        raise SettingsError(f"the picture {path} cannot be written: {error}") from error


def _latency(figure: Figure, result: Result) -> None:
    left, right = figure.subplots(1, 2)
    stages = {name: found for name, found in result["stages_ms"].items() if found}
    for colour, (rank, mark) in zip(_COLOURS, _MARKS.items(), strict=False):
        values = [max(found[rank]["median"], 1e-3) for found in stages.values()]
        left.plot(values, list(stages), mark, color=colour, markersize=8, label=rank)
    left.set(xscale="log", xlabel="milliseconds from the stage before")
    _tidy(left, "x")
    left.invert_yaxis()
    left.legend(fontsize=8)
    found = result["expressions"]
    for colour, end in zip(_COLOURS, ("onset", "offset"), strict=False):
        delays = {status: ms for status, ms in found[f"from_{end}_ms"].items() if ms}
        right.plot(
            [ms["p50"] for ms in delays.values()],
            list(delays),
            "o",
            color=colour,
            label=f"after its {end}, p50",
        )
        right.plot(
            [ms["p95"] for ms in delays.values()],
            list(delays),
            "s",
            color=colour,
            label=f"after its {end}, p95",
        )
    for ms in result["look_ahead_ms"]:
        right.axvline(ms, color="gray", linestyle=":", label=f"look-ahead, {ms:g} ms")
    right.set(xlabel="milliseconds to the event at a subscriber")
    _tidy(right, "x")
    right.margins(y=0.3)
    right.invert_yaxis()
    right.legend(fontsize=7)


def _throughput(figure: Figure, result: Result) -> None:
    left, right = figure.subplots(1, 2)
    for colour, live in zip(_COLOURS, result["live"], strict=False):
        counts = [row["streams"] for row in live["rows"]]
        load = [row["cpu_percent"]["median"] for row in live["rows"]]
        left.plot(counts, load, "o-", color=colour, label=f"{live['fps']} frames/s")
        failed = [place for place, row in enumerate(live["rows"]) if not row["held"]]
        left.plot([counts[k] for k in failed], [load[k] for k in failed], "x", color="black", markersize=11)
        timed = [
            (row["streams"], row["worst_pipeline_ms"]) for row in live["rows"] if row["worst_pipeline_ms"]
        ]
        right.plot(
            [n for n, _ in timed],
            [ms["p50"]["median"] for _, ms in timed],
            "o-",
            color=colour,
            label=f"{live['fps']} frames/s, p50",
        )
        right.plot(
            [n for n, _ in timed],
            [ms["p95"]["median"] for _, ms in timed],
            "s--",
            color=colour,
            label=f"{live['fps']} frames/s, p95",
        )
    left.set(xlabel="streams (x: frames were dropped)", ylabel="per cent of one core")
    right.set(xlabel="streams", ylabel="milliseconds, decoder to scored, slowest stream")
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_ylim(0, 1.08 * axes.dataLim.ymax)
        _tidy(axes, "both")
        axes.legend(fontsize=8)


def _ratio(figure: Figure, result: Result) -> None:
    axes = figure.add_subplot()
    names = {"floor": "MediaPipe's landmarks alone", "rtme": "rtme", "plain": "plain sliding window"}
    values = [result["ways"][way]["seconds"]["median"] for way in names]
    bars = axes.barh(list(names.values()), values, color=_COLOURS[:3])
    axes.bar_label(bars, [f"{value:.2f} s" for value in values], padding=3)
    axes.margins(x=0.15)
    axes.invert_yaxis()
    axes.set(xlabel=f"seconds for {result['frames']} pictures, face room and engine")
    _tidy(axes, "x")


def _engines(figure: Figure, result: Result) -> None:
    left, right = figure.subplots(1, 2)
    kinds = sorted({(row["backend"], row["precision"]) for row in result["rows"]})
    for place, kind in enumerate(kinds):
        rows = [row for row in result["rows"] if (row["backend"], row["precision"]) == kind]
        batches = [str(row["batch"]) for row in rows]
        colour, line = _COLOURS[place % len(_COLOURS)], "o-" if place < len(_COLOURS) else "s--"
        left.plot(
            batches, [row["ms_per_crop"]["median"] for row in rows], line, color=colour, label=" ".join(kind)
        )
        right.plot(batches, [row["ms_per_window"]["median"] for row in rows], line, color=colour)
    left.set(xlabel="crops at once", ylabel="milliseconds a crop")
    right.set(xlabel="windows at once", ylabel="milliseconds a window")
    for axes in (left, right):
        axes.set_ylim(0, 1.08 * axes.dataLim.ymax)
        _tidy(axes, "both")
    left.legend(fontsize=8)


def _memory(figure: Figure, result: Result) -> None:
    left, right = figure.subplots(1, 2)
    rows = result["rows"]
    left.plot(
        [row["streams"] for row in rows], [row["rss_mib"]["median"] for row in rows], "o-", color=_COLOURS[0]
    )
    left.set(xlabel="streams", ylabel="MiB")
    left.xaxis.get_major_locator().set_params(integer=True)
    right.plot(
        [seconds / 60 for seconds, _ in result["long"]["points"]],
        [mib for _, mib in result["long"]["points"]],
        color=_COLOURS[0],
    )
    right.set(xlabel="minutes, one stream", ylabel="MiB")
    for axes in (left, right):
        axes.set_ylim(0, 1.08 * axes.dataLim.ymax)
        _tidy(axes, "both")


def _soak(figure: Figure, result: Result) -> None:
    panels = figure.subplots(1, 3)
    minutes = [point[0] / 60 for point in result["points"]]
    for axes, title, lines in (
        (panels[0], "MiB", {"": 1}),
        (panels[1], "p99 of a frame, ms, over a minute", {"": 4}),
        (panels[2], "", {"descriptors": 2, "threads": 3}),
    ):
        for colour, (label, place) in zip(_COLOURS, lines.items(), strict=False):
            values = [np.nan if point[place] is None else point[place] for point in result["points"]]
            axes.plot(minutes, values, color=colour, label=label or None)
        for at, kind, lasts in result["faults"]:
            shade = _COLOURS[1] if kind.startswith("source") else _COLOURS[3]
            axes.axvspan(at / 60, (at + lasts) / 60, color=shade, alpha=0.25, linewidth=0)
        axes.set(xlabel="minutes", ylabel=title)
        axes.set_ylim(0, 1.08 * axes.dataLim.ymax)
        _tidy(axes, "y")
    panels[2].legend(fontsize=8)
    panels[0].set_title("source broken: red, subscriber: yellow", fontsize=8)


def _dashboard(figure: Figure, result: Result) -> None:
    left, right = figure.subplots(1, 2)
    found = {f"page usable, {name}": one["median"] for name, one in result["interactive_ms"].items()}
    found |= {f"interval drawn, {rank}": result["drawn_ms"][rank] for rank in ("p95", "p50")}
    left.barh(list(found), list(found.values()), color=_COLOURS[0])
    left.set(xlabel="milliseconds")
    frames = result["long"]["frames_ms"]
    for colour, (rank, mark) in zip(_COLOURS, _MARKS.items(), strict=False):
        values = [one[rank] for one in frames.values()]
        right.plot(values, list(frames), mark, color=colour, markersize=8, label=rank)
    right.set(xlabel=f"milliseconds between frames, {result['long']['hours']:g} hours of history")
    right.set_xlim(left=0)
    right.invert_yaxis()
    right.legend(fontsize=8)
    for axes in (left, right):
        _tidy(axes, "x")


def _tidy(axes: Axes, grid: str) -> None:
    axes.grid(axis=grid, alpha=0.3)  # type: ignore[arg-type]
    axes.spines[["top", "right"]].set_visible(False)


_MAKERS: dict[str, Callable[[Figure, Result], None]] = {
    "latency": _latency,
    "throughput": _throughput,
    "ratio": _ratio,
    "engines": _engines,
    "memory": _memory,
    "soak": _soak,
    "dashboard": _dashboard,
}

PICTURED = frozenset(_MAKERS)
"""The benches whose results can be drawn."""
