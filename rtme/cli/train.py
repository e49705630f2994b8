"""``rtme train``: from a recipe and prepared material to a run with trained, evaluated folds."""

from pathlib import Path
from typing import Annotated

import typer

from rtme.errors import SettingsError


def train(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A YAML file, or a recipe that comes with rtme: casme2sq, samm_lv, own, paper, default, quick."
        ),
    ],
    data: Annotated[Path | None, typer.Option(help="Prepared material, instead of the recipe's.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder (runs/NAME); give the same again to go on.")
    ] = None,
    fold: Annotated[
        list[str] | None, typer.Option(help="Only this fold, such as a subject; may be given again.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="SETTING=VALUE of the recipe, such as fit.epochs=5.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed than the recipe's.")] = None,
    devices: Annotated[int, typer.Option(min=1, help="GPUs (or processes) to train each fold on.")] = 1,
    accelerator: Annotated[str, typer.Option(help="auto, cpu or gpu.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.", show_default=False)] = None,
    show: Annotated[
        bool,
        typer.Option("--show", help="Print every setting of the recipe and what it means; train nothing."),
    ] = False,
) -> None:
    """Train an engine on prepared material, and evaluate it on people it never saw.

    Examples:
    - `rtme train casme2sq --data prepared/casme2sq` (leave one subject out, fold by fold)
    - `rtme train default --data clips --set fit.epochs=5 --out runs/trial`
    - `rtme train casme2sq --data prepared/casme2sq --fold s15 --fold s16` (these two, on this machine)
    - `rtme train casme2sq --show > mine.yaml` (a recipe to change)
    """
    try:
        import torch

        from rtme.train import recipe as recipes
        from rtme.train.pipeline import train as run
    except ModuleNotFoundError as error:
        raise SettingsError(f"training needs {error.name}: pip install 'rtme[train]'") from error
    chosen = recipes.load(recipe)
    changes: dict[str, object] = recipes.read_changes(set_ or ())
    if data is not None:
        changes["data.store"] = str(data)
    if seed is not None:
        changes["seed"] = seed
    if changes:
        chosen = chosen.with_changes(changes)
    if show:
        print(recipes.explain(chosen), end="")
        return
    if threads is not None:
        torch.set_num_threads(threads)
    done = run(chosen, out or Path("runs") / chosen.name, _tell, fold, devices, accelerator)
    what = f"{done.folder}: fold {', '.join(fold)} is done" if fold else f"{done.folder} is complete"
    _tell(f"{what}: {_then(chosen.data.split, done.folder)}")


def _then(split: str, folder: Path) -> str:
    """What to do with a run; one that left nobody out has nobody to be evaluated on, one of many folds many engines."""
    if split == "loso":
        return f"see `rtme eval {folder}`; for the engine that goes live, train with --set data.split=all"
    export = f"`rtme export {folder} --out engines/{folder.name}`"
    return f"now {export}" if split == "all" else f"see `rtme eval {folder}`, then {export}"


def _tell(line: str) -> None:
    from rich.console import Console

    Console(soft_wrap=True, highlight=False, log_path=False).log(line, markup=False)
