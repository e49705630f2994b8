"""How things are at this moment, from the events and traces that came so far: what a live view shows."""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from rtme.bus.standing import Standing
from rtme.events import (
    SERVICE,
    AnyEvent,
    GapEvent,
    HeartbeatEvent,
    IntervalEvent,
    StreamHealth,
    TruthEvent,
    WarningEvent,
)
from rtme.traces import Trace

LAST = 50
"""Events kept to be told of."""
LINGER_S = 1.5
"""How long an interval is shown after it was closed."""
STALE_S = 2.0
"""A score that is older says nothing of now."""
_TOLD = IntervalEvent | GapEvent | WarningEvent | TruthEvent


@dataclass(frozen=True, slots=True)
class FaceNow:
    """One face now.

    Attributes:
        face: Identity.
        judged: Whether it is fit to be judged.
        reason: Why not.
        turn: ``speaking`` or ``listening``; None while unknown.
        interval: Open, or closed just now.
        score: Of a micro-expression, 0..1; None where nothing is known.
        speaking: Probability that the person speaks, likewise.
    """

    face: int
    judged: bool
    reason: str | None
    turn: Literal["speaking", "listening"] | None
    interval: IntervalEvent | None
    score: float | None
    speaking: float | None


@dataclass(frozen=True, slots=True)
class SourceNow:
    """One source now.

    Attributes:
        name: Of the stream.
        state: ``connecting``, ``live``, ``stalled``, ``backoff`` or ``ended``; None before it was said.
        detail: What was said with it.
        health: Its line in the newest heartbeat.
        faces: That are there.
    """

    name: str
    state: str | None
    detail: str
    health: StreamHealth | None
    faces: list[FaceNow]

    @property
    def well(self) -> bool:
        """Whether pictures come."""
        return self.state == "live"


class Scene:
    """Takes in events and traces of one service, and says how things are. Use it from one thread.

    Args:
        streams: Tell of these only; None: of all.
        clock: Seconds that never go back.

    Attributes:
        beat: The newest heartbeat.
        last: What was found or went wrong, newest last.
    """

    def __init__(
        self, streams: Collection[str] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.beat: HeartbeatEvent | None = None
        self.last: deque[_TOLD] = deque(maxlen=LAST)
        self._streams = streams
        self._clock = clock
        self._standing = Standing()
        self._closed: dict[tuple[str, int], tuple[float, IntervalEvent]] = {}
        self._traces: dict[tuple[str, int], tuple[float, Trace]] = {}

    def add(self, event: AnyEvent) -> None:
        """Take in an event."""
        if event.run_id != self._standing.run_id:
            self.beat = None
            self._closed.clear()
            self._traces.clear()
        self._standing.fold(event)
        if isinstance(event, HeartbeatEvent):
            self.beat = event
            self._forget_old()
        elif isinstance(event, IntervalEvent) and event.status == "closed":
            self._closed[event.stream, event.face] = self._clock(), event
        if isinstance(event, _TOLD) and self._wanted(event.stream):
            self._tell(event)

    def trace(self, trace: Trace) -> None:
        """Take in a piece of a face's curve."""
        self._traces[trace.stream, trace.face] = self._clock(), trace

    def sources(self) -> list[SourceNow]:
        """Every source, those without pictures first, then in the order in which the service names them."""
        health = {} if self.beat is None else self.beat.streams
        names = dict.fromkeys([*health, *self._standing.streams])
        found = [
            self._source(name, health.get(name)) for name in names if name != SERVICE and self._wanted(name)
        ]
        return sorted(found, key=lambda source: source.well)

    def source(self, name: str) -> SourceNow:
        """One source."""
        return self._source(name, None if self.beat is None else self.beat.streams.get(name))

    def _source(self, name: str, health: StreamHealth | None) -> SourceNow:
        standing = self._standing.streams.get(name)
        said = None if standing is None else standing.state
        state = said.state if said is not None else None if health is None else health.state
        return SourceNow(
            name,
            state,
            "" if said is None else said.detail,
            health,
            list(self._faces(name)) if standing else [],
        )

    def _faces(self, name: str) -> Iterator[FaceNow]:
        stream = self._standing.streams[name]
        turns = {turn.face: turn for turn in stream.turns.values()}
        open_ones = {one.face: one for one in stream.intervals.values()}
        for number, event in sorted(stream.faces.items()):
            turn = turns.get(number)
            score, speaking = self._scores(name, number, stream.epoch)
            yield FaceNow(
                number,
                event.status != "not_judged",
                event.reason,
                None if turn is None else turn.state,
                open_ones.get(number) or self._closed_just_now(name, number, stream.epoch),
                score,
                speaking,
            )

    def _closed_just_now(self, name: str, face: int, epoch: int) -> IntervalEvent | None:
        when, event = self._closed.get((name, face), (float("-inf"), None))
        fresh = self._clock() - when < LINGER_S
        return event if event is not None and fresh and event.epoch == epoch else None

    def _scores(self, name: str, face: int, epoch: int) -> tuple[float | None, float | None]:
        when, trace = self._traces.get((name, face), (float("-inf"), None))
        if trace is None or self._clock() - when > STALE_S or trace.epoch != epoch or not trace.score:
            return None, None
        return trace.score[-1], trace.speaking[-1]

    def _forget_old(self) -> None:
        """Leave out what is shown no more: faces get new numbers for ever, and traces still come of those that are gone."""
        now = self._clock()
        self._closed = {key: one for key, one in self._closed.items() if now - one[0] < LINGER_S}
        self._traces = {key: one for key, one in self._traces.items() if now - one[0] <= STALE_S}

    def _wanted(self, stream: str) -> bool:
        return self._streams is None or stream in self._streams or stream == SERVICE

    def _tell(self, event: _TOLD) -> None:
        """An interval takes the place of what was said of it before."""
        if isinstance(event, IntervalEvent):
            for place, before in enumerate(self.last):
                if isinstance(before, IntervalEvent) and (before.stream, before.epoch, before.id) == (
                    event.stream,
                    event.epoch,
                    event.id,
                ):
                    del self.last[place]
                    break
            if event.status == "retracted":
                return
        self.last.append(event)
