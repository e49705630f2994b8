"""What the folds of a run say together, and what one fold's engine says of other material.

Counts are pooled over all clips of all folds before anything is divided. Folds may have been trained on several machines:
their folders are put together under ``folds/``, and what is missing, unfinished or there twice is named.
"""

import json
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from rtme.data.manifest import policies
from rtme.data.store import LABELS, Store
from rtme.errors import DataError, SettingsError
from rtme.score import (
    Counts,
    Interval,
    Rules,
    VideoFacts,
    accuracy,
    f1_by_state,
    frame_average_precision,
    spotting,
)
from rtme.train.decoder import Decoder
from rtme.train.fit import load_model
from rtme.train.outcome import ClipRow, Outcome
from rtme.train.outcome import write_fold as write_fold
from rtme.train.plan import subject_folds
from rtme.train.recipe import Recipe
from rtme.train.replay import score_clips
from rtme.train.runs import Run, is_done, write_text

Figures = dict[str, float | None]
"""By name; None where the clips do not tell, such as Acc_State of clips whose state nobody knows."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SubjectScore(_Part):
    """One subject's micro-expressions."""

    subject: str
    clips: int
    truths: int
    found: int
    matched: int
    f1: float
    acc_me: float | None


class RunScore(_Part):
    """What one run comes to.

    Attributes:
        run: Its folder.
        name: Its recipe's.
        seed: Of the recipe.
        tested_on: Of which clips the figures are.
        material: Synthetic where any of the clips is an animated portrait or has planted movements.
        locate: What the locator learned to find.
        folds: Those that count.
        unfinished: Folds that were begun and do not count.
        missing: Subjects with micro-expressions that have no fold.
        clips: Test clips.
        minutes: Their length.
        truths: Labelled expressions by type.
        found: Closed intervals by type.
        figures: By name.
        subjects: One by one.
        notes: What a reader must know of these figures.
    """

    run: str
    name: str
    seed: int
    tested_on: str
    material: Literal["synthetic", "recorded"]
    locate: Literal["me", "me+mae"]
    folds: list[str]
    unfinished: list[str] = []
    missing: list[str] = []
    clips: int
    minutes: float
    truths: dict[str, int]
    found: dict[str, int]
    figures: Figures
    subjects: list[SubjectScore]
    notes: list[str] = []


class Evaluation(_Part):
    """One or more runs under the same rules.

    Attributes:
        rule: The rules in words, to stand beside each F1.
        rules: How found and labelled intervals are matched.
        runs: Each on its own.
        mean: Of the runs' figures, where there are several and they differ in their seed only.
        sd: Standard deviation of a sample, likewise.
        notes: On the comparison.
    """

    rule: str
    rules: dict[str, Any]
    runs: list[RunScore]
    mean: Figures = {}
    sd: Figures = {}
    notes: list[str] = []


def evaluate_runs(runs: Sequence[Run], rules: Rules, partial: bool = False) -> Evaluation:
    """Evaluate runs on the test subjects of their folds.

    Args:
        runs: With one recipe and several seeds, they get mean and standard deviation.
        rules: How intervals are matched.
        partial: Leave out folds that are not there or not finished, and say so, instead of refusing.

    Raises:
        DataError: Folds are missing, unfinished, there twice or of another seed; files are missing or damaged.
    """
    evaluation = Evaluation(
        rule=str(rules), rules=asdict(rules), runs=[_evaluate(run, rules, partial) for run in runs]
    )
    if len(runs) > 1:
        _compare(evaluation, [run.recipe for run in runs])
    return evaluation


def evaluate_on(
    run: Run,
    store: Store,
    rules: Rules,
    fold: str | None = None,
    split: str | None = None,
    on_progress: Callable[[int, int], None] = lambda done, expected: None,
) -> Evaluation:
    """Evaluate one fold's engine on other material.

    Args:
        run: Whose.
        store: Prepared in the same way as what it learned from.
        rules: How intervals are matched.
        fold: Its name; may be left out where there is only one.
        split: Only clips of this split.
        on_progress: Called with clips done and expected.

    Raises:
        SettingsError: The material was prepared in another way, or there is no such fold or clip.
        DataError: The run or the material cannot be read.
    """
    folder = fold_of(run, fold)
    plan = run.store().plan
    for name, prepared in store.plan:
        if prepared != (wanted := getattr(plan, name)):
            raise SettingsError(
                f"{store.folder} was prepared with {name} {prepared}, and {run.folder} learned from {name} {wanted}: "
                "prepare it in the same way"
            )
    clips = [clip for clip in store.clips if split in (None, clip.split)]
    if not clips:
        raise SettingsError(f"{store.folder} has no clip of the split {split}: leave --split out for all")
    model, decoder = load_model(folder, run.recipe), read_decoder(folder)
    scored = []
    for number, clip in enumerate(clips):
        on_progress(number, len(clips))
        scored += score_clips(store, [clip], model, run.recipe)
    outcome = Outcome.of(scored, decoder, run.recipe, folder.name)
    of = str(store.folder) + ("" if split is None else f", split {split}")
    score = _score(run, outcome, rules, of, [folder.name], store.folder)
    score.notes[:0] = _known_people(folder, {row.person for row in outcome.clips})
    return Evaluation(rule=str(rules), rules=asdict(rules), runs=[score])


def _known_people(fold: Path, people: set[str]) -> list[str]:
    """A warning where the engine was made with people whom it is now tested on."""
    made_with = _read_fold(fold)["people"]
    known = sorted(people & {*made_with["train"], *made_with["validation"]})
    if not known:
        return []
    some = ", ".join(known[:3]) + (", ..." if len(known) > 3 else "")
    return [
        f"NOT A TEST: {len(known)} of these {len(people)} subjects were trained on or chose epoch and thresholds ({some})"
    ]


def fold_of(run: Run, name: str | None) -> Path:
    """The folder of a finished fold; the only one where none is named.

    Raises:
        SettingsError: There is none, or there are several, with what to do.
    """
    done = [folder for folder in run.folds() if is_done(folder)]
    if not done:
        raise SettingsError(f"{run.folder} has no finished fold: finish it with `rtme train`")
    if name is not None:
        found = [folder for folder in done if folder == run.fold(name)]
        found = found or [folder for folder in done if _name(folder).split("/")[-1] == name]
        if len(found) != 1:
            raise SettingsError(
                f"{run.folder} has no finished fold {name}: choose of {', '.join(folder.name for folder in done)}"
            )
        return found[0]
    if len(done) > 1:
        raise SettingsError(
            f"{run.folder} has {len(done)} folds, each an engine that never saw one subject: choose one with --fold "
            f"({done[0].name}, ...), or train one engine on everyone with `data.split: all`"
        )
    return done[0]


def _name(folder: Path) -> str:
    return str(_read_fold(folder)["name"])


def _read_fold(folder: Path) -> dict[str, Any]:
    path = folder / "fold.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {"name": content["name"], "people": content["people"]}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{path} cannot be read ({error}): remove the fold's folder and train it again"
        ) from error


def read_decoder(folder: Path) -> Decoder:
    """The thresholds of a fold.

    Raises:
        DataError: They are missing or damaged.
    """
    path = folder / "decoder.json"
    try:
        return Decoder.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        said = str(error).splitlines()[0]
        raise DataError(
            f"{path} cannot be read ({said}): remove the fold's folder and train it again"
        ) from error


def save(evaluation: Evaluation) -> None:
    """Write ``evaluation.json`` into the folder of each run.

    Raises:
        DataError: It cannot be written.
    """
    for one in evaluation.runs:
        alone = Evaluation(rule=evaluation.rule, rules=evaluation.rules, runs=[one])
        write_text(Path(one.run) / "evaluation.json", alone.model_dump_json(indent=2) + "\n")


def _evaluate(run: Run, rules: Rules, partial: bool) -> RunScore:
    folders = run.folds()
    done = [folder for folder in folders if is_done(folder)]
    unfinished = [folder.name for folder in folders if not is_done(folder)]
    if not done:
        raise DataError(f"{run.folder} has no finished fold: go on with `rtme train`")
    if run.recipe.data.split == "all":
        raise DataError(
            f"{run.folder} trained on everyone (data.split: all), so that nobody is left to be tested on: "
            "evaluate it on other material with --data"
        )
    outcomes = {folder.name: Outcome.read(folder) for folder in done}
    _check_folds(run, outcomes)
    missing, notes = _missing(run)
    for what, names in (("unfinished", unfinished), ("missing", missing)):
        if names and not partial:
            raise DataError(
                f"{run.folder}: {len(names)} fold{'s are' if len(names) > 1 else ' is'} {what} ({', '.join(names)}): "
                "finish with `rtme train`, or evaluate without with --partial"
            )
        if names:
            notes.append(f"WITHOUT {len(names)} {what} folds ({', '.join(names)})")
    score = _score(
        run,
        Outcome.pooled(list(outcomes.values())),
        rules,
        "test subjects of its folds",
        list(outcomes),
        run.recipe.data.store,
    )
    return score.model_copy(
        update={"unfinished": unfinished, "missing": missing, "notes": [*notes, *score.notes]}
    )


def _check_folds(run: Run, outcomes: dict[str, Outcome]) -> None:
    tested: dict[str, str] = {}
    for name, outcome in outcomes.items():
        folder = run.folder / "folds" / name
        run.check_fold(folder)
        for row in outcome.clips:
            if row.seed != run.recipe.seed:
                raise DataError(
                    f"{folder} is of seed {row.seed} and the run of seed {run.recipe.seed}: remove it"
                )
            if tested.setdefault(row.key, name) != name:
                raise DataError(
                    f"{row.key} is tested in the folds {tested[row.key]} and {name} of {run.folder}: remove one of them"
                )
    if not tested:
        raise DataError(f"{run.folder} has no test clip: evaluate it on other material with --data")


def _missing(run: Run) -> tuple[list[str], list[str]]:
    """Names of folds that should be there, and what cannot be told."""
    if run.recipe.data.split != "loso":
        return [], []
    try:
        clips = run.store().clips
    except (DataError, SettingsError):
        return [], ["whether a subject's fold is missing is not known: the material is not at hand"]
    folds = subject_folds(clips, run.recipe)
    names = [fold.name for fold in folds]
    begun = {folder.name for folder in run.folds()}
    notes = []
    if untested := {clip.person for clip in clips} - {person for fold in folds for person in fold.test}:
        n_clips = sum(clip.person in untested for clip in clips)
        notes.append(
            f"{n_clips} clips of {len(untested)} subjects without a micro-expression are in no fold's test: "
            "data.leave_out: everyone tests them too"
        )
    return [name for name in names if run.fold(name).name not in begun], notes


def _score(
    run: Run, outcome: Outcome, rules: Rules, tested_on: str, folds: list[str], store: Path | None
) -> RunScore:
    recipe, clips = run.recipe, outcome.clips
    truths, found = (Counter(one.type for one in some) for some in (outcome.truth, outcome.found))
    unlabelled = sum(row.has_me is None for row in clips)
    bases = Counter(row.base for row in clips)
    synthetic = set(bases) != {"video"}
    notes = []
    if synthetic:
        kinds = {
            "portrait": "animated portraits",
            "clip": "real clips with planted movements",
            "video": "videos",
        }
        notes.append(
            "SYNTHETIC material ("
            + ", ".join(f"{count} {kinds[base]}" for base, count in sorted(bases.items()))
            + "): says nothing about real faces, and is not comparable with published figures"
        )
    if unlabelled:
        notes.append(
            f"{unlabelled} clips in which nothing is labelled: whatever is found there counts as false"
        )
    if bases["video"]:
        notes += _label_notes(store)
    return RunScore(
        run=str(run.folder),
        name=recipe.name,
        seed=recipe.seed,
        tested_on=tested_on,
        material="synthetic" if synthetic else "recorded",
        locate=recipe.data.locate,
        folds=folds,
        clips=len(clips),
        minutes=round(sum(row.n_frames / row.fps for row in clips) / 60, 2),
        truths={"me": truths["me"], "mae": truths["mae"]},
        found={"me": found["me"], "mae": found["mae"]},
        figures=figures_of(outcome, rules, recipe),
        subjects=_by_subject(outcome, rules),
        notes=notes,
    )


def _label_notes(store: Path | None) -> list[str]:
    """How the labels that count as truth were repaired."""
    told = policies(store / "manifest.csv") if store is not None else {}
    return [f"labels of {name}: {policy}" for name, policy in told.items()] or ["label repairs are not known"]


def figures_of(outcome: Outcome, rules: Rules, recipe: Recipe) -> Figures:
    """Every figure of some test clips; counts are pooled over the clips before anything is divided.

    Returns:
        ``acc_me`` and ``acc_state`` of clips; of micro-expressions ``f1``, ``precision``, ``recall``,
        ``false_alarms_per_minute`` and the mean absolute errors of matched pairs (``onset_error_frames``,
        ``onset_error_ms``, ``offset_error_frames``, ``offset_error_ms``); the same with the endings ``_mae`` and
        ``_overall`` where the locator learned both; ``f1_s``, ``f1_l`` and ``f1_dr``; ``frame_ap`` of all slots.
    """
    facts = [row.facts for row in outcome.clips]
    spots = spotting(outcome.truth, outcome.found, facts, rules)
    wanted = LABELS["me"] if recipe.data.locate == "me" else LABELS["me"] | LABELS["mae"]
    inside = (outcome.labels & wanted) > 0
    figures: Figures = {
        "acc_me": accuracy((row.has_me, row.said_me) for row in outcome.clips),
        "acc_state": accuracy(
            (None if row.state is None else row.state == "speaking", row.said_speaking)
            for row in outcome.clips
        ),
        **_of_counts(spots.me, ""),
        **_of_states(outcome, facts, rules),
        "frame_ap": frame_average_precision(outcome.scores, inside) if inside.any() else None,
    }
    if recipe.data.locate == "me+mae":
        figures |= {**_of_counts(spots.mae, "_mae"), **_of_counts(spots.overall, "_overall")}
    return figures


def _of_counts(counts: Counts, ending: str) -> Figures:
    onset, offset = counts.onset_error, counts.offset_error
    figures: Figures = {
        "f1": counts.f1,
        "precision": counts.precision,
        "recall": counts.recall,
        "false_alarms_per_minute": counts.false_alarms_per_minute,
        "onset_error_frames": onset.mean_abs if onset else None,
        "onset_error_ms": onset.mean_abs_ms if onset else None,
        "offset_error_frames": offset.mean_abs if offset else None,
        "offset_error_ms": offset.mean_abs_ms if offset else None,
    }
    return {name + ending: value for name, value in figures.items()}


def _of_states(outcome: Outcome, facts: list[VideoFacts], rules: Rules) -> Figures:
    """None where no clip has the state."""
    states = f1_by_state(outcome.truth, outcome.found, facts, rules)
    has = {row.state for row in outcome.clips}
    speaking, listening = "speaking" in has, "listening" in has
    return {
        "f1_s": states.f1_s if speaking else None,
        "f1_l": states.f1_l if listening else None,
        "f1_dr": states.f1_dr if speaking and listening else None,
    }


def _by_subject(outcome: Outcome, rules: Rules) -> list[SubjectScore]:
    people: dict[str, list[ClipRow]] = {}
    for row in outcome.clips:
        people.setdefault(row.person, []).append(row)
    truth, found = _by_video(outcome.truth), _by_video(outcome.found)
    rows = []
    for person, clips in sorted(people.items()):
        counts = spotting(
            [one for row in clips for one in truth.get(row.key, [])],
            [one for row in clips for one in found.get(row.key, [])],
            [row.facts for row in clips],
            rules,
        ).me
        rows.append(
            SubjectScore(
                subject=person,
                clips=len(clips),
                truths=counts.truths,
                found=counts.found,
                matched=counts.tp,
                f1=counts.f1,
                acc_me=accuracy((row.has_me, row.said_me) for row in clips),
            )
        )
    return rows


def _by_video(intervals: Sequence[Interval]) -> dict[str, list[Interval]]:
    of: dict[str, list[Interval]] = {}
    for one in intervals:
        of.setdefault(one.video, []).append(one)
    return of


def _compare(evaluation: Evaluation, recipes: Sequence[Recipe]) -> None:
    """Mean and standard deviation over seeds, if nothing else differs."""
    differing = sorted(
        {name for recipe in recipes[1:] for name in _differences(recipes[0], recipe)} - {"seed", "name"}
    )
    if differing:
        evaluation.notes.append(
            f"no mean over these runs: their recipes differ in more than the seed ({', '.join(differing)})"
        )
        return
    seeds = [run.seed for run in evaluation.runs]
    if len(set(seeds)) < len(seeds):
        evaluation.notes.append(
            f"no mean over these runs: two have the same seed ({', '.join(map(str, seeds))})"
        )
        return
    for name in evaluation.runs[0].figures:
        values = [value for run in evaluation.runs if (value := run.figures[name]) is not None]
        evaluation.mean[name] = statistics.fmean(values) if values else None
        evaluation.sd[name] = statistics.stdev(values) if len(values) > 1 else None


def _differences(one: BaseModel, other: BaseModel, at: str = "") -> list[str]:
    """Names of the settings that differ, with dots."""
    found = []
    for name, value in one:
        there = getattr(other, name)
        if isinstance(value, BaseModel):
            found += _differences(value, there, f"{at}{name}.")
        elif value != there:
            found.append(at + name)
    return found
