"""``rtme analyze``: the live path over recordings."""

import json as jsonlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rtme.cli.options import Backend, Engine, Faces, Precision, Sensitivity, Threads
from rtme.errors import RtmeError, SettingsError
from rtme.view.report_table import print_reports

if TYPE_CHECKING:
    from rtme.live.analysis import Analysis
    from rtme.view.report_page import Pictures
    from rtme.view.result import Result

PAGES = (".html", ".htm")
FIGURES = (".png", ".svg", ".pdf")


def analyze(
    recordings: Annotated[list[str], typer.Argument(help="Files, folders or globs.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON, not tables.")] = False,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the JSON here.")] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write a report to this .html file, or draw the timeline to a .png, .svg or .pdf.",
            show_default=False,
        ),
    ] = None,
    thumbnails: Annotated[
        bool,
        typer.Option(
            "--thumbnails", help="Put pictures of the faces at onset, apex and offset into the report."
        ),
    ] = False,
    engine: Engine = None,
    sensitivity: Sensitivity = None,
    faces: Faces = None,
    threads: Threads = None,
    backend: Backend = None,
    precision: Precision = None,
) -> None:
    """Find micro-expressions and speaker turns in recordings.

    Examples: `rtme analyze clip.mp4`, `rtme analyze clip.mp4 --report clip.html`, `rtme analyze recordings/ -o found.json`.
    """
    # Imported late, so that the other verbs start at once and `rtme doctor` runs where cv2 cannot be loaded.
    from rtme.capture.sources import expand
    from rtme.live.analysis import analyze as analyze_one
    from rtme.live.thumbnails import SHOWING, thumbnails_of

    flags: dict[str, Any] = {
        "engine": engine,
        "sensitivity": sensitivity,
        "faces": faces,
        "threads": threads,
        "backend": backend,
        "precision": precision,
    }
    files = [file for recording in recordings for file in expand(recording)]
    _check(output, report, thumbnails, len(files))
    notes = Console(stderr=True, highlight=False, soft_wrap=True)
    results: list[Result] = []
    pictures: list[Pictures] = []
    failed = 0
    with _progress_bars(notes) as new_bar:
        for file in files:
            try:
                with new_bar(Path(file).name) as advance:
                    showing = SHOWING if thumbnails else None
                    one: Analysis = analyze_one(file, on_progress=advance, showing=showing, **flags)
                    result = one.result()
                    if thumbnails:
                        pictures.append(thumbnails_of(file, result.report, one.shown))
                    results.append(result)
            except RtmeError as error:
                if len(files) == 1:
                    raise
                failed = error.exit_code
                notes.print(f"rtme: {error}", style="red", markup=False)
    single = len(recordings) == 1 and files == recordings
    content = [result.report.model_dump() for result in results]
    text = jsonlib.dumps(content[0] if single else content, indent=2, ensure_ascii=False)
    if output is not None:
        try:
            output.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"cannot write {output}: {error.strerror}") from error
    if report is not None and results:
        _write_report(report, results, pictures if thumbnails else None)
        notes.print(f"the report is in {report}", markup=False)
    if json:
        print(text)
    else:
        print_reports(Console(highlight=False), [result.report for result in results])
    if failed:
        raise typer.Exit(failed)


def _check(output: Path | None, report: Path | None, thumbnails: bool, files: int) -> None:
    """See that what is asked for can be written, before hours of work.

    Raises:
        SettingsError: It cannot.
    """
    for path in (output, report):
        if path is not None and not path.parent.is_dir():
            raise SettingsError(f"cannot write {path}: the folder {path.parent} does not exist")
    if report is None:
        if thumbnails:
            raise SettingsError("--thumbnails are shown in a report: add --report FILE.html")
        return
    kind = report.suffix.lower()
    if kind not in PAGES + FIGURES:
        raise SettingsError(f"cannot write {report}: a report is a .html, .png, .svg or .pdf file")
    if kind in FIGURES:
        if thumbnails:
            raise SettingsError(f"--thumbnails are shown on a page, not in {report}: name a .html file")
        if files > 1:
            raise SettingsError(f"{report} can show one recording and there are {files}: name a .html file")
        from rtme.view.timeline_plot import require_matplotlib

        require_matplotlib()


def _write_report(path: Path, results: "list[Result]", pictures: "list[Pictures] | None") -> None:
    if path.suffix.lower() in FIGURES:
        from rtme.view.timeline_plot import save_timeline

        save_timeline(results[0], path)
    else:
        from rtme.view.report_page import write_page

        write_page(path, results, pictures)


Advance = Callable[[int, int | None], None]


@contextmanager
def _progress_bars(console: Console) -> "Iterator[Callable[[str], Any]]":
    """Gives what makes a bar for one recording, which is there as long as it is worked on."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        @contextmanager
        def new_bar(name: str) -> Iterator[Advance]:
            task = progress.add_task(name, total=None)
            try:
                yield lambda frames, expected: progress.update(task, completed=frames, total=expected)
            finally:
                progress.remove_task(task)

        yield new_bar
