"""How late a change between speaking and listening is told."""

import numpy as np
import pytest

from made_events import mark
from made_takes import me, said, take
from rtme.events import SpeakerEvent
from rtme.trial.changes import Change, changes
from rtme.trial.figures import by_state, speaker
from rtme.trial.take import Take


def turn(state: str, start: int, at: int, end: int | None = None) -> SpeakerEvent:
    return SpeakerEvent.model_validate(
        {"stream": "s", "id": "1", "face": 1, "state": state, "start": mark(start), "confidence": 0.9}
        | {"end": None if end is None else mark(end), "at": mark(at), "algorithmic_ms": 200.0}
    )


def spoken(*parts: tuple[int, int]) -> np.ndarray:
    return np.concatenate([np.full(n, state, np.uint8) for state, n in parts])


def test_told_missed_and_cut_off() -> None:
    truth = spoken((0, 60), (1, 60), (0, 60), (1, 60), (0, 60))
    events = [
        turn("listening", 0, 20),
        turn("speaking", 55, 75),
        turn("speaking", 55, 75, end=129),
        turn("listening", 130, 150),
        turn("listening", 130, 299, end=299),
        turn("listening", 262, 299),
    ]
    found = changes(truth, 30.0, events)
    assert [(change.to, change.how) for change in found] == [
        ("speaking", "told"), ("listening", "told"), ("speaking", "missed"), ("listening", "cut off")
    ]  # fmt: skip
    assert found[0].delay_s == pytest.approx(15 / 30)
    assert found[1].delay_s == pytest.approx(30 / 30)
    assert found[1].algorithmic_s == pytest.approx(0.2)


def test_a_change_shortly_before_the_end_is_not_called_missed() -> None:
    assert [one.how for one in changes(spoken((1, 70), (0, 20)), 30.0, [])] == ["cut off"]
    assert [one.how for one in changes(spoken((1, 70), (0, 40)), 30.0, [])] == ["missed"]


def test_nobody_can_be_late_for_what_nobody_knows() -> None:
    assert changes(spoken((255, 30), (1, 60), (255, 30)), 30.0, [turn("speaking", 30, 50)]) == []


def test_missed_changes_count_as_told_never() -> None:
    def delays(*changed: Change) -> dict[str, object]:
        return speaker([take([], [], changes=changed)])["changes"]["all"]  # type: ignore[no-any-return]

    told = [Change("speaking", "told", delay, 0.2) for delay in (0.3, 0.4, 0.5)]
    missed, cut = Change("speaking", "missed"), Change("listening", "cut off")
    assert delays(*told, cut)["median_s"] == 0.4
    assert delays(*told, missed, missed)["median_s"] == 0.5
    assert delays(*told, missed, missed)["p90_s"] is None
    assert delays(*told[:1], missed, missed)["median_s"] is None


def test_f1_dr_is_the_harmonic_mean_of_both_states() -> None:
    def clip(state: str, found: bool, number: int) -> Take:
        hits = [said(20, 27)] if found else []
        return take([me(20, 27)], hits, state=state, clip=f"{state}{number}", person=str(number))

    takes = [clip("speaking", number < 1, number) for number in range(2)]
    takes += [clip("listening", True, number) for number in range(2)]
    found = by_state(takes)
    assert found["speaking"]["f1"] == pytest.approx(2 / 3)
    assert found["listening"]["f1"] == 1.0
    assert found["f1_dr"] == pytest.approx(0.8)
    assert by_state(takes[2:])["f1_dr"] == 0.0
