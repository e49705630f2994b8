"""``rtme eval``: what runs come to on people they never saw."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rtme.cli.console import print_json, results
from rtme.cli.extras import extra
from rtme.cli.options import Json
from rtme.cli.progress import progress
from rtme.errors import SettingsError

if TYPE_CHECKING:
    from rtme.train.evaluate import Evaluation, RunScore


_SPOTTING = {
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "false_alarms_per_minute": "false/min",
    "onset_error_ms": "onset ms",
    "offset_error_ms": "offset ms",
}
_CLIPS = {
    "acc_me": "Acc_ME",
    "acc_state": "Acc_State",
    "f1_s": "F1_S",
    "f1_l": "F1_L",
    "f1_dr": "F1_DR",
    "frame_ap": "frame AP",
}
"""Figures and their names in tables."""

_SUBJECTS = 20
"""Subjects that are listed where they are not folds: of those somebody wants to see each."""


class _Match(StrEnum):
    one_to_one = "one_to_one"
    ground_truth_centric = "ground_truth_centric"
    many_to_many = "many_to_many"


class _Comparator(StrEnum):
    at_least = ">="
    above = ">"


class _Split(StrEnum):
    train = "train"
    validation = "validation"
    test = "test"


def evaluate(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, as `rtme train` made them.")],
    match: Annotated[
        _Match, typer.Option(help="How found and labelled intervals are paired.")
    ] = _Match.one_to_one,
    iou: Annotated[float, typer.Option(min=0, max=1, help="Overlap that counts.")] = 0.5,
    comparator: Annotated[
        _Comparator, typer.Option(help="Whether just that overlap counts.")
    ] = _Comparator.at_least,
    partial: Annotated[
        bool, typer.Option("--partial", help="Leave out folds that are missing or not finished.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(help="Other prepared material, through one fold's engine.", show_default=False),
    ] = None,
    split: Annotated[
        _Split | None, typer.Option(help="With --data: only clips of this split.", show_default=False)
    ] = None,
    fold: Annotated[
        str | None,
        typer.Option(help="With --data: which fold's engine, where there are several.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say how well runs do on people they never saw.

    The folds of a run are pooled, and intervals matched by rules that are named. Folds that were trained on several machines
    are put together by copying their folders into one run's `folds/`.
    Several runs of one recipe with different seeds get mean and standard deviation. What is printed is kept in the
    run's `evaluation.json`.

    Examples:
    - `rtme eval runs/casme2sq`
    - `rtme eval runs/casme2sq-seed1 runs/casme2sq-seed2 --match ground_truth_centric`
    - `rtme eval runs/mine --data prepared/other --split test`
    """
    with extra("train", "evaluation"):
        from rtme.data.store import Store
        from rtme.score import Rules
        from rtme.train.evaluate import evaluate_on, evaluate_runs, save
        from rtme.train.runs import Run
    rules = Rules(match=match.value, iou=iou, comparator=comparator.value)
    chosen = [Run(folder) for folder in runs]
    if data is None:
        if fold is not None or split is not None:
            raise SettingsError("--fold and --split go with --data: without it, all folds are pooled")
        with progress("pooling folds"):
            evaluation = evaluate_runs(chosen, rules, partial)
        save(evaluation)
    else:
        if len(chosen) > 1:
            raise SettingsError("--data evaluates one run: give one folder")
        with progress("clips") as bar:
            evaluation = evaluate_on(
                chosen[0],
                Store(data),
                rules,
                fold,
                None if split is None else split.value,
                bar.at,
            )
    if as_json:
        print_json(evaluation.model_dump(mode="json"))
    else:
        _show(evaluation)


def _show(evaluation: "Evaluation") -> None:
    console = results(soft_wrap=True)
    for run in evaluation.runs:
        _show_run(console, run, evaluation.rule)
    if evaluation.mean:
        table = Table("", "mean", "sd", box=None)
        for name, mean in evaluation.mean.items():
            table.add_row(name, _text(mean), _text(evaluation.sd[name]))
        console.print(f"[bold]{len(evaluation.runs)} seeds[/bold]")
        console.print(table)
    for note in evaluation.notes:
        console.print(note, markup=False)


def _show_run(console: Console, run: "RunScore", rule: str) -> None:
    console.print(f"[bold]{escape(run.run)}[/bold]  {escape(run.name)}, seed {run.seed}")
    folds = f"{len(run.folds)} fold{'' if len(run.folds) == 1 else 's'}"
    console.print(
        f"{run.tested_on}: {folds}, {len(run.subjects)} subjects, {run.clips} clips, {run.minutes:g} min",
        markup=False,
    )
    console.print(
        f"matched by {rule}; {run.truths['me']} ME and {run.truths['mae']} MaE labelled", markup=False
    )
    for note in run.notes:
        console.print(note, markup=False, style="yellow")
    _show_spotting(console, run)
    clips = Table(*_CLIPS.values(), box=None)
    clips.add_row(*(_text(run.figures[name]) for name in _CLIPS))
    console.print(clips)
    if len(run.subjects) > _SUBJECTS and len(run.folds) == 1:
        console.print(f"each of the {len(run.subjects)} subjects is told by --json")
        return
    subjects = Table("subject", "clips", "ME", "found", "matched", "F1", "Acc_ME", box=None)
    for one in run.subjects:
        counts = (one.clips, one.truths, one.found, one.matched)
        subjects.add_row(escape(one.subject), *map(str, counts), _text(one.f1), _text(one.acc_me))
    console.print(subjects)


def _show_spotting(console: Console, run: "RunScore") -> None:
    table = Table("", *_SPOTTING.values(), "labelled", "found", box=None)
    kinds = {"": ("ME", ["me"]), "_mae": ("MaE", ["mae"]), "_overall": ("overall", ["me", "mae"])}
    for ending, (name, types) in kinds.items():
        if f"f1{ending}" in run.figures:
            counts = (sum(of[kind] for kind in types) for of in (run.truths, run.found))
            table.add_row(
                name, *(_text(run.figures[figure + ending]) for figure in _SPOTTING), *map(str, counts)
            )
    console.print(table)


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}" if abs(value) < 10 else f"{value:.1f}"
