from hypothesis import given
from hypothesis import strategies as st

from rtme.bus.latency import WINDOW_NS, LatencyWindow

SECOND = 1_000_000_000


def test_nothing_sent_has_no_percentiles() -> None:
    assert LatencyWindow().percentiles(0) is None


def test_nearest_rank() -> None:
    window = LatencyWindow()
    for ms in range(100, 0, -1):
        window.add(float(ms), 0)
    percentiles = window.percentiles(SECOND)
    assert percentiles is not None
    assert (percentiles.p50, percentiles.p95, percentiles.p99, percentiles.max) == (50, 95, 99, 100)


def test_what_is_older_than_a_minute_is_forgotten() -> None:
    window = LatencyWindow()
    window.add(500.0, 0)
    window.add(10.0, 30 * SECOND)
    percentiles = window.percentiles(WINDOW_NS)
    assert percentiles is not None
    assert percentiles.max == 10.0
    assert window.percentiles(91 * SECOND) is None


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_percentiles_are_samples_in_order(values: list[float]) -> None:
    window = LatencyWindow()
    for ms in values:
        window.add(ms, 0)
    percentiles = window.percentiles(0)
    assert percentiles is not None
    assert percentiles.p50 <= percentiles.p95 <= percentiles.p99 <= percentiles.max == max(values)
    assert {percentiles.p50, percentiles.p95, percentiles.p99} <= set(values)
