"""``rtme eval``: what runs come to on people they never saw."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rtme.errors import SettingsError

if TYPE_CHECKING:
    from rtme.train.evaluate import Evaluation, RunScore


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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Pool the folds of a run, and say how well it spots and tells, by named rules.

    Folds that were trained on several machines are put together by copying their folders into one run's `folds/`.
    Several runs of one recipe with different seeds get mean and standard deviation. What is printed is kept in the
    run's `evaluation.json`.

    Examples:
    `rtme eval runs/casme2sq`

    `rtme eval runs/casme2sq-seed1 runs/casme2sq-seed2 --match ground_truth_centric`

    `rtme eval runs/mine --data prepared/other --split test`
    """
    try:
        from rtme.data.store import Store
        from rtme.score import Rules
        from rtme.train.evaluate import evaluate_on, evaluate_runs, save
        from rtme.train.runs import Run
    except ModuleNotFoundError as error:
        raise SettingsError(f"evaluation needs {error.name}: pip install 'rtme[train]'") from error
    rules = Rules(match=match.value, iou=iou, comparator=comparator.value)
    chosen = [Run(folder) for folder in runs]
    if data is None:
        if fold is not None or split is not None:
            raise SettingsError("--fold and --split go with --data: without it, all folds are pooled")
        evaluation = evaluate_runs(chosen, rules, partial)
        save(evaluation)
    else:
        if len(chosen) > 1:
            raise SettingsError("--data evaluates one run: give one folder")
        notes = Console(stderr=True, highlight=False, soft_wrap=True)
        evaluation = evaluate_on(
            chosen[0],
            Store(data),
            rules,
            fold,
            None if split is None else split.value,
            lambda line: notes.print(line, markup=False),
        )
    if as_json:
        print(evaluation.model_dump_json(indent=2))
    else:
        _show(evaluation)


def _show(evaluation: "Evaluation") -> None:
    console = Console(highlight=False, soft_wrap=True)
    for run in evaluation.runs:
        _show_run(console, run, evaluation.rule)
    if evaluation.mean:
        table = Table("", "mean", "sd", box=None, title=f"{len(evaluation.runs)} seeds", title_justify="left")
        for name, mean in evaluation.mean.items():
            table.add_row(name, _text(mean), _text(evaluation.sd[name]))
        console.print(table)
    for note in evaluation.notes:
        console.print(note, markup=False)


def _show_run(console: Console, run: "RunScore", rule: str) -> None:
    console.print(f"[bold]{escape(run.run)}[/bold]  {escape(run.name)}, seed {run.seed}", markup=True)
    console.print(
        f"  {run.tested_on}: {len(run.folds)} fold{'s' if len(run.folds) != 1 else ''}, {len(run.subjects)} subjects, "
        f"{run.clips} clips, {run.minutes:g} min; labelled: {run.truths['me']} ME, {run.truths['mae']} MaE",
        markup=False,
    )
    console.print(f"  F1 by {rule}", markup=False)
    for note in run.notes:
        console.print(
            f"  {note}", style="yellow" if note.isupper() or "SYNTHETIC" in note else None, markup=False
        )
    table = Table(box=None, show_header=False)
    for name, value in run.figures.items():
        table.add_row(name, _text(value))
    console.print(table)
    subjects = Table("subject", "clips", "ME", "found", "matched", "F1", "Acc_ME", box=None)
    for one in run.subjects:
        subjects.add_row(
            escape(one.subject),
            str(one.clips),
            str(one.truths),
            str(one.found),
            str(one.matched),
            _text(one.f1),
            _text(one.acc_me),
        )
    console.print(subjects)


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
