"""``rtme live``: watch sources now."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtme.bus.address import DEFAULT_ADDRESS
from rtme.bus.journal_path import NONE, default_journal, make_folder_of
from rtme.cli.dashboard import dashboard_beside
from rtme.cli.interrupt import stopping
from rtme.cli.leaving import not_held_up
from rtme.cli.logs import Notes, logging_to_stderr
from rtme.cli.options import (
    Backend,
    Bind,
    Engine,
    Faces,
    InsecureBind,
    InsecureMetrics,
    Journal,
    JsonLines,
    Keys,
    LogFormat,
    Metrics,
    NoJournal,
    Precision,
    Preview,
    Replay,
    Sensitivity,
    Threads,
    Transport,
)
from rtme.cli.output import EventPrinter
from rtme.cli.systemd import notify
from rtme.errors import JournalError, SettingsError, SourceError
from rtme.events import AnyEvent, HeartbeatEvent, StateEvent
from rtme.settings import Settings, load_settings, strange_variables
from rtme.view.tally import Tally

if TYPE_CHECKING:
    from rtme.cli.live_window import LiveWindow
    from rtme.live.service import Live


def live(
    sources: Annotated[
        list[str],
        typer.Argument(help="Camera number, stream URL, file, `demo`, or a cameras.toml; several at once."),
    ],
    bind: Bind = None,
    engine: Engine = None,
    sensitivity: Sensitivity = None,
    faces: Faces = None,
    threads: Threads = None,
    backend: Backend = None,
    precision: Precision = None,
    transport: Transport = None,
    fast: Annotated[bool, typer.Option("--fast", help="Read files as fast as possible.")] = False,
    seconds: Annotated[
        float | None, typer.Option(help="Stop after this long.", min=0.1, show_default=False)
    ] = None,
    json: JsonLines = False,
    journal: Journal = None,
    no_journal: NoJournal = False,
    replay: Replay = None,
    keys: Keys = None,
    metrics: Metrics = None,
    metrics_insecure: InsecureMetrics = False,
    preview: Preview = False,
    show: Annotated[
        bool,
        typer.Option(
            "--show", help="Open a window with the pictures and what is found. q closes it and ends."
        ),
    ] = False,
    dashboard: Annotated[
        bool, typer.Option("--dashboard", help="Start `rtme dashboard` beside it and print its address.")
    ] = False,
    log_format: LogFormat = None,
    insecure: InsecureBind = False,
) -> None:
    """Find micro-expressions and speaker turns as they happen, print them and publish them over ZeroMQ.

    Examples:
    - `rtme live demo`
    - `rtme live 0 --sensitivity high --faces 2`
    - `rtme live rtsp://user:secret@192.0.2.7:554/stream clip.mp4`
    - `rtme live cameras.toml --metrics 127.0.0.1:9464 --log-format json`
    - `rtme live clip.mp4 --fast --json | jq .kind`
    """
    files = [source for source in sources if source.endswith(".toml")]
    if journal is not None and no_journal:
        raise SettingsError("--journal and --no-journal exclude each other: give one of them")
    if len(files) > 1:
        raise SettingsError(f"one settings file at a time (got {', '.join(files)})")
    settings = load_settings(
        Path(files[0]) if files else None,
        engine=engine,
        sensitivity=sensitivity,
        faces=faces,
        threads=threads,
        backend=backend,
        precision=precision,
        transport=transport,
        bind=bind,
        journal=NONE if no_journal else journal,
        metrics=metrics,
        metrics_insecure=metrics_insecure or None,
        log_format=log_format,
        replay=replay,
        keys=keys,
        insecure=insecure or None,
        preview=preview or None,
    )
    if settings.bind is None:
        settings = settings.model_copy(update={"bind": DEFAULT_ADDRESS})
    specs = [source for source in sources if source not in files]
    # What stands on stdout in words need not stand on stderr in words as well.
    with logging_to_stderr(settings.log_format, events_too=json or settings.log_format == "json") as notes:
        for sentence in strange_variables():
            notes.say(f"rtme: {sentence}", wrong=True)
        settings = _with_journal(settings, notes)
        _run(
            specs,
            settings,
            EventPrinter(json=json),
            notes,
            fast=fast,
            seconds=seconds,
            show=show,
            dashboard=dashboard,
        )


def _run(
    specs: list[str],
    settings: Settings,
    printer: EventPrinter,
    notes: Notes,
    *,
    fast: bool,
    seconds: float | None,
    show: bool,
    dashboard: bool,
) -> None:
    """Run the service, and say how it begins and ends."""
    # Imported late, so that the other verbs start at once and `rtme doctor` runs where cv2 cannot be loaded.
    from rtme.live.service import Live

    window = _new_window(settings, len(specs)) if show else None
    service = Live(specs, settings=settings, fast=fast, **(window.asks if window else {}))
    with not_held_up(lambda: service.hangs):
        _watch(service, printer, notes, seconds, window, dashboard=dashboard)


def _new_window(settings: Settings, named: int) -> "LiveWindow":
    # Imported late: it needs OpenCV.
    from rtme.cli.live_window import LiveWindow

    return LiveWindow(settings, named + len(settings.source))


def _watch(
    service: "Live",
    printer: EventPrinter,
    notes: Notes,
    seconds: float | None,
    window: "LiveWindow | None",
    *,
    dashboard: bool,
) -> None:
    tally = Tally()
    last_words: dict[str, str] = {}
    # What is open is closed and published.
    with stopping(service.stop) as asked, service, ExitStack() as beside:
        manifest = service.manifest
        notes.say(
            f"engine {manifest.name} {manifest.version}, sensitivity {service.settings.sensitivity}: {manifest.summary}"
        )
        notes.say(f"it runs on {service.backend}")
        if service.settings.journal not in (None, NONE):
            notes.say(f"events are kept in {service.settings.journal}  (`rtme events` shows them)")
        notes.say(f"publishing on {service.address}  (Ctrl-C ends)", address=service.address)
        if service.insecure is not None:
            notes.say(f"rtme: {service.insecure}", wrong=True)
        if service.settings.preview:
            notes.say("pictures of the sources are published: whoever can listen sees the people in them")
        if dashboard and service.address is not None:
            settings = service.settings
            beside.enter_context(
                dashboard_beside(service.address, settings.keys, notes.say, insecure=settings.insecure)
            )
        if service.metrics_address is not None:
            notes.say(f"metrics on {service.metrics_address}/metrics, health on /healthz")
        notify("READY=1")
        timer = threading.Timer(seconds or 0.0, service.stop)
        timer.daemon = True
        if seconds is not None:
            timer.start()
        if window is None:
            heard_out = _follow(service, printer, tally, last_words)
        else:
            heard_out = window.follow(
                service, lambda seen: _follow(service, printer, tally, last_words, seen)
            )
        notify("STOPPING=1")
    if asked.by is not None:
        why = f"{asked.by.name} was received"
    elif window is not None and window.closed:
        why = "the window was closed"
    elif not heard_out:
        why = "nobody reads the output any more"
    else:
        why = "the time asked for has passed" if timer.finished.is_set() else "every source has ended"
    notes.say(f"over: {why}")
    notes.say(tally.summary())
    errors = dict(service.errors)
    if asked.by is None and timer.finished.is_set():
        for name, progress in service.progress().items():
            if progress.frames == 0 and name not in errors:
                errors[name] = (
                    f"no picture came in {seconds:g} s; {last_words.get(name, 'it was never opened')}"
                )
    for name, error in errors.items():
        notes.say(f"rtme: {name}: {error}", wrong=True, stream=name)
    if service.journal_loss is not None:
        notes.say(f"rtme: {service.journal_loss}", wrong=True)
        raise typer.Exit(JournalError.exit_code)
    if errors:
        raise typer.Exit(SourceError.exit_code)


def _with_journal(settings: Settings, notes: Notes) -> Settings:
    """The settings with the journal that a service has when nobody says anything of it.

    Nobody asked for that one, so a service whose folder cannot be written goes on without, and says so.
    """
    if settings.journal is not None or settings.bind is None:
        return settings
    try:
        path = default_journal(settings.bind)
    except JournalError as error:
        notes.say(f"no journal: {error}", wrong=True)
        return settings
    if path is None:
        return settings
    if why := make_folder_of(path):
        notes.say(
            f"no journal: {path.parent} cannot be written ({why}). Name a file with --journal, or say --no-journal",
            wrong=True,
        )
        return settings
    return settings.model_copy(update={"journal": str(path)})


def _follow(
    service: "Live",
    printer: EventPrinter,
    tally: Tally,
    last_words: dict[str, str],
    seen: Callable[[AnyEvent], None] = lambda _: None,
) -> bool:
    """Print until the service is over; False when nobody could read it any more before that.

    ``last_words`` is filled with what each source was doing before it ended.
    """
    for event in service:
        seen(event)
        tally.add(event)
        if isinstance(event, StateEvent) and event.state != "ended":
            last_words[event.stream] = f"{event.state}: {event.detail}"
        try:
            printer.show(event)
        except OSError:  # whoever read has enough, or the terminal is gone
            printer.hush()
            return False
        # Not while something is stuck that a restart would free; a camera that is away is no such thing.
        if isinstance(event, HeartbeatEvent) and not service.status().faults():
            notify("WATCHDOG=1")
    return True
