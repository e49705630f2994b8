"""A scored clip as one score a slot, so that hundreds of decoder settings are tried in seconds.

It takes the live path's own pieces without the slot-by-slot walk between them, and gives the same intervals.
"""

from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtme.data.store import NO_FRAME
from rtme.engine.manifest import DecoderSettings
from rtme.events import Mark
from rtme.live.marks import Marks
from rtme.spot.fusion import ScoreFusion, Scores
from rtme.spot.intervals import IntervalDecoder
from rtme.spot.rules import IntervalRules
from rtme.spot.spotter import known_slots, slot_scores
from rtme.train.recipe import Recipe
from rtme.train.replay import ScoredClip

Stretch = tuple[int, Scores]
"""First slot, and the scores from there on."""


class Found(NamedTuple):
    """A closed interval, in the source's frames."""

    type: str
    onset: int
    offset: int
    confidence: float


class FusedClip:
    """One clip, fused once for each weight of ``p_me``.

    Args:
        scored: The clip.
        recipe: Says how windows were cut.
    """

    def __init__(self, scored: ScoredClip, recipe: Recipe) -> None:
        self.clip = scored.clip
        self._n_slots = len(scored.rows)
        self._fps = scored.plan.fps
        self._hop, self._window, self._look_ahead = (
            recipe.spot.hop,
            recipe.model.window,
            recipe.spot.look_ahead,
        )
        windows = sorted(scored.windows, key=lambda window: (window.face, window.first))
        self._runs = [list(run) for _, run in groupby(windows, lambda window: (window.face, window.first))]
        self._fused: dict[float, list[list[Stretch]]] = {}
        frames = np.asarray(scored.rows["frame"])
        slots = np.flatnonzero(frames != NO_FRAME)
        self._marks = Marks(keep=max(1, len(slots)))
        for slot in slots.tolist():
            self._marks.add(slot, Mark(frame=frames[slot], time_s=0, capture_ns=0, wall_ns=0))

    def spot(self, decoder: DecoderSettings) -> list[Found]:
        """The closed intervals, face by face."""
        rules = IntervalRules(
            on=decoder.on,
            off=decoder.off,
            min_ms=decoder.min_ms,
            me_max_ms=decoder.me_max_ms,
            merge_ms=decoder.merge_ms,
        )
        found = []
        for run in self._scores(decoder.me_weight):
            intervals = IntervalDecoder(rules, self._fps, self._look_ahead)
            updates = [update for first, scores in run for update in intervals.push(first, scores)]
            for update in [*updates, *intervals.finish()]:
                if update.status == "closed":
                    onset = self._marks.at_or_after(update.onset).frame
                    offset = max(onset, self._marks.at_or_before(update.offset).frame)
                    found.append(Found(update.type, onset, offset, update.confidence))
        return found

    def by_slot(self, me_weight: float) -> NDArray[np.float64]:
        """``(slots,)`` the score of each slot, 0 where there is none; the higher where two faces have one."""
        scores = np.zeros(self._n_slots)
        for run in self._scores(me_weight):
            for first, some in run:
                part = scores[first : first + len(some)]
                np.fmax(part, some[: len(part)], out=part)
        return scores

    def _scores(self, me_weight: float) -> list[list[Stretch]]:
        if me_weight not in self._fused:
            self._fused[me_weight] = []
            for run in self._runs:
                fusion = ScoreFusion(self._window, self._look_ahead)
                for window in run:
                    known = known_slots(window.valid, window.first - window.end + len(window.valid) - 1)
                    scores = slot_scores(window.frames, window.p_me, me_weight)
                    extra = window.end % self._hop != 0
                    fusion.add(window.end, np.where(known, scores, np.nan), extra=extra)
                self._fused[me_weight].append(list(fusion.final(self._n_slots)))
        return self._fused[me_weight]
