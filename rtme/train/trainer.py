"""One Lightning trainer for all that is fitted: it goes on where a stop left off, and keeps the best epoch."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.loggers import TensorBoardLogger

from rtme.errors import DataError, RtmeError, SettingsError
from rtme.train.checkpoints import EpochCheckpoint, WholeFiles, check_settings, read_checkpoint
from rtme.train.modules import Learner
from rtme.train.progress import Progress, Row, Tell, relayed
from rtme.train.quiet import interruptible, quiet
from rtme.train.recipe import Recipe

_PRECISION: dict[str, Literal["32-true", "bf16-mixed", "16-mixed"]] = {
    "32": "32-true",
    "bf16": "bf16-mixed",
    "16": "16-mixed",
}


@dataclass(frozen=True, slots=True)
class Done:
    """Checkpoints of a training that is complete, and the seconds it took."""

    last: dict[str, Any]
    best: dict[str, Any]
    seconds: float
    rows: list[Row]


def run(
    module: Learner,
    folder: Path,
    name: str,
    tell: Tell,
    accelerator: str,
    devices: int,
    choose: str | None,
    patience: int = 0,
) -> Done:
    """Fit a module, or go on where a stop left off.

    Args:
        module: What is fitted; its own weights are not of use afterwards.
        folder: For checkpoints and logs.
        name: For people.
        tell: Gets lines for people.
        accelerator: As Lightning names them.
        devices: How many.
        choose: Validation figure by which ``best.ckpt`` is chosen, the higher the better; None keeps the last.
        patience: Epochs without a better one before it ends; 0 goes to the end.
    """
    check_device(module.recipe, accelerator, devices)
    last, best = folder / "last.ckpt", folder / "best.ckpt"
    stopping = EarlyStopping(f"val_{choose}", mode="max", patience=patience, check_on_train_epoch_end=True)
    progress = Progress(name, folder / "log" / "metrics.csv", tell)
    if last.is_file():
        state = read_checkpoint(last)
        check_settings(last, state["settings"], module.settings)
        epochs = state["epoch"] + 1
        tell(f"{name}: {epochs} of {module.epochs} epochs are done already")
        stopped = patience and state["callbacks"][stopping.state_key]["wait_count"] >= patience
        if stopped or epochs >= module.epochs:
            return _done(last, best if choose else last, progress)
    _check_room(module, folder, 3 if choose else 2)
    callbacks: list[Callback] = [progress]
    if patience:
        callbacks.append(stopping)
    if choose:
        callbacks.append(EpochCheckpoint(folder, "best", f"val_{choose}"))
    callbacks.append(EpochCheckpoint(folder, "last", None))
    try:
        with quiet(), relayed(progress, devices), interruptible():
            trainer = pl.Trainer(
                accelerator=accelerator,
                devices=devices,
                strategy=_strategy(devices),
                precision=_PRECISION[module.recipe.fit.precision],
                max_epochs=module.epochs,
                limit_val_batches=None if module.validation_set is not None else 0,
                num_sanity_val_steps=0,
                gradient_clip_val=module.recipe.fit.clip,
                use_distributed_sampler=False,
                default_root_dir=folder,
                logger=TensorBoardLogger(folder, "log", ""),
                callbacks=callbacks,
                plugins=[WholeFiles()],
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            trainer.fit(module, ckpt_path=str(last) if last.is_file() else None)
    except torch.OutOfMemoryError as error:
        raise RtmeError(
            f"the device's memory is too small for {module.batch} items a step: lower fit.batch "
            "(encoder.pretrain_batch in pretraining)"
        ) from error
    except OSError as error:
        # Lightning's logs are written without a word on what is wrong.
        raise DataError(f"{folder} cannot be written ({error}): make room and start again") from error
    return _done(last, best if choose else last, progress)


def _done(last: Path, best: Path, progress: Progress) -> Done:
    state = read_checkpoint(last)
    progress.load_state_dict(state["callbacks"][progress.state_key])
    seconds = sum(row["seconds"] for row in progress.rows)
    return Done(state, read_checkpoint(best), seconds, progress.rows)


def _check_room(module: Learner, folder: Path, files: int) -> None:
    """A disk that is full at the end of the first epoch has cost that epoch."""
    sizes = [(one.numel() * one.element_size(), one.requires_grad) for one in module.parameters()]
    # Beside each weight that learns lie AdamW's two moments of it; a file is there twice while it is replaced.
    needed = files * sum(size * (3 if learns else 1) for size, learns in sizes)
    needed -= sum(path.stat().st_size for path in folder.glob("*.ckpt*"))
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"{folder} needs {needed / 1e6:.1f} MB for checkpoints and has {free / 1e6:.1f} MB free: "
            "make room and start again"
        )


def _strategy(devices: int) -> str:
    # Started by spawn: all that is not fitting is then done in one process, whatever command began it.
    return "ddp_spawn" if devices > 1 else "auto"


def cpu_has_bf16() -> bool:
    """Whether this processor can train in bf16: those without AVX-512 have no LSTM for it."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def check_device(recipe: Recipe, accelerator: str, devices: int) -> None:
    """See that there is what a recipe is to be trained on.

    Raises:
        SettingsError: There is no such accelerator here, not as many, or none that has the recipe's precision.
    """
    if recipe.fit.precision == "16" and (accelerator == "cpu" or not torch.cuda.is_available()):
        raise SettingsError("fit.precision 16 needs a GPU: use bf16 or 32")
    on_cpu = accelerator == "cpu" or not torch.cuda.is_available()
    if recipe.fit.precision == "bf16" and on_cpu and not cpu_has_bf16():
        raise SettingsError("fit.precision bf16: this processor has no bf16 for the BiLSTM: use 32")
    try:
        with quiet():
            pl.Trainer(
                accelerator=accelerator,
                devices=devices,
                strategy=_strategy(devices),
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
    except (MisconfigurationException, ValueError) as error:
        said = " ".join(str(error).split()).rstrip(".!")
        raise SettingsError(
            f"cannot train on {devices} {accelerator} ({said}): give another --accelerator or --devices"
        ) from error
