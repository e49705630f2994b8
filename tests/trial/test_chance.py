import math

import numpy as np
import pytest

from rtme.trial.chance import bootstrap, poisson_interval


@pytest.mark.parametrize(
    ("events", "low", "high"),
    # Exact limits for a count, as tables of the chi-squared distribution give them.
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.39), (100, 81.36, 121.63), (1000, 938.97, 1063.96)],
)
def test_exact_poisson_limits(events: int, low: float, high: float) -> None:
    assert poisson_interval(events, 1.0) == pytest.approx((low, high), rel=2e-3)
    assert poisson_interval(events, 4.0) == pytest.approx((low / 4, high / 4), rel=2e-3)


def test_the_bootstrap_of_a_mean_is_about_its_standard_error_wide() -> None:
    values = list(np.random.default_rng(1).normal(5, 2, 400))
    low, high = bootstrap(values, lambda drawn: sum(drawn) / len(drawn)) or (0, 0)
    error = float(np.std(values)) / math.sqrt(len(values))
    mean = sum(values) / len(values)
    assert low == pytest.approx(mean - 1.96 * error, abs=0.3 * error)
    assert high == pytest.approx(mean + 1.96 * error, abs=0.3 * error)


def test_the_bootstrap_is_the_same_each_time_and_says_nothing_of_one() -> None:
    assert bootstrap([1.0, 2.0, 4.0], sum) == bootstrap([1.0, 2.0, 4.0], sum)
    assert bootstrap([3.0], sum) is None
