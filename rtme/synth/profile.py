"""Time courses: how far a movement has gone, from onset over apex to offset."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

VISIBLE_SHARE = 0.12
VISIBLE_PIXELS = 0.15
"""A movement is seen where it exceeds both: this share of its apex and this many pixels at 112."""


def ease(x: NDArray[np.floating[Any]]) -> Floats:
    """From 0 to 1 with no jump in speed or acceleration (minimum jerk, Flash and Hogan 1985)."""
    t = np.clip(x, 0.0, 1.0).astype(np.float64)
    return t**3 * (10 - 15 * t + 6 * t**2)


@dataclass(frozen=True, slots=True)
class Profile:
    """One movement: rise, hold, fall.

    Attributes:
        start_s: When it begins to rise.
        rise_s: Onset phase, seconds.
        hold_s: Time at the apex, seconds.
        fall_s: Offset phase, seconds.
    """

    start_s: float
    rise_s: float
    hold_s: float
    fall_s: float

    @property
    def end_s(self) -> float:
        """When it has gone back."""
        return self.start_s + self.rise_s + self.hold_s + self.fall_s

    def at(self, times_s: Floats) -> Floats:
        """Share of the apex, 0..1, at each time."""
        since = times_s - self.start_s
        falling = since - self.rise_s - self.hold_s
        return ease(since / self.rise_s) * (1 - ease(falling / self.fall_s))

    def later(self, seconds: float) -> "Profile":
        """The same movement at another time."""
        return Profile(self.start_s + seconds, self.rise_s, self.hold_s, self.fall_s)


def random_profile(rng: np.random.Generator, start_s: float, visible_s: float) -> Profile:
    """A movement that is visible for about ``visible_s``: quick onset, apex held 0 to 40 %, slower offset."""
    # Minimum jerk passes 12 % after 28 % of the phase: what is not seen at both ends is added.
    hold = rng.uniform(0.0, 0.4) * visible_s
    moving = (visible_s - hold) / 0.72
    rise = rng.uniform(0.25, 0.5) * moving
    return Profile(start_s, rise, hold, moving - rise)


def visible(pixels: Floats) -> tuple[int, int, int] | None:
    """First, largest and last visible frame of one movement.

    Args:
        pixels: ``(n,)`` displacement per frame.

    Returns:
        Onset, apex and offset, inclusive; None when nothing is to be seen.
    """
    apex = int(pixels.argmax())
    seen = np.flatnonzero(pixels >= max(VISIBLE_SHARE * pixels[apex], VISIBLE_PIXELS))
    if seen.size == 0:
        return None
    return int(seen[0]), apex, int(seen[-1])
