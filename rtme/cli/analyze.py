"""``rtme analyze``: the live path over recordings."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rtme.cli.console import as_json, check_folders, results
from rtme.cli.options import Backend, Engine, Faces, Json, Precision, Sensitivity, Threads
from rtme.cli.progress import Going, progress
from rtme.errors import RtmeError, SettingsError

if TYPE_CHECKING:
    from rtme.view.report_page import Pictures
    from rtme.view.result import Result

PAGES = (".html", ".htm")
FIGURES = (".png", ".svg", ".pdf")


def analyze(
    recordings: Annotated[list[str], typer.Argument(help="Files, folders or globs.")],
    json: Json = False,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            help="Write what is found here: .json, .eaf (ELAN), .TextGrid, .vtt, .csv, .megc.csv or .parquet. "
            "May be repeated.",
            show_default=False,
        ),
    ] = None,
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

    Of several recordings, `-o found.eaf` (or .TextGrid, .vtt) makes a folder `found` with a file for each.

    Examples:
    - `rtme analyze clip.mp4`
    - `rtme analyze clip.mp4 --json --sensitivity high`
    - `rtme analyze clip.mp4 -o found.eaf`
    - `rtme analyze clip.mp4 --report clip.html`
    - `rtme analyze clip.mp4 --video drawn.mp4`
    - `rtme analyze recordings/ -o found.json`
    """
    # Imported late, so that the other verbs start at once and `rtme doctor` runs where cv2 cannot be loaded.
    from rtme.annotations import check_writable
    from rtme.capture.sources import expand
    from rtme.cli.videos import targets
    from rtme.view.export import export
    from rtme.view.report_table import print_reports

    flags: dict[str, Any] = {
        "engine": engine,
        "sensitivity": sensitivity,
        "faces": faces,
        "threads": threads,
        "backend": backend,
        "precision": precision,
    }
    files = [file for recording in recordings for file in expand(recording)]
    single = len(recordings) == 1 and files == recordings
    for path in output or ():
        check_writable(path)
    _check_report(report, thumbnails, len(files))
    copies = targets(video, files, folder=not single)
    found: list[Result] = []
    pictures: list[Pictures] = []
    failed: list[RtmeError] = []
    stopped: KeyboardInterrupt | None = None
    with progress("frames") as bar:

        def wrong(error: RtmeError) -> None:
            bar.say(f"rtme: {error}", wrong=True)
            failed.append(error)

        # Neither what fails nor Ctrl-C must take with it what hours of work found.
        try:
            for number, file in enumerate(files, 1):
                of_all = f" ({number} of {len(files)})" if len(files) > 1 else ""
                name = f"{Path(file).name}{of_all}"
                with _going_on(wrong):
                    _one(file, name, bar, flags, thumbnails, copies.get(file), found, pictures, wrong)
        except KeyboardInterrupt as stop:
            if not found:
                raise
            stopped = stop
            bar.say(f"stopped: {len(found)} of {len(files)} recordings are done", wrong=True)
        for path in (output or ()) if found else ():
            with _going_on(wrong):
                written = export(found[0].report if single else [one.report for one in found], path)
                if written != [path]:
                    bar.say(f"{len(written)} files are in {written[0].parent}")
        if report is not None and found:
            with _going_on(wrong):
                _write_report(report, found, pictures if thumbnails else None)
                bar.say(f"the report is in {report}")
    if json and (found or not single):
        content = [one.report.model_dump() for one in found]
        print(as_json(content[0] if single else content))
    elif found:
        print_reports(results(), [one.report for one in found])
    if stopped:
        raise stopped
    if failed:
        raise typer.Exit(failed[-1].exit_code)


@contextmanager
def _going_on(wrong: Callable[[RtmeError], None]) -> Iterator[None]:
    """Tell of an error and go on behind it."""
    try:
        yield
    except RtmeError as error:
        wrong(error)


def _one(
    file: str,
    name: str,
    bar: Going,
    flags: dict[str, Any],
    thumbnails: bool,
    copy: Path | None,
    found: "list[Result]",
    pictures: "list[Pictures]",
    wrong: Callable[[RtmeError], None],
) -> None:
    """Work through one recording and add what was found; then its pictures and its copy: what goes wrong there is told."""
    from rtme.live.analysis import analyze as analyze_one
    from rtme.live.burning import Sights, burn
    from rtme.live.showing import Showing
    from rtme.live.thumbnails import SHOWING, thumbnails_of
    from rtme.traces import Shown

    def advance(frames: int, expected: int | None) -> None:
        bar.at(frames, expected, name)

    drawn = copy is not None
    with closing(Sights()) as sights:
        showing = Showing(pictures=False) if drawn else SHOWING if thumbnails else None
        kept = sights.add if drawn else None
        analysis = analyze_one(file, on_progress=advance, showing=showing, on_sight=kept, **flags)
        result = analysis.result()
        found.append(result)
        pictures.append({})
        with _going_on(wrong):
            if thumbnails:
                pictures[-1] = thumbnails_of(file, result.report, chain(analysis.shown, map(Shown, sights)))
        with _going_on(wrong):
            if copy is not None:
                burn(file, copy, result.report, analysis.shown, sights, advance)
                bar.say(f"{copy} is written: it shows whoever is seen in {file}")


def _check_report(report: Path | None, thumbnails: bool, files: int) -> None:
    """See that what is asked for can be written, before hours of work.

    Raises:
        SettingsError: It cannot.
    """
    check_folders(report)
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


def _write_report(path: Path, found: "list[Result]", pictures: "list[Pictures] | None") -> None:
    if path.suffix.lower() in FIGURES:
        from rtme.view.timeline_plot import save_timeline

        save_timeline(found[0], path)
    else:
        from rtme.view.report_page import write_page

        write_page(path, found, pictures)
