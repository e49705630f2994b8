"""A timeline cut into strips that fit a page, and curves thinned to what a strip can show."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtme.view.curves import FaceCurve, Floats
from rtme.view.result import Result

STRIP_S = 60.0
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


@dataclass(frozen=True, slots=True)
class Strip:
    """A stretch of one part of a recording.

    Attributes:
        epoch: The part.
        number: Of the strip within it, from 0.
        start_s: Where it begins.
        end_s: Where what is shown ends.
        width_s: What its whole width stands for, the same for all strips of a part.
    """

    epoch: int
    number: int
    start_s: float
    end_s: float
    width_s: float

    def meets(self, start_s: float, end_s: float) -> bool:
        """Whether any of a stretch lies in it."""
        return start_s < self.start_s + self.width_s and end_s >= self.start_s


def strips(result: Result, epoch: int, longest_s: float = STRIP_S) -> list[Strip]:
    """A part of a recording as strips of the same scale.

    Args:
        result: The recording.
        epoch: The part.
        longest_s: A strip stands for so many seconds; one strip is as long as the part where that is shorter.
    """
    length = max(result.length_s(epoch), 1e-3)
    # A frame or two must not begin a strip of their own.
    width = longest_s if length > 1.02 * longest_s else max(length, 1.0)
    count = max(1, int(np.ceil(length / width - 1e-9)))
    return [
        Strip(epoch, number, number * width, min(length, (number + 1) * width), width)
        for number in range(count)
    ]


def strip_of(time_s: float, cut: list[Strip]) -> Strip:
    """The strip in which a moment lies; the last one also holds what comes later."""
    return cut[min(max(int(time_s // cut[0].width_s), 0), len(cut) - 1)]


def step_of(width_s: float, most: int = 12) -> float:
    """Seconds between the labels of an axis."""
    return next((step for step in _STEPS_S if width_s / step <= most), float(np.ceil(width_s / most)))


def thin(
    time_s: Floats, values: Floats, strip: Strip, bins: int, *, peaks: bool = False
) -> list[tuple[Floats, Floats]]:
    """What a strip can show of a curve, as lines between what is not known.

    Args:
        time_s: ``(N,)`` rising.
        values: ``(N,)``; NaN where nothing is known.
        strip: Of which.
        bins: Points at most.
        peaks: Keep the highest value of each bin, not its first.

    Returns:
        Times and values of each line.
    """
    within = (time_s >= strip.start_s) & (time_s <= strip.start_s + strip.width_s)
    time_s, values = time_s[within], values[within]
    known = np.isfinite(values)
    if not known.any():
        return []
    steps = np.diff(time_s)
    size = strip.width_s / bins
    usual = float(np.median(steps)) if len(steps) else size
    # A line ends where values are missing, or where no frame is for long.
    broken = np.concatenate([[True], (steps > 3 * max(usual, size)) | (known[1:] != known[:-1])])
    line = np.cumsum(broken)
    lines = []
    for number in np.unique(line[known]):
        at, of = time_s[line == number], values[line == number]
        place = np.floor((at - strip.start_s) / size).astype(int)
        firsts = np.flatnonzero(np.concatenate([[True], np.diff(place) > 0]))
        chosen = firsts
        if peaks:
            lasts = np.append(firsts[1:], len(at))
            chosen = np.array([a + int(np.argmax(of[a:b])) for a, b in zip(firsts, lasts, strict=True)])
        lines.append((at[chosen], of[chosen]))
    return lines


def runs(curve: FaceCurve, wanted: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Stretches of a curve in which something holds, from their first point's time to the next point's after them."""
    if not wanted.any():
        return []
    steps = np.diff(curve.time_s)
    usual = float(np.median(steps)) if len(steps) else 0.0
    edges = np.diff(np.concatenate([[False], wanted, [False]]).astype(int))
    return [
        (float(curve.time_s[first]), float(curve.time_s[last - 1]) + usual)
        for first, last in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    ]
