"""``rtme analyze``: the live path over recordings."""

import json as jsonlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from rtme.cli.options import Backend, Engine, Faces, Precision, Sensitivity, Threads
from rtme.errors import RtmeError, SettingsError
from rtme.view.report import Report


def analyze(
    recordings: Annotated[list[str], typer.Argument(help="Files, folders or globs.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON, not tables.")] = False,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the JSON here.")] = None,
    video: Annotated[
        Path | None,
        typer.Option(
            help="Write the recording here once more, with faces and what was found drawn into it; "
            "of several recordings, into this folder.",
            show_default=False,
        ),
    ] = None,
    engine: Engine = None,
    sensitivity: Sensitivity = None,
    faces: Faces = None,
    threads: Threads = None,
    backend: Backend = None,
    precision: Precision = None,
) -> None:
    """Find micro-expressions and speaker turns in recordings.

    Examples: `rtme analyze clip.mp4`, `rtme analyze clip.mp4 --json`, `rtme analyze recordings/ -o found.json`,
    `rtme analyze clip.mp4 --video drawn.mp4`.
    """
    # Imported late, so that the other verbs start at once and `rtme doctor` runs where cv2 cannot be loaded.
    from rtme.capture.sources import expand
    from rtme.cli.videos import targets
    from rtme.live.analysis import analyze as analyze_one

    flags: dict[str, Any] = {
        "engine": engine,
        "sensitivity": sensitivity,
        "faces": faces,
        "threads": threads,
        "backend": backend,
        "precision": precision,
    }
    files = [file for recording in recordings for file in expand(recording)]
    if output is not None and not output.parent.is_dir():
        raise SettingsError(f"cannot write {output}: the folder {output.parent} does not exist")
    single = len(recordings) == 1 and files == recordings
    copies = targets(video, files, folder=not single)
    console = Console(highlight=False)
    notes = Console(stderr=True, highlight=False, soft_wrap=True)
    reports: list[Report] = []
    failed = 0
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as progress:
        for file in files:
            task = progress.add_task(Path(file).name, total=None)

            def advance(frames: int, expected: int | None, task: object = task) -> None:
                progress.update(task, completed=frames, total=expected)  # type: ignore[arg-type]

            try:
                if file in copies:
                    reports.append(_analyze_and_draw(file, copies[file], advance, flags))
                    notes.print(
                        f"{copies[file]} is written: it shows whoever is seen in {file}", markup=False
                    )
                else:
                    reports.append(analyze_one(file, on_progress=advance, **flags).report())
            except RtmeError as error:
                if len(files) == 1:
                    raise
                failed = error.exit_code
                notes.print(f"rtme: {error}", style="red", markup=False)
            progress.remove_task(task)
    content = [report.model_dump() for report in reports]
    text = jsonlib.dumps(content[0] if single else content, indent=2, ensure_ascii=False)
    if output is not None:
        try:
            output.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"cannot write {output}: {error.strerror}") from error
    if json:
        print(text)
    else:
        for report in reports:
            _print(console, report)
        if reports:
            used = f"{reports[0].engine}, sensitivity {reports[0].sensitivity}"
            console.print(f"[dim]{escape(used)}: {escape(reports[0].engine_note)}[/dim]")
    if failed:
        raise typer.Exit(failed)


def _analyze_and_draw(
    file: str, copy: Path, advance: Callable[[int, int | None], None], flags: dict[str, Any]
) -> Report:
    """Analyse a recording, then write it with what was found."""
    from rtme.live.analysis import analyze as analyze_one
    from rtme.live.burning import Sights, burn
    from rtme.live.showing import Showing

    with closing(Sights()) as sights:
        analysis = analyze_one(
            file, on_progress=advance, showing=Showing(pictures=False), on_sight=sights.add, **flags
        )
        report = analysis.report()
        burn(file, copy, report, analysis.shown, sights, advance)
    return report


def _print(console: Console, report: Report) -> None:
    fps = f"{report.fps:.4g} fps" if report.fps else "unknown rate"
    console.print(f"[bold]{escape(report.source)}[/bold]  {report.frames} frames, {fps}", markup=True)
    if report.intervals:
        table = Table("type", "face", "onset", "apex", "offset", "seconds", "ms", "confidence", box=None)
        for found in report.intervals:
            table.add_row(
                found.type,
                str(found.face),
                str(found.onset),
                str(found.apex),
                str(found.offset),
                f"{found.onset_s:.2f}–{found.offset_s:.2f}",
                f"{(found.offset_s - found.onset_s) * 1000:.0f}",
                f"{found.confidence:.2f}",
            )
        console.print(table)
    else:
        console.print("  no expression found")
    for turn in report.speaker:
        console.print(f"  {turn.state} {turn.start_s:.2f}–{turn.end_s:.2f} s  face {turn.face}")
    for gap in report.gaps:
        where = "" if gap.start_s is None or gap.end_s is None else f" {gap.start_s:.2f}–{gap.end_s:.2f} s"
        console.print(f"  gap: {gap.cause}{where}, {gap.count} frames")
    for warning in report.warnings:
        console.print(f"  warning: {warning}", markup=False)
