"""The map from raw confidence to the probability of being right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtme.errors import SettingsError
from rtme.spot.calibration import Knots, calibrated
from rtme.spot.rules import IntervalRules

unit = st.floats(0, 1)


@st.composite
def some_knots(draw: st.DrawFn) -> Knots:
    count = draw(st.integers(1, 8))
    raw, right = (sorted(draw(st.lists(unit, min_size=count, max_size=count))) for _ in range(2))
    return tuple(zip(raw, right, strict=True))


@given(unit)
def test_without_knots_confidence_is_raw(raw: float) -> None:
    assert calibrated(raw, ()) == raw


@given(some_knots(), st.lists(unit, min_size=2))
def test_a_higher_raw_confidence_is_never_less_sure(knots: Knots, raw: list[float]) -> None:
    told = [calibrated(one, knots) for one in sorted(raw)]
    assert told == sorted(told)
    assert knots[0][1] <= min(told)
    assert max(told) <= knots[-1][1]


@given(some_knots())
def test_it_goes_through_the_knots(knots: Knots) -> None:
    last = dict(knots)
    assert all(calibrated(raw, knots) == right for raw, right in last.items())


def test_it_is_linear_between_knots_and_flat_outside() -> None:
    knots = ((0.2, 0.1), (0.6, 0.9))
    assert [calibrated(raw, knots) for raw in (0.0, 0.2, 0.4, 0.6, 1.0)] == pytest.approx(
        [0.1, 0.1, 0.5, 0.9, 0.9]
    )


@pytest.mark.parametrize(
    ("knots", "said"),
    [
        (((0.5, 0.5), (0.4, 0.6)), "falls below the one before it"),
        (((0.5, 0.5), (0.6, 0.4)), "falls below the one before it"),
        (((0.5, 1.5),), "outside of 0..1"),
        (((float("nan"), 0.5),), "outside of 0..1"),
    ],
)
def test_knots_that_make_no_map_are_refused(knots: Knots, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        IntervalRules(calibration=knots)
