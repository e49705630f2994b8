"""Kappa and differences of boundaries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rtme.errors import DataError
from rtme.score.agreement import Spread, kappa, spread

labels = arrays(np.int8, st.integers(1, 60), elements=st.integers(0, 2))


def test_the_textbook_example() -> None:
    # 50 grants, two readers: both yes 20, only A 5, only B 10, both no 15.
    a = [1] * 25 + [0] * 25
    b = [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    assert kappa(a, b) == pytest.approx(0.4)


def test_where_it_is_not_defined() -> None:
    assert kappa([], []) is None
    assert kappa([0, 0], [0, 0]) is None
    assert kappa([0, 0], [1, 1]) == 0
    with pytest.raises(DataError, match="3 labels against 2"):
        kappa([0, 1, 0], [0, 1])


@given(labels)
def test_with_itself_it_is_one(a: np.ndarray) -> None:
    assert kappa(a, a) == (None if len(set(a.tolist())) == 1 else pytest.approx(1))


@given(labels, st.randoms())
def test_the_same_both_ways_and_whatever_labels_are_called(a: np.ndarray, random: object) -> None:
    b = a.copy()
    random.shuffle(b)  # type: ignore[attr-defined]
    one = kappa(a, b)
    assert kappa(b, a) == (one if one is None else pytest.approx(one))
    assert kappa(10 - a, 10 - b) == (one if one is None else pytest.approx(one))
    assert one is None or -1 <= one <= 1


def test_a_spread() -> None:
    assert spread([]) is None
    said = spread([-2, 0, 1, 1, 4])
    assert said == Spread(5, 1.0, 0.0, 1.0)
    assert said.iqr == 1
