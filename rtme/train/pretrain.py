"""First the encoder learns to see: how far each action unit has moved, from one crop."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss

from rtme.data.corpus import Corpus
from rtme.model.config import ModelConfig
from rtme.model.encoder import Encoder
from rtme.synth.truth import ACTION_UNITS, UNKNOWN
from rtme.train.loop import Log, fit
from rtme.train.recipe import Recipe

Rows = NDArray[np.int64]

_SPEAKING_SHARE = 0.1
# A movement of this many pixels at 112 counts as one when the report asks "did any unit move".
_MOVED = 0.5


class Pretrainer(nn.Module):
    """An encoder with throw-away heads: 13 unit displacements from either kind of token, and speaking."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        units = len(ACTION_UNITS)
        self.from_frame = nn.Linear(config.frame_size, units + 1)
        self.from_regions = nn.Linear(config.regions * config.region_size, units)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Unit displacements by frame token and by region tokens ``(N, 13)``, speaking ``(N,)``."""
        frame, regions = self.encoder(crops)
        told = self.from_frame(frame)
        return told[:, :-1], self.from_regions(regions.flatten(1)), told[:, -1]


def compress(pixels: Tensor) -> Tensor:
    """Displacements as they are learnt: linear where they are faint, logarithmic where large."""
    return torch.asinh(pixels.float())


def mirror(crops: Tensor) -> Tensor:
    """The face in a mirror: pixels swap sides and flow to the right becomes flow to the left."""
    flipped = crops.flip(2)
    flipped[..., 1] = (256 - flipped[..., 1].int()).clamp(max=255).to(torch.uint8)
    return flipped


def pretrain(
    corpus: Corpus, recipe: Recipe, checkpoint: Path, log: Log
) -> tuple[Encoder, dict[str, float], float]:
    """Train an encoder on single crops of training people.

    Returns:
        The encoder, and what it reached on validation people: ``r2`` of the (compressed) displacements,
        ``r2_faint`` of crops in which no unit moved 3 pixels, ``auc`` of "some unit moved"; and the seconds
        it took.
    """
    torch.manual_seed(recipe.seed)
    model = Pretrainer(recipe.model)
    if recipe.start is not None:
        model.load_state_dict(torch.load(recipe.start, weights_only=True)["module"])
    moving, still = _by_movement(corpus, _rows(corpus, "train"))
    held = _rows(corpus, "validation")
    held = held[:: max(1, len(held) // recipe.pretrain_check)]

    def losses(random: torch.Generator) -> dict[str, Tensor]:
        half = recipe.pretrain_batch // 2
        rows = np.concatenate(
            [_draw(moving, half, random), _draw(still, recipe.pretrain_batch - half, random)]
        )
        crops, motion, speaking = _load(corpus, rows)
        if recipe.model.input == "motion" and torch.rand((), generator=random) < 0.5:
            crops = mirror(crops)
        with recipe.precision():
            by_frame, by_regions, voice = model(crops)
        target = compress(motion)
        known = speaking != UNKNOWN
        spoken = binary_cross_entropy_with_logits(
            voice.float(), speaking.clamp(max=1).float(), reduction="none"
        )
        return {
            "units": smooth_l1_loss(by_frame.float(), target, beta=0.5),
            "units by region": smooth_l1_loss(by_regions.float(), target, beta=0.5),
            "speaking": _SPEAKING_SHARE * (spoken * known).sum() / known.sum().clamp(min=1),
        }

    reached: dict[str, float] = {}

    def evaluate() -> str:
        reached.update(_measure(model, corpus, held, recipe))
        return "validation " + " ".join(f"{name} {value:.3f}" for name, value in reached.items())

    seconds = fit(
        "pretraining",
        model,
        losses,
        groups=[{"params": model.parameters(), "lr": recipe.pretrain_rate}],
        steps=recipe.pretrain_steps,
        checkpoint=checkpoint,
        seed=recipe.seed,
        log=log,
        evaluate=evaluate,
        evaluate_every=300,
    )
    if not reached:
        with torch.no_grad():
            log(f"pretraining: {evaluate()}")
    return model.encoder, reached, seconds


def _rows(corpus: Corpus, split: str) -> Rows:
    """Valid rows of planted clips of a split: of other clips the units are not known."""
    parts = [
        np.flatnonzero(corpus.valid[corpus.rows(clip)]) + corpus.rows(clip).start
        for clip in corpus.clips
        if clip.split == split and clip.base == "portrait"
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _by_movement(corpus: Corpus, rows: Rows) -> tuple[Rows, Rows]:
    """Rows in which some unit moved, and the others; each falls back to all rows when there are none."""
    moved = np.abs(corpus.motion[rows]).max(1) > 0.25
    return (rows[moved] if moved.any() else rows), (rows[~moved] if (~moved).any() else rows)


def _draw(rows: Rows, count: int, random: torch.Generator) -> Rows:
    picked: Rows = rows[torch.randint(len(rows), (count,), generator=random).numpy()]
    return picked


def _load(corpus: Corpus, rows: Rows) -> tuple[Tensor, Tensor, Tensor]:
    # Sorted, so that a disk is read in one direction; the order within a batch does not matter.
    rows = np.sort(rows)
    return (
        torch.from_numpy(corpus.crops[rows]),
        torch.from_numpy(corpus.motion[rows].astype(np.float32)),
        torch.from_numpy(corpus.speaking[rows]),
    )


def _measure(model: Pretrainer, corpus: Corpus, rows: Rows, recipe: Recipe) -> dict[str, float]:
    if len(rows) == 0:
        return {}
    told, true = [], []
    for start in range(0, len(rows), 128):
        crops, motion, _ = _load(corpus, rows[start : start + 128])
        with recipe.precision():
            told.append(model(crops)[0].float())
        true.append(compress(motion))
    guess, truth = torch.cat(told).numpy(), torch.cat(true).numpy()
    spread = ((truth - truth.mean(0)) ** 2).sum()
    faint = np.abs(np.sinh(truth)).max(1) < 3
    moved = np.abs(np.sinh(truth)).max(1) > _MOVED
    return {
        "r2": float(1 - ((guess - truth) ** 2).sum() / max(spread, 1e-9)),
        "r2_faint": float(1 - ((guess - truth)[faint] ** 2).sum() / max((truth[faint] ** 2).sum(), 1e-9)),
        "auc": _auc(np.abs(guess).max(1), moved),
    }


def _auc(scores: NDArray[np.float32], positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve by ranks (Mann-Whitney); 0.5 where one class is empty."""
    good, bad = int(positive.sum()), int((~positive).sum())
    if not good or not bad:
        return 0.5
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores)] = np.arange(1, len(scores) + 1)
    return float((ranks[positive].sum() - good * (good + 1) / 2) / (good * bad))
