"""From a recipe and prepared material to trained, evaluated folds; each goes on where it was stopped."""

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from rtme.data.alone import alone
from rtme.data.store import Clip, Store
from rtme.model.encoder import Encoder
from rtme.model.halves import round_to_halves
from rtme.model.weights import load_encoder
from rtme.train import evaluate
from rtme.train.cross import cross_scored
from rtme.train.decoder import tune
from rtme.train.diagrams import draw_decoder
from rtme.train.features import FeatureCache, encode
from rtme.train.fit import fit_meldae
from rtme.train.plan import folds_of
from rtme.train.pretrain import pretrain
from rtme.train.recipe import Recipe
from rtme.train.replay import score_clips
from rtme.train.runs import FoldClips, Run, is_done, material_of, write_json
from rtme.train.trainer import check_device

Tell = Callable[[str], None]


def train(
    recipe: Recipe,
    out: Path,
    tell: Tell,
    folds: Sequence[str] | None = None,
    devices: int = 1,
    accelerator: str = "auto",
) -> Run:
    """Train and evaluate the folds of a recipe.

    Args:
        recipe: Everything that decides the result.
        out: The run's folder; what is complete in it is not made again.
        tell: Gets lines for people.
        folds: Only these, by name; so that several machines can share a run. None trains all.
        devices: Accelerators, or processes on a CPU, for each fold.
        accelerator: As Lightning names them: auto, cpu, gpu.

    Returns:
        The run.

    Raises:
        SettingsError: The recipe does not fit the material or the folder.
        DataError: The material cannot be used, or the disk is full.
    """
    store = material_of(recipe)
    wanted = folds_of(store, recipe, folds)
    check_device(recipe, accelerator, devices)
    # Wrong weights must not be noticed only after hours of pretraining, nor bind the folder to their recipe.
    torch.manual_seed(recipe.seed)
    encoder = load_encoder(recipe.model, recipe.encoder.start, tell)
    run = Run.begin(out, recipe, store)
    _tell_material(store, recipe, wanted, tell)
    trained, began = 0, time.monotonic()
    for number, fold in enumerate(wanted, 1):
        folder = run.fold(fold.name)
        name = f"fold {fold.name} ({number} of {len(wanted)})"
        if is_done(folder):
            tell(f"{name}: done already")
            continue
        tell(f"{name}: {_counts(fold.train)} to train on, {_counts(fold.validation)} to choose by")
        with alone(folder):
            write_json(folder / "fold.json", {**_people(fold), "made_by": run.made_by()})
            _train_fold(recipe, store, fold, encoder, folder, tell, devices, accelerator)
        trained += 1
        left = (time.monotonic() - began) / trained * (len(wanted) - number) / 60
        tell(f"{name}: done" + (f", about {left:.0f} min left for the others" if left else ""))
    return run


def _train_fold(
    recipe: Recipe,
    store: Store,
    fold: FoldClips,
    encoder: Encoder,
    folder: Path,
    tell: Tell,
    devices: int,
    accelerator: str,
) -> None:
    figures: dict[str, float] = {}
    seconds: dict[str, float] = {}
    features: FeatureCache | None = None
    cache = store.folder / "features"
    if recipe.encoder.pretrain_steps:
        learnt = pretrain(
            store, fold.train, fold.validation, recipe, folder / "pretrain", tell, accelerator, devices
        )
        encoder, figures, seconds["pretraining"] = learnt.encoder, learnt.figures, learnt.seconds
        cache = folder / "features"
    # Features must be those of the encoder that will be exported.
    round_to_halves(encoder)
    device = "cuda" if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available() else "cpu"
    if recipe.encoder.freeze:
        features = encode(store, encoder, cache, tell, device, mirrored=recipe.augment.flip > 0)
    fitted = fit_meldae(store, fold, recipe, encoder, features, folder, tell, accelerator, devices)
    seconds["fitting"] = fitted.seconds
    model = fitted.model.to(device)
    others = cross_scored(store, fold, recipe, encoder, features, folder, tell, accelerator, devices)
    decoder = tune([*score_clips(store, fold.validation, model, recipe, features), *others], recipe, tell)
    evaluate.write_fold(
        folder, score_clips(store, fold.test, model, recipe, features), decoder, recipe, fold.name
    )
    draw_decoder(decoder, f"{recipe.name} {recipe.version}, fold {fold.name}", folder)
    write_json(
        folder / "done.json",
        {
            "epochs": fitted.epochs,
            "best_epoch": fitted.best_epoch,
            "seconds": {name: round(value, 1) for name, value in seconds.items()},
            "pretraining": {name: round(value, 4) for name, value in figures.items()},
            "torch": torch.__version__,
        },
    )
    if cache.parent == folder:
        # This fold's own features: large, and of no use once it is done.
        shutil.rmtree(cache, ignore_errors=True)


def _people(fold: FoldClips) -> dict[str, object]:
    parts = {"train": fold.train, "validation": fold.validation, "test": fold.test}
    return {
        "name": fold.name,
        "people": {part: sorted({"/".join(clip.person) for clip in clips}) for part, clips in parts.items()},
        "clips": {part: len(clips) for part, clips in parts.items()},
        "micro-expressions": {part: _n_me(clips) for part, clips in parts.items()},
    }


def _tell_material(store: Store, recipe: Recipe, folds: list[FoldClips], tell: Tell) -> None:
    tell(f"{store.folder}: {_counts(store.clips)}; {_many(len(folds), 'fold')}")
    longest = recipe.spot.me_max_ms
    n_long = sum(
        (offset - onset) * 1000 / clip.fps > longest
        for clip in store.clips
        for onset, offset in clip.of_type("me")
    )
    if n_long:
        tell(
            f"{_many(n_long, 'micro-expression')} of these last longer than spot.me_max_ms ({longest:g} ms): found whole, "
            "they close as macro-expressions and count as missed"
        )


def _counts(clips: list[Clip]) -> str:
    people = len({clip.person for clip in clips})
    return f"{_many(len(clips), 'clip')} of {_many(people, 'subject')} with {_many(_n_me(clips), 'micro-expression')}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _n_me(clips: list[Clip]) -> int:
    return sum(len(clip.of_type("me")) for clip in clips)
