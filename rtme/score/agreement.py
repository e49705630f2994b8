"""How far two people, or a person and a program, agree on what they saw in the same recordings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rtme.errors import DataError


def kappa(a: ArrayLike, b: ArrayLike) -> float | None:
    """Cohen's kappa: agreement over frames, corrected for chance.

    (p_o - p_e) / (1 - p_e), where p_o is the share of frames with the same label in both and p_e the share that would have
    it if each drew its labels at random, as often as it used them.

    Args:
        a: A label for each frame.
        b: Likewise, of the same frames.

    Returns:
        1 where they agree in every frame, 0 where no more than by chance, below 0 where less. None where it is not defined:
        there is no frame, or both use one and the same label throughout.

    Raises:
        DataError: The lengths differ.
    """
    ours, theirs = np.asarray(a).ravel(), np.asarray(b).ravel()
    if len(ours) != len(theirs):
        raise DataError(f"{len(ours)} labels against {len(theirs)}: one for each frame")
    if not len(ours):
        return None
    observed = float(np.mean(ours == theirs))
    labels = np.union1d(ours, theirs)
    chance = float(sum(np.mean(ours == label) * np.mean(theirs == label) for label in labels))
    return None if len(labels) == 1 else (observed - chance) / (1 - chance)


@dataclass(frozen=True, slots=True)
class Spread:
    """Differences of boundaries, in frames or in milliseconds: the median, and the quartiles about it.

    Attributes:
        count: How many differences there are.
        median: Half lie below it.
        q1: A quarter lies below it.
        q3: A quarter lies above it.
    """

    count: int
    median: float
    q1: float
    q3: float

    @property
    def iqr(self) -> float:
        """Interquartile range."""
        return self.q3 - self.q1


def spread(differences: Sequence[float]) -> Spread | None:
    """Median and quartiles, None without a difference."""
    if not differences:
        return None
    q1, median, q3 = (float(one) for one in np.percentile(differences, [25, 50, 75]))
    return Spread(len(differences), median, q1, q3)
