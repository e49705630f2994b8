"""A page of a terminal: sources, faces, live bars, what was found last and how the service does.

What does not fit is left out and said: a page never has more lines than the terminal, and no line is longer.
"""

from collections.abc import Iterable

from rich.text import Text

from rtme.events import HeartbeatEvent, IntervalEvent
from rtme.view.scene import FaceNow, Scene, SourceNow
from rtme.view.terminal import INTERVAL_STYLES, describe, printable, time_of_day
from rtme.view.words import TYPES

ALARM = "bold reverse red"
"""Seen without colours too."""
STATES = {
    "live": "green",
    "connecting": "yellow",
    "stalled": "bold red",
    "backoff": "bold red",
    "ended": "bold",
}
_TURNS = {"speaking": "magenta", "listening": "cyan"}
_BLOCKS = " ▏▎▍▌▋▊▉█"
_WIDE = 76
"""Columns from which on a source's line has everything."""


def page(
    scene: Scene,
    width: int,
    height: int,
    *,
    address: str,
    silence: str | None = None,
    note: str | None = None,
) -> Text:
    """A page.

    Args:
        scene: How things are.
        width: Columns of the terminal.
        height: Its rows.
        address: Of the service.
        silence: Why no data comes, as a sentence; None while they come.
        note: Something else to be said, likewise.
    """
    sources = scene.sources()
    head = [_title(scene.beat, address)]
    if silence is not None:
        head.append(Text(f" NO DATA  {silence} ".ljust(width), ALARM))
    foot = [Text(note, "yellow")] if note else []
    if scene.beat is not None and scene.beat.engine_note:
        foot.append(Text(printable(scene.beat.engine_note), "dim"))
    foot = foot[: max(0, height - len(head) - 2)]
    # What happened last has a third of what is left, and more where the sources leave it.
    room = max(1, height - len(head) - len(foot) - 1)
    wanted = sum(1 + len(source.faces) for source in sources) + 1
    told = min(len(scene.last), max(room // 3, room - wanted - 1)) if room > 5 else 0
    body = _sources(sources, width, room - (told + 1 if told else 0), stale=silence is not None)
    lines = [*head, _columns(width), *body]
    if told:
        lines.append(Text("last", "bold"))
        for event in list(scene.last)[-told:]:
            what, style = describe(event)
            if isinstance(event, IntervalEvent) and width < _WIDE:
                what = f"{event.type} {event.status} {event.onset.time_s:.2f}–{event.offset.time_s:.2f} s"
            lines.append(
                Text.assemble(
                    (time_of_day(event)[:8] + " ", "dim"),
                    (printable(event.stream) + " ", "cyan"),
                    (printable(what), style),
                )
            )
    lines += [Text()] * (height - len(lines) - len(foot))
    return _fitted([*lines[: max(0, height - len(foot))], *foot][:height], width)


def _fitted(lines: Iterable[Text], width: int) -> Text:
    kept = []
    for line in lines:
        line.truncate(width, overflow="ellipsis")
        kept.append(line)
    whole = Text("\n", no_wrap=True, overflow="crop").join(kept)
    whole.no_wrap = True
    return whole


def _title(beat: HeartbeatEvent | None, address: str) -> Text:
    title = Text.assemble(("rtme ", "bold"), (printable(address), "cyan"))
    if beat is not None:
        title.append(f"  up {_span(beat.uptime_s)}, event {beat.last_seq}, {printable(beat.engine)}")
        title.append(f", sensitivity {beat.sensitivity}")
        if beat.backend:
            title.append(f", {printable(beat.backend)}", "dim")
        if beat.journal is not None and beat.journal.state != "ok":
            title.append(f"  journal failing: {beat.journal.waiting} wait", "bold red")
    return title


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _columns(width: int) -> Text:
    wide = "  drops  p50 / p95 ms  faces" if width >= _WIDE else ""
    return Text(f"{'source':<{_name_width(width)}} {'state':<10} {'fps':>5}{wide}", "bold underline")


def _name_width(width: int) -> int:
    return max(8, min(24, width - 60 if width >= _WIDE else width - 20))


def _sources(sources: list[SourceNow], width: int, room: int, *, stale: bool) -> list[Text]:
    """As many as fit; when not every face has a line, none has."""
    if not sources:
        return [Text("no source yet", "dim")]
    with_faces = sum(1 + len(source.faces) for source in sources) <= room
    lines: list[Text] = []
    for place, source in enumerate(sources):
        if len(lines) == room - 1 and place < len(sources) - 1:
            lines.append(Text(f"and {len(sources) - place} more", "dim"))
            break
        lines.append(_source(source, width, stale=stale, brief=not with_faces))
        if with_faces:
            lines += [_face(face, width, stale=stale) for face in source.faces]
    return lines[: max(1, room)]


def _source(source: SourceNow, width: int, *, stale: bool, brief: bool) -> Text:
    health = source.health
    state = "?" if stale else source.state or "?"
    name = Text(printable(source.name), "cyan")
    name.truncate(_name_width(width), overflow="ellipsis", pad=True)
    line = Text.assemble(name, " ", (f"{state:<10}", "dim" if stale else STATES.get(state, "")))
    if source.well or width >= _WIDE or not source.detail:
        line.append(f" {'-' if stale or health is None else f'{health.fps:.1f}':>5}")
    if width >= _WIDE:
        lost = sum(health.drops.values()) if health else None
        line.append(f"{'-' if lost is None else lost:>7}", "yellow" if lost else "")
        took = health and (health.system_ms or health.pipeline_ms)
        line.append(f"{f'{took.p50:.0f} / {took.p95:.0f}' if took else '-':>14}  ")
        line.append(f"{health.faces if health else '-':>5}")
    if not source.well and not stale and source.detail:
        line.append(f" {printable(source.detail)}", STATES.get(state, ""))
    elif brief and not stale:
        for face in source.faces[:1]:
            line.append(" ")
            line.append_text(_bar(face.score, 6, "red"))
            line.append(f" {face.turn or ''}", _TURNS.get(face.turn or "", ""))
    return line


def _face(face: FaceNow, width: int, *, stale: bool) -> Text:
    line = Text(f"  face {face.face} ")
    if stale:
        return line.append("-", "dim")
    if not face.judged:
        return line.append(f"not judged: {printable(face.reason or 'unfit')}", "dim")
    line.append(f"{face.turn or '':<9} ", _TURNS.get(face.turn or "", ""))
    wide = width >= _WIDE
    if wide:
        line.append("score ")
    line.append_text(_bar(face.score, 12 if wide else 8, "red"))
    line.append(f" {_number(face.score)}")
    if wide:
        line.append("  speaks ")
        line.append_text(_bar(face.speaking, 8, "magenta"))
        line.append(f" {_number(face.speaking)}")
    if face.interval is not None:
        kind = TYPES[face.interval.type] if wide else face.interval.type
        line.append(f"  {kind} {face.interval.status}", INTERVAL_STYLES[face.interval.status])
    return line


def _number(value: float | None) -> str:
    return "   -" if value is None else f"{value:.2f}"


def _bar(value: float | None, cells: int, style: str) -> Text:
    """A bar in eighths of a cell."""
    eighths = 0 if value is None else round(max(0.0, min(1.0, value)) * cells * 8)
    full, part = divmod(eighths, 8)
    filled = "█" * full + (_BLOCKS[part] if part else "")
    return Text.assemble((filled, style), ("·" * (cells - len(filled)), "dim"))
