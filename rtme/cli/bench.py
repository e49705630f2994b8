"""``rtme bench``: how well the engine does where it is to be used, and how fast."""

import threading
from typing import Annotated

import typer

from rtme.cli import bench_speed
from rtme.cli.console import as_json, check_folders, results, write
from rtme.cli.extras import need
from rtme.cli.interrupt import stopping
from rtme.cli.options import Engine, Json, Output, Picture, Seed, Threads, Transport
from rtme.cli.progress import progress

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command("inject")
def inject(
    source: Annotated[
        str, typer.Argument(help="Camera number, stream URL, file, folder of files or pattern.")
    ],
    engine: Engine = None,
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
    seed: Seed = None,
    transport: Transport = None,
    threads: Threads = None,
    json: Json = False,
    output: Output = None,
    picture: Picture = None,
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
    check_folders(output, picture)
    if picture is not None:
        need("bench", "a picture", "matplotlib")
    # Imported late, so that the other verbs start at once and `rtme doctor` runs where cv2 cannot be loaded.
    from rtme.settings import load_settings
    from rtme.trial.inject import inject as run
    from rtme.trial.page import show
    from rtme.trial.record import record
    from rtme.trial.schedule import Wish

    settings = load_settings(None, engine=engine, transport=transport, threads=threads)
    wish = Wish(every_s=every, pixels=pixels, seed=seed or 0)
    stop = threading.Event()
    with stopping(stop.set), progress("getting ready") as bar:

        def tell(what: str, done_s: float, total_s: float | None) -> None:
            bar.at(done_s, total_s, what)

        outcome = run(source, wish, settings=settings, minutes=minutes, on_progress=tell, stop=stop)
    text = as_json(record(outcome))
    if output is not None:
        write(output, text)
    if picture is not None:
        from rtme.trial.picture import draw

        draw(outcome, picture)
    if json:
        print(text)
    else:
        show(outcome, results(soft_wrap=True))


bench_speed.add_to(app)
