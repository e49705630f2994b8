"""What the dashboard remembers: events, marks, curves and health, all of it bounded."""

import json
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rtme.bus.journal import Stored
from rtme.events import AnyEvent, HeartbeatEvent, Mark, dump
from rtme.traces import Trace
from rtme.view.dashboard.curve import Curve, columns_of, rows_of
from rtme.view.dashboard.marks import MarkJson, Marks, mark_of, ms, run_of
from rtme.view.terminal import describe, printable

MOST_EVENTS = 100_000
MOST_CURVES = 200
HEALTH = 600
"""Heartbeats whose figures are kept: ten minutes."""


@dataclass(frozen=True, slots=True)
class Row:
    """One event in the list.

    Attributes:
        stored: The event as it was sent.
        time: When it was decided, milliseconds since 1970.
        words: What happened, for people.
    """

    stored: Stored
    time: float
    words: str

    @property
    def key(self) -> tuple[str, int]:
        """Which event it is."""
        return self.stored.run_id, self.stored.seq

    def json(self) -> dict[str, Any]:
        """As the page has it."""
        one = self.stored
        return {
            "run": one.run_id,
            "seq": one.seq,
            "kind": one.kind,
            "stream": one.stream,
            "time": self.time,
            "words": self.words,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events; None and an empty text: all.

    Attributes:
        kind: Of event.
        stream: Its source.
        text: Stands in its words, in small or capital letters.
        start: Milliseconds since 1970, at least.
        end: At most.
    """

    kind: str | None = None
    stream: str | None = None
    text: str = ""
    start: float | None = None
    end: float | None = None

    def fits(self, row: Row) -> bool:
        """Whether it is one of them."""
        one = row.stored
        return (
            (self.kind is None or one.kind == self.kind)
            and (self.stream is None or one.stream == self.stream)
            and (self.start is None or row.time >= self.start)
            and (self.end is None or row.time <= self.end)
            and (not self.text or self.text.lower() in f"{one.stream} {one.kind} {row.words}".lower())
        )


class History:
    """Takes in what a service says and shows, and answers what the page asks."""

    def __init__(self) -> None:
        self.events: deque[Row] = deque(maxlen=MOST_EVENTS)
        self.marks: dict[str, Marks] = {}
        self.curves: dict[tuple[str, int], Curve] = {}
        self.health: dict[str, deque[list[float | None]]] = {}
        self._run: str | None = None
        self._newest = 0.0

    def add(self, event: AnyEvent) -> tuple[Row, MarkJson | None]:
        """Take in the next event, of any kind but heartbeats."""
        self._follow_run(event)
        row = _row(event, None)
        if event.at is not None:
            self._newest = row.time
        mark = mark_of(event, row.time)
        self.put(mark)
        self.events.append(row)
        return row, mark

    def beat(self, beat: HeartbeatEvent) -> None:
        """Take in a heartbeat: its figures, and a new run."""
        self._follow_run(beat)
        now = round(time.time() * 1000, 1)
        for name, health in beat.streams.items():
            delay = health.pipeline_ms
            figures = [
                now,
                round(health.fps, 1),
                None if delay is None else round(delay.p50, 1),
                None if delay is None else round(delay.p95, 1),
            ]
            self.health.setdefault(name, deque(maxlen=HEALTH)).append(figures)

    def add_earlier(self, earlier: "Earlier") -> None:
        """Put earlier events before those that are known."""
        # What stood open when the dashboard came is known already, and may lie before or among these.
        again = {row.key for row in earlier.rows}
        rest = [row for row in self.events if row.key not in again]
        first = next((row.key for row in earlier.rows), ("", 0))
        before = [row for row in rest if row.stored.run_id == first[0] and row.stored.seq < first[1]]
        self.events.clear()
        self.events.extend([*before, *earlier.rows, *rest[len(before) :]])

    def trace(self, trace: Trace) -> dict[str, Any]:
        """Take in a piece of a curve; gives it back as the page has it."""
        key = trace.stream, trace.face
        if key not in self.curves and len(self.curves) >= MOST_CURVES:
            del self.curves[min(self.curves, key=lambda one: self.curves[one].newest)]
        rows = rows_of(trace)
        self.curves.setdefault(key, Curve()).add(rows)
        return {"t": "trace", "stream": trace.stream, "face": trace.face, "points": columns_of(rows)}

    def timeline(self, stream: str, start: float, end: float, points: int) -> dict[str, Any]:
        """What a source's timeline shows of a time: its marks, and the curve of each of its faces."""
        curves = {}
        for (name, face), curve in self.curves.items():
            if name == stream and len(rows := curve.between(start, end, points)):
                curves[face] = columns_of(rows)
        found = (
            self.marks[stream].between(start, end) if stream in self.marks else {"marks": [], "dense": None}
        )
        return found | {"stream": stream, "from": start, "to": end, "curves": curves}

    def newest_first(self, wanted: Wanted, before: tuple[str, int] | None = None) -> Iterator[Row]:
        """Events that are wanted; with ``before`` (run and number) only older ones."""
        passed = before is None
        for row in reversed(self.events):
            if passed and wanted.fits(row):
                yield row
            elif row.key == before:
                passed = True

    def wanted(self, wanted: Wanted) -> list[Row]:
        """Events that are wanted, oldest first."""
        return [row for row in self.events if wanted.fits(row)]

    def put(self, mark: MarkJson | None) -> None:
        """Take in a mark, if it is one."""
        if mark is not None:
            self.marks.setdefault(mark["stream"], Marks()).put(mark)

    def leave_open(self, run: str, time: float) -> None:
        """A run is over: what it left open stays so."""
        for marks in self.marks.values():
            marks.leave_open(run, time)

    def _follow_run(self, event: AnyEvent) -> None:
        run = run_of(event)
        if self._run not in (None, run):
            self.leave_open(self._run or "", self._newest)
        self._run = run


class Earlier:
    """What was said before everything that a history knows, taken in one by one, oldest first.

    Args:
        history: Has the marks at once, and the rows when it is given all of this.

    Attributes:
        rows: The events.
    """

    def __init__(self, history: History) -> None:
        self.rows: list[Row] = []
        self._history = history
        self._run: str | None = None
        self._newest: float | None = None

    def add(self, event: AnyEvent) -> None:
        """Take in the next event."""
        run = run_of(event)
        if self._run not in (None, run):
            self.end()
        self._run = run
        if isinstance(event, HeartbeatEvent):
            return
        row = _row(event, self._newest)
        self._newest = row.time
        self._history.put(mark_of(event, row.time))
        self.rows.append(row)

    def end(self) -> None:
        """The run of the newest event is over."""
        if self._run is not None and self._newest is not None:
            self._history.leave_open(self._run, self._newest)


def _row(event: AnyEvent, time_of_last: float | None) -> Row:
    """An event for the list; one that tells of no frame has the time of the last event, or of now."""
    marks = (getattr(event, name, None) for name in ("at", "end", "offset", "start"))
    at = next((one for one in marks if isinstance(one, Mark)), None)
    otherwise = round(time.time() * 1000, 1) if time_of_last is None else time_of_last
    when = otherwise if at is None else ms(at.wall_ns)
    stored = Stored(event.seq, event.run_id, event.stream, event.kind, round(when * 1e6), dump(event))
    return Row(stored, when, printable(describe(event)[0]))


def health_json(beat: HeartbeatEvent) -> dict[str, Any]:
    """A heartbeat as the page has it."""
    return json.loads(beat.model_dump_json(exclude={"schema_", "at", "algorithmic_ms", "system_ms"}))  # type: ignore[no-any-return]
