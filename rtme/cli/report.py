"""``rtme report``: a folder's runs as one page."""

from pathlib import Path
from typing import Annotated

import typer

from rtme.errors import SettingsError


def report(
    folder: Annotated[Path, typer.Argument(help="A run's folder, or one with runs at any depth.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The page (FOLDER/report.html).", show_default=False)
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Draw the figures as a picture too.")] = None,
) -> None:
    """Show runs side by side: figures, folds, curves, thresholds, and the settings that differ.

    The page is one file that works offline. It holds no picture of a face.

    Examples:
    - `rtme report runs`
    - `rtme report runs/casme2sq -o casme2sq.html --png casme2sq.png`
    """
    try:
        from rtme.train.report import write_report
    except ModuleNotFoundError as error:
        raise SettingsError(f"a report needs {error.name}: pip install 'rtme[train]'") from error
    page = out or folder / "report.html"
    shown = write_report(folder, page, png)
    print(
        f"{page} shows {shown} run{'' if shown == 1 else 's'}"
        + ("" if png is None else f", {png} their figures")
    )
