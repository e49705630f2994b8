"""Counts in parts come to the whole."""

from collections.abc import Callable, Sequence

import pytest

from made_takes import me, said, take
from rtme.score import Interval, VideoFacts, spotting
from rtme.trial import breakdown
from rtme.trial.breakdown import Rows
from rtme.trial.figures import reliability, scores
from rtme.trial.take import Take, tally, total

TAKES = [
    take(
        [me(20, 27, 0.8), me(60, 66, 1.2, (1, 2)), me(180, 189, 2.9), me(250, 253, 1.6, (12,))],
        [
            said(20, 26, 0.95),
            said(100, 110, 0.7),
            said(181, 189),
            said(220, 224, 0.6),
            said(10, 90, type="macro"),
        ],
    ),
    take([me(40, 50, 2.2, (1,))], [said(41, 50, 0.8), said(290, 299, 0.5)], clip="b", person="b"),
]


def test_a_tally_is_what_the_score_room_counts() -> None:
    truth = [Interval(one.clip, p.onset, p.offset, "me") for one in TAKES for p in one.planted]
    found = [
        Interval(one.clip, f.onset, f.offset, "me", score=f.confidence) for one in TAKES for f in one.found
    ]
    counts = spotting(truth, found, [VideoFacts(one.clip, one.fps, one.n_frames) for one in TAKES]).me
    whole = total(map(tally, TAKES))
    assert (whole.matched, whole.missed, whole.false) == (counts.tp, counts.fn, counts.fp) == (3, 2, 3)
    assert (whole.f1, whole.precision, whole.recall) == (counts.f1, counts.precision, counts.recall)
    assert whole.false_per_minute == pytest.approx(counts.false_alarms_per_minute)


@pytest.mark.parametrize("part", [breakdown.by_head, breakdown.by_speech, breakdown.by_eyes])
def test_parts_of_the_time_come_to_the_whole(part: Callable[[Sequence[Take]], Rows]) -> None:
    whole, parts = total(map(tally, TAKES)), total(part(TAKES).values())
    assert (parts.matched, parts.missed, parts.false) == (whole.matched, whole.missed, whole.false)
    assert parts.minutes == pytest.approx(whole.minutes)


@pytest.mark.parametrize("part", [breakdown.by_pixels, breakdown.by_duration])
def test_parts_of_what_was_planted_come_to_all_of_it(part: Callable[[Sequence[Take]], Rows]) -> None:
    whole, parts = total(map(tally, TAKES)), total(part(TAKES).values())
    assert (parts.matched, parts.missed, parts.false) == (whole.matched, whole.missed, 0)


def test_each_lands_in_its_part() -> None:
    head, speech, units = breakdown.by_head(TAKES), breakdown.by_speech(TAKES), breakdown.by_unit(TAKES)
    assert (head["still"].matched, head["still"].missed, head["still"].false) == (2, 1, 1)
    assert (head["fast"].matched, head["fast"].missed, head["fast"].false) == (1, 1, 2)
    assert head["slow"].planted == 0
    assert (speech["speaking"].planted, speech["speaking"].false) == (1, 2)
    assert {name: (row.matched, row.planted) for name, row in units.items()} == {
        "AU1": (1, 2), "AU2": (0, 1), "AU4": (2, 2), "AU12": (0, 1)
    }  # fmt: skip
    pixels = breakdown.by_pixels(TAKES)
    assert [row.planted for row in pixels.values()] == [1, 1, 1, 1, 1]
    durations = breakdown.by_duration([take([me(0, 2), me(20, 23), me(50, 65)], [])])
    assert [row.planted for row in durations.values()] == [1, 1, 0, 0, 1]


def test_a_face_that_nobody_looked_at_is_not_left_out() -> None:
    unseen = [take([me(20, 27)], [said(100, 110)], signs=None)]
    for part in (breakdown.by_head, breakdown.by_eyes):
        assert (part(unseen)["not seen"].missed, part(unseen)["not seen"].false) == (1, 1)


def test_what_happens_in_alarms_and_what_happens_anyway() -> None:
    causes = breakdown.causes(TAKES)
    assert causes["head"] == {"alarms": 2, "share_of_time": 0.5}
    assert causes["speech"] == {"alarms": 2, "share_of_time": pytest.approx(1 / 3)}
    assert causes["none of these"] == {"alarms": 1, "share_of_time": 0.5}
    assert causes["blink"]["alarms"] == 0


def test_only_sizes_that_are_asked_for_count_and_others_are_not_false() -> None:
    whole, sized = scores(TAKES), scores(TAKES, (1.0, 2.0))
    assert (sized["planted"], sized["matched"]) == (2, 0)
    # What matches a larger or fainter one is neither right nor wrong.
    assert sized["false"] == whole["false"] == 3
    assert whole["onset_error"]["median"] == 1.0


def test_confidence_is_counted_in_tenths() -> None:
    bins = reliability(TAKES)
    assert [(one["from"], one["found"], one["right"]) for one in bins] == [
        (0.5, 1, 0), (0.6, 1, 0), (0.7, 1, 0), (0.8, 1, 1), (0.9, 2, 2)
    ]  # fmt: skip
    assert sum(one["found"] for one in bins) == total(map(tally, TAKES)).found
