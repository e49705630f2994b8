"""``rtme bench``: how well the engine does where it is to be used, and how fast."""

import json as jsonlib
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from rtme.cli import bench_speed
from rtme.cli.interrupt import stopping
from rtme.errors import SettingsError
from rtme.settings import load_settings

app = typer.Typer(
    help="How well the engine does where it is to be used, and how fast.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@app.callback()
def _group() -> None:
    pass


@app.command("inject")
def inject(
    source: Annotated[
        str, typer.Argument(help="Camera number, stream URL, file, folder of files or pattern.")
    ],
    engine: Annotated[
        str | None, typer.Option(help="Engine bundle: a name or a folder.", show_default=False)
    ] = None,
    every: Annotated[float, typer.Option(help="Plant one about every so many seconds.")] = 4.0,
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0.2,
            help="Footage to take.  [default: 2 of a live source, all of a recording]",
            show_default=False,
        ),
    ] = None,
    pixels: Annotated[
        tuple[float, float],
        typer.Option(metavar="LOW HIGH", help="Displacement at the apex, pixels of a 112-pixel face."),
    ] = (1.0, 3.0),
    seed: Annotated[int, typer.Option(help="The same seed plants the same in the same recording.")] = 0,
    transport: Annotated[str | None, typer.Option(help="RTSP over tcp or udp.", show_default=False)] = None,
    threads: Annotated[int | None, typer.Option(help="Threads of the encoder.", show_default=False)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, not a page.")] = False,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write the JSON here.", show_default=False)
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the timeline here (PNG).", show_default=False)
    ] = None,
) -> None:
    """Plant micro-expressions at known times in your own footage, and measure what the engine finds there.

    A recording is seen twice, untouched and planted. A live source is planted in as its frames pass and left alone, by turns
    of at most a minute. Recall, precision, F1, boundary errors, delays and false alarms a minute follow, by size, region,
    duration, and by speaking and listening as the engine tells them. The planted expressions are synthetic. No picture is
    stored or sent.

    Examples:
    - `rtme bench inject 0` (a webcam, two minutes)
    - `rtme bench inject rtsp://user:secret@192.0.2.7:554/stream --minutes 5 -o camera.json`
    - `rtme bench inject recordings/ --pixels 0.6 2 --picture recordings.png`
    """
    for path in (out, picture):
        if path is not None and not path.parent.is_dir():
            raise SettingsError(f"cannot write {path}: the folder {path.parent} does not exist")
    if picture is not None:
        try:
            import matplotlib  # noqa: F401
        except ModuleNotFoundError as error:
            raise SettingsError(
                "a picture needs matplotlib: pip install 'rtme[bench]', or leave out --picture"
            ) from error
    # Imported late, so that the other verbs start at once and `rtme doctor` runs where cv2 cannot be loaded.
    from rtme.trial.inject import inject as run
    from rtme.trial.page import show
    from rtme.trial.record import record
    from rtme.trial.schedule import Wish

    settings = load_settings(None, engine=engine, transport=transport, threads=threads)
    wish = Wish(every_s=every, pixels=pixels, seed=seed)
    notes = Console(stderr=True, highlight=False, soft_wrap=True)
    stop = threading.Event()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with (
        stopping(stop.set),
        Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as bar,
    ):
        task = bar.add_task(" ", total=None)

        def tell(what: str, done_s: float, total_s: float | None) -> None:
            bar.update(task, description=what, completed=done_s, total=total_s)

        outcome = run(source, wish, settings=settings, minutes=minutes, on_progress=tell, stop=stop)
    text = jsonlib.dumps(record(outcome), indent=2, ensure_ascii=False)
    if out is not None:
        try:
            out.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"cannot write {out}: {error.strerror}") from error
    if picture is not None:
        from rtme.trial.picture import draw

        draw(outcome, picture)
    if json:
        print(text)
    else:
        show(outcome, Console(highlight=False, soft_wrap=True))


bench_speed.add_to(app)
