"""Hard negatives: where a model raises false alarms in the very clips that it learned from."""

from collections.abc import Sequence

import numpy as np

from rtme.train.fused import FusedClip
from rtme.train.recipe import Recipe
from rtme.train.replay import ScoredClip
from rtme.train.windows import Place, runs, targets

_FROM = 0.5
"""Slot scores from which something counts as found: the locator's own yes."""

_NEAR = 3
"""Slots around an expression in which a score is a blurred boundary and no false alarm."""


def false_alarms(scored: Sequence[ScoredClip], recipe: Recipe) -> list[Place]:
    """Every run of slots that is found and is no expression.

    Args:
        scored: Clips; in those that are not labelled nothing is to be found.
        recipe: Says what is located, and how windows are fused.

    Returns:
        Places; ``clip`` counts in the order of ``scored``.
    """
    places = []
    for number, one in enumerate(scored):
        near = np.convolve(targets(one.rows, recipe.data.locate), np.ones(2 * _NEAR + 1), "same") > 0
        found = (FusedClip(one, recipe).by_slot(0.0) >= _FROM) & ~near
        places += [Place(number, first, last) for first, last in runs(found)]
    return places
