"""Run a study: the same recipe, seeds and data for each of its variants, and a normal run's folder for each."""

import json
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file

from rtme.data.pool import work
from rtme.data.store import Store
from rtme.errors import RtmeError, SettingsError
from rtme.model.weights import load_encoder
from rtme.score import Rules
from rtme.train.baselines.answers import Method, answer
from rtme.train.curves import curves_of
from rtme.train.evaluate import evaluate_runs, figures_of
from rtme.train.features import encode
from rtme.train.outcome import Outcome
from rtme.train.pipeline import train
from rtme.train.plan import folds_of
from rtme.train.pretrain import pretrain
from rtme.train.recipe import Recipe
from rtme.train.results import Row, write_results
from rtme.train.runs import Run, is_done, material_of, write_json, write_text
from rtme.train.studies import Study, Variant
from rtme.whole import whole

Tell = Callable[[str], None]

_PATIENCE_S = 24 * 3600.0
"""A run with many folds takes as long as it takes; a worker that died is noticed at once anyway."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One variant with one seed.

    Attributes:
        variant: Which.
        seed: Of everything random in it.
        recipe: What is trained.
        folder: Of its run.
        folds: Their names.
    """

    variant: Variant
    seed: int
    recipe: Recipe
    folder: Path
    folds: tuple[str, ...]

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.variant.name}, seed {self.seed}"

    @property
    def is_complete(self) -> bool:
        """Whether all its folds are done."""
        run = Run(self.folder)
        return all(is_done(run.fold(name)) for name in self.folds)


@dataclass(frozen=True, slots=True)
class _Job:
    trial: Trial
    accelerator: str
    threads: int | None


def ablate(
    study: Study,
    recipe: Recipe,
    out: Path,
    seeds: int,
    tell: Tell,
    jobs: int = 1,
    accelerator: str = "auto",
    rules: Rules | None = None,
) -> tuple[str, dict[str, str]]:
    """Run a study and write its tables and picture into ``out``.

    Args:
        study: What is varied.
        recipe: What stays.
        out: A folder for each variant and seed, an encoder's, and ``ablation.*`` and ``curves.png``.
        seeds: How many; the first is the recipe's.
        tell: Gets lines for people.
        jobs: Runs side by side, each with one CPU thread.
        accelerator: As Lightning names them.
        rules: How found and labelled intervals are matched.

    Returns:
        The table in Markdown, and what went wrong with the runs that failed, by their name.

    Raises:
        SettingsError: A variant cannot be made of the recipe, or the folder holds other runs.
        DataError: The material cannot be used, or the folder cannot be written.
    """
    rules = rules or Rules()
    trials, failed = run_trials(study, recipe, out, seeds, tell, jobs, accelerator)
    rows = []
    for variant in study.variants:
        if variant.method is not None:
            tell(f"{variant.name}: choosing a threshold and spotting")
            rows.append(_classical(variant, variant.method, recipe, rules))
            continue
        mine = [trial for trial in trials if trial.variant == variant]
        good = [trial for trial in mine if trial.name not in failed]
        figures = {trial.seed: _figures(trial, rules) for trial in good}
        curves = [curve for trial in good for curve in curves_of(Run(trial.folder))]
        why = {trial.seed: failed[trial.name] for trial in mine if trial.name in failed}
        rows.append(Row(variant.name, figures, curves, {"changes": variant.changes}, why))
    return write_results(study, rows, _facts(recipe, seeds, rules), out), failed


def _figures(trial: Trial, rules: Rules) -> dict[str, float | None]:
    run = Run(trial.folder)
    score = evaluate_runs([run], rules).runs[0]
    curves = curves_of(run)
    best = [value for one in curves if (value := one.best("val_frame_ap")) is not None]
    epochs = [value for one in curves if (value := one.epochs_to(0.9)) is not None]
    return {
        **score.figures,
        "val_frame_ap": sum(best) / len(best) if best else None,
        "epochs_to_90": sum(epochs) / len(epochs) if epochs else None,
    }


def _classical(variant: Variant, method: Method, recipe: Recipe, rules: Rules) -> Row:
    store = material_of(recipe)
    parts, chosen = [], {}
    for fold in folds_of(store, recipe):
        outcome, threshold = answer(method, store, fold, recipe.seed, rules)
        parts.append(outcome)
        chosen[fold.name] = asdict(threshold)
    figures = figures_of(Outcome.pooled(parts), rules, recipe)
    # They say nothing of the speaker's state, which is not the same as to be wrong about it.
    return Row(variant.name, {recipe.seed: {**figures, "acc_state": None}}, (), {"thresholds": chosen})


def _facts(recipe: Recipe, seeds: int, rules: Rules) -> dict[str, str]:
    store = material_of(recipe)
    folds = folds_of(store, recipe)
    tested = [clip for fold in folds for clip in fold.test]
    synthetic = any(clip.base != "video" for clip in tested)
    states = Counter(clip.state for clip in tested)
    kind = "conversational clips" if states["speaking"] and states["listening"] else "clips"
    n_me = {state: sum(len(c.of_type("me")) for c in tested if c.state == state) for state in states}
    parts = {
        "train": folds[0].train,
        "validation": folds[0].validation,
        "test": tested if len(folds) > 1 else folds[0].test,
    }
    last = recipe.seed + seeds - 1
    return {
        "label": f"SYNTHETIC {kind}; not comparable with figures of real micro-expressions"
        if synthetic
        else "recorded material",
        "material": f"{store.folder}, {store.plan.fps:g} slots/s, {store.plan.input} input; "
        + ", ".join(f"{len(clips)} {part}" for part, clips in parts.items())
        + (
            " clips"
            if len(folds) == 1
            else f" clips (train and validation of the first of {len(folds)} folds)"
        ),
        "test": f"{len(tested)} clips with {sum(n_me.values())} micro-expressions"
        + "".join(
            f", {n_me[s]} of them in {states[s]} {s} clips" for s in ("speaking", "listening") if states[s]
        ),
        "seeds": f"{seeds} ({recipe.seed} to {last})" if seeds > 1 else str(recipe.seed),
        "matching": f"{rules}; counts pooled over clips",
        "chosen by": "validation subjects, whom nobody is tested on: epoch, decoder and thresholds",
        "encoder": "one, pretrained once, for all runs of an input"
        if recipe.encoder.pretrain_steps
        else (recipe.encoder.start or "from nothing in each run"),
    }


def run_trials(
    study: Study,
    recipe: Recipe,
    out: Path,
    seeds: int,
    tell: Tell,
    jobs: int = 1,
    accelerator: str = "auto",
) -> tuple[list[Trial], dict[str, str]]:
    """Train every variant with every seed; what is complete already is not trained again.

    All runs of an input share one encoder, so that the variants differ in what is studied and in nothing else: it is
    pretrained once, with the recipe's own seed.

    Args:
        study: What is varied.
        recipe: What stays.
        out: The study's folder: a run's folder for each variant and seed, and an encoder's.
        seeds: How many; the first is the recipe's.
        tell: Gets lines for people.
        jobs: Runs side by side, each with one CPU thread.
        accelerator: As Lightning names them.

    Returns:
        All trials, and what went wrong with those that are not complete, by their name.

    Raises:
        SettingsError: A variant cannot be made of the recipe, or the folder holds other runs.
        DataError: The material cannot be used.
    """
    varied = [(one, recipe.with_changes(one.changes)) for one in study.variants if one.method is None]
    stores = {its.data.store: material_of(its) for _, its in varied}
    folds = [_check(stores[its.data.store], its) for _, its in varied]
    _check_same_clips(list(stores.values()))
    trials: list[Trial] = []
    for (variant, its), names in zip(varied, folds, strict=True):
        its = _with_shared_encoder(its, out / f"encoder-{its.model.input}", tell, accelerator)
        for seed in range(recipe.seed, recipe.seed + seeds):
            folder = out / variant.folder_name / f"seed-{seed}"
            trials.append(Trial(variant, seed, its.with_changes({"seed": seed}), folder, names))
    for trial in trials:
        Run.begin(trial.folder, trial.recipe, stores[trial.recipe.data.store])
    open_ = [trial for trial in trials if not trial.is_complete]
    _encode(open_, tell)
    failed: dict[str, str] = {}
    began = time.monotonic()
    workers = max(1, min(jobs, len(open_)))
    if open_:
        tell(
            f"{len(open_)} of {len(trials)} runs to train, {workers} at a time; each writes what it does to its said.txt"
        )
    todo = [_Job(trial, accelerator, 1 if workers > 1 else None) for trial in open_]
    for number, (name, error) in enumerate(work(todo, _train, workers, patience_s=_PATIENCE_S), 1):
        if error:
            failed[name] = error
        left = (time.monotonic() - began) / number * (len(todo) - number) / 60
        tell(f"{name}: {error or 'done'} ({number} of {len(todo)}, about {left:.0f} min left)")
    return trials, failed


def _check(store: Store, recipe: Recipe) -> tuple[str, ...]:
    """The names of a variant's folds, before hours are spent on others."""
    folds = folds_of(store, recipe)
    if not any(fold.test for fold in folds):
        raise SettingsError(
            f"nobody is left to be tested on with data.split {recipe.data.split}: use fixed or loso, and clips to test on"
        )
    return tuple(fold.name for fold in folds)


def _check_same_clips(stores: list[Store]) -> None:
    for other in stores[1:]:
        there, here = ({(clip.key, clip.split) for clip in store.clips} for store in (stores[0], other))
        if there != here:
            key, _ = min(there ^ here, key=str)
            raise SettingsError(
                f"{stores[0].folder} and {other.folder} do not hold the same clips ({key}, for one): variants that are "
                "tested on other clips cannot be compared"
            )


def _with_shared_encoder(recipe: Recipe, folder: Path, tell: Tell, accelerator: str) -> Recipe:
    """The recipe with an encoder that is pretrained already, where it asks for pretraining."""
    if not recipe.encoder.pretrain_steps:
        return recipe
    store = material_of(recipe)
    if recipe.data.split == "loso":
        raise SettingsError(
            "data.split is loso and encoder.pretrain_steps is not 0: one encoder for all folds would have seen the "
            "subjects left out. Use data.split=fixed, or give encoder.start"
        )
    (fold,) = folds_of(store, recipe)
    weights, mark = folder / "encoder.safetensors", folder / "encoder.json"
    made_of = {
        "model": recipe.model.model_dump(mode="json", include=_OF_ENCODER),
        "encoder": recipe.encoder.model_dump(mode="json"),
        "seed": recipe.seed,
        "material": store.fingerprint,
    }
    if mark.is_file() and json.loads(mark.read_text(encoding="utf-8")) != made_of:
        raise SettingsError(f"{folder} holds an encoder of other settings or material: give another --out")
    if not weights.is_file():
        write_json(mark, made_of)
        tell(f"pretraining one encoder for all runs with {recipe.model.input} input")
        learnt = pretrain(store, fold.train, fold.validation, recipe, folder / "pretrain", tell, accelerator)
        state = {
            name: value.detach().cpu().contiguous() for name, value in learnt.encoder.state_dict().items()
        }
        with whole(weights) as draft:
            save_file(state, draft)
    return recipe.with_changes({"encoder.start": str(weights), "encoder.pretrain_steps": 0})


_OF_ENCODER = {
    "input",
    "size",
    "patch",
    "dim",
    "depth",
    "heads",
    "pixels",
    "norm_eps",
    "frame_token",
    "pooling",
    "cells",
}
"""Settings of the model that shape its encoder."""


def _encode(trials: list[Trial], tell: Tell) -> None:
    """Encode what they will read, before several of them would do so at once."""
    seen: set[tuple[Path | None, str]] = set()
    for trial in trials:
        recipe = trial.recipe
        key = recipe.data.store, recipe.model.model_dump_json(include=_OF_ENCODER)
        if recipe.encoder.freeze and key not in seen:
            seen.add(key)
            store, encoder = material_of(recipe), load_encoder(recipe.model, recipe.encoder.start)
            encode(store, encoder, store.folder / "features", tell, mirrored=recipe.augment.flip > 0)


def _train(job: _Job) -> tuple[str, str]:
    """Train one; its name, and what went wrong or nothing."""
    trial = job.trial
    if job.threads is not None:
        torch.set_num_threads(job.threads)

    def note(line: str) -> None:
        with (trial.folder / "said.txt").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    try:
        train(trial.recipe, trial.folder, note, accelerator=job.accelerator)
    except RtmeError as error:
        return trial.name, str(error)
    except Exception as error:  # the others must go on, whatever it was
        write_text(trial.folder / "failed.txt", traceback.format_exc())
        return trial.name, f"{type(error).__name__}: {error} (see {trial.folder / 'failed.txt'})"
    return trial.name, ""
