"""How far a figure may be from what it would be on more people: intervals of 95 % confidence."""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

LEVEL = 0.95
"""Share of such intervals that hold the true value."""

_DRAWS = 2000
_SEED = 20260101
_T = TypeVar("_T")


def poisson_interval(events: int, minutes: float) -> tuple[float, float]:
    """Exact interval (Garwood 1936) of a rate of rare events, per minute.

    Args:
        events: How many were counted.
        minutes: In how long a time, above 0.

    Returns:
        Lower and upper end.
    """
    tail = (1 - LEVEL) / 2
    low = 0.0 if events == 0 else _mean_with(events - 1, 1 - tail)
    return low / minutes, _mean_with(events, tail) / minutes


def bootstrap(units: Sequence[_T], figure: Callable[[Sequence[_T]], float]) -> tuple[float, float] | None:
    """Percentile interval of a figure over people (or clips) drawn again and again from those there are.

    The draws are the same each time.

    Args:
        units: What is drawn, whole: all of a person's clips are one unit.
        figure: Of a sample of units.

    Returns:
        Lower and upper end; None for fewer than two units, of which nothing can be learned about others.
    """
    if len(units) < 2:
        return None
    rng = np.random.default_rng(_SEED)
    drawn = rng.integers(len(units), size=(_DRAWS, len(units)))
    figures = [figure([units[place] for place in row]) for row in drawn]
    low, high = np.quantile(figures, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)


def _mean_with(events: int, share: float) -> float:
    """The Poisson mean at which so many events or fewer have this probability, by bisection."""
    low, high = 0.0, 10.0 + 3.0 * events + 10.0 * math.sqrt(events)
    for _ in range(100):
        middle = (low + high) / 2
        if _at_most(events, middle) > share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _at_most(events: int, mean: float) -> float:
    """Probability of so many events or fewer. Added up in logarithms, which do not vanish for large means."""
    if mean == 0:
        return 1.0
    terms = [k * math.log(mean) - mean - math.lgamma(k + 1) for k in range(events + 1)]
    largest = max(terms)
    return math.exp(largest) * sum(math.exp(term - largest) for term in terms)
