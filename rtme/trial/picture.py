"""A trial as a picture: what was planted and what was found, over time."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from rtme.errors import SettingsError
from rtme.trial.outcome import Outcome, Viewing
from rtme.trial.planting import Stretch

ROW_S = 60.0
"""Footage in one row of the picture."""

# Okabe and Ito's colours, which most people tell apart.
_FOUND, _MISSED, _ALARM, _GREY = "#009E73", "#E69F00", "#D55E00", "#eceff1"
_LEAST_S = 0.15  # what is shorter would not be seen


def draw(outcome: Outcome, path: Path) -> None:
    """Draw it: all footage end to end, a minute a row, a grey ground where nothing was planted.

    Of recordings, each minute as it was under the same minute with expressions planted.

    Raises:
        SettingsError: The file cannot be written.
    """
    lanes = 1 if outcome.live else 2
    parts = [(viewing, stretch) for viewing in outcome.viewings for stretch in viewing.source.stretches]
    starts, total = _starts(parts, lanes)
    minutes = max(1, -(-int(total) // int(ROW_S)))
    figure = Figure(figsize=(11, 1.4 + 0.45 * minutes * lanes), layout="constrained")
    axes = figure.add_subplot()
    for (viewing, stretch), start in zip(parts, starts, strict=True):
        row = 0 if stretch.planted else lanes - 1
        shift = start - stretch.first.time_s
        if not stretch.planted:
            _bar(axes, start, start + stretch.seconds, row, lanes, _GREY, 1.0)
        for one in outcome.shown:
            if (
                stretch.planted
                and one.clip == viewing.clip
                and stretch.holds(one.planted.epoch, one.planted.apex.frame)
            ):
                colour = _MISSED if one.found is None else _FOUND
                ends = one.planted.onset.time_s + shift, one.planted.offset.time_s + shift
                _bar(axes, *ends, row, lanes, colour, 0.75)
        for alarm in outcome.alarms:
            if alarm.clip == viewing.clip and alarm.untouched != stretch.planted and alarm.lies_in(stretch):
                ends = alarm.found.onset.time_s + shift, alarm.found.offset.time_s + shift
                _bar(axes, *ends, row, lanes, _ALARM, 0.45)
    axes.set(
        xlim=(0, min(ROW_S, total)), ylim=(minutes * lanes - 0.4, -0.6), xlabel="seconds", ylabel="minute"
    )
    axes.set_yticks([minute * lanes for minute in range(minutes)], [str(minute) for minute in range(minutes)])
    names = {"planted and found": _FOUND, "planted and missed": _MISSED, "found, not planted": _ALARM}
    handles = [Patch(color=colour, label=name) for name, colour in (names | {"untouched": _GREY}).items()]
    figure.legend(handles=handles, loc="outside upper right", ncols=4, frameon=False, fontsize=8)
    figure.suptitle(outcome.source, x=0.01, ha="left", fontsize=9)
    try:
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as error:
        raise SettingsError(f"the picture {path} cannot be written: {error}") from error


def _starts(parts: Sequence[tuple[Viewing, Stretch]], lanes: int) -> tuple[list[float], float]:
    """When each part begins, seconds from the left; with two lanes what was planted and what was not run side by side."""
    starts, ends = [], [0.0, 0.0]
    for _, stretch in parts:
        lane = 0 if stretch.planted else lanes - 1
        starts.append(ends[lane])
        ends[lane] += stretch.seconds
    return starts, max(ends)


def _bar(axes: Axes, first: float, last: float, lane: int, lanes: int, colour: str, height: float) -> None:
    """From one second to another, over as many rows as that takes."""
    last = max(last, first + _LEAST_S)
    while first < last:
        minute = int(first // ROW_S)
        end = min(last, (minute + 1) * ROW_S)
        bottom = minute * lanes + lane - height / 2
        axes.broken_barh([(first - minute * ROW_S, end - first)], (bottom, height), color=colour, linewidth=0)
        first = end
