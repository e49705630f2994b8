"""``rtme export``: from a run to an engine bundle."""

from pathlib import Path
from typing import Annotated

import typer

from rtme.cli.console import print_json
from rtme.cli.extras import extra
from rtme.cli.options import Json, output
from rtme.cli.progress import progress


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run, as `rtme train` made it.")],
    out: Annotated[Path, output("Folder of the engine; one in it is replaced.")],
    fold: Annotated[
        str | None, typer.Option(help="Which fold's engine, where there are several.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a trained run into an engine that `rtme live` runs.

    Both graphs are compared with PyTorch before anything is replaced. A fold of leave-one-subject-out never saw one
    subject; to go live, train on everyone: `--set data.split=all`.

    Examples:
    - `rtme export runs/mine -o engines/mine`
    - `rtme export runs/casme2sq --fold s15 -o engines/without-s15` (for a look at one fold)
    """
    with extra("train", "exporting"):
        from rtme.train.evaluate import fold_of
        from rtme.train.export import export_fold
        from rtme.train.runs import Run
    chosen = Run(run)
    folder = fold_of(chosen, fold)
    with progress("exporting, and comparing with PyTorch"):
        manifest = export_fold(chosen, folder, out).manifest
    left_out = manifest.training.get("left out")
    if as_json:
        print_json(
            {
                "engine": manifest.name,
                "version": manifest.version,
                "folder": out,
                "fold": folder.name,
                "never_saw": left_out,
                "summary": manifest.summary,
            }
        )
        return
    print(
        f"{manifest.name} {manifest.version} is in {out} (fold {folder.name}): try `rtme live --engine {out}`"
    )
    if left_out:
        print(f"it never saw {left_out}")
