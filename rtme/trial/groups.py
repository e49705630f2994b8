"""Planted expressions, and what became of them by what they have in common."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rtme.score.interval import State
from rtme.trial.planting import Planted
from rtme.trial.schedule import region
from rtme.trial.watching import Found

PIXELS = (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, math.inf)
MS = (0.0, 150.0, 250.0, 350.0, math.inf)
"""Edges of the bins that recall is told for."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A planted expression and what became of it.

    Attributes:
        clip: Where.
        planted: What was shown.
        found: What it was found as, None where it was not.
        in_macro: Not found, but in the midst of a longer expression that was.
        state: What the engine says the person did at its apex.
    """

    clip: str
    planted: Planted
    found: Found | None
    in_macro: bool
    state: State | None

    @property
    def ms(self) -> float:
        """From the onset to the offset."""
        return 1000 * (self.planted.offset.time_s - self.planted.onset.time_s)


@dataclass(frozen=True, slots=True)
class Group:
    """Planted expressions that have something in common.

    Attributes:
        name: What.
        planted: How many there were.
        found: How many of them were found.
        onset: Mean absolute error of the onset in frames, None where none was found.
        offset: Likewise.
        alarms_per_minute: Found in untouched footage; None where a group says nothing of that.
    """

    name: str
    planted: int
    found: int
    onset: float | None
    offset: float | None
    alarms_per_minute: float | None = None


def by_pixels(shown: Sequence[Shown]) -> list[Group]:
    """By displacement at the apex."""
    return _binned(shown, lambda one: one.planted.pixels, PIXELS, "px")


def by_duration(shown: Sequence[Shown]) -> list[Group]:
    """By time from onset to offset."""
    return _binned(shown, lambda one: one.ms, MS, "ms")


def by_region(shown: Sequence[Shown]) -> list[Group]:
    """By the part of the face that moves."""
    names = {"upper": "upper face", "lower": "lower face", "both": "both"}
    parts = {name: [one for one in shown if region(one.planted.units) == name] for name in names}
    return [group(names[name], inside) for name, inside in parts.items() if inside]


def _binned(
    shown: Sequence[Shown], value: Callable[[Shown], float], edges: Sequence[float], unit: str
) -> list[Group]:
    groups = []
    for low, high in pairwise(edges):
        inside = [one for one in shown if low <= value(one) < high]
        if low == edges[0]:
            name = f"below {high:g} {unit}"
        elif high == edges[-1]:
            name = f"from {low:g} {unit}"
        else:
            name = f"{low:g} to {high:g} {unit}"
        if inside:
            groups.append(group(name, inside))
    return groups


def group(name: str, inside: Sequence[Shown], alarms_per_minute: float | None = None) -> Group:
    """Count what these have in common."""
    found = [(one.planted, one.found) for one in inside if one.found is not None]
    onset = [abs(f.onset.frame - p.onset.frame) for p, f in found]
    offset = [abs(f.offset.frame - p.offset.frame) for p, f in found]
    return Group(name, len(inside), len(found), _mean(onset), _mean(offset), alarms_per_minute)


def _mean(numbers: Sequence[float]) -> float | None:
    return sum(numbers) / len(numbers) if numbers else None


def spread(numbers: Iterable[float]) -> dict[str, float] | None:
    """Median, 95th percentile and largest of some numbers, None of none."""
    values = [*numbers]
    if not values:
        return None
    p50, p95 = np.percentile(values, [50, 95])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2), "max": round(max(values), 2)}


def wilson(hits: int, trials: int) -> tuple[float, float] | None:
    """95 % confidence interval of a share (Wilson 1927), None without a trial."""
    if not trials:
        return None
    z, share = 1.96, hits / trials
    middle = share + z * z / (2 * trials)
    reach = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    below = 1 + z * z / trials
    return max(0.0, (middle - reach) / below), min(1.0, (middle + reach) / below)
