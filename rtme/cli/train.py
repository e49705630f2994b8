"""``rtme train``: from a recipe and prepared material to a run with trained, evaluated folds."""

from pathlib import Path
from typing import Annotated

import typer

from rtme.cli.console import print_json
from rtme.cli.extras import extra
from rtme.cli.options import Accelerator, Json, Recipe, Seed, Set, Threads, output
from rtme.cli.progress import tell


def train(
    recipe: Recipe,
    data: Annotated[Path | None, typer.Option(help="Prepared material, instead of the recipe's.")] = None,
    out: Annotated[Path | None, output("The run's folder (runs/NAME); give the same again to go on.")] = None,
    fold: Annotated[
        list[str] | None, typer.Option(help="Only this fold, such as a subject; may be given again.")
    ] = None,
    set_: Set = None,
    seed: Seed = None,
    devices: Annotated[int, typer.Option(min=1, help="GPUs (or processes) to train each fold on.")] = 1,
    accelerator: Accelerator = "auto",
    threads: Threads = None,
    show: Annotated[
        bool,
        typer.Option("--show", help="Print every setting of the recipe and what it means; train nothing."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Train an engine on prepared material. It is evaluated on people it never saw.

    Examples:
    - `rtme train casme2sq --data prepared/casme2sq` (leave one subject out, fold by fold)
    - `rtme train default --data clips --set fit.epochs=5 -o runs/trial`
    - `rtme train casme2sq --data prepared/casme2sq --fold s15 --fold s16` (these two, on this machine)
    - `rtme train casme2sq --show > mine.yaml` (a recipe to change)
    """
    with extra("train", "training"):
        import torch

        from rtme.train import recipe as recipes
        from rtme.train.pipeline import train as run
        from rtme.train.runs import is_done
    chosen = recipes.load(recipe)
    changes: dict[str, object] = recipes.read_changes(set_ or ())
    if data is not None:
        changes["data.store"] = str(data)
    if seed is not None:
        changes["seed"] = seed
    if changes:
        chosen = chosen.with_changes(changes)
    if show:
        if as_json:
            print_json(chosen.model_dump(mode="json"))
        else:
            print(recipes.explain(chosen), end="")
        return
    if threads is not None:
        torch.set_num_threads(threads)
    done = run(chosen, out or Path("runs") / chosen.name, tell, fold, devices, accelerator)
    if as_json:
        print_json(
            {
                "run": done.folder,
                "recipe": chosen.name,
                "seed": chosen.seed,
                "split": chosen.data.split,
                "folds": [one.name for one in done.folds() if is_done(one)],
                "complete": not fold,
            }
        )
        return
    what = f"{done.folder}: fold {', '.join(fold)} is done" if fold else f"{done.folder} is complete"
    print(f"{what}: {_then(chosen.data.split, done.folder)}")


def _then(split: str, folder: Path) -> str:
    """What to do with a run; one that left nobody out has nobody to be evaluated on, one of many folds many engines."""
    if split == "loso":
        return f"see `rtme eval {folder}`; for the engine that goes live, train with --set data.split=all"
    export = f"`rtme export {folder} --out engines/{folder.name}`"
    return f"now {export}" if split == "all" else f"see `rtme eval {folder}`, then {export}"
