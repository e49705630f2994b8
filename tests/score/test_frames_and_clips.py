import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtme.errors import DataError
from rtme.score import accuracy, frame_average_precision


def test_average_precision_by_hand() -> None:
    # Hits at ranks 1, 3 and 4: (1/1 + 2/3 + 3/4) / 3.
    assert frame_average_precision([0.9, 0.8, 0.7, 0.6, 0.1], [1, 0, 1, 1, 0]) == pytest.approx(29 / 36)
    # Equal scores pass together: 1 of 1, then 3 of 4 at once: 1/3 * 1 + 2/3 * 3/4.
    assert frame_average_precision([0.9, 0.5, 0.5, 0.5], [True, False, True, True]) == pytest.approx(5 / 6)
    assert frame_average_precision([0.5] * 4, [0, 1, 0, 0]) == 0.25


def test_shapes_and_numbers() -> None:
    assert frame_average_precision(np.array([[0.9, 0.2], [0.1, 0.8]]), np.array([[1, 0], [0, 1]])) == 1
    assert math.isnan(frame_average_precision([0.9, 0.1], [0, 0]))
    assert math.isnan(frame_average_precision([], []))
    with pytest.raises(DataError, match="shape"):
        frame_average_precision([0.9, 0.1], [1])
    with pytest.raises(DataError, match="finite"):
        frame_average_precision([0.9, math.nan], [1, 0])


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.booleans()), min_size=1),
    st.randoms(use_true_random=False),
)
def test_order_does_not_matter_and_a_perfect_order_gets_1(
    frames: list[tuple[float, bool]], shuffled: random.Random
) -> None:
    frames = [*frames, (0.5, True)]
    value = frame_average_precision(*zip(*frames, strict=True))
    assert 0 < value <= 1
    shuffled.shuffle(frames)
    assert frame_average_precision(*zip(*frames, strict=True)) == pytest.approx(value)
    inside = [one for _, one in frames]
    assert frame_average_precision(inside, inside) == pytest.approx(1)


def test_accuracy_of_clips() -> None:
    assert accuracy([(True, True), (False, True), (None, True), (True, None)]) == pytest.approx(1 / 3)
    assert accuracy([("speaking", "speaking"), ("listening", "listening")]) == 1
    assert accuracy([(None, True)]) is None
    assert accuracy([]) is None
