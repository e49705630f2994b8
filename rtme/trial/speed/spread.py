"""How often a measurement is repeated, and how far its figures lie apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Often:
    """When there have been enough runs.

    Attributes:
        least: Runs in any case.
        most: Runs at most.
        within: Enough once the middle half of the runs lies within this share of their median.
    """

    least: int = 3
    most: int = 5
    within: float = 0.05


def repeat(once: Callable[[], T], value: Callable[[T], float], often: Often) -> tuple[list[T], str]:
    """Run something until its spread is small, or often enough.

    Args:
        once: One run.
        value: The figure of a run by which the spread is judged.
        often: How often.

    Returns:
        What each run gave, and why there was no further one.
    """
    runs = [once() for _ in range(often.least)]
    while len(runs) < often.most and spread([value(run) for run in runs]) > often.within:
        runs.append(once())
    if len(runs) == 1:
        return runs, "a single run, so nobody knows the spread"
    found = spread([value(run) for run in runs])
    if found <= often.within:
        return runs, f"{len(runs)} runs, whose spread of {found:.1%} is within {often.within:.0%}"
    return runs, f"{len(runs)} runs, the most there are; their spread is {found:.1%}"


def spread(values: Sequence[float]) -> float:
    """Width of the middle half of the values (interquartile range), as a share of their median."""
    low, middle, high = np.percentile(values, [25, 50, 75])
    return float((high - low) / middle) if middle else 0.0


def figure(values: Sequence[float], digits: int = 2) -> dict[str, Any]:
    """One figure of several runs."""
    return {
        "median": round(float(np.median(values)), digits),
        "min": round(float(min(values)), digits),
        "max": round(float(max(values)), digits),
        "runs": len(values),
        "spread": round(spread(values), 4),
    }


def percentiles(values: Sequence[float]) -> dict[str, Any] | None:
    """How milliseconds are spread; None where there are none."""
    if not values:
        return None
    p50, p95, p99 = np.percentile(values, [50, 95, 99])
    return {
        "count": len(values),
        "p50": round(float(p50), 2),
        "p95": round(float(p95), 2),
        "p99": round(float(p99), 2),
        "max": round(float(max(values)), 2),
    }
