import random

from hypothesis import given
from hypothesis import strategies as st

from rtme.events import AnyEvent, GapEvent, IntervalEvent, Mark, SpeakerEvent, TruthEvent
from rtme.view.tally import Span, Tally


def mark(frame: int) -> Mark:
    return Mark(frame=frame, time_s=frame / 30, capture_ns=0, wall_ns=0)


def found(onset: int, offset: int, **known: object) -> IntervalEvent:
    return IntervalEvent.model_validate(
        {"stream": "demo", "id": "1", "face": 1, "type": "me", "status": "closed", "confidence": 0.9}
        | {"onset": mark(onset), "apex": mark(onset), "offset": mark(offset)}
        | known
    )


def planted(start: int, end: int, **known: object) -> TruthEvent:
    return TruthEvent.model_validate(
        {"stream": "demo", "what": "me", "start": mark(start), "end": mark(end)} | known
    )


def tally_of(*events: AnyEvent) -> Tally:
    tally = Tally()
    for event in events:
        tally.add(event)
    return tally


def test_what_was_seen_is_counted_once_however_often_it_was_said() -> None:
    turn = {"stream": "cam", "id": "1", "face": 1, "state": "speaking", "start": mark(0), "confidence": 1.0}
    tally = tally_of(
        found(1, 5, status="provisional"),
        found(1, 6, status="confirmed"),
        found(1, 7),
        found(20, 60, type="macro"),
        found(70, 71, status="retracted"),
        SpeakerEvent.model_validate(turn),
        SpeakerEvent.model_validate(turn | {"end": mark(40)}),
        GapEvent(stream="cam", cause="dropped", count=3),
        GapEvent(stream="cam", cause="dropped", count=2),
    )
    text = tally.summary()
    assert "1 micro-expression, 1 macro-expression, 1 taken back, 1 turn (1 speaking, 0 listening)" in text
    assert "missing: 5 frames dropped" in text
    assert "planted" not in text, "only a demo knows what was really there"


def test_found_is_compared_with_planted_in_either_order() -> None:
    tally = tally_of(
        planted(10, 19),
        found(12, 20),  # IoU 8/11
        found(40, 48),
        planted(40, 49),  # IoU 0.9, said later
        planted(100, 109),
        found(105, 114),  # IoU 1/3
        found(200, 205, type="macro"),
    )
    assert (tally.planted, tally.matched, tally.false_alarms) == (3, 2, 1)
    assert "Found 2 of 3 planted micro-expressions, 1 false alarm;" in tally.summary()
    assert "synthetic" in tally.summary()


def test_streams_and_epochs_are_kept_apart() -> None:
    tally = tally_of(
        planted(10, 19),
        found(10, 19, epoch=1),  # another epoch: not this one
        found(10, 19, stream="cam"),  # a camera: nobody knows what was there
    )
    assert (tally.planted, tally.matched, tally.false_alarms) == (1, 0, 1)


def test_one_planted_is_found_once() -> None:
    tally = tally_of(planted(10, 19), found(10, 19), found(11, 19))
    assert (tally.matched, tally.false_alarms) == (1, 1)


def test_iou_counts_both_ends() -> None:
    assert Span(0, 3, 3).iou(Span(0, 3, 3)) == 1.0
    assert Span(0, 0, 9).iou(Span(0, 5, 9)) == 0.5
    assert Span(0, 0, 4).iou(Span(0, 5, 9)) == 0.0
    assert Span(0, 0, 4).iou(Span(1, 0, 4)) == 0.0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 2), st.integers(-2, 2))), st.randoms())
def test_the_order_in_which_they_come_does_not_matter(
    rows: list[tuple[int, int, int]], shuffled: random.Random
) -> None:
    """Planted ones lie apart, as the demo plants them; each is found with some shift, if at all."""
    events: list[AnyEvent] = []
    for number, (times, left, right) in enumerate(rows):
        start = 50 * number + 10
        events.append(planted(start, start + 8))
        events += [found(start + left, start + 8 + right)] * times
    tally = tally_of(*events)
    assert tally.matched == sum(
        times > 0 and Span(0, 0, 8).iou(Span(0, left, 8 + right)) >= 0.5 for times, left, right in rows
    )
    shuffled.shuffle(events)
    again = tally_of(*events)
    assert (again.planted, again.matched, again.false_alarms) == (
        tally.planted,
        tally.matched,
        tally.false_alarms,
    )
