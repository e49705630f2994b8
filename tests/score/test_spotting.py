import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtme.errors import DataError
from rtme.score import Counts, Interval, Rules, VideoFacts, f1_by_state, spotting
from score.test_matching import RULES, intervals

VIDEOS = [VideoFacts(name, 30, 900) for name in ("d/1/a", "d/1/b", "d/2/a")]


def numbers(counts: Counts) -> tuple[int, int, int, int, int]:
    return counts.truths, counts.found, counts.tp, counts.fp, counts.fn


def test_counts_are_pooled_and_videos_are_never_averaged() -> None:
    # a: 1 of 1 by 1. b: 1 of 3 by 4. Pooled 2a/(m+n) = 4/9; the mean of the videos' F1 would be (1 + 2/7) / 2.
    truth = [Interval("a", 0, 9, "me"), *(Interval("b", at, at + 9, "me") for at in (0, 50, 100))]
    found = [Interval("a", 0, 9, "me"), *(Interval("b", at, at + 9, "me") for at in (0, 200, 300, 400))]
    me = spotting(truth, found, [VideoFacts("a", 30, 900), VideoFacts("b", 60, 3600)]).me
    assert numbers(me) == (4, 5, 2, 3, 2)
    assert me.precision == 2 / 5
    assert me.recall == 2 / 4
    assert me.f1 == pytest.approx(4 / 9)
    assert me.minutes == 1.5
    assert me.false_alarms_per_minute == 2.0


def test_micro_and_macro_are_matched_apart_and_summed() -> None:
    truth = [Interval("a", 0, 9, "me"), Interval("a", 40, 99, "mae"), Interval("a", 200, 260, "mae")]
    found = [Interval("a", 0, 9, "mae"), Interval("a", 1, 9, "me"), Interval("a", 42, 99, "mae")]
    spots = spotting(truth, found, [VideoFacts("a")])
    assert numbers(spots.me) == (1, 1, 1, 0, 0)
    assert numbers(spots.mae) == (2, 2, 1, 1, 1)
    assert numbers(spots.overall) == (3, 3, 2, 1, 1)
    assert spots.overall.f1 == 2 / 3
    assert spots.me.false_alarms_per_minute is None, "nobody said how long the video is"


def test_boundary_errors_are_found_minus_labelled() -> None:
    truth = [Interval("a", 10, 19, "me"), Interval("b", 100, 119, "me"), Interval("b", 300, 309, "me")]
    found = [Interval("a", 12, 20, "me"), Interval("b", 96, 119, "me"), Interval("b", 500, 509, "me")]
    me = spotting(truth, found, [VideoFacts("a", 25, 900), VideoFacts("b", 200, 900)]).me
    onset, offset = me.onset_error, me.offset_error
    assert onset is not None
    assert offset is not None
    assert (onset.mean, onset.mean_abs) == (-1.0, 3.0)  # +2 and -4 frames
    assert (onset.mean_ms, onset.mean_abs_ms) == (30.0, 50.0)  # +80 and -20 ms
    assert (offset.mean, offset.mean_abs, offset.mean_ms, offset.mean_abs_ms) == (0.5, 0.5, 20.0, 20.0)
    unknown = spotting(truth, found, [VideoFacts("a", 25, 900), VideoFacts("b")]).me.onset_error
    assert unknown is not None
    assert (unknown.mean, unknown.mean_ms, unknown.mean_abs_ms) == (-1.0, None, None)


def test_nothing_found_and_nothing_there_is_zero_not_an_error() -> None:
    for videos in ([], [VideoFacts("a", 30, 900)]):
        me = spotting([], [], videos).me
        assert numbers(me) == (0, 0, 0, 0, 0)
        assert me.f1 == me.precision == me.recall == 0
        assert me.onset_error is me.offset_error is None


def test_an_interval_outside_of_the_videos_is_refused() -> None:
    stray = [Interval("b", 0, 9, "me")]
    for truth, found, what in ((stray, [], "labelled"), ([], stray, "found")):
        with pytest.raises(DataError, match=f"is {what} in video b"):
            spotting(truth, found, [VideoFacts("a")])
        with pytest.raises(DataError, match=f"is {what} in video b"):
            f1_by_state(truth, found, [VideoFacts("a", state="speaking")])
    with pytest.raises(DataError, match="a is there twice"):
        spotting([], [], [VideoFacts("a"), VideoFacts("a")])


def test_f1_dr_is_the_harmonic_mean_of_pooled_speaking_and_listening() -> None:
    videos = [
        VideoFacts("s1", 30, 900, "speaking"),
        VideoFacts("s2", 30, 900, "speaking"),
        VideoFacts("l1", 30, 900, "listening"),
        VideoFacts("u", 30, 900),
    ]
    truth = [Interval(name, 0, 9, "me") for name in ("s1", "s2", "l1", "u")] + [Interval("l1", 50, 99, "mae")]
    found = [Interval("s1", 0, 9, "me"), Interval("s2", 50, 59, "me"), Interval("l1", 1, 9, "me")]
    states = f1_by_state(truth, found, videos)
    assert numbers(states.speaking) == (2, 2, 1, 1, 1)
    assert numbers(states.listening) == (1, 1, 1, 0, 0)
    assert (states.f1_s, states.f1_l, states.unknown) == (0.5, 1.0, 1)
    assert states.f1_dr == pytest.approx(2 / 3)
    assert states.speaking.minutes == 1.0
    assert numbers(f1_by_state(truth, found, videos, of="overall").listening) == (2, 1, 1, 0, 1)


def test_f1_dr_is_zero_if_either_is() -> None:
    videos = [VideoFacts("s", state="speaking"), VideoFacts("l", state="listening")]
    one = [Interval("s", 0, 9, "me")]
    assert f1_by_state(one, one, videos).f1_s == 1
    assert f1_by_state(one, one, videos).f1_dr == 0
    assert f1_by_state([], [], videos).f1_dr == 0


@given(intervals, intervals, st.sampled_from(RULES), st.randoms(use_true_random=False))
def test_order_does_not_matter(
    truth: list[Interval], found: list[Interval], rule: str, shuffled: random.Random
) -> None:
    rules = Rules(rule)  # type: ignore[arg-type]
    before = spotting(truth, found, VIDEOS, rules)
    mixed = [list(truth), list(found), list(VIDEOS)]
    for rows in mixed:
        shuffled.shuffle(rows)
    after = spotting(*mixed, rules)  # type: ignore[arg-type]
    for kind in ("me", "mae", "overall"):
        assert numbers(getattr(before, kind)) == numbers(getattr(after, kind))


@given(intervals, intervals, st.sampled_from(RULES))
def test_pooled_counts_are_the_sum_of_single_videos(
    truth: list[Interval], found: list[Interval], rule: str
) -> None:
    rules = Rules(rule)  # type: ignore[arg-type]
    whole = spotting(truth, found, VIDEOS, rules)
    parts = [
        spotting(
            [i for i in truth if i.video == v.video], [i for i in found if i.video == v.video], [v], rules
        )
        for v in VIDEOS
    ]
    for kind in ("me", "mae", "overall"):
        singles = [numbers(getattr(part, kind)) for part in parts]
        assert numbers(getattr(whole, kind)) == tuple(map(sum, zip(*singles, strict=True)))


@given(intervals, intervals, st.sampled_from(RULES), st.booleans())
def test_figures_follow_from_the_counts_and_stay_within_0_and_1(
    truth: list[Interval], found: list[Interval], rule: str, inclusive: bool
) -> None:
    counts = spotting(truth, found, VIDEOS, Rules(rule, inclusive=inclusive)).overall  # type: ignore[arg-type]
    assert 0 <= counts.precision <= 1
    assert 0 <= counts.recall <= 1
    p = Fraction(counts.tp, counts.tp + counts.fp) if counts.tp else Fraction(0)
    r = Fraction(counts.tp, counts.tp + counts.fn) if counts.tp else Fraction(0)
    assert counts.f1 == pytest.approx(float(2 * p * r / (p + r)) if p + r else 0)
    if rule == "one_to_one":
        assert counts.tp <= min(len(truth), len(found))
        assert counts.tp + counts.fp == len(found)
        assert counts.tp + counts.fn == len(truth)
    if rule != "many_to_many":
        assert counts.tp + counts.fn == len(truth)


@given(intervals.filter(bool), st.sampled_from(RULES), st.sampled_from([">=", ">"]), st.booleans())
def test_a_perfect_prediction_gets_1(
    truth: list[Interval], rule: str, comparator: str, inclusive: bool
) -> None:
    overall = spotting(truth, truth, VIDEOS, Rules(rule, 0.5, comparator, inclusive)).overall  # type: ignore[arg-type]
    # Labels that are there twice share one prediction where each label keeps its best: the other one is too many.
    if rule != "ground_truth_centric" or len({(i.video, i.onset, i.offset, i.type) for i in truth}) == len(
        truth
    ):
        assert overall.precision == overall.f1 == 1
    assert overall.recall == 1
