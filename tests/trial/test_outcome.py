"""Viewings made by hand, whose figures anybody can count."""

import json

import pytest
from rich.console import Console

from rtme.capture.frames import FramesSource
from rtme.events import Mark
from rtme.trial.groups import by_duration, by_pixels, by_region, wilson
from rtme.trial.outcome import Outcome, Viewing
from rtme.trial.page import show
from rtme.trial.planting import Abandoned, Planted, PlantingSource, Stretch
from rtme.trial.record import record
from rtme.trial.schedule import Schedule, Wish
from rtme.trial.watching import Found, Seen, Turn

FPS = 30


def mark(frame: int) -> Mark:
    return Mark(frame=frame, time_s=frame / FPS, capture_ns=0, wall_ns=0)


def planted(
    onset: int, offset: int, units: tuple[int, ...] = (1, 2), pixels: float = 2.0, stretch: int = 0
) -> Planted:
    return Planted(0, stretch, mark(onset), mark((onset + offset) // 2), mark(offset), units, pixels)


def found(onset: int, offset: int, kind: str = "me", late: int = 12) -> Found:
    return Found(
        0, 1, kind, mark(onset), mark(offset), 0.9, mark(onset + 10), mark(offset + late), 333.3, 15.0
    )


def stretch(number: int, first: int, last: int, is_planted: bool) -> Stretch:
    n = last - first + 1
    return Stretch(0, number, is_planted, mark(first), mark(last), n, n)


def viewing(
    stretches: list[Stretch],
    truth: list[Planted],
    seen: list[Found],
    turns: tuple[Turn, ...] = (),
    clip: str = "clip",
) -> Viewing:
    schedule = Schedule(Wish(), clip) if any(one.planted for one in stretches) else None
    source = PlantingSource(FramesSource([], FPS), schedule)
    source.stretches, source.planted = stretches, truth
    return Viewing(clip, source, Seen(found=seen, turns=list(turns)))


def recorded() -> Outcome:
    """A minute, seen twice."""
    minute = stretch(0, 0, 1799, True)
    truth = [
        planted(100, 109),
        planted(300, 305, (12,), 1.2),
        planted(500, 511, (6, 12), 2.6),
        planted(700, 709, (4,), 0.8),
    ]
    seen = [
        found(101, 111),  # the first, one late and two late
        found(302, 400, "macro"),  # swallows the second
        found(500, 511),  # the third
        found(900, 910),  # nothing
    ]
    plain = stretch(0, 0, 1799, False)
    anyway = [found(502, 511), found(900, 910), found(1200, 1210)]
    turns = (Turn(0, "speaking", mark(0), mark(899)), Turn(0, "listening", mark(900), mark(1799)))
    viewings = [viewing([minute], truth, seen, turns), viewing([plain], [], anyway, turns)]
    return Outcome("clips", False, "tiny 1", Wish(), viewings)


def test_planted_and_found_are_counted() -> None:
    outcome = recorded()
    counts = outcome.counts
    assert (counts.truths, counts.found, counts.tp, counts.fp, counts.fn) == (4, 3, 2, 1, 2)
    assert counts.onset_error is not None
    assert counts.offset_error is not None
    assert counts.onset_error.mean == 0.5
    assert counts.offset_error.mean == 1.0
    assert counts.offset_error.mean_ms == pytest.approx(1000 / 30)
    assert counts.false_alarms_per_minute == pytest.approx(1.0)
    assert [one.found is not None for one in outcome.shown] == [True, False, True, False]
    assert [one.in_macro for one in outcome.shown] == [False, True, False, False]


def test_what_is_found_where_nothing_was_planted() -> None:
    outcome = recorded()
    assert [(alarm.untouched, alarm.found.onset.frame) for alarm in outcome.alarms] == [
        (False, 900), (True, 502), (True, 900), (True, 1200)
    ]  # fmt: skip
    assert outcome.untouched_minutes == pytest.approx(1.0)
    assert outcome.untouched_per_minute == pytest.approx(3.0)
    # One of those found untouched would have passed for the third planted one.
    assert outcome.by_chance == 1


def test_groups() -> None:
    outcome = recorded()
    assert [(g.name, g.planted, g.found) for g in by_pixels(outcome.shown)] == [
        ("below 1 px", 1, 0), ("1 to 1.5 px", 1, 0), ("2 to 2.5 px", 1, 1), ("2.5 to 3 px", 1, 1)
    ]  # fmt: skip
    assert [(g.name, g.planted, g.found) for g in by_region(outcome.shown)] == [
        ("upper face", 2, 1), ("lower face", 1, 0), ("both", 1, 1)
    ]  # fmt: skip
    assert [(g.name, g.planted) for g in by_duration(outcome.shown)] == [("150 to 250 ms", 1), ("250 to 350 ms", 2), (
        "from 350 ms", 1)]  # fmt: skip
    states = {g.name: g for g in outcome.by_state()}
    assert set(states) == {"speaking", "listening"}
    assert (states["speaking"].planted, states["speaking"].found) == (4, 2)
    assert states["speaking"].alarms_per_minute == pytest.approx(2.0)
    assert states["listening"].alarms_per_minute == pytest.approx(4.0)


def test_delays_are_counted_on_the_footages_clock() -> None:
    delays = recorded().delays()
    closed, told, ahead = delays["offset_to_closed"], delays["onset_to_provisional"], delays["look_ahead"]
    assert closed is not None
    assert told is not None
    assert ahead is not None
    # Found 2 frames late and told 12 after that; and 0 late.
    assert closed["max"] == pytest.approx(14 / 30 * 1000, abs=0.01)
    assert closed["p50"] == pytest.approx(13 / 30 * 1000, abs=0.01)
    assert told["max"] == pytest.approx(11 / 30 * 1000, abs=0.01)
    assert ahead["p50"] == pytest.approx(333.3)
    assert delays["service"] is None


def test_what_the_end_of_a_recording_closed_says_nothing_of_delays() -> None:
    last = viewing([stretch(0, 0, 119, True)], [planted(100, 109)], [found(100, 109, late=10)])
    outcome = Outcome("clips", False, "tiny 1", Wish(), [last])
    assert outcome.counts.tp == 1
    assert outcome.delays()["offset_to_closed"] is None


def test_what_is_found_around_an_abandoned_expression_is_neither_right_nor_wrong() -> None:
    one = viewing(
        [stretch(0, 0, 899, True)], [planted(600, 609)], [found(298, 303), found(311, 318), found(340, 349)]
    )
    one.source.abandoned = [Abandoned(0, mark(295), mark(305), "no face")]
    outcome = Outcome("clips", False, "tiny 1", Wish(), [one])
    assert [alarm.found.onset.frame for alarm in outcome.alarms] == [340]
    assert outcome.counts.found == 1


def test_live_stretches_by_turns() -> None:
    stretches = [stretch(0, 0, 899, True), stretch(1, 900, 1799, False)]
    truth = [planted(100, 109)]
    seen = [found(100, 109), found(895, 909), found(1000, 1009)]
    outcome = Outcome("camera", True, "tiny 1", Wish(stretch_s=30), [viewing(stretches, truth, seen)])
    assert outcome.counts.minutes == pytest.approx(0.5)
    assert outcome.untouched_minutes == pytest.approx(0.5)
    # The one over the seam lies where its middle lies.
    assert [alarm.found.onset.frame for alarm in outcome.untouched] == [895, 1000]
    assert outcome.by_chance is None
    service = outcome.delays()["service"]
    assert service is not None
    assert service["p50"] == 15.0


def test_the_page_and_the_json_say_the_same() -> None:
    outcome = recorded()
    data = json.loads(json.dumps(record(outcome), allow_nan=False))
    assert data["planted"]["recall"] == 0.5
    assert data["planted"]["found_by_chance"] == 1
    assert [one["found"] is None for one in data["truth"]] == [False, True, False, True]
    assert data["untouched"]["false_alarms_per_minute"] == pytest.approx(3)
    console = Console(width=200, record=True, highlight=False)
    show(outcome, console)
    page = console.export_text()
    for words in (
        "recall     0.50",
        "2 of 4",
        "3.0 untouched (3 in 1.00 min)",
        "synthetic",
        "look there",
        "16.73 s",
    ):
        assert words in page


def test_how_sure_a_share_is() -> None:
    # Agresti and Coull 1998: 0 of 20 and 5 of 10.
    assert wilson(0, 20) == pytest.approx((0.0, 0.161), abs=1e-3)
    assert wilson(5, 10) == pytest.approx((0.237, 0.763), abs=1e-3)
    assert wilson(0, 0) is None
