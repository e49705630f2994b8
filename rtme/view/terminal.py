"""Events as lines for people."""

import time
from datetime import datetime

from rich.text import Text

from rtme.events import (
    AnyEvent,
    FaceEvent,
    GapEvent,
    HeartbeatEvent,
    IntervalEvent,
    Mark,
    SpeakerEvent,
    StateEvent,
    TruthEvent,
    WarningEvent,
)
from rtme.view.words import FACES, GAPS, PLANTED, TYPES

INTERVAL_STYLES = {
    "provisional": "dim",
    "confirmed": "green",
    "closed": "bold green",
    "retracted": "dim strike",
}


def render(event: AnyEvent) -> Text:
    """One event as one line.

    The time of day is that of the newest frame the service had seen, or now for an event without a frame. All
    seconds are the stream's own.
    """
    what, style = describe(event)
    line = Text(no_wrap=True)
    line.append(f"{time_of_day(event)}  ", style="dim")
    line.append(f"{printable(event.stream):<12} ", style="cyan")
    line.append(printable(what), style=style)
    delay = _delay(event)
    if delay:
        line.append(f"  {delay}", style="dim")
    return line


def describe(event: AnyEvent) -> tuple[str, str]:
    """What happened, and the style of saying it."""
    match event:
        case IntervalEvent():
            return _interval(event), INTERVAL_STYLES[event.status]
        case SpeakerEvent():
            return _turn(event), "magenta"
        case FaceEvent():
            reason = f": {event.reason}" if event.reason else ""
            return f"face {event.face}  {FACES[event.status]}{reason}", "blue"
        case StateEvent():
            return event.state + (f": {event.detail}" if event.detail else ""), "bold"
        case GapEvent():
            where = f"  {_span(event.start, event.end)}" if event.start and event.end else ""
            return f"gap: {event.count} {GAPS[event.cause]}{where}", "yellow"
        case WarningEvent():
            return f"warning: {event.text}", "bold yellow"
        case TruthEvent():
            label = f" ({event.label})" if event.label else ""
            return (
                f"really there: {PLANTED[event.what]}{label}  {_span(event.start, event.end)}",
                "bright_cyan",
            )
        case HeartbeatEvent():
            streams = ", ".join(
                f"{name} {health.state} {health.fps:.0f} fps" for name, health in event.streams.items()
            )
            return (
                f"alive for {event.uptime_s:.0f} s, event {event.seq}{_journal(event)}: {streams or 'no stream'}",
                "dim",
            )


def _interval(event: IntervalEvent) -> str:
    return (
        f"face {event.face}  {TYPES[event.type]} {event.status:<11}  {_span(event.onset, event.offset)}"
        f"  apex {event.apex.time_s:.2f} s  confidence {event.confidence:.2f}"
    )


def _journal(event: HeartbeatEvent) -> str:
    if event.journal is None or event.journal.state == "ok":
        return ""
    return f", journal failing ({event.journal.waiting} wait, {event.journal.missing} missing)"


def _turn(event: SpeakerEvent) -> str:
    if event.end is None:
        when = f"{event.state} since {event.start.time_s:.2f} s"
    else:
        when = f"was {event.state}  {_span(event.start, event.end)}"
    return f"face {event.face}  {when}  confidence {event.confidence:.2f}"


def _span(first: Mark, last: Mark) -> str:
    """From when to when, both frames inclusive."""
    return (
        f"{first.time_s:.2f}–{last.time_s:.2f} s  frames {first.frame}–{last.frame}"
        f"  {1000 * (last.time_s - first.time_s):.0f} ms"
    )


def _delay(event: AnyEvent) -> str:
    """How late this is said: what was waited for by design, and what the machine took."""
    if not isinstance(event, IntervalEvent | SpeakerEvent):
        return ""
    parts = []
    if event.algorithmic_ms is not None:
        parts.append(f"look-ahead {event.algorithmic_ms:.0f} ms")
    if event.system_ms is not None:
        parts.append(f"system {event.system_ms:.0f} ms")
    return " + ".join(parts)


def time_of_day(event: AnyEvent) -> str:
    """Of the newest frame that was seen when it was said, else now, to a millisecond."""
    wall_s = event.at.wall_ns / 1e9 if event.at is not None else time.time()
    return datetime.fromtimestamp(wall_s).strftime("%H:%M:%S.%f")[:-3]


def printable(text: str) -> str:
    """One line without control characters: names and texts come off a wire and may not steer the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
