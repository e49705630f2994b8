"""``rtme bench latency``, ``throughput``, ``ratio``, ``engines``, ``memory``, ``soak``: how fast, and how steady."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from rtme.cli.console import as_json, check_folders, notes, results, write
from rtme.cli.extras import need
from rtme.cli.options import Backend, Engine, Json, Output, Picture, Precision, Seed, Threads
from rtme.cli.progress import Going, progress
from rtme.errors import SettingsError

if TYPE_CHECKING:
    from rtme.settings import Settings
    from rtme.trial.speed.feed import Feed
    from rtme.trial.speed.spread import Often

Runs = Annotated[
    tuple[int, int] | None,
    typer.Option(
        metavar="LEAST MOST",
        help="Runs of each measurement: at least, and at most until the middle half of them lies within 5 %.",
        show_default=False,
    ),
]
Work = Callable[["Settings", Path, Going], dict[str, Any]]
"""Runs a bench: its settings, a folder for its clips, and whom to tell how far it is."""

_CLIP_S = 30.0  # it is played round and round


def add_to(app: typer.Typer) -> None:
    """Make the verbs part of ``rtme bench``."""
    for verb in (latency, throughput, ratio, engines, memory, soak):
        app.command(verb.__name__)(verb)


def latency(
    seconds: Annotated[float, typer.Option(min=1, help="Of each run.")] = 60.0,
    runs: Runs = None,
    engine: Engine = None,
    backend: Backend = None,
    precision: Precision = None,
    threads: Threads = None,
    json: Json = False,
    output: Output = None,
    picture: Picture = None,
) -> None:
    """How late events are, stage by stage, and how long after a micro-expression its events come.

    A made-up face with micro-expressions at known frames is played as a camera; the service and the subscriber are
    two processes. About 6 minutes.

    Examples:
    - `rtme bench latency`
    - `rtme bench latency --seconds 30 --runs 3 5 -o latency.json --picture latency.png`
    """
    often = _often(runs)

    def work(settings: "Settings", folder: Path, bar: Going) -> dict[str, Any]:
        from rtme.trial.speed.latency import latency as run

        feed = _feed(folder, seconds)
        return run(feed, settings=settings, seconds=seconds, often=often, on_progress=_of(bar, seconds))

    _bench("latency", work, _settings(engine, backend, threads, precision), json, output, picture)


def throughput(
    seconds: Annotated[float, typer.Option(min=1, help="Of each run, and of the recording.")] = 20.0,
    streams: Annotated[int, typer.Option(min=1, help="Live streams at most.")] = 16,
    fps: Annotated[
        list[int] | None, typer.Option(help="Frame rates.  [default: 30 and 60]", show_default=False)
    ] = None,
    runs: Runs = None,
    engine: Engine = None,
    backend: Backend = None,
    precision: Precision = None,
    threads: Threads = None,
    json: Json = False,
    output: Output = None,
    picture: Picture = None,
) -> None:
    """How fast a recording is worked through, and how many live streams go before a frame is dropped.

    A made-up face is played as one camera, then as two, and so on. About 15 minutes on two cores.

    Examples:
    - `rtme bench throughput`
    - `rtme bench throughput --fps 30 --streams 4 --backend onnxruntime --json`
    """
    often = _often(runs)

    def work(settings: "Settings", folder: Path, bar: Going) -> dict[str, Any]:
        from rtme.trial.speed.throughput import recorded
        from rtme.trial.speed.throughput import streams as live

        feeds = [_feed(folder, seconds, rate) for rate in fps or (30, 60)]
        return {
            "recorded": recorded(feeds[0].clip, settings=settings, often=often, on_progress=_of(bar)),
            "live": [
                live(
                    feed,
                    settings=settings,
                    most=streams,
                    seconds=seconds,
                    often=often,
                    on_progress=_of(bar, seconds),
                )
                for feed in feeds
            ],
        }

    _bench("throughput", work, _settings(engine, backend, threads, precision), json, output, picture)


def ratio(
    seconds: Annotated[float, typer.Option(min=1.5, help="Length of the clip.")] = 10.0,
    runs: Runs = None,
    engine: Engine = None,
    backend: Backend = None,
    precision: Precision = None,
    threads: Threads = None,
    json: Json = False,
    output: Output = None,
    picture: Picture = None,
) -> None:
    """What it saves that the encoder sees each frame once, against a plain sliding window and MediaPipe alone.

    The same pictures, weights and hop, one way after the other in each run. About 3 minutes.

    Examples:
    - `rtme bench ratio`
    - `rtme bench ratio --seconds 20 --threads 2 -o ratio.json`
    """
    often = _often(runs)

    def work(settings: "Settings", folder: Path, bar: Going) -> dict[str, Any]:
        from rtme.trial.speed.ratio import ratio as run

        return run(settings=settings, seconds=seconds, often=often, on_progress=_of(bar))

    _bench("ratio", work, _settings(engine, backend, threads, precision), json, output, picture)


def engines(
    batch: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Crops at once.  [default: 1, 4, 8 and 16]", show_default=False),
    ] = None,
    runs: Runs = None,
    engine: Engine = None,
    threads: Threads = None,
    json: Json = False,
    output: Output = None,
    picture: Picture = None,
) -> None:
    """Each backend in each precision and batch size: milliseconds, drift, and the share of what the machine could do.

    What is not installed or does not run here is left out, with the reason. About 1 minute a backend and precision.

    Examples:
    - `rtme bench engines`
    - `rtme bench engines --batch 1 --batch 16 --engine engines/mine --json`
    """
    often = _often(runs)

    def work(settings: "Settings", folder: Path, bar: Going) -> dict[str, Any]:
        from rtme.trial.speed.engines import BATCHES
        from rtme.trial.speed.engines import engines as run

        return run(
            settings.engine,
            threads=settings.threads,
            batches=batch or BATCHES,
            often=often,
            on_progress=_of(bar),
        )

    _bench("engines", work, _settings(engine, None, threads), json, output, picture)


def memory(
    seconds: Annotated[float, typer.Option(min=1, help="Of each run with so many streams.")] = 15.0,
    streams: Annotated[int, typer.Option(min=1, help="Live streams at most.")] = 4,
    minutes: Annotated[float, typer.Option(min=0.05, help="Of the long run with one stream.")] = 10.0,
    runs: Runs = None,
    engine: Engine = None,
    backend: Backend = None,
    precision: Precision = None,
    threads: Threads = None,
    json: Json = False,
    output: Output = None,
    picture: Picture = None,
) -> None:
    """What the service holds in memory, against the number of streams and against time. About 17 minutes.

    Examples:
    - `rtme bench memory`
    - `rtme bench memory --streams 2 --minutes 60 -o memory.json`
    """
    often = _often(runs)

    def work(settings: "Settings", folder: Path, bar: Going) -> dict[str, Any]:
        from rtme.trial.speed.memory import memory as run

        return run(
            _feed(folder, _CLIP_S),
            settings=settings,
            most=streams,
            seconds=seconds,
            minutes=minutes,
            often=often,
            on_progress=_of(bar),
        )

    _bench("memory", work, _settings(engine, backend, threads, precision), json, output, picture)


def soak(
    source: Annotated[
        str | None,
        typer.Argument(
            help="Camera number, stream URL or file (played round and round).  [default: a made-up face]",
            show_default=False,
        ),
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.2, help="After warming up.")] = 30.0,
    seed: Seed = None,
    fault_every: Annotated[float, typer.Option(min=1, help="Seconds between two faults, on average.")] = 60.0,
    engine: Engine = None,
    backend: Backend = None,
    precision: Precision = None,
    threads: Threads = None,
    json: Json = False,
    output: Output = None,
    picture: Picture = None,
) -> None:
    """Whether memory, descriptors, threads, latency and accuracy stay as they are for long, while things break.

    Micro-expressions are planted in the source; the source and a subscriber are broken off and held still at times drawn
    from the seed. The first and the last tenth, in which nothing is broken, are compared.

    Examples:
    - `rtme bench soak 0 --minutes 600`
    - `rtme bench soak clip.mp4 --fault-every 20 --seed 7 -o soak.json`
    """

    def work(settings: "Settings", folder: Path, bar: Going) -> dict[str, Any]:
        from rtme.trial.speed.clip import make_clip
        from rtme.trial.speed.soak import soak as run

        spec = source or str(make_clip(folder / "clip.mp4", 20.0, expressions=False).path)
        return run(
            spec,
            settings=settings,
            minutes=minutes,
            seed=seed or 0,
            fault_every_s=fault_every,
            warm_up_s=min(120.0, 12 * minutes),
            what=None if source else "a made-up face, played as a camera",
            on_progress=_of(bar, 60 * minutes),
        )

    _bench("soak", work, _settings(engine, backend, threads, precision), json, output, picture)


def _bench(
    name: str,
    work: Work,
    settings: "Settings",
    json: bool,
    output: Path | None,
    picture: Path | None,
) -> None:
    """Run a bench, and show what it gave."""
    check_folders(output, picture)
    need("bench", "this bench", "psutil", "skimage", *(["matplotlib"] if picture is not None else []))
    # Imported late, so that the other verbs start at once and `rtme doctor` runs where cv2 cannot be loaded.
    from rtme.engine.bundle import load_bundle
    from rtme.trial.speed.machine import label, machine
    from rtme.trial.speed.record import in_a_line, record

    load_bundle(settings.engine)  # making a clip takes its time: what cannot work must be known before
    known = machine()
    notes().print(in_a_line(known))
    with progress("getting ready") as bar, tempfile.TemporaryDirectory() as folder:
        result = work(settings, Path(folder), bar)
    written = record(name, result, known)
    text = as_json(written)
    if output is not None:
        write(output, text)
    if picture is not None:
        from rtme.trial.speed.pictures import draw

        draw(name, result, picture, f"{label(known)}, {written['when'][:10]}")
    if json:
        print(text)
    else:
        _show(name, result)


def _of(bar: Going, total: float | None = None) -> Callable[[str, float], None]:
    """What a bench tells its progress to; ``total`` is the length of one run, where that is known."""
    return lambda what, done: bar.at(done, total, what)


def _show(name: str, result: Mapping[str, Any]) -> None:
    from rtme.trial.speed.tables import tables

    console = results()
    for found in tables(name, result):
        console.print(f"\n[bold]{escape(found.title)}[/bold]")
        table = Table()
        for place, column in enumerate(found.names):
            table.add_column(escape(column), justify="left" if place == 0 else "right")
        for row in found.rows:
            table.add_row(*map(escape, row))
        console.print(table)
        if found.note:
            console.print(escape(found.note), style="dim")


def _settings(
    engine: str | None, backend: str | None, threads: int | None, precision: str | None = None
) -> "Settings":
    from rtme.settings import load_settings

    settings = load_settings(None, engine=engine, backend=backend, threads=threads, precision=precision)
    # What the environment says of cameras and of the socket of `rtme live` is not meant for this.
    return settings.model_copy(
        update={"source": [], "bind": None, "journal": None, "metrics": None, "insecure": False, "faces": 1}
    )


def _feed(folder: Path, seconds: float, fps: int = 30) -> "Feed":
    from rtme.trial.speed.clip import make_clip
    from rtme.trial.speed.feed import FileFeed

    return FileFeed(make_clip(folder / f"clip-{fps}.mp4", min(seconds, _CLIP_S), fps))


def _often(runs: tuple[int, int] | None) -> "Often | None":
    from rtme.trial.speed.spread import Often

    if runs is None:
        return None
    least, most = runs
    if not 1 <= least <= most:
        raise SettingsError(f"runs are {least} to {most}: give 1 or more, the smaller number first")
    return Often(least, most)
