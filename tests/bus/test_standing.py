from hypothesis import given
from hypothesis import strategies as st

from made_events import mark
from rtme.bus.standing import Standing
from rtme.events import (
    AnyEvent,
    FaceEvent,
    IntervalEvent,
    SpeakerEvent,
    StateEvent,
    WarningEvent,
    dump,
    parse,
)

streams = st.sampled_from(["door", "desk"])
epochs = st.integers(0, 2)
known = {"stream": streams, "epoch": epochs}


def an_interval(stream: str, epoch: int, id_: str, status: str) -> IntervalEvent:
    return IntervalEvent.model_validate(
        {
            "stream": stream,
            "epoch": epoch,
            "id": id_,
            "face": 1,
            "type": "me",
            "status": status,
            "confidence": 1,
        }
        | {"onset": mark(1), "apex": mark(2), "offset": mark(3)}
    )


def a_turn(stream: str, epoch: int, id_: str, ended: bool) -> SpeakerEvent:
    end = mark(9) if ended else None
    return SpeakerEvent(
        stream=stream,
        epoch=epoch,
        id=id_,
        face=1,
        state="speaking",
        start=mark(1),
        end=end,
        confidence=1,
    )


ids = st.sampled_from("abc")
statuses = st.sampled_from(["provisional", "confirmed", "closed", "retracted"])
made = st.one_of(
    st.builds(an_interval, streams, epochs, ids, statuses),
    st.builds(a_turn, streams, epochs, ids, st.booleans()),
    st.builds(
        FaceEvent,
        **known,
        face=st.integers(1, 3),
        status=st.sampled_from(["appeared", "judged", "not_judged", "lost"]),
    ),
    st.builds(
        StateEvent, **known, state=st.sampled_from(["connecting", "live", "stalled", "backoff", "ended"])
    ),
    st.builds(WarningEvent, **known, text=st.just("note")),
)


@st.composite
def histories(draw: st.DrawFn) -> list[AnyEvent]:
    """Events of up to three runs; numbers begin again in some of them."""
    events: list[AnyEvent] = []
    seq = 0
    for run in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            seq = 0
        for event in draw(st.lists(made, max_size=20)):
            events.append(event.model_copy(update={"run_id": f"run{run}", "seq": seq}))
            seq += 1
    return events


def folded(events: list[AnyEvent], standing: Standing | None = None) -> Standing:
    standing = standing or Standing()
    for event in events:
        standing.fold(event)
    return standing


@given(histories(), st.data())
def test_all_events_are_a_snapshot_and_the_events_after_it(
    history: list[AnyEvent], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(history)))
    late = folded(history[:cut])
    snapshot = late.snapshot()
    before = snapshot.model_dump_json()
    whole = folded(history, late)
    assert snapshot.model_dump_json() == before, "a snapshot is not changed by what comes later"
    arrived = Standing.model_validate_json(snapshot.model_dump_json(by_alias=True))
    assert folded(history[cut:], arrived) == whole
    newest = history[-1] if history else None
    assert (whole.run_id, whole.seq) == ((newest.run_id, newest.seq) if newest else ("", -1))


@given(histories(), st.data())
def test_what_a_snapshot_holds_already_changes_nothing(history: list[AnyEvent], data: st.DataObject) -> None:
    last = [event for event in history if event.run_id == history[-1].run_id] if history else []
    cut = data.draw(st.integers(0, len(last)))
    standing = folded(history)
    again = folded(last[cut:], standing.snapshot())
    assert again == standing


@given(histories())
def test_nothing_of_an_ended_source_an_older_epoch_or_another_run_is_open(history: list[AnyEvent]) -> None:
    standing = folded(history)
    for name, stream in standing.streams.items():
        open_ones = [*stream.faces.values(), *stream.intervals.values(), *stream.turns.values()]
        assert all(
            (event.run_id, event.stream, event.epoch) == (standing.run_id, name, stream.epoch)
            for event in open_ones
        )
        assert not open_ones or stream.state is None or stream.state.state != "ended"
        assert all(event.status in ("provisional", "confirmed") for event in stream.intervals.values())
        assert all(event.end is None for event in stream.turns.values())
        assert all(event.status != "lost" for event in stream.faces.values())
    if history:
        names = {
            e.stream for e in history if e.run_id == history[-1].run_id and not isinstance(e, WarningEvent)
        }
        assert set(standing.streams) == names


def numbered(*events: AnyEvent) -> list[AnyEvent]:
    return [event.model_copy(update={"run_id": "run", "seq": seq}) for seq, event in enumerate(events)]


def test_what_is_open_stands_there_as_it_was_sent() -> None:
    events = numbered(
        StateEvent(stream="door", state="connecting"),
        StateEvent(stream="door", state="live"),
        FaceEvent(stream="door", face=1, status="appeared"),
        FaceEvent(stream="door", face=1, status="not_judged", reason="turned away"),
        FaceEvent(stream="door", face=2, status="appeared"),
        FaceEvent(stream="door", face=2, status="lost"),
        a_turn("door", 0, "s1", ended=False),
        a_turn("door", 0, "s1", ended=True),
        a_turn("door", 0, "s2", ended=False),
        an_interval("door", 0, "e1", "provisional"),
        an_interval("door", 0, "e1", "retracted"),
        an_interval("door", 0, "e2", "provisional"),
        an_interval("door", 0, "e2", "confirmed"),
    )
    door = folded(events).streams["door"]
    assert door.state == events[1]
    assert door.faces == {1: events[3]}
    assert door.turns == {"s2": events[8]}
    assert door.intervals == {"e2": events[12]}
    assert [parse(dump(event)) for event in door.intervals.values()] == [events[12]]


def test_a_reconnect_forgets_what_was_open_and_its_late_ends_harm_nothing() -> None:
    events = numbered(
        StateEvent(stream="door", state="live"),
        FaceEvent(stream="door", face=1, status="appeared"),
        an_interval("door", 0, "e1", "confirmed"),
        StateEvent(stream="door", epoch=1, state="connecting"),
        FaceEvent(stream="door", epoch=1, face=2, status="appeared"),
        an_interval("door", 0, "e1", "closed"),
    )
    door = folded(events).streams["door"]
    assert (door.epoch, door.faces, door.intervals) == (1, {2: events[4]}, {})
    assert door.state == events[3]
