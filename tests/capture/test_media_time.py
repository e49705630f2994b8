import math
from itertools import pairwise

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from rtme.capture.media_time import MediaClock

NS = 1_000_000_000
anything = st.none() | st.floats(allow_nan=True, allow_infinity=True)


@example(False, [(0.0, 0), (1.7976931348623157e308, 0), (None, 0)])
@given(
    st.booleans(),
    st.lists(st.tuples(anything, st.integers(-(10**9), 10**11)), min_size=1, max_size=60),
)
def test_time_starts_at_zero_always_grows_and_is_always_a_number(live, frames):
    clock = MediaClock(live=live)
    capture_ns = 5 * NS
    times = []
    for pts, later in frames:
        capture_ns += later
        times.append(clock.time(pts, capture_ns))
        assert math.isfinite(clock.jump_s)
    assert times[0] == 0.0
    assert all(math.isfinite(t) for t in times)
    assert all(b > a for a, b in pairwise(times))


@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=50), st.floats(-1000, 1000))
def test_a_file_is_believed_however_fast_it_is_read(steps, first):
    pts = first + np.concatenate([[0], np.cumsum(steps)])
    clock = MediaClock(live=False)
    times = [clock.time(float(p), i) for i, p in enumerate(pts)]
    assert np.allclose(times, pts - pts[0])


def run(pts: np.ndarray, capture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    clock = MediaClock(live=True)
    rows = [(clock.time(float(p), round(c * NS)), clock.jump_s) for p, c in zip(pts, capture, strict=True)]
    times, jumps = np.array(rows).T
    return times, jumps


@given(st.lists(st.floats(0, 0.2), min_size=30, max_size=200))
def test_jitter_of_arrival_does_not_reach_the_time(delays):
    pts = np.arange(len(delays)) / 30
    arrival = np.maximum.accumulate(pts + delays)
    times, jumps = run(pts, 50 + arrival)
    assert np.allclose(times, pts, atol=1e-6)
    assert not jumps.any()


def test_the_burst_at_the_start_keeps_its_own_time():
    pts = np.arange(120) / 30
    times, jumps = run(pts, np.maximum(0.6, pts))
    assert np.allclose(times, pts)
    assert not jumps.any()


def test_a_hiccup_of_the_network_keeps_the_streams_time():
    pts = np.arange(300) / 30
    capture = pts.copy()
    held = (pts > 4) & (pts < 5.5)
    capture[held] = 5.5
    times, jumps = run(pts, capture)
    assert np.allclose(times, pts)
    assert not jumps.any()


def test_slow_drift_of_the_cameras_clock_is_no_jump():
    capture = np.arange(30 * 3600 * 2) / 30
    times, jumps = run(capture * (1 + 300e-6), capture)
    assert not jumps.any()
    assert times[-1] == np.float64(capture[-1] * (1 + 300e-6))


def test_a_leap_of_the_streams_time_is_told_once_and_time_goes_on_by_the_capture_clock():
    capture = np.arange(300) / 30
    for leap in (3600.0, -3600.0, -5.0, 2.0):
        pts = capture.copy()
        pts[150:] += leap
        times, jumps = run(pts, capture)
        assert np.allclose(times, capture, atol=0.01), leap
        assert np.flatnonzero(jumps).tolist() == [150]
        assert math.isclose(jumps[150], -leap, abs_tol=0.05)


def test_a_pause_that_the_streams_time_does_not_show_is_found():
    pts = np.arange(300) / 30
    capture = pts + np.where(pts > 5, 3.0, 0.0)
    times, jumps = run(pts, capture)
    assert np.count_nonzero(jumps) == 1
    assert math.isclose(times[-1], capture[-1], abs_tol=0.05)


def test_a_stream_whose_time_runs_at_a_wrong_rate_is_no_longer_believed():
    capture = np.arange(600) / 15
    for rate in (0.5, 2.0):
        times, jumps = run(capture * rate, capture)
        assert np.count_nonzero(jumps) == 3
        assert np.allclose(np.diff(times[300:]), 1 / 15)
        assert abs(times[-1] - capture[-1]) < 2.5


def test_without_a_time_of_its_own_a_frame_has_the_capture_clocks():
    capture = np.array([3.0, 3.04, 3.2, 3.21])
    clock = MediaClock(live=True)
    assert np.allclose([clock.time(None, round(c * NS)) for c in capture], capture - 3)
    assert clock.jump_s == 0.0
