"""What is planted when: drawn from a seed, whatever the footage shows."""

import zlib
from dataclasses import dataclass

import numpy as np

from rtme.errors import SettingsError
from rtme.synth.action_units import LIMITS, MIDLINE, largest_displacement
from rtme.synth.expression import Expression
from rtme.synth.profile import random_profile

Units = tuple[int, ...]

UPPER_FACE = (1, 2, 4, 5, 6, 7)
"""FACS units of brows, lids and cheeks; the other ones move nose, mouth and chin."""

SEVERAL: tuple[Units, ...] = (
    (1, 2), (1, 4), (4, 7), (1, 2, 4), (1, 2, 5), (6, 12), (9, 10), (10, 14), (12, 14), (15, 17), (4, 17), (2, 12)
)  # fmt: skip
"""Units that are seen together."""

REST_S = 1.0
"""Between the end of one expression and the beginning of the next, so that two are never taken for one."""

LEAD_S = 0.8
"""From the beginning of a stretch to its first expression: a face must have been judged for a while."""

MARGIN_S = 1.0
"""From the last expression of a stretch to its end, so that it is decided within the stretch."""

_FIRST_S = 1.5
_SHORTEST_S, _LONGEST_S = 0.1, 0.45  # how long one is seen; frames at both ends may round it up to 0.5 s
_SHORTEST_EVERY_S = REST_S + _LONGEST_S
_SHORTEST_STRETCH_S = LEAD_S + _FIRST_S + _LONGEST_S + MARGIN_S
_TRIES = 50


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be planted.

    Attributes:
        every_s: Mean time from the beginning of one expression to the beginning of the next, seconds.
        pixels: Smallest and largest displacement at the apex, pixels of a 112-pixel crop; drawn evenly between.
        seed: The same seed plants the same expressions at the same times of the same footage.
        stretch_s: Plant in every second stretch of this length, beginning with the first; None plants throughout.

    Raises:
        SettingsError: A number that cannot be.
    """

    every_s: float = 4.0
    pixels: tuple[float, float] = (1.0, 3.0)
    seed: int = 0
    stretch_s: float | None = None

    def __post_init__(self) -> None:
        low, high = self.pixels
        if not self.every_s >= _SHORTEST_EVERY_S:
            raise SettingsError(
                f"every is {self.every_s:g} s: give {_SHORTEST_EVERY_S:g} s or more, room for one expression and a rest"
            )
        if not 0.3 <= low <= high <= max(LIMITS.values()):
            raise SettingsError(
                f"pixels are {low:g} to {high:g}: give two numbers from 0.3 (less is not to be seen) to "
                f"{max(LIMITS.values()):g} (a face moves no further), the smaller first"
            )
        if self.stretch_s is not None and not self.stretch_s >= _SHORTEST_STRETCH_S:
            raise SettingsError(
                f"stretches are {self.stretch_s:g} s long: give {_SHORTEST_STRETCH_S:g} s or more, room for one expression"
            )
        if self.seed < 0:
            raise SettingsError(f"seed is {self.seed}: give 0 or more")

    def choices(self) -> list[Units]:
        """Units, alone and together, that can move as far as is asked for."""
        return [
            units for units in [*((u,) for u in LIMITS), *SEVERAL] if _reach(_even(units)) >= self.pixels[0]
        ]


class Schedule:
    """The expressions of one stream, one after the other.

    Args:
        wish: What is to be planted.
        stream: Name of the stream: each has its own times.
    """

    def __init__(self, wish: Wish, stream: str) -> None:
        self._wish = wish
        self._choices = wish.choices()
        self._rng = np.random.default_rng([wish.seed, zlib.crc32(stream.encode())])
        self._begin_s = 0.0
        self._end_s: float | None = None

    def stretch(self, at_s: float) -> int:
        """Number of the stretch that a time lies in; it is planted in where the number is even."""
        return 0 if self._wish.stretch_s is None else int(at_s // self._wish.stretch_s)

    def next(self) -> Expression:
        """The next expression, on the clock of the footage."""
        expression = self._draw()
        start = self._start()
        length = self._wish.stretch_s
        if length is not None:
            number = self.stretch(start)
            planted = number % 2 == 0
            if not planted or start + expression.profile.end_s > (number + 1) * length - MARGIN_S:
                following = number + (2 if planted else 1)
                start = following * length + LEAD_S + float(self._rng.uniform(0, _FIRST_S))
        placed = expression.starting(start)
        self._begin_s, self._end_s = start, placed.profile.end_s
        return placed

    def _start(self) -> float:
        every = self._wish.every_s
        if self._end_s is None:
            return LEAD_S + float(self._rng.uniform(0, min(every, _FIRST_S)))
        return max(self._end_s + REST_S, self._begin_s + every * float(self._rng.uniform(0.6, 1.4)))

    def _draw(self) -> Expression:
        """An expression that begins at 0."""
        rng = self._rng
        low, high = self._wish.pixels
        units = self._choices[int(rng.integers(len(self._choices)))]
        parts = _even(units)
        for _ in range(_TRIES):
            uneven = _uneven(rng, units)
            if _reach(uneven) >= low:
                parts = uneven
                break
        size = float(rng.uniform(low, min(high, _reach(parts))))
        profile = random_profile(rng, 0.0, float(rng.uniform(_SHORTEST_S, _LONGEST_S)))
        return Expression("me", parts, profile).stronger(size / largest_displacement(parts))


def region(units: Units) -> str:
    """``upper`` or ``lower`` face, or ``both``."""
    upper = {unit in UPPER_FACE for unit in units}
    return "both" if len(upper) == 2 else "upper" if True in upper else "lower"


Parts = dict[int, tuple[float, float]]


def _even(units: Units) -> Parts:
    return dict.fromkeys(units, (1.0, 1.0))


def _uneven(rng: np.random.Generator, units: Units) -> Parts:
    """Share of each unit on each side: real ones are seldom even, and some show on one side alone."""
    weaker = 0.0 if rng.random() < 0.15 else float(rng.uniform(0.5, 1.0))
    sides = (1.0, weaker) if rng.random() < 0.5 else (weaker, 1.0)
    parts: Parts = {}
    for unit in units:
        share = 1.0 if unit == units[0] else float(rng.uniform(0.5, 1.0))
        parts[unit] = (share, share) if unit in MIDLINE else (share * sides[0], share * sides[1])
    return parts


def _reach(parts: Parts) -> float:
    """Pixels that these can move at most, in these shares."""
    return largest_displacement(parts) * min(LIMITS[unit] / max(sides) for unit, sides in parts.items())
