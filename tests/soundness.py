"""What must be true of a run's events whatever went wrong in it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from rtme.events import (
    AnyEvent,
    FaceEvent,
    GapEvent,
    HeartbeatEvent,
    IntervalEvent,
    SpeakerEvent,
    StateEvent,
    WarningEvent,
)

_RANK = {"provisional": 0, "confirmed": 1, "closed": 2, "retracted": 2}


def assert_sound(events: Sequence[AnyEvent], *, over: bool = True) -> None:
    """No hole in the numbers, no epoch that falls, nothing that crosses an epoch, and in the end nothing open.

    Args:
        events: All that one listener got of one run, in order.
        over: The run has ended, so everything that was opened must be closed and every stream must have ended.
    """
    numbers = [event.seq for event in events]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len({event.run_id for event in events}) == 1
    _assert_epochs(events)
    _assert_intervals(events, over=over)
    _assert_turns(events, over=over)
    if over:
        streams = {event.stream for event in events if isinstance(event, StateEvent)}
        assert {name for name in streams if states(events, name)[-1] != "ended"} == set()


def _assert_epochs(events: Iterable[AnyEvent]) -> None:
    newest: dict[str, int] = defaultdict(int)
    for event in events:
        if isinstance(event, IntervalEvent | SpeakerEvent | FaceEvent):
            assert event.epoch >= newest[event.stream], event
            newest[event.stream] = event.epoch


def _assert_intervals(events: Iterable[AnyEvent], *, over: bool) -> None:
    last: dict[str, IntervalEvent] = {}
    for event in events:
        if not isinstance(event, IntervalEvent):
            continue
        before = last.get(event.id)
        if before is not None:
            assert event.epoch == before.epoch
            assert _RANK[event.status] > _RANK[before.status]
            assert event.onset == before.onset
        assert event.onset.frame <= event.apex.frame <= event.offset.frame
        assert event.onset.capture_ns <= event.offset.capture_ns
        last[event.id] = event
    if over:
        assert {name for name, event in last.items() if _RANK[event.status] < 2} == set()


def _assert_turns(events: Iterable[AnyEvent], *, over: bool) -> None:
    last: dict[str, SpeakerEvent] = {}
    for event in events:
        if not isinstance(event, SpeakerEvent):
            continue
        before = last.get(event.id)
        if before is not None:
            assert event.epoch == before.epoch
            assert event.start == before.start
            assert before.end is None
        last[event.id] = event
    if over:
        assert {name for name, event in last.items() if event.end is None} == set()


def states(events: Iterable[AnyEvent], stream: str | None = None) -> list[str]:
    """States in their order, of one stream if named."""
    return [e.state for e in events if isinstance(e, StateEvent) and stream in (None, e.stream)]


def warnings(events: Iterable[AnyEvent]) -> list[str]:
    """What a person was told."""
    return [event.text for event in events if isinstance(event, WarningEvent)]


def gaps(events: Iterable[AnyEvent], cause: str) -> list[GapEvent]:
    """Gaps of one cause."""
    return [event for event in events if isinstance(event, GapEvent) and event.cause == cause]


def beats(events: Iterable[AnyEvent]) -> list[HeartbeatEvent]:
    """Heartbeats."""
    return [event for event in events if isinstance(event, HeartbeatEvent)]
