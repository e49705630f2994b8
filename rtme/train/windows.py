"""Windows to learn from, cut as the spotter cuts them from a live stream."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rtme.data.corpus import Clip, Corpus
from rtme.spot.intervals import UNKNOWN_SLOTS
from rtme.train.recipe import Recipe

# Windows that hold a micro-expression are drawn at least this often.
_WITH_ME = 0.5
# A window whose share of a micro-expression is between none and this says neither yes nor no.
_ENOUGH = 0.5


@dataclass(frozen=True, slots=True)
class WindowBatch:
    """Windows and what is true of them.

    Attributes:
        rows: ``(B, T)`` rows of the corpus; any row where the slot is invalid.
        valid: ``(B, T)`` float, 1 where the slot has a crop.
        target: ``(B, T)`` float, 1 inside a micro-expression.
        weight: ``(B, T)`` what the slot's score matters live; 0 where nothing is asked.
        me: ``(B,)`` float, 1 where the window holds a micro-expression.
        me_weight: ``(B,)`` 0 where it holds too little of one to say.
        speaking: ``(B,)`` float, share of the window in which the person speaks, its middle counting most.
        speaking_weight: ``(B,)`` 0 where that is not known.
    """

    rows: NDArray[np.int64]
    valid: Tensor
    target: Tensor
    weight: Tensor
    me: Tensor
    me_weight: Tensor
    speaking: Tensor
    speaking_weight: Tensor


class WindowSampler:
    """Draws windows of some clips.

    Windows begin before their clip or end anywhere in it, as at the start of a stream; slots are lost at
    random, as when a camera halves its rate.
    """

    def __init__(self, corpus: Corpus, clips: list[Clip], recipe: Recipe) -> None:
        self._corpus = corpus
        self._clips = clips
        self._with_me = [clip for clip in clips if any(planted.type == "me" for planted in clip.intervals)]
        self._slots = corpus.plan.slots
        self._window = recipe.model.window
        # Live, only the last look_ahead + 1 slots of a window are used, those nearest its end least.
        to_end = np.arange(self._window)[::-1]
        self._matters = np.minimum(to_end, recipe.look_ahead) + 1.0
        self._matters /= self._matters.max()
        # Live, a window's p_speaking counts most for the slots in its middle.
        self._central = np.minimum(to_end, to_end[::-1]) + 1.0

    def draw(self, count: int, random: torch.Generator) -> WindowBatch:
        """``count`` windows."""
        rng = np.random.default_rng(int(torch.randint(2**31, (), generator=random)))
        ends = [self._end(rng) for _ in range(count)]
        clips = np.array([clip.index for clip, _ in ends])
        slots = np.array([end for _, end in ends])[:, None] + np.arange(1 - self._window, 1)
        inside = slots >= 0
        rows = clips[:, None] * self._slots + np.where(inside, slots, 0)
        valid = (self._corpus.valid[rows] > 0) & inside & self._kept(rng, count)
        return self._batch(rows, inside, valid)

    def _end(self, rng: np.random.Generator) -> tuple[Clip, int]:
        if self._with_me and rng.random() < _WITH_ME:
            clip = self._with_me[rng.integers(len(self._with_me))]
            planted = [interval for interval in clip.intervals if interval.type == "me"]
            middle = planted[rng.integers(len(planted))].apex
            return clip, min(middle + int(rng.integers(0, self._window)), self._slots - 1)
        clip = self._clips[rng.integers(len(self._clips))]
        return clip, int(rng.integers(2, self._slots))

    def _kept(self, rng: np.random.Generator, count: int) -> NDArray[np.bool_]:
        """Slots that are not lost: mostly all; else some at random, or all but every second or third."""
        kept = np.ones((count, self._window), bool)
        for row in kept:
            luck = rng.random()
            if luck < 0.2:
                row &= rng.random(self._window) > rng.uniform(0.02, 0.3)
            elif luck < 0.25:
                row[:] = (np.arange(self._window) + rng.integers(3)) % rng.integers(2, 4) == 0
        return kept

    def _batch(
        self, rows: NDArray[np.int64], inside: NDArray[np.bool_], valid: NDArray[np.bool_]
    ) -> WindowBatch:
        target = (self._corpus.me[rows] > 0) & inside
        near = np.zeros_like(valid)
        for shift in range(-UNKNOWN_SLOTS, UNKNOWN_SLOTS + 1):
            near |= _shifted(valid, shift)
        weight = self._matters * (near & inside)
        seen = (target * near).sum(1)
        whole = np.minimum(np.maximum(target.sum(1), 1), 10)
        speaking = self._corpus.speaking[rows]
        known = valid & (speaking <= 1)
        counts = known * self._central
        share = (counts * (speaking == 1)).sum(1) / np.maximum(counts.sum(1), 1)
        return WindowBatch(
            rows=rows,
            valid=_float(valid),
            target=_float(target),
            weight=_float(weight),
            me=_float(seen > 0),
            me_weight=_float((seen == 0) | (seen >= _ENOUGH * whole)),
            speaking=_float(share),
            speaking_weight=_float(known.sum(1) >= self._window // 4),
        )


def _shifted(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    moved = np.zeros_like(mask)
    if by >= 0:
        moved[:, by:] = mask[:, : mask.shape[1] - by]
    else:
        moved[:, :by] = mask[:, -by:]
    return moved


def _float(values: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.asarray(values, np.float32))
