"""``rtme bench latency``, ``throughput``, ``ratio``, ``engines``, ``memory``: how fast it is on this machine."""

import json as jsonlib
import tempfile
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rtme.cli.options import Backend, Engine, Precision, Threads
from rtme.errors import SettingsError
from rtme.settings import Settings, load_settings

if TYPE_CHECKING:
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
Json = Annotated[bool, typer.Option("--json", help="Print JSON, not tables.")]
Out = Annotated[Path | None, typer.Option("-o", "--out", help="Write the JSON here.", show_default=False)]
Picture = Annotated[Path | None, typer.Option(help="Draw it here (PNG).", show_default=False)]

Tell = Callable[[str, float], None]

_CLIP_S = 30.0  # it is played round and round


def add_to(app: typer.Typer) -> None:
    """Make the verbs part of ``rtme bench``."""
    for verb in (latency, throughput, ratio, engines, memory):
        app.command(verb.__name__)(verb)


def latency(
    seconds: Annotated[float, typer.Option(min=1, help="Of each run.")] = 60.0,
    runs: Runs = None,
    engine: Engine = None,
    backend: Backend = None,
    precision: Precision = None,
    threads: Threads = None,
    json: Json = False,
    out: Out = None,
    picture: Picture = None,
) -> None:
    """How late events are, stage by stage, and how long after a micro-expression its events come.

    A made-up face with micro-expressions at known frames is played as a camera; the service and the subscriber are
    two processes. About 6 minutes.
    """
    often = _often(runs)

    def work(settings: Settings, folder: Path, tell: Tell) -> dict[str, Any]:
        from rtme.trial.speed.latency import latency as run

        feed = _feed(folder, seconds)
        return run(feed, settings=settings, seconds=seconds, often=often, on_progress=tell)

    _bench("latency", work, _settings(engine, backend, threads, precision), json, out, picture)


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
    out: Out = None,
    picture: Picture = None,
) -> None:
    """How fast a recording is worked through, and how many live streams go before a frame is dropped.

    A made-up face is played as one camera, then as two, and so on. About 15 minutes on two cores.
    """
    often = _often(runs)

    def work(settings: Settings, folder: Path, tell: Tell) -> dict[str, Any]:
        from rtme.trial.speed.throughput import recorded
        from rtme.trial.speed.throughput import streams as live

        feeds = [_feed(folder, seconds, rate) for rate in fps or (30, 60)]
        return {
            "recorded": recorded(feeds[0].clip, settings=settings, often=often, on_progress=tell),
            "live": [
                live(
                    feed,
                    settings=settings,
                    most=streams,
                    seconds=seconds,
                    often=often,
                    on_progress=tell,
                )
                for feed in feeds
            ],
        }

    _bench("throughput", work, _settings(engine, backend, threads, precision), json, out, picture)


def ratio(
    seconds: Annotated[float, typer.Option(min=1.5, help="Length of the clip.")] = 10.0,
    runs: Runs = None,
    engine: Engine = None,
    backend: Backend = None,
    precision: Precision = None,
    threads: Threads = None,
    json: Json = False,
    out: Out = None,
    picture: Picture = None,
) -> None:
    """What it saves that the encoder sees each frame once, against a plain sliding window and MediaPipe alone.

    The same pictures, weights and hop, one way after the other in each run. About 3 minutes.
    """
    often = _often(runs)

    def work(settings: Settings, folder: Path, tell: Tell) -> dict[str, Any]:
        from rtme.trial.speed.ratio import ratio as run

        return run(settings=settings, seconds=seconds, often=often, on_progress=tell)

    _bench("ratio", work, _settings(engine, backend, threads, precision), json, out, picture)


def engines(
    batch: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Crops at once.  [default: 1, 4, 8 and 16]", show_default=False),
    ] = None,
    runs: Runs = None,
    engine: Engine = None,
    threads: Threads = None,
    json: Json = False,
    out: Out = None,
    picture: Picture = None,
) -> None:
    """Each backend in each precision and batch size: milliseconds, drift, and the share of what the machine could do.

    What is not installed or does not run here is left out, with the reason. About 1 minute a backend and precision.
    """
    often = _often(runs)

    def work(settings: Settings, folder: Path, tell: Tell) -> dict[str, Any]:
        from rtme.trial.speed.engines import BATCHES
        from rtme.trial.speed.engines import engines as run

        return run(
            settings.engine,
            threads=settings.threads,
            batches=batch or BATCHES,
            often=often,
            on_progress=tell,
        )

    _bench("engines", work, _settings(engine, None, threads), json, out, picture)


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
    out: Out = None,
    picture: Picture = None,
) -> None:
    """What the service holds in memory, against the number of streams and against time. About 17 minutes."""
    often = _often(runs)

    def work(settings: Settings, folder: Path, tell: Tell) -> dict[str, Any]:
        from rtme.trial.speed.memory import memory as run

        return run(
            _feed(folder, _CLIP_S),
            settings=settings,
            most=streams,
            seconds=seconds,
            minutes=minutes,
            often=often,
            on_progress=tell,
        )

    _bench("memory", work, _settings(engine, backend, threads, precision), json, out, picture)


def _bench(
    name: str,
    work: Callable[[Settings, Path, Tell], dict[str, Any]],
    settings: Settings,
    json: bool,
    out: Path | None,
    picture: Path | None,
) -> None:
    """Run a bench, and show what it gave."""
    for path in (out, picture):
        if path is not None and not path.parent.is_dir():
            raise SettingsError(f"cannot write {path}: the folder {path.parent} does not exist")
    needed = ["psutil", "skimage", *(["matplotlib"] if picture is not None else [])]
    absent = [package for package in needed if find_spec(package) is None]
    if absent:
        raise SettingsError(f"this bench needs {' and '.join(absent)}: pip install 'rtme[bench]'")
    # Imported late, so that the other verbs start at once and `rtme doctor` runs where cv2 cannot be loaded.
    from rtme.engine.bundle import load_bundle
    from rtme.trial.speed.machine import label, machine
    from rtme.trial.speed.record import in_a_line, record

    load_bundle(settings.engine)  # making a clip takes its time: what cannot work must be known before
    notes = Console(stderr=True, highlight=False, soft_wrap=True)
    known = machine()
    notes.print(in_a_line(known), markup=False)
    with notes.status("getting ready") as status, tempfile.TemporaryDirectory() as folder:

        def tell(what: str, done: float) -> None:
            status.update(f"{escape(what)}: {done:.0f}")

        result = work(settings, Path(folder), tell)
    written = record(name, result, known)
    text = jsonlib.dumps(written, indent=2, ensure_ascii=False)
    if out is not None:
        try:
            out.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"cannot write {out}: {error.strerror}") from error
    if picture is not None:
        from rtme.trial.speed.pictures import draw

        draw(name, result, picture, f"{label(known)}, {written['when'][:10]}")
    if json:
        print(text)
    else:
        _show(name, result)


def _show(name: str, result: Mapping[str, Any]) -> None:
    from rtme.trial.speed.tables import tables

    console = Console(highlight=False)
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
) -> Settings:
    settings = load_settings(None, engine=engine, backend=backend, threads=threads, precision=precision)
    # What the environment says of cameras and of the socket of `rtme live` is not meant for this.
    return settings.model_copy(
        update={"source": [], "bind": None, "journal": None, "insecure": False, "faces": 1}
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
