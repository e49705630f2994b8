"""``rtme analyze``: the live path over recordings."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rtme.cli.console import as_json, notes, results
from rtme.cli.options import Backend, Engine, Faces, Json, Precision, Sensitivity, Threads, output
from rtme.cli.progress import progress
from rtme.errors import RtmeError
from rtme.view.report import Report


def analyze(
    recordings: Annotated[list[str], typer.Argument(help="Files, folders or globs.")],
    json: Json = False,
    out: Annotated[
        list[Path] | None,
        output(
            "Write what is found here: .json, .eaf (ELAN), .TextGrid, .vtt, .csv, .megc.csv or .parquet. May be repeated."
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

    Of several recordings, `-o found.eaf` (or .TextGrid, .vtt) makes a folder `found` with a file for each.

    Examples:
    - `rtme analyze clip.mp4`
    - `rtme analyze clip.mp4 --json --sensitivity high`
    - `rtme analyze clip.mp4 -o found.eaf`
    - `rtme analyze recordings/ -o found.json`
    """
    # Imported late, so that the other verbs start at once and `rtme doctor` runs where cv2 cannot be loaded.
    from rtme.annotations import check_writable
    from rtme.capture.sources import expand
    from rtme.live.analysis import analyze as analyze_one
    from rtme.view.export import export

    flags: dict[str, Any] = {
        "engine": engine,
        "sensitivity": sensitivity,
        "faces": faces,
        "threads": threads,
        "backend": backend,
        "precision": precision,
    }
    files = [file for recording in recordings for file in expand(recording)]
    for path in out or ():
        check_writable(path)
    reports: list[Report] = []
    failed = 0
    with progress("frames") as bar:
        for number, file in enumerate(files, 1):
            of_all = f" ({number} of {len(files)})" if len(files) > 1 else ""
            name = f"{Path(file).name}{of_all}"

            def advance(frames: int, expected: int | None, name: str = name) -> None:
                bar.at(frames, expected, name)

            try:
                reports.append(analyze_one(file, on_progress=advance, **flags).report())
            except RtmeError as error:
                if len(files) == 1:
                    raise
                failed = error.exit_code
                bar.say(f"rtme: {error}", wrong=True)
    single = len(recordings) == 1 and files == recordings
    content = [report.model_dump() for report in reports]
    text = as_json(content[0] if single else content)
    if json:
        print(text)
    else:
        console = results()
        for report in reports:
            _print(console, report)
        if reports:
            used = f"{reports[0].engine}, sensitivity {reports[0].sensitivity}"
            console.print(f"[dim]{escape(used)}: {escape(reports[0].engine_note)}[/dim]")
    for path in out or ():
        written = export(reports[0] if single else reports, path)
        if written != [path]:
            notes().print(
                f"{len(written)} files are in {written[0].parent}"
                if written
                else f"nothing to write to {path}"
            )
    if failed:
        raise typer.Exit(failed)


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
