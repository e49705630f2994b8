"""What Lightning fits: MELDAE on windows, and before it the encoder on single crops."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss
from torch.utils.data import DataLoader, Dataset

from rtme.data.store import UNKNOWN
from rtme.errors import RtmeError
from rtme.model.encoder import Encoder
from rtme.model.meldae import Meldae
from rtme.model.temporal import WindowOutput
from rtme.score import frame_average_precision
from rtme.synth.truth import ACTION_UNITS
from rtme.train import losses
from rtme.train.recipe import Recipe
from rtme.train.windows import EpochSampler, Window

Losses = dict[str, Tensor]
Item = dict[str, Tensor]

_SPEAKING_SHARE = 0.1
# A movement of this many pixels at 112 counts as one when the report asks "did any unit move".
_MOVED = 0.5
# Below this many pixels at 112 a movement is faint, as those of micro-expressions are.
_FAINT = 3


class Learner(pl.LightningModule):
    """A network with its data, its losses and its rates.

    AdamW with betas 0.9 and 0.98; each group's rate rises in a straight line to its highest, then falls to 0 along a
    cosine.

    Args:
        recipe: Rates, warm-up, decay, workers and seed.
        train: Items to learn from; more numbers than its length may be asked for.
        validation: Items that each epoch is measured on, in order; None measures nothing.
        epochs: How many.
        steps: Of each epoch.
        batch: Items a step, on each device.

    Attributes:
        settings: What must be the same in a checkpoint that is to be gone on from; its names are the recipe's.
    """

    def __init__(
        self,
        recipe: Recipe,
        train: Dataset[Item],
        validation: Dataset[Item] | None,
        *,
        epochs: int,
        steps: int,
        batch: int,
        settings: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.recipe, self.settings = recipe, dict(settings)
        self.epochs, self.steps, self.batch = epochs, steps, batch
        self.train_set, self.validation_set = train, validation

    def groups(self) -> list[dict[str, Any]]:
        """Parameter groups, each with ``params`` and its highest ``lr``."""
        raise NotImplementedError

    def losses(self, batch: Item) -> Losses:
        """The parts of a batch's loss, which are summed."""
        raise NotImplementedError

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW and its schedule."""
        fit, total = self.recipe.fit, self.epochs * self.steps
        optimizer = torch.optim.AdamW(self.groups(), weight_decay=fit.weight_decay, betas=(0.9, 0.98))
        warmup = max(1, round(fit.warmup * total))

        def share(step: int) -> float:
            return min((step + 1) / warmup, 0.5 * (1 + math.cos(math.pi * min(1.0, step / total))))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def train_dataloader(self) -> DataLoader[Item]:
        """Batches of an epoch."""
        workers = self.recipe.fit.workers
        sampler = EpochSampler(self.steps, self.batch, self.trainer.global_rank, self.trainer.world_size)
        # Lightning sets it too, but only when loader processes have begun with the first epoch after a stop.
        sampler.set_epoch(self.global_step // self.steps)
        return DataLoader(
            self.train_set,
            batch_size=self.batch,
            sampler=sampler,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=self.device.type == "cuda",
            # Its own random numbers: those of torch are dropout's, and the same after a stop as without one.
            generator=torch.Generator(),
        )

    def val_dataloader(self) -> DataLoader[Item] | list[Any]:
        """Batches to measure on: the same on each device, so that all decide alike."""
        if self.validation_set is None:
            return []
        return DataLoader(
            self.validation_set,
            batch_size=self.batch,
            num_workers=self.recipe.fit.workers,
            generator=torch.Generator(),
        )

    def on_train_epoch_start(self) -> None:
        """Begin dropout's random numbers anew, so that an epoch does not depend on whether there was a stop."""
        seeds = np.random.SeedSequence((self.recipe.seed, self.current_epoch, self.global_rank))
        torch.manual_seed(int(seeds.generate_state(1)[0]))

    def training_step(self, batch: Item, _: int) -> Tensor:
        """One step's loss."""
        parts = self.losses(batch)
        loss = torch.stack(list(parts.values())).sum()
        self._check(loss, parts, "train")
        told = {"train_loss": loss, **{f"train_{name}": value for name, value in parts.items()}}
        self.log_dict(
            {name: value.detach() for name, value in told.items()},
            on_step=False,
            on_epoch=True,
            logger=False,
            sync_dist=True,
            batch_size=self.batch,
        )
        return loss

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Note what the checkpoint belongs to."""
        checkpoint["settings"] = self.settings

    def tell_figures(self, figures: Mapping[str, float]) -> None:
        """Give validation's figures to whoever logs and chooses."""
        self.log_dict(
            {f"val_{name}": torch.tensor(value, dtype=torch.float32) for name, value in figures.items()},
            logger=False,
            rank_zero_only=False,
        )

    def _check(self, loss: Tensor, parts: Losses, where: str) -> None:
        if torch.isfinite(loss):
            return
        part, value = next(
            ((name, float(part.detach())) for name, part in parts.items() if not torch.isfinite(part)),
            ("sum", float(loss.detach())),
        )
        folder, fit = Path(self.trainer.default_root_dir), self.recipe.fit
        kept = folder / "last.ckpt"
        before = f"; {kept} is from before it" if kept.is_file() else ""
        remedy = f"lower fit.rate (it is {fit.rate:g})" + (
            f" or set fit.precision to 32 (it is {fit.precision})" if fit.precision != "32" else ""
        )
        raise RtmeError(
            f"{where} loss {part} is {value:g} at step {self.global_step + 1} (epoch {self.current_epoch + 1}): "
            f"{remedy} and train into another folder{before}"
        )


class MeldaeModule(Learner):
    """MELDAE on windows: ``L = L_loc + lambda_me * L_me + lambda_state * L_state``.

    The encoder learns at its own, smaller rate, or not at all.
    """

    def __init__(
        self,
        model: Meldae,
        recipe: Recipe,
        train: Dataset[Item],
        validation: Dataset[Item] | None,
        settings: Mapping[str, Any],
    ) -> None:
        fit = recipe.fit
        super().__init__(
            recipe,
            train,
            validation,
            epochs=fit.epochs,
            steps=fit.steps,
            batch=fit.batch,
            settings=settings,
        )
        self.model = model
        model.encoder.requires_grad_(not recipe.encoder.freeze)
        self._seen: list[tuple[WindowOutput, Window]] = []

    def groups(self) -> list[dict[str, Any]]:
        """The new parts, and the encoder where it is trained along."""
        encoder = list(self.model.encoder.parameters())
        known = {id(one) for one in encoder}
        new = [one for one in self.model.parameters() if id(one) not in known]
        groups: list[dict[str, Any]] = [{"params": new, "lr": self.recipe.fit.rate}]
        if not self.recipe.encoder.freeze:
            groups.append({"params": encoder, "lr": self.recipe.fit.encoder_rate})
        return groups

    def forward(self, batch: Window) -> WindowOutput:
        """Logits in float32, whatever the precision."""
        if "crops" in batch:
            output = self.model(batch["crops"], batch["measures"], batch["valid"])
        else:
            output = self.model.temporal(batch["frame"].float(), batch["regions"].float(), batch["valid"])
        return WindowOutput(*(answer.float() for answer in output))

    def losses(self, batch: Window) -> Losses:
        """The three parts, each with its share."""
        return self._parts(self(batch), batch)

    def _parts(self, output: WindowOutput, batch: Window) -> Losses:
        part, target = self.recipe.loss, batch["target"]
        ends = losses.ends_of(target)
        me = losses.focal(output.me, batch["me"], batch["me_weight"], part.focal_gamma)
        speaking = losses.focal(
            output.speaking, batch["speaking"], batch["speaking_weight"], part.focal_gamma
        )
        return {
            "locator": losses.locator(part, output.frames, target, ends, batch["weight"]),
            "me": part.me_share * me,
            "speaking": part.state_share * speaking,
        }

    def validation_step(self, batch: Window, _: int) -> None:
        """Keep what is said of a batch."""
        inputs = ("crops", "frame", "regions", "measures")
        truth = {name: value.cpu() for name, value in batch.items() if name not in inputs}
        self._seen.append((WindowOutput(*(answer.cpu() for answer in self(batch))), truth))

    def on_validation_epoch_end(self) -> None:
        """Measure all of it at once: an average precision of parts is not that of the whole."""
        outputs, truths = zip(*self._seen, strict=True)
        self._seen = []
        output = WindowOutput(*(torch.cat(answers) for answers in zip(*outputs, strict=True)))
        truth = {name: torch.cat([one[name] for one in truths]) for name in truths[0]}
        parts = self._parts(output, truth)
        loss = torch.stack(list(parts.values())).sum()
        self._check(loss, parts, "validation")
        self.tell_figures({"loss": float(loss), **window_figures(output, truth)})


def window_figures(output: WindowOutput, truth: Window) -> dict[str, float]:
    """How well windows are answered, over slots and windows about which something is asked.

    Returns:
        ``frame_ap``, average precision of the slots' scores; ``frame_f1`` of them at 0.5; ``acc_me`` and
        ``acc_state``, share of right answers to "holds an expression" and "speaks"; NaN where nothing is known.
    """
    asked = truth["weight"] > 0
    scores, inside = output.frames.sigmoid()[asked].numpy(), truth["target"][asked].numpy() > 0
    said = scores > 0.5
    return {
        "frame_ap": frame_average_precision(scores, inside) if inside.any() else math.nan,
        "frame_f1": 2 * float((said & inside).sum()) / max(int(said.sum() + inside.sum()), 1),
        "acc_me": _accuracy(output.me, truth["me"], truth["me_weight"]),
        "acc_state": _accuracy(output.speaking, truth["speaking"], truth["speaking_weight"]),
    }


def _accuracy(logits: Tensor, truth: Tensor, weight: Tensor) -> float:
    return float(((logits > 0) == (truth > 0.5))[weight > 0].float().mean())


class Pretrainer(nn.Module):
    """An encoder with throw-away heads: 13 unit displacements from either kind of token, and speaking."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        config, units = encoder.config, len(ACTION_UNITS)
        self.from_frame = nn.Linear(config.frame_size, units + 1)
        self.from_regions = nn.Linear(config.regions * config.region_size, units)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Unit displacements by frame token and by region tokens ``(N, 13)``, speaking ``(N,)``."""
        frame, regions = self.encoder(crops)
        told = self.from_frame(frame)
        return told[:, :-1].float(), self.from_regions(regions.flatten(1)).float(), told[:, -1].float()


class PretrainModule(Learner):
    """An encoder that learns how far each action unit has moved, from single crops."""

    def __init__(
        self,
        encoder: Encoder,
        recipe: Recipe,
        train: Dataset[Item],
        validation: Dataset[Item] | None,
        *,
        epochs: int,
        steps: int,
        settings: Mapping[str, Any],
    ) -> None:
        batch = recipe.encoder.pretrain_batch
        super().__init__(
            recipe, train, validation, epochs=epochs, steps=steps, batch=batch, settings=settings
        )
        self.model = Pretrainer(encoder)
        self._seen: list[tuple[Tensor, Tensor]] = []

    def groups(self) -> list[dict[str, Any]]:
        """Everything at one rate."""
        return [{"params": list(self.model.parameters()), "lr": self.recipe.encoder.pretrain_rate}]

    def losses(self, batch: Item) -> Losses:
        """Displacements by either kind of token, and speaking."""
        by_frame, by_regions, voice = self.model(batch["crops"])
        target, speaking = compress(batch["motion"]), batch["speaking"]
        known = speaking != UNKNOWN
        spoken = binary_cross_entropy_with_logits(voice, speaking.clamp(max=1).float(), reduction="none")
        return {
            "units": smooth_l1_loss(by_frame, target, beta=0.5),
            "units_by_region": smooth_l1_loss(by_regions, target, beta=0.5),
            "speaking": _SPEAKING_SHARE * (spoken * known).sum() / known.sum().clamp(min=1),
        }

    def validation_step(self, batch: Item, _: int) -> None:
        """Keep what is said of a batch."""
        self._seen.append((self.model(batch["crops"])[0].cpu(), compress(batch["motion"]).cpu()))

    def on_validation_epoch_end(self) -> None:
        """Measure all of it at once."""
        guess, truth = (torch.cat(parts).numpy() for parts in zip(*self._seen, strict=True))
        self._seen = []
        self.tell_figures(unit_figures(guess, truth))


def compress(pixels: Tensor) -> Tensor:
    """Displacements as they are learnt: linear where they are faint, logarithmic where large."""
    return torch.asinh(pixels.float())


def unit_figures(guess: NDArray[np.float32], truth: NDArray[np.float32]) -> dict[str, float]:
    """How well ``(N, 13)`` compressed displacements are guessed.

    Returns:
        ``r2``; ``r2_faint`` of crops in which no unit moved 3 pixels; ``auc`` of "some unit moved". NaN for an R2 where
        nothing differs.
    """
    largest = np.abs(np.sinh(truth)).max(1)
    faint = largest < _FAINT
    missed = (guess - truth) ** 2
    return {
        "r2": _r2(missed, (truth - truth.mean(0)) ** 2),
        "r2_faint": _r2(missed[faint], truth[faint] ** 2),
        "auc": _auc(np.abs(guess).max(1), largest > _MOVED),
    }


def _r2(missed: NDArray[np.float32], spread: NDArray[np.float32]) -> float:
    return float(1 - missed.sum() / spread.sum()) if spread.any() else math.nan


def _auc(scores: NDArray[np.float32], positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve by ranks (Mann-Whitney); 0.5 where one class is empty."""
    good, bad = int(positive.sum()), int((~positive).sum())
    if not good or not bad:
        return 0.5
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores)] = np.arange(1, len(scores) + 1)
    return float((ranks[positive].sum() - good * (good + 1) / 2) / (good * bad))
