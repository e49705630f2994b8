"""``rtme report``: a folder's runs as one page."""

from pathlib import Path
from typing import Annotated

import typer

from rtme.cli.console import print_json
from rtme.cli.extras import extra
from rtme.cli.options import Json, output
from rtme.cli.progress import progress


def report(
    folder: Annotated[Path, typer.Argument(help="A run's folder, or one with runs at any depth.")],
    out: Annotated[Path | None, output("The page (FOLDER/report.html).")] = None,
    png: Annotated[
        Path | None,
        typer.Option("--picture", "--png", help="Draw the figures here too (PNG).", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show training runs side by side, on one page.

    Figures, folds, curves, thresholds, and the settings that differ. The page is one file that works offline. It holds no
    picture of a face.

    Examples:
    - `rtme report runs`
    - `rtme report runs/casme2sq -o casme2sq.html --picture casme2sq.png`
    """
    with extra("train", "a report"):
        from rtme.train.report import write_report
    page = out or folder / "report.html"
    with progress("drawing"):
        shown = write_report(folder, page, png)
    if as_json:
        print_json({"page": page, "picture": png, "runs": shown})
        return
    print(
        f"{page} shows {shown} run{'' if shown == 1 else 's'}"
        + ("" if png is None else f", {png} their figures")
    )
