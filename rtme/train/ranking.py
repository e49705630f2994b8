"""What decoder settings find in some clips, with the threshold ``on`` left open.

A run of slots at or above ``off`` is an interval if its highest score reaches ``on``: a higher ``on`` leaves intervals
out and changes none of the others. Matching one to one goes in the order of falling scores, so what is found and
what is right at any ``on`` is a first part of what is at the lowest. One pass answers for every ``on``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtme.engine.manifest import DecoderSettings
from rtme.score import Interval, Rules, match
from rtme.train.fused import FusedClip
from rtme.train.recipe import Recipe
from rtme.train.replay import ScoredClip
from rtme.train.truth import facts_of, truth_of

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Everything that is found at the lowest threshold, ``on`` equal to ``off``; arrays of one entry an interval.

    Attributes:
        raw: Highest score, 0..1: its confidence before calibration.
        right: Whether it was matched one to one at IoU >= 0.5 with a labelled interval of its type.
        me: Whether it is a micro-expression by its length.
        clip: Number of its clip.
    """

    raw: Floats
    right: Bools
    me: Bools
    clip: NDArray[np.int64]

    def count(self, which: Bools, ons: Floats) -> NDArray[np.int64]:
        """How many of some intervals are found at each threshold."""
        raw = np.sort(self.raw[which])
        return np.asarray(len(raw) - np.searchsorted(raw, ons, "left"), np.int64)


class Material:
    """Scored clips, ready to be decoded again and again.

    Args:
        scored: The clips.
        recipe: Says what is located and how windows were cut.

    Attributes:
        clips: Whose clips these are, in their order.
        fps: Slots per second.
        minutes: Length of each clip.
        truths: Labelled expressions of the kinds looked for, in each clip.
        only_me: Whether micro-expressions alone are looked for.
    """

    def __init__(self, scored: Sequence[ScoredClip], recipe: Recipe) -> None:
        self.clips = [one.clip for one in scored]
        self.fps = scored[0].plan.fps if scored else 0.0
        self.only_me = recipe.data.locate == "me"
        self._fused = [FusedClip(one, recipe) for one in scored]
        self._truth = [
            one for clip in self.clips for one in truth_of(clip) if one.type == "me" or not self.only_me
        ]
        self.minutes = np.array([facts_of(clip).minutes or 0.0 for clip in self.clips])
        place = {clip.key: number for number, clip in enumerate(self.clips)}
        self.truths = np.bincount([place[one.video] for one in self._truth], minlength=len(self.clips))

    def of(self, base: str, *, labelled: bool | None = None) -> Bools:
        """Which clips were made from that; ``labelled`` None takes both kinds."""
        return np.array(
            [clip.base == base and labelled in (None, clip.labelled) for clip in self.clips], np.bool_
        )

    def rank(self, settings: DecoderSettings) -> Ranked:
        """What these settings find, whatever their ``on``."""
        lowest = settings.model_copy(update={"on": settings.off})
        found, clip = [], []
        for number, one in enumerate(self._fused):
            for kind, onset, offset, raw in one.spot(lowest):
                found.append(
                    Interval(one.clip.key, onset, offset, "me" if kind == "me" else "mae", score=raw)
                )
                clip.append(number)
        right = np.zeros(len(found), np.bool_)
        for type_ in ("me", "mae"):
            places = [place for place, one in enumerate(found) if one.type == type_]
            truth = [one for one in self._truth if one.type == type_]
            for _, place in match(truth, [found[place] for place in places], Rules()):
                right[places[place]] = True
        return Ranked(
            np.array([one.score for one in found], np.float64),
            right,
            np.array([one.type == "me" for one in found], np.bool_),
            np.array(clip, np.int64),
        )
