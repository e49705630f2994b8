"""The time grid and the feature ring."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtme.spot.grid import TimeGrid
from rtme.spot.ring import FeatureRing


def placed(fps: float, times: list[float]) -> list[int | None]:
    grid = TimeGrid(fps)
    return [grid.place(t) for t in times]


def test_a_source_at_the_grid_rate_fills_every_slot() -> None:
    assert placed(30, [i / 30 for i in range(100)]) == list(range(100))


def test_a_source_at_twice_the_rate_feeds_every_second_frame() -> None:
    slots = placed(30, [i / 60 for i in range(120)])
    assert [s for s in slots if s is not None] == list(range(61))
    assert slots.count(None) == 59


def test_a_source_at_half_the_rate_leaves_every_second_slot_empty() -> None:
    assert placed(30, [i / 15 for i in range(5)]) == [0, 2, 4, 6, 8]


def test_25_fps_lands_within_half_a_slot() -> None:
    for i, slot in enumerate(placed(30, [i / 25 for i in range(250)])):
        assert slot is not None
        assert abs(slot / 30 - i / 25) <= 0.5 / 30 + 1e-9


@pytest.mark.parametrize("t", [math.nan, math.inf, -math.inf, -0.2])
def test_a_time_that_is_none_gets_no_slot_and_does_no_harm(t: float) -> None:
    grid = TimeGrid(30)
    assert grid.place(t) is None
    assert grid.place(0.0) == 0


def test_a_jump_back_is_refused_and_says_how_far() -> None:
    grid = TimeGrid(30)
    grid.place(10.0)
    assert grid.place(3.0) is None
    assert grid.behind_s(3.0) == pytest.approx(7.0)
    assert grid.behind_s(10.5) == 0


@given(st.lists(st.floats(-10, 1000), max_size=60), st.sampled_from([10.0, 29.97, 30.0, 60.0, 200.0]))
def test_slots_only_rise_and_lie_within_half_a_slot(times: list[float], fps: float) -> None:
    grid = TimeGrid(fps)
    last = -1
    for t in times:
        slot = grid.place(t)
        if slot is not None:
            assert slot > last
            assert abs(slot - t * fps) <= 0.5 + 1e-6
            last = slot


@given(
    steps=st.lists(st.one_of(st.integers(1, 4), st.sampled_from([-3, 31, 1000, 10**12])), max_size=60),
    capacity=st.integers(1, 12),
    data=st.data(),
)
def test_the_ring_is_a_dict_of_the_newest_slots(steps: list[int], capacity: int, data: st.DataObject) -> None:
    ring = FeatureRing(capacity, 2, 3, 4)
    model: dict[int, float] = {}
    slot = 0
    for value, step in enumerate(steps, 1):
        slot = max(0, slot + step)
        ring.put(slot, np.full(2, value, np.float32), np.full((3, 4), -value, np.float32))
        model[slot] = value
        model = {s: v for s, v in model.items() if s > max(model) - capacity}
        length = data.draw(st.integers(1, capacity))
        end = slot + data.draw(st.integers(-3, 3))
        frame, regions, valid = ring.window(end, length)
        wanted = np.array([model.get(s, 0) for s in range(end - length + 1, end + 1)], np.float32)
        np.testing.assert_array_equal(frame, np.repeat(wanted[:, None], 2, axis=1))
        np.testing.assert_array_equal(regions, np.broadcast_to(-wanted[:, None, None], (length, 3, 4)))
        np.testing.assert_array_equal(valid, wanted > 0)
        after = data.draw(st.integers(-1, slot + 1))
        assert ring.next_slot(after) == min((s for s in model if s > after), default=None)


def test_a_window_is_a_copy() -> None:
    ring = FeatureRing(4, 1, 1, 1)
    ring.put(0, np.ones(1, np.float32), np.ones((1, 1), np.float32))
    frame, regions, valid = ring.window(0, 4)
    frame[:], regions[:], valid[:] = 7, 7, 7
    again = ring.window(0, 4)
    assert [a.max() for a in again] == [1, 1, 1]


def test_the_ring_refuses_what_does_not_fit() -> None:
    ring = FeatureRing(4, 2, 1, 1)
    with pytest.raises(ValueError, match="window of 5 slots"):
        ring.window(9, 5)
    with pytest.raises(ValueError, match="shape"):
        ring.put(0, np.ones(3, np.float32), np.ones((1, 1), np.float32))
