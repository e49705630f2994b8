from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from made_recordings import report
from rtme.view.result import Result
from rtme.view.strips import Strip, strip_of, strips, thin
from rtme.view.words import clock, length


@given(st.floats(0, 20_000))
def test_strips_hold_all_of_a_recording_once(seconds: float) -> None:
    result = Result(report(fps=1000.0, frames=round(seconds * 1000)))
    cut = strips(result, 0)
    assert cut[0].start_s == 0
    assert cut[-1].end_s >= result.length_s(0)
    for before, after in pairwise(cut):
        assert before.end_s == after.start_s
        assert before.width_s == after.width_s
    assert all(strip_of(strip.start_s, cut) is strip for strip in cut)
    assert strip_of(1e9, cut) is cut[-1]


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=200),
    st.integers(1, 50),
)
def test_a_thinned_curve_keeps_its_highest_value_and_its_holes(values: list[float | None], bins: int) -> None:
    of = np.array([np.nan if value is None else value for value in values], float)
    at = np.arange(len(of)) / 30
    lines = thin(at, of, Strip(0, 0, 0.0, 10.0, 10.0), bins, peaks=True)
    drawn = np.concatenate([line for _, line in lines]) if lines else np.zeros(0)
    assert np.isfinite(drawn).all()
    assert len(drawn) == 0 if np.isnan(of).all() else drawn.max() == np.nanmax(of)
    for times, _ in lines:
        inside = of[(at >= times[0]) & (at <= times[-1])]
        assert np.isfinite(inside).all()
        assert len(times) <= bins + 1
        assert (np.diff(times) > 0).all()


def test_times_are_written_as_people_do() -> None:
    assert [clock(at) for at in (0, 59.999, 61.5, 3599.999, 3661)] == [
        "0:00.00", "1:00.00", "1:01.50", "1:00:00.00", "1:01:01.00",
    ]  # fmt: skip
    assert [clock(at, 0) for at in (0, 61.4, 3661)] == ["0:00", "1:01", "1:01:01"]
    assert [length(s) for s in (0, 59.96, 125, 3599.6, 7260)] == [
        "0.0 s", "1 min 0 s", "2 min 5 s", "1 h 0 min", "2 h 1 min",
    ]  # fmt: skip
