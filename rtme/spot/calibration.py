"""From how strongly the network spoke to how often it is right."""

from bisect import bisect_right
from collections.abc import Iterable

Knots = tuple[tuple[float, float], ...]
"""Points (raw confidence, probability of being right), both 0..1 and neither ever falling; none: raw is kept."""


def calibrated(raw: float, knots: Knots) -> float:
    """The probability that belongs to a raw confidence: linear between knots, flat outside of them.

    Args:
        raw: 0..1.
        knots: As :data:`Knots` says. Of two with the same raw confidence the later counts there.

    Returns:
        0..1, never less for a higher ``raw``.
    """
    if not knots:
        return raw
    place = bisect_right(knots, raw, key=lambda knot: knot[0])
    if place == 0:
        return knots[0][1]
    if place == len(knots):
        return knots[-1][1]
    (left, low), (right, high) = knots[place - 1], knots[place]
    # Rounding must not lift it above the next knot: two confidences would change places.
    return min(high, low + (high - low) * (raw - left) / (right - left))


def fault_of(knots: Iterable[tuple[float, float]]) -> str | None:
    """What is wrong with knots, None where nothing is."""
    last = (0.0, 0.0)
    for knot in knots:
        if not all(0 <= number <= 1 for number in knot):
            return f"the knot {knot} has a number outside of 0..1"
        if knot[0] < last[0] or knot[1] < last[1]:
            return f"the knot {knot} falls below the one before it, {last}"
        last = knot
    return None
