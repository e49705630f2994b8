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

    def add(self, event: AnyEvent, *, old: bool = False) -> tuple[Row, MarkJson | None]:
        """Take in the next event.

        Args:
            event: Of any kind but heartbeats.
            old: It was said before the dashboard listened: an event without a frame has the time of the one before it.
        """
        if not old:
            self._follow_run(event)
        row = self._row(event, old)
        mark = mark_of(event, row.time)
        if mark is not None:
            self._put(mark)
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

    def add_earlier(self, events: list[AnyEvent]) -> None:
        """Take in what was said before everything that is known already, oldest first."""
        newest, run = self._newest, self._run
        earlier = []
        self._newest = 0.0
        for event in events:
            self._follow_run(event)
            if isinstance(event, HeartbeatEvent):
                continue
            row = self._row(event, old=True)
            mark = mark_of(event, row.time)
            if mark is not None:
                self._put(mark)
            earlier.append(row)
        if run is not None and self._run != run:
            self._leave_open(run)
        self._newest, self._run = newest, run
        # What stood open when the dashboard came is known already, and may lie before or among these.
        again = {row.key for row in earlier}
        rest = [row for row in self.events if row.key not in again]
        first = next((row.key for row in earlier), ("", 0))
        before = [row for row in rest if row.stored.run_id == first[0] and row.stored.seq < first[1]]
        self.events.clear()
        self.events.extend(before + earlier + rest[len(before) :])

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

    def _put(self, mark: MarkJson) -> None:
        self.marks.setdefault(mark["stream"], Marks()).put(mark)

    def _follow_run(self, event: AnyEvent) -> None:
        run = run_of(event)
        if self._run is not None and run != self._run:
            self._leave_open(run)
        self._run = run

    def _leave_open(self, run: str) -> None:
        """What other runs than this one left open stays so."""
        for marks in self.marks.values():
            marks.leave_open(run, self._newest)

    def _row(self, event: AnyEvent, old: bool) -> Row:
        at = event.at or next(
            (
                value
                for name in ("end", "offset", "start")
                if isinstance(value := getattr(event, name, None), Mark)
            ),
            None,
        )
        if at is not None:
            when = ms(at.wall_ns)
            self._newest = when
        else:
            when = self._newest if old and self._newest else round(time.time() * 1000, 1)
        body = dump(event)
        stored = Stored(event.seq, event.run_id, event.stream, event.kind, round(when * 1e6), body)
        return Row(stored, when, printable(describe(event)[0]))


def health_json(beat: HeartbeatEvent) -> dict[str, Any]:
    """A heartbeat as the page has it."""
    return json.loads(beat.model_dump_json(exclude={"schema_", "at", "algorithmic_ms", "system_ms"}))  # type: ignore[no-any-return]
