"""The time grid and the feature ring."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtme.spot.grid import EARLY, TimeGrid
from rtme.spot.ring import FeatureRing


def placed(fps: float, times: list[float]) -> list[int | None]:
    grid = TimeGrid(fps)
    return [grid.place(t) for t in times]


def test_a_source_at_the_grid_rate_fills_every_slot() -> None:
    assert placed(30, [i / 30 for i in range(100)]) == list(range(100))


@pytest.mark.parametrize("digits", [3, 4, 9])
@pytest.mark.parametrize("times", [2, 3, 4])
def test_a_faster_source_feeds_frames_at_an_even_pace_however_its_times_are_rounded(
    times: int, digits: int
) -> None:
    slots = placed(30, [round(i / (30 * times), digits) for i in range(60 * times)])
    used = [frame for frame, slot in enumerate(slots) if slot is not None]
    assert [slot for slot in slots if slot is not None] == list(range(len(used)))
    # At four times the rate the first frame of a slot is the one just before its time.
    assert {b - a for a, b in itertools.pairwise(used[1:])} == {times}
    assert times > 2 or used == list(range(0, 120, 2))


def test_a_source_at_half_the_rate_leaves_every_second_slot_empty() -> None:
    assert placed(30, [i / 15 for i in range(5)]) == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("fps", [7, 15, 24, 25, 29.97, 30])
def test_no_frame_of_a_slower_source_is_lost(fps: float) -> None:
    slots = placed(30, [round(i / fps, 3) for i in range(250)])
    assert None not in slots
    assert all(-0.7 <= slot - i / fps * 30 <= 0.33 for i, slot in enumerate(slots) if slot is not None)


@pytest.mark.parametrize("t", [math.nan, math.inf, -math.inf, -0.2])
def test_a_time_that_is_none_gets_no_slot_and_does_no_harm(t: float) -> None:
    grid = TimeGrid(30)
    assert grid.place(t) is None
    assert grid.place(0.0) == 0


def test_a_jump_back_is_refused_until_it_has_caught_up() -> None:
    assert placed(30, [10.0, 3.0, 10.0, 10.5]) == [300, None, None, 315]


@given(st.lists(st.floats(-10, 1000), max_size=60), st.sampled_from([10.0, 29.97, 30.0, 60.0, 200.0]))
def test_slots_only_rise_and_lie_by_their_frames(times: list[float], fps: float) -> None:
    grid = TimeGrid(fps)
    last = -1
    for t in times:
        slot = grid.place(t)
        if slot is not None:
            assert slot > last
            assert -0.7 - 1e-6 <= slot - t * fps <= EARLY + 1e-6
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
