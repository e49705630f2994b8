"""Fitting with Lightning: checkpoints to go on from, the best epoch, several devices, and lines for people."""

import csv
import hashlib
import io
import logging
import math
import multiprocessing
import pickle
import re
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from rtme import errors
from rtme.data.store import Clip, Store
from rtme.errors import DataError, RtmeError, SettingsError
from rtme.model.encoder import Encoder
from rtme.model.meldae import Meldae
from rtme.train.features import FeatureCache
from rtme.train.modules import Learner, MeldaeModule
from rtme.train.recipe import Recipe
from rtme.train.runs import FoldClips, write_text
from rtme.train.windows import Windows

Tell = Callable[[str], None]
Row = dict[str, float]

# Windows of the validation clips that each epoch is measured on.
_CHECKED = 512
_TELL_EVERY_S = 30.0
_PRECISION: dict[str, Literal["32-true", "bf16-mixed", "16-mixed"]] = {
    "32": "32-true",
    "bf16": "bf16-mixed",
    "16": "16-mixed",
}


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model that was trained.

    Attributes:
        model: With the weights of the epoch that the recipe keeps; on the CPU, in evaluation mode.
        epochs: How many were trained.
        best_epoch: The one whose weights these are, counted from 1.
        seconds: Spent in training and validation, earlier starts included.
    """

    model: Meldae
    epochs: int
    best_epoch: int
    seconds: float


def fit_meldae(
    store: Store,
    fold: FoldClips,
    recipe: Recipe,
    encoder: Encoder,
    features: FeatureCache | None,
    folder: Path,
    tell: Tell,
    accelerator: str = "auto",
    devices: int = 1,
) -> Fitted:
    """Train MELDAE on a fold's training clips; its validation clips choose the epoch.

    The folder gets ``last.ckpt`` and ``best.ckpt``, ``log/metrics.csv`` with a row an epoch, and TensorBoard's events.
    When ``last.ckpt`` is there training goes on from it, and ends as if there had been no stop.

    Args:
        store: Where the clips are.
        fold: Which ones; those of the tested subjects are not looked at.
        recipe: Everything else that decides the result.
        encoder: What the model's encoder begins with; it is not changed itself.
        features: What this encoder says of the store, where it is frozen; None trains on crops.
        folder: The fold's.
        tell: Gets lines for people.
        accelerator: As Lightning names them: auto, cpu, gpu.
        devices: Accelerators, or processes on a CPU. Each takes ``fit.batch`` windows a step.

    Raises:
        DataError: There is nothing to learn from or to choose by, the checkpoint is damaged, or the disk is full.
        SettingsError: The checkpoint is of another recipe, or the recipe does not fit the device.
        RtmeError: A loss is not a number, or the memory of the device is too small.
    """
    if features is not None and not recipe.encoder.freeze:
        raise ValueError("an encoder that is trained along needs crops, not features")
    train = Windows(store, fold.train, recipe, _per_epoch(recipe, devices), recipe.seed, features)
    if not train.has_expressions:
        raise DataError(
            f"fold {fold.name} has no {recipe.data.locate} to train on ({len(fold.train)} clips): add subjects"
        )
    validation = None
    if fold.validation:
        validation = Windows(store, fold.validation, recipe, _CHECKED, 0, features, vary=False)
    choosing = recipe.fit.keep == "best" or recipe.fit.patience > 0
    if choosing and not (validation and validation.has_expressions):
        raise DataError(
            f"fold {fold.name} has no {recipe.data.locate} to choose the epoch by ({len(fold.validation)} clips): "
            "add subjects, or set fit.keep to last and fit.patience to 0"
        )
    torch.manual_seed(recipe.seed)
    model = Meldae(recipe.model)
    model.encoder.load_state_dict(encoder.state_dict())
    module = MeldaeModule(
        model, recipe, train, validation, settings_of(recipe, store, fold.train, fold.validation, devices)
    )
    done = run(
        module,
        folder,
        "training",
        tell,
        accelerator,
        devices,
        choose="frame_ap" if choosing else None,
        patience=recipe.fit.patience,
    )
    kept = done.best if recipe.fit.keep == "best" else done.last
    module.load_state_dict(kept["state_dict"])
    return Fitted(model.cpu().eval(), done.last["epoch"] + 1, kept["epoch"] + 1, done.seconds)


def load_model(folder: Path, recipe: Recipe) -> Meldae:
    """The model of a fold that was trained before, as :func:`fit_meldae` gave it.

    Raises:
        DataError: There is none, or its checkpoint is damaged.
    """
    checkpoint = read_checkpoint(folder / f"{recipe.fit.keep}.ckpt")
    model = Meldae(recipe.model)
    prefix = "model."
    state = checkpoint["state_dict"]
    model.load_state_dict({name.removeprefix(prefix): value for name, value in state.items()})
    return model.eval()


def settings_of(
    recipe: Recipe, store: Store, train: Sequence[Clip], validation: Sequence[Clip], devices: int
) -> dict[str, Any]:
    """Everything that two starts of one training must share, by the recipe's names."""
    content = recipe.model_dump(mode="json", include={"model", "encoder", "loss", "fit", "augment", "seed"})
    # How many processes load windows changes nothing.
    del content["fit"]["workers"]
    clips = "\n".join(clip.key for part in (train, validation) for clip in part)
    return {
        **_flat(content),
        "data.locate": recipe.data.locate,
        "spot.look_ahead": recipe.spot.look_ahead,
        "material": hashlib.sha256(f"{store.fingerprint} {clips}".encode()).hexdigest()[:16],
        "devices": devices,
    }


def _flat(content: dict[str, Any], at: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in content.items():
        flat |= _flat(value, f"{at}{name}.") if isinstance(value, dict) else {f"{at}{name}": value}
    return flat


def _per_epoch(recipe: Recipe, devices: int) -> int:
    return recipe.fit.steps * recipe.fit.batch * devices


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
    _check_device(module.recipe, accelerator)
    last, best = folder / "last.ckpt", folder / "best.ckpt"
    stopping = EarlyStopping(f"val_{choose}", mode="max", patience=patience, check_on_train_epoch_end=True)
    progress = _Progress(name, folder / "log" / "metrics.csv", tell)
    if last.is_file():
        state = read_checkpoint(last)
        _check_settings(last, state["settings"], module.settings)
        epochs = state["epoch"] + 1
        tell(f"{name}: {epochs} of {module.epochs} epochs are done already")
        stopped = patience and state["callbacks"][stopping.state_key]["wait_count"] >= patience
        if stopped or epochs >= module.epochs:
            return _done(last, best if choose else last, progress)
    callbacks: list[Callback] = [progress]
    if patience:
        callbacks.append(stopping)
    if choose:
        callbacks.append(_Checkpoint(folder, "best", f"val_{choose}"))
    callbacks.append(_Checkpoint(folder, "last", None))
    try:
        with _quiet(), _relayed(progress, devices), _interruptible():
            trainer = pl.Trainer(
                accelerator=accelerator,
                devices=devices,
                # Started by spawn: all that is not fitting is then done in one process, whatever command began it.
                strategy="ddp_spawn" if devices > 1 else "auto",
                precision=_PRECISION[module.recipe.fit.precision],
                max_epochs=module.epochs,
                limit_val_batches=None if module.validation_set is not None else 0,
                num_sanity_val_steps=0,
                gradient_clip_val=module.recipe.fit.clip,
                use_distributed_sampler=False,
                default_root_dir=folder,
                logger=TensorBoardLogger(folder, "log", ""),
                callbacks=callbacks,
                plugins=[_WholeFiles()],
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            trainer.fit(module, ckpt_path=str(last) if last.is_file() else None)
    except MisconfigurationException as error:
        raise SettingsError(f"cannot train on {devices} {accelerator}: {error}") from error
    except torch.OutOfMemoryError as error:
        raise RtmeError(
            f"the device's memory is too small for {module.batch} items a step: lower fit.batch "
            "(encoder.pretrain_batch in pretraining)"
        ) from error
    return _done(last, best if choose else last, progress)


def _done(last: Path, best: Path, progress: "_Progress") -> Done:
    state = read_checkpoint(last)
    progress.load_state_dict(state["callbacks"][progress.state_key])
    seconds = sum(row["seconds"] for row in progress.rows)
    return Done(state, read_checkpoint(best), seconds, progress.rows)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint holds.

    Raises:
        DataError: There is none, or it is damaged.
    """
    try:
        with path.open("rb") as file:
            state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DataError(f"there is no checkpoint {path}: train first") from error
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise DataError(
            f"{path} is damaged or no checkpoint ({_short(error)}): remove it, and training begins anew"
        ) from error
    if not {"settings", "state_dict", "callbacks", "epoch"} <= set(state):
        raise DataError(f"{path} is no checkpoint of this trainer: remove it, and training begins anew")
    return state


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _check_settings(path: Path, there: dict[str, Any], here: dict[str, Any]) -> None:
    for name in {**here, **there}:
        if there.get(name) != here.get(name):
            what = (
                "was trained on other clips"
                if name == "material"
                else f"is of another recipe ({name} is {there.get(name)!r} there and {here.get(name)!r} here)"
            )
            raise SettingsError(f"{path} {what}: train into another folder, or remove it")


def _check_device(recipe: Recipe, accelerator: str) -> None:
    if recipe.fit.precision == "16" and (accelerator == "cpu" or not torch.cuda.is_available()):
        raise SettingsError("fit.precision 16 needs a GPU: use bf16 or 32")


class _Checkpoint(ModelCheckpoint):
    """One file, replaced by each epoch that is better, or by each epoch."""

    def __init__(self, folder: Path, name: str, monitor: str | None) -> None:
        super().__init__(
            folder,
            name,
            monitor,
            mode="max",
            save_top_k=1,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        # A run whose folder was moved still knows its best score.
        super().load_state_dict({**state_dict, "dirpath": self.dirpath})


class _WholeFiles(TorchCheckpointIO):
    """Checkpoints that are written whole or not at all."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        half = Path(f"{path}.part")
        try:
            half.parent.mkdir(parents=True, exist_ok=True)
            with half.open("wb") as file:
                torch.save(checkpoint, file)
            half.replace(path)
        except (OSError, RuntimeError) as error:
            raise DataError(
                f"{path} cannot be written ({_short(error)}): make room and start again"
            ) from error


class _Progress(Callback):
    """Tells people, and keeps ``metrics.csv`` and TensorBoard, a row an epoch.

    Its rows are part of the checkpoint, so that after a stop the table goes on where the weights do.
    """

    def __init__(self, name: str, table: Path, tell: Tell) -> None:
        self.rows: list[Row] = []
        self.tell = tell
        self._name, self._table = name, table
        self._began = self._trained = self._idle = self._told = 0.0
        self._waited = 0.0

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows = [dict(row) for row in state_dict["rows"]]

    def __setstate__(self, state: dict[str, Any]) -> None:
        # It has come to a process of its own, which nobody has quieted yet.
        self.__dict__.update(state)
        _hush()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._began = self._idle = time.monotonic()
        self._told = self._told or self._began
        self._waited = 0.0

    def on_train_batch_start(self, *_: Any) -> None:
        self._waited += time.monotonic() - self._idle

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._idle = self._trained = time.monotonic()
        if self._idle - self._told > _TELL_EVERY_S:
            share = (batch_idx + 1) / trainer.num_training_batches
            epoch = self._idle - self._began
            self._say(
                trainer,
                f"step {batch_idx + 1} of {trainer.num_training_batches}, "
                f"{self._left(trainer, epoch / share, trainer.current_epoch + share)}",
            )

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        seconds = time.monotonic() - self._began
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        row: Row = {
            "epoch": trainer.current_epoch + 1,
            "step": trainer.global_step,
            **{name: value for name, value in figures.items() if name.startswith("train_")},
            **{name: value for name, value in figures.items() if name.startswith("val_")},
            "rate": trainer.optimizers[0].param_groups[0]["lr"],
            "data_wait": self._waited / max(self._trained - self._began, 1e-9),
            "seconds": seconds,
        }
        self.rows.append(row)
        if not trainer.is_global_zero:
            return
        if trainer.logger is not None:
            trainer.logger.log_metrics(row, step=trainer.current_epoch + 1)
        write_text(self._table, _as_csv(self.rows))
        self._say(
            trainer,
            f"{_told(row, 'train_')}; validation {_told(row, 'val_')}; "
            f"{self._left(trainer, seconds, trainer.current_epoch + 1)}",
        )

    def _left(self, trainer: pl.Trainer, epoch_s: float, done: float) -> str:
        return f"{((trainer.max_epochs or 0) - done) * epoch_s / 60:.1f} min left"

    def _say(self, trainer: pl.Trainer, line: str) -> None:
        self._told = time.monotonic()
        if trainer.is_global_zero:
            self.tell(f"{self._name}: epoch {trainer.current_epoch + 1} of {trainer.max_epochs}: {line}")


def _told(row: Row, part: str) -> str:
    return ", ".join(
        f"{name.removeprefix(part).replace('_', ' ')} {value:.3f}"
        for name, value in row.items()
        if name.startswith(part)
    )


def _as_csv(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: "" if math.isnan(value) else f"{value:.6g}" for name, value in row.items()})
    return text.getvalue()


@contextmanager
def _relayed(progress: _Progress, devices: int) -> Iterator[None]:
    """Bring lines and errors of the processes that train to this one, which knows whom to tell."""
    tell = progress.tell
    if devices == 1:
        yield
        return
    lines: Any = multiprocessing.get_context("spawn").SimpleQueue()

    def listen() -> None:
        while (line := lines.get()) is not None:
            tell(line)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    progress.tell = lines.put
    try:
        yield
    except (ProcessRaisedException, ProcessExitedException) as error:
        raise _as_raised_there(error) from error
    finally:
        lines.put(None)
        thread.join()
        progress.tell = tell


def _as_raised_there(error: Exception) -> RtmeError:
    """An error of another process, of which only the printed traceback has come here."""
    last = str(error).strip().splitlines()[-1]
    ours = re.match(r"rtme\.errors\.(\w+): (.*)", last)
    if ours:
        kind: type[RtmeError] = getattr(errors, ours[1])
        return kind(ours[2])
    return RtmeError(f"a training process ended: {last}")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl+C stays Ctrl+C: Lightning turns it into a silent exit and then ignores the next one."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what Lightning says of itself, its cloud and how it would be used otherwise."""
    talkers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [talker.level for talker in talkers]
    with warnings.catch_warnings():
        _hush()
        try:
            yield
        finally:
            for talker, level in zip(talkers, levels, strict=True):
                talker.setLevel(level)


def _hush() -> None:
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\.")
