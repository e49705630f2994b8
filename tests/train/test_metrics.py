import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtme.train.metrics import SpottingScore, iou, match

interval = st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((10, 19), (10, 19), 1.0),
        ((10, 19), (15, 24), 5 / 15),
        ((10, 19), (19, 28), 1 / 19),
        ((10, 19), (20, 29), 0.0),
        ((5, 5), (5, 5), 1.0),
        ((0, 9), (2, 6), 0.5),
    ],
)
def test_iou_of_inclusive_ranges(a, b, expected):
    assert iou(a, b) == pytest.approx(expected)


@given(interval, interval)
def test_iou_is_symmetric_and_bounded(a, b):
    assert iou(a, b) == iou(b, a)
    assert 0 <= iou(a, b) <= 1
    assert iou(a, a) == 1


def test_each_truth_is_taken_once():
    assert match([(0, 9)], [(0, 9), (1, 9)]) == [(0, 0)]
    assert match([(0, 9), (20, 29)], [(21, 29), (0, 8)]) == [(1, 0), (0, 1)]


def test_exactly_half_counts():
    assert match([(0, 9)], [(2, 6)]) == [(0, 0)]
    assert match([(0, 9)], [(2, 5)]) == []


@given(st.lists(interval, max_size=6), st.lists(interval, max_size=6))
def test_matching_is_one_to_one(truth, found):
    pairs = match(truth, found)
    assert len({t for t, _ in pairs}) == len({p for _, p in pairs}) == len(pairs)
    assert all(iou(truth[t], found[p]) >= 0.5 for t, p in pairs)


def test_counts_are_pooled_over_videos():
    score = SpottingScore(fps=30)
    score.add([(10, 19), (50, 57)], [(12, 20), (80, 85)], frames=900)
    score.add([(5, 12)], [], frames=900)
    assert (score.matched, score.truths, score.found) == (1, 3, 2)
    assert score.precision == pytest.approx(1 / 2)
    assert score.recall == pytest.approx(1 / 3)
    assert score.f1 == pytest.approx(2 / 5)
    assert score.false_per_minute == pytest.approx(1.0)
    assert score.onset_errors == [2]
    assert score.offset_errors == [1]


def test_nothing_found_and_nothing_there_is_zero_not_an_error():
    score = SpottingScore()
    score.add([], [], frames=0)
    assert score.f1 == score.precision == score.recall == score.false_per_minute == 0
    assert score.summary()["onset_error"] == 0
