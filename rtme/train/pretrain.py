"""First the encoder learns to see: how far each action unit has moved, from one crop."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from rtme.data.store import Clip, Store
from rtme.errors import DataError
from rtme.model.encoder import Encoder
from rtme.model.weights import load_encoder
from rtme.train.augment import mirror
from rtme.train.fit import settings_of
from rtme.train.modules import PretrainModule
from rtme.train.recipe import Recipe
from rtme.train.trainer import run

# Steps between two measurements and checkpoints.
_ROUND = 300
# A unit that moved less than this many pixels at 112 is still.
_STILL = 0.25


@dataclass(frozen=True, slots=True)
class Pretrained:
    """An encoder that has learnt to see.

    Attributes:
        encoder: On the CPU, in evaluation mode.
        figures: What it reached on validation clips: ``r2`` of the (compressed) displacements, ``r2_faint`` of crops
            in which no unit moved 3 pixels, ``auc`` of "some unit moved"; without those that have no value.
        seconds: Spent, earlier starts included.
    """

    encoder: Encoder
    figures: dict[str, float]
    seconds: float


class Crops(Dataset[dict[str, Tensor]]):
    """Single valid crops of clips whose unit displacements are known: ``crops``, ``motion`` and ``speaking``.

    Args:
        store: Where the clips are.
        clips: Those whose units are not known are left out.
        count: With a number, that many crops, evenly spread, as they are. With None, crop ``n`` follows from ``seed``
            and ``n`` alone: by turns one in which some unit moved and one that is still, half of them mirrored.
        seed: Of the crops that are drawn.
    """

    def __init__(self, store: Store, clips: Sequence[Clip], count: int | None, seed: int = 0) -> None:
        self._store, self._seed, self._drawn = store, seed, count is None
        self._clips = [clip for clip in clips if clip.units_known]
        where, moved = [np.zeros((0, 2), np.int64)], [np.zeros(0, bool)]
        for number, clip in enumerate(self._clips):
            rows = store.rows(clip)
            slots = np.flatnonzero(rows["valid"])
            where.append(np.stack([np.full(len(slots), number), slots], 1))
            moved.append(np.abs(rows["motion"][slots]).max(1) > _STILL)
        self._where, some_moved = np.concatenate(where), np.concatenate(moved)
        moving, still = np.flatnonzero(some_moved), np.flatnonzero(~some_moved)
        everything = np.arange(len(self._where))
        self._kinds = [kind if len(kind) else everything for kind in (moving, still)]
        if count is not None:
            self._where = self._where[:: max(1, len(self._where) // count)]

    def __len__(self) -> int:
        return len(self._where)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        at, flip = number, False
        if self._drawn:
            rng = np.random.default_rng((self._seed, number))
            kind = self._kinds[number % 2]
            at, flip = kind[rng.integers(len(kind))], rng.random() < 0.5
        clip, slot = self._clips[self._where[at, 0]], self._where[at, 1]
        crop: NDArray[np.uint8] = np.array(self._store.crops(clip)[slot])
        row = self._store.rows(clip)[slot]
        return {
            "crops": torch.from_numpy(mirror(crop, self._store.plan.input) if flip else crop),
            "motion": torch.from_numpy(row["motion"].astype(np.float32)),
            "speaking": torch.tensor(int(row["speaking"])),
        }


def pretrain(
    store: Store,
    train: list[Clip],
    validation: list[Clip],
    recipe: Recipe,
    folder: Path,
    tell: Callable[[str], None],
    accelerator: str = "auto",
    devices: int = 1,
) -> Pretrained:
    """Train an encoder on single crops of training clips.

    It begins with ``encoder.start``, takes ``encoder.pretrain_steps`` steps (rounded up to whole rounds of about 300)
    and keeps the last ones' weights. When the folder holds a checkpoint it goes on from it.

    Args:
        store: Where the clips are.
        train: Clips to learn from.
        validation: Clips that the figures are measured on.
        recipe: Steps, rate, sizes and seed.
        folder: For checkpoints and logs.
        tell: Gets lines for people.
        accelerator: As Lightning names them: auto, cpu, gpu.
        devices: How many.

    Raises:
        DataError: No clip says how far units move, or the folder cannot be used.
        SettingsError: The folder's checkpoint is of another recipe, or the recipe does not fit the device.
    """
    part = recipe.encoder
    learnt = Crops(store, train, None, recipe.seed)
    if not len(learnt):
        raise DataError(
            f"no crop of the {len(train)} training clips says how far its action units moved (only synthetic ones do): "
            "set encoder.pretrain_steps to 0 and give encoder.start"
        )
    held = Crops(store, validation, part.pretrain_check)
    rounds = max(1, round(part.pretrain_steps / _ROUND))
    torch.manual_seed(recipe.seed)
    module = PretrainModule(
        load_encoder(recipe.model, part.start, tell),
        recipe,
        learnt,
        held if len(held) else None,
        epochs=rounds,
        steps=-(-part.pretrain_steps // rounds),
        settings=settings_of(recipe, store, train, validation, devices),
    )
    done = run(module, folder, "pretraining", tell, accelerator, devices, choose=None)
    module.load_state_dict(done.last["state_dict"])
    figures = {
        name.removeprefix("val_"): value
        for name, value in done.rows[-1].items()
        if name.startswith("val_") and not math.isnan(value)
    }
    return Pretrained(module.model.encoder.cpu().eval(), figures, done.seconds)
