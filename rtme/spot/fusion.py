"""Overlapping windows score the same slot several times; this makes one score of them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


class ScoreFusion:
    """Weighted mean of the scores that windows give to a slot.

    A window's middle knows the most of what came before and after, so a score weighs as much as the slot's
    distance to the nearer end of the window. Only windows that end up to ``look_ahead`` slots after a slot
    count, even when later ones are there already: so the result does not depend on when it is asked for.

    Args:
        window: T, slots per window.
        look_ahead: Slots after a slot before its score is final.
    """

    def __init__(self, window: int, look_ahead: int) -> None:
        self.look_ahead = look_ahead
        position = np.arange(window)
        self._weights = np.minimum(position, window - 1 - position) + 1.0
        self._sums: dict[int, tuple[float, float]] = {}

    def add(self, end: int, scores: Scores, *, extra: bool = False) -> None:
        """Add the scores of a window.

        Args:
            end: Last slot of the window.
            scores: ``(T,)``, NaN where it says nothing.
            extra: A window that only the end of the stream called for: slots that were final without it keep
                their score.
        """
        first = max(0, len(scores) - 1 - self.look_ahead + extra)
        start = end - len(scores) + 1
        for position in range(first, len(scores)):
            score, weight = float(scores[position]), float(self._weights[position])
            if not np.isnan(score):
                total, weights = self._sums.get(start + position, (0.0, 0.0))
                self._sums[start + position] = (total + weight * score, weights + weight)

    def final(self, up_to: int) -> Iterator[tuple[int, Scores]]:
        """Take out the scores of all slots up to ``up_to`` (inclusive), as runs ``(first slot, scores)``.

        Slots between the runs have no score.
        """
        run: list[int] = []
        for slot in sorted(slot for slot in self._sums if slot <= up_to):
            if run and slot != run[-1] + 1:
                yield self._take(run)
                run = []
            run.append(slot)
        if run:
            yield self._take(run)

    def _take(self, run: list[int]) -> tuple[int, Scores]:
        sums = [self._sums.pop(slot) for slot in run]
        return run[0], np.array([total / weights for total, weights in sums])
