"""Fitting MELDAE on a fold: training clips to learn from, validation clips to choose the epoch by."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from rtme.data.store import Clip, Store
from rtme.errors import DataError
from rtme.model.encoder import Encoder
from rtme.model.halves import round_to_halves
from rtme.model.meldae import Meldae
from rtme.train.checkpoints import read_checkpoint
from rtme.train.features import FeatureCache
from rtme.train.mine import false_alarms
from rtme.train.modules import MeldaeModule
from rtme.train.progress import Tell
from rtme.train.recipe import Recipe
from rtme.train.replay import score_clips
from rtme.train.runs import FoldClips, write_text
from rtme.train.speaker_fit import fit_speaker
from rtme.train.trainer import run
from rtme.train.windows import Place, Windows

# Windows of the validation clips that each epoch is measured on.
_CHECKED = 512


MINED = "mined"
"""Folder in a fold's for what is learnt from its own false alarms."""


SPEAKER = "speaker.pt"
"""File in a fold's folder: the speaker's head, where it is fitted by itself."""


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
    When ``last.ckpt`` is there training goes on from it, and ends as if there had been no stop. With ``mine.epochs`` the
    false alarms in the training clips are looked up then, and training goes on in the folder ``mined``.

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
    torch.manual_seed(recipe.seed)
    model = Meldae(recipe.model)
    model.encoder.load_state_dict(encoder.state_dict())
    fitted = _fit(store, fold, recipe, model, features, folder, tell, accelerator, devices)
    if recipe.mine.epochs:
        fitted = _with_mined(store, fold, recipe, fitted, features, folder, tell, accelerator, devices)
    head = fitted.model.temporal.speaker
    if head is not None:
        fit_speaker(head, store, fold.train, recipe, tell)
        round_to_halves(head)
        torch.save(head.state_dict(), folder / SPEAKER)
    return fitted


def _with_mined(
    store: Store,
    fold: FoldClips,
    recipe: Recipe,
    fitted: Fitted,
    features: FeatureCache | None,
    folder: Path,
    tell: Tell,
    accelerator: str,
    devices: int,
) -> Fitted:
    again = recipe.with_changes({"fit.epochs": recipe.mine.epochs, "fit.rate": recipe.mine.rate})
    mined = _mined(store, fold, recipe, fitted.model, features, folder / MINED, tell)
    second = _fit(
        store, fold, again, fitted.model, features, folder / MINED, tell, accelerator, devices, mined
    )
    return Fitted(
        second.model,
        fitted.epochs + second.epochs,
        fitted.epochs + second.best_epoch,
        fitted.seconds + second.seconds,
    )


def _mined(
    store: Store,
    fold: FoldClips,
    recipe: Recipe,
    model: Meldae,
    features: FeatureCache | None,
    folder: Path,
    tell: Tell,
) -> list[Place]:
    """The model's false alarms; kept, since looking takes minutes and a resumed run must go on with the same."""
    kept = folder / "places.json"
    if kept.is_file():
        return [Place(*place) for place in json.loads(kept.read_text(encoding="utf-8"))]
    tell(f"looking for false alarms in {len(fold.train)} training clips")
    mined = false_alarms(score_clips(store, fold.train, model, recipe, features), recipe)
    tell(f"{len(mined)} false alarms; on with these")
    folder.mkdir(exist_ok=True)
    write_text(kept, json.dumps(mined))
    return mined


def _fit(
    store: Store,
    fold: FoldClips,
    recipe: Recipe,
    model: Meldae,
    features: FeatureCache | None,
    folder: Path,
    tell: Tell,
    accelerator: str,
    devices: int,
    mined: Sequence[Place] = (),
) -> Fitted:
    if features is not None and not recipe.encoder.freeze:
        raise ValueError("an encoder that is trained along needs crops, not features")
    count = _per_epoch(recipe, devices)
    train = Windows(store, fold.train, recipe, count, recipe.seed, features, mined=mined)
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
    round_to_halves(model)
    return Fitted(model.cpu().eval(), done.last["epoch"] + 1, kept["epoch"] + 1, done.seconds)


def load_model(folder: Path, recipe: Recipe) -> Meldae:
    """The model of a fold that was trained before, as :func:`fit_meldae` gave it.

    Raises:
        DataError: There is none, or its checkpoint is damaged.
    """
    where = folder / MINED if recipe.mine.epochs else folder
    checkpoint = read_checkpoint(where / f"{recipe.fit.keep}.ckpt")
    model = Meldae(recipe.model)
    prefix = "model."
    state = checkpoint["state_dict"]
    try:
        model.load_state_dict({name.removeprefix(prefix): value for name, value in state.items()})
    except RuntimeError as error:
        raise DataError(
            f"the checkpoint in {folder} is of a model of other sizes than the run's recipe says: "
            f"remove {folder} and train again"
        ) from error
    fitted_apart = folder / SPEAKER
    if model.temporal.speaker is not None and fitted_apart.is_file():
        try:
            model.temporal.speaker.load_state_dict(torch.load(fitted_apart, weights_only=True))
        except (OSError, RuntimeError) as error:
            raise DataError(f"{fitted_apart} cannot be read ({error}): train again") from error
    round_to_halves(model)
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
