from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtme.trial.speed.spread import Often, figure, percentiles, repeat, spread


def once(values: list[float]) -> tuple[list[float], str]:
    left: Iterator[float] = iter(values)
    return repeat(lambda: next(left), float, Often(3, 5, 0.05))


def test_steady_figures_need_the_fewest_runs() -> None:
    runs, why = once([100, 101, 99, 5, 5])
    assert runs == [100, 101, 99]
    assert why.startswith("3 runs, whose spread")


def test_unsteady_ones_are_repeated_until_there_have_been_enough() -> None:
    runs, why = once([100, 200, 300, 400, 500])
    assert len(runs) == 5
    assert "the most there are" in why


def test_a_single_run_says_so() -> None:
    assert "nobody knows" in repeat(lambda: 1.0, float, Often(1, 1))[1]


@given(values=st.lists(st.floats(0.01, 1e6), min_size=1, max_size=20))
def test_a_figure_lies_between_its_ends(values: list[float]) -> None:
    one = figure(values)
    assert one["min"] <= one["median"] <= one["max"]
    assert one["runs"] == len(values)
    assert spread(values) >= 0
    ms = percentiles(values)
    assert ms is not None
    assert ms["p50"] <= ms["p95"] <= ms["p99"] <= ms["max"]


def test_nothing_has_no_percentiles() -> None:
    assert percentiles([]) is None
    assert spread([0.0, 0.0]) == pytest.approx(0)
