"""``rtme live``: watch sources now."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from rtme.bus.address import DEFAULT_ADDRESS
from rtme.bus.journal_path import NONE, default_journal, make_folder_of
from rtme.cli.interrupt import stopping
from rtme.cli.options import Backend, Engine, Faces, Keys, Precision, Sensitivity, Threads
from rtme.cli.output import EventPrinter
from rtme.errors import JournalError, SettingsError, SourceError
from rtme.settings import Settings, load_settings
from rtme.view.tally import Tally

if TYPE_CHECKING:
    from rtme.live.service import Live


def live(
    sources: Annotated[
        list[str],
        typer.Argument(help="Camera number, stream URL, file, `demo`, or a cameras.toml; several at once."),
    ],
    bind: Annotated[
        str | None,
        typer.Option(help=f"Publish here over ZeroMQ.  [default: {DEFAULT_ADDRESS}]", show_default=False),
    ] = None,
    engine: Engine = None,
    sensitivity: Sensitivity = None,
    faces: Faces = None,
    threads: Threads = None,
    backend: Backend = None,
    precision: Precision = None,
    transport: Annotated[str | None, typer.Option(help="RTSP over tcp or udp.", show_default=False)] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Read files as fast as possible.")] = False,
    seconds: Annotated[
        float | None, typer.Option(help="Stop after this long.", min=0.1, show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print each event as one line of JSON.")] = False,
    keys: Keys = None,
    journal: Annotated[
        str | None,
        typer.Option(
            help="Keep every event in this SQLite file.  [default: a file for the port in the user's state folder]",
            show_default=False,
        ),
    ] = None,
    no_journal: Annotated[bool, typer.Option("--no-journal", help="Keep no events.")] = False,
    insecure: Annotated[
        bool,
        typer.Option("--insecure", help="Allow a bind that anybody on the network can read, without keys."),
    ] = False,
) -> None:
    """Find micro-expressions and speaker turns as they happen, print them and publish them over ZeroMQ.

    Examples: `rtme live demo`, `rtme live 0`, `rtme live rtsp://user:secret@host:554/path clip.mp4`,
    `rtme live cameras.toml`.
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
        keys=keys,
        journal=NONE if no_journal else journal,
        insecure=insecure or None,
    )
    if settings.bind is None:
        settings = settings.model_copy(update={"bind": DEFAULT_ADDRESS})
    printer = EventPrinter(json=json)
    notes = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    settings = _with_journal(settings, notes)
    tally = Tally()
    # Imported late, so that the other verbs start at once and `rtme doctor` runs where cv2 cannot be loaded.
    from rtme.live.service import Live

    service = Live([source for source in sources if source not in files], settings=settings, fast=fast)
    # What is open is closed and published.
    with stopping(service.stop), service:
        manifest = service.manifest
        notes.print(
            f"engine {manifest.name} {manifest.version}, sensitivity {settings.sensitivity}: {manifest.summary}"
        )
        notes.print(f"it runs on {service.backend}")
        if settings.journal not in (None, NONE):
            notes.print(f"events are kept in {settings.journal}  (`rtme events` shows them)")
        notes.print(f"publishing on {service.address}  (Ctrl-C ends)")
        if service.insecure is not None:
            notes.print(f"rtme: {service.insecure}", style="red")
        if seconds is not None:
            timer = threading.Timer(seconds, service.stop)
            timer.daemon = True
            timer.start()
        _follow(service, printer, tally)
    notes.print(tally.summary())
    for name, error in service.errors.items():
        notes.print(f"rtme: {name}: {error}", style="red")
    if service.journal_loss is not None:
        notes.print(f"rtme: {service.journal_loss}", style="red")
        raise typer.Exit(JournalError.exit_code)
    if service.errors:
        raise typer.Exit(SourceError.exit_code)


def _with_journal(settings: Settings, notes: Console) -> Settings:
    """The settings with the journal that a service has when nobody says anything of it.

    Nobody asked for that one, so a service whose folder cannot be written goes on without, and says so.
    """
    if settings.journal is not None or settings.bind is None:
        return settings
    path = default_journal(settings.bind)
    if path is None:
        return settings
    if why := make_folder_of(path):
        notes.print(
            f"no journal: {path.parent} cannot be written ({why}). Name a file with --journal, or say --no-journal",
            style="yellow",
        )
        return settings
    return settings.model_copy(update={"journal": str(path)})


def _follow(service: "Live", printer: EventPrinter, tally: Tally) -> None:
    """Print until the service is over."""
    try:
        for event in service:
            tally.add(event)
            printer.show(event)
    except BrokenPipeError:
        printer.hush()
