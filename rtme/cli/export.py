"""``rtme export``: from a run to an engine bundle."""

from pathlib import Path
from typing import Annotated

import typer

from rtme.errors import SettingsError


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run, as `rtme train` made it.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the engine; one in it is replaced.")],
    fold: Annotated[
        str | None, typer.Option(help="Which fold's engine, where there are several.", show_default=False)
    ] = None,
) -> None:
    """Make a trained fold into an engine that `rtme live --engine` runs.

    Both graphs are compared with PyTorch before anything is replaced. A fold of leave-one-subject-out never saw one
    subject; to go live, train on everyone: `--set data.split=all`.

    Examples:
    - `rtme export runs/mine --out engines/mine`
    - `rtme export runs/casme2sq --fold s15 --out engines/without-s15` (for a look at one fold)
    """
    try:
        from rtme.train.evaluate import fold_of
        from rtme.train.export import export_fold
        from rtme.train.runs import Run
    except ModuleNotFoundError as error:
        raise SettingsError(f"exporting needs {error.name}: pip install 'rtme[train]'") from error
    chosen = Run(run)
    folder = fold_of(chosen, fold)
    manifest = export_fold(chosen, folder, out).manifest
    print(
        f"{manifest.name} {manifest.version} is in {out} (fold {folder.name}): try `rtme live --engine {out}`"
    )
    if left_out := manifest.training.get("left out"):
        print(f"it never saw {left_out}")
