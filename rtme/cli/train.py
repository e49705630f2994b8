"""``rtme train``: from a folder of faces to an engine bundle."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from rtme.errors import SettingsError


def train(
    faces: Annotated[Path, typer.Argument(help="Folder of portraits (JPEG, PNG) and clips.")],
    out: Annotated[Path, typer.Option(help="Where the bundle is written.")],
    work: Annotated[
        Path | None,
        typer.Option(help="Corpus (about 7 GB), features and checkpoints; give the same again to go on."),
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option(help="Table file,person[,split]; people.csv in the folder when there is one."),
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="JSON file with settings that differ.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Go through every stage in seconds; the engine is of no use.")
    ] = False,
) -> None:
    """Train an engine on synthetic micro-expressions of the people in a folder."""
    try:
        from rtme.train import recipe as recipes
        from rtme.train.pipeline import train as run
    except ModuleNotFoundError as error:
        raise SettingsError(f"training needs {error.name}: pip install 'rtme[train]'") from error
    chosen = recipes.Recipe.quick() if quick else recipes.load(recipe)
    if threads is not None:
        chosen = chosen.model_copy(update={"threads": threads})
    with tempfile.TemporaryDirectory(prefix="rtme-train-") as scratch:
        manifest = run(faces, out, work or Path(scratch), chosen, people, _tell)
    _tell(f"{manifest.name} {manifest.version} is in {out}")


def _tell(line: str) -> None:
    from rich.console import Console

    Console(soft_wrap=True, highlight=False).log(line, markup=False, _stack_offset=2)
