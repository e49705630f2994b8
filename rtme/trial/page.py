"""A trial on one page of a terminal."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from rtme.score import BoundaryError
from rtme.trial.groups import Group, by_duration, by_pixels, by_region, wilson
from rtme.trial.outcome import RULES, Outcome
from rtme.trial.record import FALSE_ALARMS, NOTE
from rtme.view.words import GAPS

_FEW = 30  # planted expressions below which a percentage says little
_MANY = 0.01  # part of all frames
_TIMES = 8  # false alarms whose time is told


def show(outcome: Outcome, console: Console) -> None:
    """Print it."""
    for line in _lines(outcome):
        console.print(line, markup=False)
    console.print(_groups(outcome))
    for line in _endnotes(outcome):
        console.print(line, markup=False)


def _lines(outcome: Outcome) -> Iterable[str]:
    counts, wish = outcome.counts, outcome.wish
    low, high = wish.pixels
    planted_minutes = counts.minutes or 0.0
    yield outcome.source
    yield f"  engine {outcome.engine}"
    yield (
        f"  planted {counts.truths} in {planted_minutes:.2f} min: about every {wish.every_s:g} s, {low:g} to {high:g} px "
        f"of a 112-px face, seed {wish.seed}; {outcome.judged:.0%} of the frames had a face that could be judged"
    )
    yield f"  {RULES}"
    yield ""
    yield f"  recall     {_share(counts.tp, counts.truths)}{_by_chance(outcome)}"
    yield f"  precision  {_share(counts.tp, counts.found)}"
    yield f"  F1         {counts.f1:.2f}"
    yield (
        f"  false alarms a minute   {_number(counts.false_alarms_per_minute, '.1f')} where planted, "
        f"{_number(outcome.untouched_per_minute, '.1f')} untouched ({len(outcome.untouched)} in "
        f"{outcome.untouched_minutes:.2f} min)"
    )
    if counts.pairs:
        yield f"  boundaries   onset {_error(counts.onset_error)}; offset {_error(counts.offset_error)}"
    yield from _delays(outcome)
    yield ""


def _by_chance(outcome: Outcome) -> str:
    chance = outcome.by_chance
    if not chance:
        return ""
    return f"; {chance} of them would be matched by what was found there untouched"


def _delays(outcome: Outcome) -> Iterable[str]:
    delays = outcome.delays()
    closed, told, ahead = (
        delays[name] for name in ("offset_to_closed", "onset_to_provisional", "look_ahead")
    )
    if closed is None or told is None or ahead is None:
        return
    yield (
        f"  decision   offset to closed {closed['p50']:.0f} ms (p95 {closed['p95']:.0f}), onset to provisional "
        f"{told['p50']:.0f} ms (p95 {told['p95']:.0f}); {ahead['p50']:.0f} of them by design (look-ahead)"
    )
    service, planting = delays["service"], outcome.planting_ms()
    if service is not None and planting is not None:
        yield (
            f"  + service  {service['p50']:.0f} ms (p95 {service['p95']:.0f}), of which planting takes "
            f"{planting['p50']:.0f} (p95 {planting['p95']:.0f}) a frame"
        )


def _groups(outcome: Outcome) -> Table:
    table = Table("", "planted", "found", "recall", "|onset|", "|offset|", "false/min", box=None)
    parts: Sequence[Sequence[Group]] = (
        by_pixels(outcome.shown),
        by_region(outcome.shown),
        by_duration(outcome.shown),
        outcome.by_state(),
    )
    for part in parts:
        for group in part:
            table.add_row(
                group.name,
                str(group.planted),
                str(group.found),
                _number(group.found / group.planted if group.planted else None, ".2f"),
                _number(group.onset, ".1f"),
                _number(group.offset, ".1f"),
                _number(group.alarms_per_minute, ".1f"),
            )
        table.add_section()
        table.add_row()
    return table


def _endnotes(outcome: Outcome) -> Iterable[str]:
    yield "  errors in frames; speaking and listening as the engine tells them, false/min of the untouched footage"
    yield f"  note: {NOTE}"
    yield f"  note: {FALSE_ALARMS}"
    if outcome.untouched:
        yield f"  untouched: {_times(outcome)}"
    if outcome.counts.truths < _FEW:
        yield (
            f"  note: {outcome.counts.truths} planted expressions are few, the 95 % intervals in brackets are wide: "
            "more footage narrows them"
        )
    in_macro = sum(one.in_macro for one in outcome.shown)
    if in_macro:
        yield f"  {in_macro} were missed in the midst of what was found as a longer (macro) expression"
    if outcome.abandoned:
        reasons = sorted({one.why for one in outcome.abandoned})
        yield f"  {len(outcome.abandoned)} were begun in vain and do not count: {'; '.join(reasons)}"
    if outcome.missed:
        reasons = [f"{count} {reason}" for reason, count in outcome.missed.most_common()]
        yield f"  {outcome.missed.total()} were due and could not be planted: {', '.join(reasons)}"
    if outcome.live:
        yield from _keeping_up(outcome)
    for note in outcome.notes:
        yield f"  note: {note}"


def _keeping_up(outcome: Outcome) -> Iterable[str]:
    drops = outcome.drops
    frames = sum(stretch.frames for viewing in outcome.viewings for stretch in viewing.source.stretches)
    lost = ", ".join(
        f"{drops[cause]} {GAPS[cause]}" for cause in ("dropped", "corrupt", "skipped") if drops[cause]
    )
    yield f"  of {frames} frames {'none was lost' if not lost else 'were lost: ' + lost}"
    if drops["dropped"] > _MANY * frames or drops["skipped"]:
        yield (
            "  note: this machine did not keep up, so the figures are of the machine too: "
            "close other programs, or see how the engine does on a recording of this camera"
        )


def _times(outcome: Outcome) -> str:
    alarms = outcome.untouched
    several = len({alarm.clip for alarm in alarms}) > 1
    times = [
        f"{alarm.clip.rpartition('/')[2] + ' ' if several else ''}{alarm.found.onset.time_s:.2f} s"
        for alarm in alarms[:_TIMES]
    ]
    more = len(alarms) - _TIMES
    return ", ".join(times) + (f" and {more} more (all are in the JSON)" if more > 0 else "")


def _share(hits: int, trials: int) -> str:
    interval = wilson(hits, trials)
    if interval is None:
        return "-"
    return f"{hits / trials:.2f} ({interval[0]:.2f} to {interval[1]:.2f}), {hits} of {trials}"


def _error(error: BoundaryError | None) -> str:
    if error is None:
        return "-"
    ms = "" if error.mean_ms is None else f" ({error.mean_ms:+.0f} ms, |{error.mean_abs_ms:.0f}|)"
    return f"{error.mean:+.1f} frames, |{error.mean_abs:.1f}|{ms}"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
