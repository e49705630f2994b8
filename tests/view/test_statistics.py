import numpy as np
import pytest

from made_recordings import curve, interval, report, talk, turn
from rtme.view.report import Unjudged
from rtme.view.result import Result
from rtme.view.statistics import count_faces


def test_rates_are_per_minute_of_judged_time_and_by_what_the_person_did() -> None:
    (face,) = count_faces(talk(20))
    assert face.seen_s == pytest.approx(20)
    # One second was not judged, and the first four frames have no score.
    assert face.judged_s == pytest.approx(19 - 4 / 30)
    everything, speaking, listening = face.states
    assert [state.state for state in face.states] == ["all", "speaking", "listening"]
    assert everything.me.number == 2
    assert everything.me.per_minute == pytest.approx(2 / face.judged_s * 60)
    assert everything.me.mean_ms == pytest.approx(200)
    assert everything.macro.mean_ms == pytest.approx(900)
    assert speaking.judged_s + listening.judged_s == pytest.approx(face.judged_s)
    assert (speaking.me.number, listening.me.number) == (1, 1)


def test_what_was_not_judged_has_its_reason() -> None:
    (face,) = count_faces(talk(20))
    assert face.why_not["turned away"] == pytest.approx(1.0)
    assert sum(face.why_not.values()) == pytest.approx(face.seen_s - face.judged_s)
    assert face.not_judged == pytest.approx(1 - face.judged_s / face.seen_s)


def test_a_stretch_without_the_face_counts_for_nothing() -> None:
    before, after = curve(5), curve(5, start_s=100)
    names = ("frame", "time_s", "score", "speaking", "yaw", "pitch", "roll", "eye_distance_px", "judged")
    both = {name: np.concatenate([getattr(before, name), getattr(after, name)]) for name in names}
    (face,) = count_faces(Result(report(frames=3150), [type(before)(epoch=0, face=1, **both)]))
    assert face.seen_s == pytest.approx(10, abs=0.2)


def test_too_short_a_time_gives_no_rate() -> None:
    result = Result(
        report(intervals=[interval(1, 200)], speaker=[turn("speaking", 0, 2), turn("listening", 2, 20)]),
        [curve(20)],
    )
    (face,) = count_faces(result)
    by_state = {state.state: state for state in face.states}
    assert by_state["speaking"].me.number == 1
    assert by_state["speaking"].me.per_minute is None
    assert by_state["listening"].me.per_minute == 0


def test_a_face_without_a_curve_is_counted_all_the_same() -> None:
    content = report(
        intervals=[interval(1, 200)],
        unjudged=[Unjudged(reason="", start_s=0, end_s=None, face=2)],
    )
    first, second = count_faces(Result(content))
    assert first.states[0].me.number == 1
    assert first.not_judged is None
    assert second.states[0].me.number == 0


def test_the_same_face_number_in_two_parts_is_two_faces() -> None:
    counts = count_faces(talk(20, epochs=2))
    assert [(face.epoch, face.face) for face in counts] == [(0, 1), (1, 1)]
    assert [face.states[0].me.number for face in counts] == [2, 2]
