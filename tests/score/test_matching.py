"""Worked by hand: what each rule keeps, with each comparator, with and without +1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtme.errors import DataError, SettingsError
from rtme.score import Interval, Rules, VideoFacts, iou, match, spotting

ONE, TRUTH, MANY = RULES = ("one_to_one", "ground_truth_centric", "many_to_many")

ranges = st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda pair: (pair[0], pair[0] + pair[1]))
intervals = st.lists(
    st.builds(
        lambda video, frames, kind, score: Interval(video, *frames, kind, score=score),
        st.sampled_from(["d/1/a", "d/1/b", "d/2/a"]),
        ranges,
        st.sampled_from(["me", "mae"]),
        st.none() | st.floats(0, 1),
    ),
    max_size=12,
)


def of(*spans: tuple[int, int], scores: tuple[float, ...] = ()) -> list[Interval]:
    given = [*scores, *[None] * len(spans)]
    return [Interval("v", a, b, "me", score=score) for (a, b), score in zip(spans, given, strict=False)]


def counts(truth: list[Interval], found: list[Interval], rules: Rules) -> tuple[int, int, int]:
    me = spotting(truth, found, [VideoFacts("v", 30, 1000)], rules).me
    assert (me.truths, me.found) == (len(truth), len(found))
    return me.tp, me.fp, me.fn


@pytest.mark.parametrize(
    ("a", "b", "with_one", "without"),
    [
        ((10, 19), (10, 19), 1.0, 1.0),
        ((10, 19), (15, 24), 5 / 15, 4 / 14),
        ((10, 19), (19, 28), 1 / 19, 0.0),  # they share one frame
        ((10, 19), (20, 29), 0.0, 0.0),  # they touch
        ((10, 19), (40, 49), 0.0, 0.0),
        ((5, 5), (5, 5), 1.0, 1.0),  # 0/0 without +1
        ((5, 5), (6, 6), 0.0, 0.0),
        ((0, 9), (2, 6), 5 / 10, 4 / 9),
        ((0, 8), (2, 6), 5 / 9, 4 / 8),
    ],
)
def test_iou(a: tuple[int, int], b: tuple[int, int], with_one: float, without: float) -> None:
    assert iou(a, b) == iou(b, a) == with_one
    assert iou(a, b, inclusive=False) == iou(b, a, inclusive=False) == without


@given(ranges, ranges, st.booleans())
def test_iou_is_symmetric_and_bounded(a: tuple[int, int], b: tuple[int, int], inclusive: bool) -> None:
    assert iou(a, b, inclusive) == iou(b, a, inclusive)
    assert 0 <= iou(a, b, inclusive) <= 1
    assert iou(a, a, inclusive) == 1


# TP, FP, FN under one_to_one, ground_truth_centric, many_to_many; with >= and with >; at IoU 0.5.
NONE = (0, 1, 2), (0, 1, 2), (0, 1, 2)
CASES = {
    # 10 of 20 frames each: exactly half of both.
    "one prediction over two labels": (
        of((0, 9), (10, 19)),
        of((0, 19)),
        ((1, 0, 1), (2, 0, 0), (2, 0, 0)),
        NONE,
    ),
    # IoU 9/10 and 8/10.
    "two predictions on one label": (
        of((0, 9)),
        of((0, 8), (0, 7)),
        ((1, 1, 0), (1, 1, 0), (2, 0, 0)),
        ((1, 1, 0), (1, 1, 0), (2, 0, 0)),
    ),
    # The surer one, IoU 8/10, takes the label although the other one fits better.
    "the surer prediction chooses first": (
        of((0, 9), (20, 29)),
        of((0, 8), (0, 7), (40, 49), scores=(0.2, 0.9, 0.5)),
        ((1, 2, 1), (1, 2, 1), (2, 1, 1)),
        ((1, 2, 1), (1, 2, 1), (2, 1, 1)),
    ),
    # (0, 14) has IoU 11/15 with (0, 10) and 8/15 with (7, 14); (0, 10) has 11/11 and 4/15.
    "each finds another label": (
        of((0, 10), (7, 14)),
        of((0, 14), (0, 10), scores=(0.1, 0.9)),
        ((2, 0, 0), (2, 0, 0), (3, 0, 0)),
        ((2, 0, 0), (2, 0, 0), (3, 0, 0)),
    ),
    # The same two in the other order: (0, 14) takes (0, 10), and nothing is left that (0, 10) fits.
    "greed costs a match": (
        of((0, 10), (7, 14)),
        of((0, 14), (0, 10), scores=(0.9, 0.1)),
        ((1, 1, 1), (2, 0, 0), (3, 0, 0)),
        ((1, 1, 1), (2, 0, 0), (3, 0, 0)),
    ),
    "IoU exactly half": (
        of((0, 9)),
        of((2, 6)),
        ((1, 0, 0), (1, 0, 0), (1, 0, 0)),
        ((0, 1, 1), (0, 1, 1), (0, 1, 1)),
    ),
    "touching": (
        of((0, 9)),
        of((10, 19)),
        ((0, 1, 1), (0, 1, 1), (0, 1, 1)),
        ((0, 1, 1), (0, 1, 1), (0, 1, 1)),
    ),
    "nothing labelled": (
        of(),
        of((0, 9), (20, 29)),
        ((0, 2, 0), (0, 2, 0), (0, 2, 0)),
        ((0, 2, 0), (0, 2, 0), (0, 2, 0)),
    ),
    "nothing found": (
        of((0, 9), (20, 29)),
        of(),
        ((0, 0, 2), (0, 0, 2), (0, 0, 2)),
        ((0, 0, 2), (0, 0, 2), (0, 0, 2)),
    ),
    "nothing at all": (of(), of(), ((0, 0, 0),) * 3, ((0, 0, 0),) * 3),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("rule", range(3))
def test_counts_of_each_rule(case: str, rule: int) -> None:
    truth, found, reaches, exceeds = CASES[case]
    assert counts(truth, found, Rules(RULES[rule])) == reaches[rule]
    assert counts(truth, found, Rules(RULES[rule], comparator=">")) == exceeds[rule]


@pytest.mark.parametrize("rule", RULES)
def test_without_plus_one_other_pairs_are_exactly_half(rule: str) -> None:
    # (0, 8) and (2, 6): 5/9 of inclusive frames, 4/8 without +1. (0, 9) and (2, 6): 5/10 and 4/9.
    assert counts(of((0, 8)), of((2, 6)), Rules(rule, comparator=">")) == (1, 0, 0)
    assert counts(of((0, 8)), of((2, 6)), Rules(rule, comparator=">", inclusive=False)) == (0, 1, 1)
    assert counts(of((0, 8)), of((2, 6)), Rules(rule, inclusive=False)) == (1, 0, 0)
    assert counts(of((0, 9)), of((2, 6)), Rules(rule, inclusive=False)) == (0, 1, 1)
    # One shared frame is an overlap with +1 alone, and so is a label of one frame inside of a longer prediction.
    assert counts(of((0, 9)), of((9, 12)), Rules(rule, iou=0.05)) == (1, 0, 0)
    assert counts(of((0, 9)), of((9, 12)), Rules(rule, iou=0.05, inclusive=False)) == (0, 1, 1)
    assert counts(of((4, 4)), of((4, 5)), Rules(rule)) == (1, 0, 0)
    assert counts(of((4, 4)), of((4, 5)), Rules(rule, inclusive=False)) == (0, 1, 1)
    assert counts(of((4, 4)), of((4, 4)), Rules(rule, inclusive=False)) == (1, 0, 0)


def test_one_to_one_takes_the_best_free_label() -> None:
    # (3, 12) has IoU 10/13 with (0, 12), 8/12 with (5, 14).
    truth, found = of((5, 14), (0, 12)), of((3, 12))
    assert match(truth, found) == [(1, 0)]
    taken = of((3, 12), (0, 12), scores=(0.5, 0.9))
    assert sorted(match(truth, taken)) == [(0, 0), (1, 1)]


def test_equals_go_to_what_begins_first_and_predictions_without_score_come_last() -> None:
    assert match(of((10, 19), (0, 9)), of((5, 14)), Rules(iou=0.3)) == [(1, 0)]
    assert match(of((0, 9)), of((1, 9), (0, 8))) == [(0, 1)]
    assert match(of((0, 9)), [*of((0, 9)), *of((2, 9), scores=(0.1,))]) == [(0, 1)]


def test_videos_and_types_are_kept_apart() -> None:
    truth = [Interval("a", 0, 9, "me"), Interval("b", 0, 9, "me"), Interval("b", 30, 50, "mae")]
    found = [
        Interval("b", 0, 9, "me"),
        Interval("c", 0, 9, "me"),
        Interval("a", 0, 9, "mae"),
        Interval("b", 30, 50, "mae"),
    ]
    spots = spotting(truth, found, [VideoFacts(name) for name in "abc"])
    assert (spots.me.tp, spots.me.fp, spots.me.fn) == (1, 1, 1)
    assert (spots.mae.tp, spots.mae.fp, spots.mae.fn) == (1, 1, 0)
    assert (spots.overall.tp, spots.overall.fp, spots.overall.fn) == (2, 2, 1)


def test_a_long_label_hides_none_of_the_others() -> None:
    truth = of((0, 500), (10, 19), (100, 109), (300, 309))
    assert sorted(match(truth, of((301, 309), (11, 19)))) == [(1, 1), (3, 0)]


@pytest.mark.parametrize(
    "wrong", [{"match": "best"}, {"comparator": "=="}, {"iou": 1.5}, {"iou": float("nan")}, {"iou": 0}]
)
def test_rules_that_tell_nothing(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=r"choose"):
        Rules(**wrong)  # type: ignore[arg-type]


def test_intervals_that_cannot_be() -> None:
    for wrong in (
        (9, 3, "me"),
        (-1, 3, "me"),
        (0, 3, "macro"),
        (0, 2**31, "me"),
        (0, 3, "me", 1, float("nan")),
    ):
        with pytest.raises(DataError):
            Interval("v", *wrong)  # type: ignore[arg-type]


def plain_one_to_one(truth: list[Interval], found: list[Interval]) -> int:
    """The definition, word by word, of one video and type."""
    free, hits = list(truth), 0
    for one in sorted(
        found, key=lambda i: (float("inf") if i.score is None else -i.score, i.onset, i.offset)
    ):

        def overlap(label: Interval, one: Interval = one) -> float:
            return iou((label.onset, label.offset), (one.onset, one.offset))

        best = max(sorted(free, key=lambda i: (i.onset, i.offset)), key=overlap, default=None)
        if best is not None and overlap(best) >= 0.5:
            free.remove(best)
            hits += 1
    return hits


@given(intervals, intervals)
def test_one_to_one_is_its_definition(truth: list[Interval], found: list[Interval]) -> None:
    expected = 0
    for key in {(i.video, i.type) for i in truth}:
        expected += plain_one_to_one(
            [i for i in truth if (i.video, i.type) == key], [i for i in found if (i.video, i.type) == key]
        )
    videos = [VideoFacts(name) for name in ("d/1/a", "d/1/b", "d/2/a")]
    assert spotting(truth, found, videos).overall.tp == expected


@given(intervals, intervals, st.sampled_from(RULES), st.sampled_from([">=", ">"]), st.booleans())
def test_what_holds_of_every_rule(
    truth: list[Interval], found: list[Interval], rule: str, comparator: str, inclusive: bool
) -> None:
    rules = Rules(rule, 0.5, comparator, inclusive)  # type: ignore[arg-type]
    pairs = match(truth, found, rules)
    assert len(set(pairs)) == len(pairs)
    for i, j in pairs:
        assert truth[i].video == found[j].video
        overlap = iou((truth[i].onset, truth[i].offset), (found[j].onset, found[j].offset), inclusive)
        assert overlap >= 0.5 if comparator == ">=" else overlap > 0.5
    if rule == ONE:
        assert (
            len({i for i, _ in pairs})
            == len({j for _, j in pairs})
            == len(pairs)
            <= min(len(truth), len(found))
        )
    if rule == TRUTH:
        assert {i for i, _ in pairs} == {
            i for i, _ in match(truth, found, Rules(MANY, 0.5, comparator, inclusive))
        }  # type: ignore[arg-type]
