"""Windows to learn from, cut as the spotter cuts them from a live stream."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from rtme.data.store import LABELS, NO_FRAME, Clip, Store
from rtme.errors import DataError
from rtme.face import measures
from rtme.spot.intervals import UNKNOWN_SLOTS
from rtme.train import augment
from rtme.train.features import FeatureCache
from rtme.train.recipe import Locate, Recipe

Window = dict[str, Tensor]
"""One window of T slots, or a batch of them with a first axis more.

* ``valid``: ``(T,)`` 1 where the slot has a crop.
* ``target``: ``(T,)`` 1 inside an expression that the locator learns to find.
* ``weight``: ``(T,)`` what the slot's score matters live; 0 where nothing is asked.
* ``me``: 1 where the window holds a micro-expression, whatever else is located; ``me_weight``: 0 where it holds too
  little of one to say.
* ``speaking``: ``(T,)`` 1 where the person speaks; ``speaking_weight``: ``(T,)`` what that matters live; 0 where it is not
  known.
* ``frame`` ``(T, D + M)`` and ``regions`` ``(T, R, Dr)``, or ``crops`` ``(T, size, size, 3)``, uint8, and ``measures``
  ``(T, M)``; whatever where the slot is not valid.

All but crops are float32.
"""

# A window whose share of an expression is between none and this says neither yes nor no.
_ENOUGH = 0.5
# Of the windows that lose slots, those that lose them one by one; the others lose all but every second or third.
_LOST_SINGLY = 0.8


class Place(NamedTuple):
    """A run of slots: the clip's number among some clips, first and last slot (inclusive)."""

    clip: int
    first: int
    last: int


class Windows(Dataset[Window]):
    """Windows of some clips. Window ``n`` follows from ``seed`` and ``n`` alone.

    So a run that was stopped, loader processes and several devices see the windows that one process sees in one go.
    Windows begin before their clip or end anywhere in it, as at the start of a stream. Micro-expressions are as likely as
    macro-expressions where both are located, each expression as likely as each other of its kind, whoever shows it, and
    so is each slot of the windows that are drawn regardless of expressions.

    Args:
        store: Where the clips are.
        clips: Which ones. What a clip does not label counts as "no expression", also in real clips as they are.
        recipe: Sizes and how windows vary.
        count: Length of the data set; numbers beyond it are windows as well.
        seed: Of all windows.
        features: What a frozen encoder says of the crops; None delivers the crops.
        vary: Whether windows lose slots and are stretched, mirrored, lit and shifted, as the recipe says.
        mined: False alarms, by the clip's place among ``clips``: ``mine.share`` of the windows that are drawn regardless of
            expressions hold one.

    Raises:
        DataError: There is no clip, or no crop in them.
    """

    def __init__(
        self,
        store: Store,
        clips: Sequence[Clip],
        recipe: Recipe,
        count: int,
        seed: int,
        features: FeatureCache | None = None,
        vary: bool = True,
        mined: Sequence[Place] = (),
    ) -> None:
        if not clips:
            raise DataError(
                f"no clip of {store.folder} to draw windows from: add subjects or split otherwise"
            )
        self._store, self._clips, self._features = store, list(clips), features
        self._config, self._augment, self._vary = recipe.model, recipe.augment, vary
        self._count, self._seed = count, seed
        self._mined, self._mined_share = list(mined), recipe.mine.share if mined else 0.0
        self._length = np.array([clip.slots for clip in clips])
        self._start = np.concatenate([[0], np.cumsum(self._length)])
        rows = [store.rows(clip) for clip in clips]
        self._valid = np.concatenate([one["valid"] > 0 for one in rows])
        self._target = np.concatenate([targets(one, recipe.data.locate) for one in rows])
        self._me = np.concatenate([targets(one, "me") for one in rows])
        self._speaking = np.concatenate([one["speaking"] for one in rows])
        if not self._valid.any():
            people = sorted({"/".join(clip.person) for clip in clips})
            raise DataError(f"no face that may be judged was seen of {', '.join(people)} in {store.folder}")
        # Datasets have several times as many macro-expressions: drawn alike, micro-expressions would drown in them.
        kinds = (self._runs(self._me), self._runs(self._target & ~self._me))
        self._kinds = [kind for kind in kinds if len(kind)]
        if vary and features is not None and recipe.augment.flip and features.mirrored is None:
            raise ValueError("augment.flip needs features of mirrored crops: encode them with mirrored=True")
        window = recipe.model.window
        # Live, only the last look_ahead + 1 slots of a window are used, those nearest its end least.
        to_end = np.arange(window)[::-1]
        matters = np.minimum(to_end, recipe.spot.look_ahead) + 1.0
        self._matters = matters / matters.max()

    @property
    def has_expressions(self) -> bool:
        """Whether there is anything to find."""
        return len(self._kinds) > 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Window:
        rng = np.random.default_rng((self._seed, number))
        clip, end = self._place(rng)
        slots = end - self._steps_back(rng)
        inside = slots >= 0
        slots = np.where(inside, slots, 0)
        at = self._start[clip] + slots
        valid = self._valid[at] & inside & self._kept(rng)
        target = self._target[at] & inside
        truth = self._truth(valid, inside, target, self._me[at] & inside, self._speaking[at])
        return {name: torch.as_tensor(value, dtype=torch.float32) for name, value in truth.items()} | (
            self._inputs(self._clips[clip], slots, rng)
        )

    def _runs(self, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Clip, first and last slot of every run of slots."""
        found = []
        for clip in range(len(self._clips)):
            within = mask[self._start[clip] : self._start[clip + 1]]
            found += [(clip, first, last) for first, last in runs(within)]
        return np.array(found, np.int64).reshape(-1, 3)

    def _place(self, rng: np.random.Generator) -> tuple[int, int]:
        """A clip, and the slot in it that a window ends with."""
        if self.has_expressions and rng.random() < self._augment.me_share:
            kind = self._kinds[0] if len(self._kinds) == 1 else self._kinds[rng.integers(2)]
            return self._holding(rng, *kind[rng.integers(len(kind))])
        if self._mined and rng.random() < self._mined_share:
            return self._holding(rng, *self._mined[rng.integers(len(self._mined))])
        at = rng.integers(self._start[-1])
        clip = int(np.searchsorted(self._start, at, "right")) - 1
        return clip, int(at - self._start[clip])

    def _holding(self, rng: np.random.Generator, clip: int, first: int, last: int) -> tuple[int, int]:
        held = rng.integers(first, last + 1)
        return int(clip), int(min(held + rng.integers(self._config.window), self._length[clip] - 1))

    def _steps_back(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """How many slots before the last one each slot of the window is taken from.

        A stretched or squeezed window repeats or leaves out slots, and labels go with them. Flow is not rescaled: it
        still compares with a crop ``flow_lag`` slots of the source back, as if the same movement had been held for
        longer or shorter. That is why stretching is for small factors only.
        """
        back = np.arange(self._config.window)[::-1]
        if self._vary and self._augment.stretch:
            pace = rng.uniform(1 - self._augment.stretch, 1 + self._augment.stretch)
            back = np.rint(back * pace).astype(np.int64)
        return back

    def _kept(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Slots that are not lost: mostly all; else some at random, or all but every second or third."""
        window, share = self._config.window, self._augment.hold_out
        luck = rng.random()
        if not self._vary or luck >= share:
            return np.ones(window, bool)
        if luck < _LOST_SINGLY * share:
            return np.asarray(rng.random(window) > rng.uniform(0.02, 0.3))
        return np.asarray((np.arange(window) + rng.integers(3)) % rng.integers(2, 4) == 0)

    def _truth(
        self,
        valid: NDArray[np.bool_],
        inside: NDArray[np.bool_],
        target: NDArray[np.bool_],
        me: NDArray[np.bool_],
        speaking: NDArray[np.uint8],
    ) -> dict[str, NDArray[np.generic] | float]:
        # The decoder bridges this many slots without a score, so that slots so far from a crop are asked about too.
        reach = np.convolve(valid, np.ones(2 * UNKNOWN_SLOTS + 1))[UNKNOWN_SLOTS:-UNKNOWN_SLOTS]
        seen = int((me & valid).sum())
        whole = min(max(int(me.sum()), 1), 10)
        known = valid & (speaking <= 1)
        return {
            "valid": valid,
            "target": target,
            "weight": self._matters * ((reach > 0.5) & inside),
            "me": float(seen > 0),
            "me_weight": float(seen == 0 or seen >= _ENOUGH * whole),
            "speaking": speaking == 1,
            "speaking_weight": self._matters * known,
        }

    def _inputs(self, clip: Clip, slots: NDArray[np.int64], rng: np.random.Generator) -> Window:
        flip = self._vary and rng.random() < self._augment.flip
        measured = np.zeros((len(slots), self._config.measured), np.float32)
        if self._config.measures:
            measured = self._store.rows(clip)["measures"][slots].astype(np.float32)
            measured = measures.mirror(measured) if flip else measured
        if self._features is not None:
            features = self._features.mirrored if flip and self._features.mirrored else self._features
            rows = self._store.first(clip) + slots
            return {
                "frame": torch.from_numpy(np.concatenate([features.frame[rows], measured], 1)),
                "regions": torch.from_numpy(features.regions[rows]),
            }
        crops = self._store.crops(clip)[slots]
        kind = self._config.input
        if flip:
            crops = augment.mirror(crops, kind)
        if self._vary and self._augment.light:
            most = self._augment.light
            crops = augment.light(
                crops, kind, rng.uniform(1 - most, 1 + most), 128 * rng.uniform(-most, most)
            )
        if self._vary and self._augment.jitter:
            most = self._augment.jitter * self._config.size / 112
            right, down = np.rint(rng.uniform(-most, most, 2)).astype(int)
            crops = augment.jitter(crops, right, down)
        return {
            "crops": torch.from_numpy(np.ascontiguousarray(crops)),
            "measures": torch.from_numpy(measured),
        }


class EpochSampler(Sampler[int]):
    """Numbers of an epoch's windows on one of several devices; no number comes twice in a run.

    Args:
        steps: Batches an epoch.
        batch: Windows a batch, on each device.
        rank: Which device.
        devices: How many.
    """

    def __init__(self, steps: int, batch: int, rank: int = 0, devices: int = 1) -> None:
        self._steps, self._batch, self._rank, self._devices = steps, batch, rank, devices
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Which epoch comes next; Lightning calls it."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._steps * self._batch

    def __iter__(self) -> Iterator[int]:
        for step in range(self._epoch * self._steps, (self._epoch + 1) * self._steps):
            first = (step * self._devices + self._rank) * self._batch
            yield from range(first, first + self._batch)


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last slot (inclusive) of every run of True."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return [(int(first), int(after) - 1) for first, after in edges.reshape(-1, 2)]


def targets(rows: NDArray[np.void], locate: Locate) -> NDArray[np.bool_]:
    """``(slots,)`` whether each slot lies in an expression that is to be found.

    A slot on which no frame fell does when the frames before and after it do.

    Args:
        rows: Of one clip.
        locate: What is to be found.
    """
    wanted = LABELS["me"] | (LABELS["mae"] if locate == "me+mae" else 0)
    inside: NDArray[np.bool_] = (rows["label"] & wanted) > 0
    numbers = np.arange(len(rows))
    empty = rows["frame"] == NO_FRAME
    before = np.maximum.accumulate(np.where(empty, -1, numbers))
    after = np.minimum.accumulate(np.where(empty, len(rows), numbers)[::-1])[::-1]
    between = empty & (before >= 0) & (after < len(rows))
    filled = inside.copy()
    filled[between] |= inside[before[between]] & inside[after[between]]
    return filled
