"""``rtme live``: watch sources now."""

import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rtme.errors import SettingsError
from rtme.events import HeartbeatEvent, dump
from rtme.live.service import Live
from rtme.settings import DEFAULT_BIND, load_settings
from rtme.view.tally import Tally
from rtme.view.terminal import render


def live(
    sources: Annotated[
        list[str],
        typer.Argument(help="Camera number, stream URL, file, `demo`, or a cameras.toml; several at once."),
    ],
    bind: Annotated[
        str | None,
        typer.Option(help=f"Publish here over ZeroMQ.  [default: {DEFAULT_BIND}]", show_default=False),
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="Engine bundle: a name or a folder.", show_default=False)
    ] = None,
    faces: Annotated[int | None, typer.Option(help="Faces to follow per source.", show_default=False)] = None,
    threads: Annotated[int | None, typer.Option(help="Threads of the encoder.", show_default=False)] = None,
    transport: Annotated[str | None, typer.Option(help="RTSP over tcp or udp.", show_default=False)] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Read files as fast as possible.")] = False,
    seconds: Annotated[
        float | None, typer.Option(help="Stop after this long.", min=0.1, show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print each event as one line of JSON.")] = False,
    insecure: Annotated[
        bool,
        typer.Option("--insecure", help="Allow a bind that anybody on the network can read, unencrypted."),
    ] = False,
) -> None:
    """Find micro-expressions and speaker turns as they happen, print them and publish them over ZeroMQ.

    Examples: `rtme live demo`, `rtme live 0`, `rtme live rtsp://user:secret@host:554/path clip.mp4`,
    `rtme live cameras.toml`.
    """
    files = [source for source in sources if source.endswith(".toml")]
    if len(files) > 1:
        raise SettingsError(f"one settings file at a time (got {', '.join(files)})")
    settings = load_settings(
        Path(files[0]) if files else None,
        engine=engine,
        faces=faces,
        threads=threads,
        transport=transport,
        bind=bind,
        insecure=insecure or None,
    )
    if settings.bind is None:
        settings = settings.model_copy(update={"bind": DEFAULT_BIND})
    service = Live([source for source in sources if source not in files], settings=settings, fast=fast)
    console = Console(highlight=False, soft_wrap=True)
    notes = Console(stderr=True, highlight=False, soft_wrap=True)
    tally = Tally()
    with service:
        notes.print(f"engine {service.manifest.name} {service.manifest.version}: {service.manifest.summary}")
        notes.print(f"publishing on {service.address}  (Ctrl-C ends)")
        timer = threading.Timer(seconds, service.stop) if seconds is not None else None
        if timer is not None:
            timer.daemon = True
            timer.start()
        while True:
            try:
                for event in service:
                    tally.add(event)
                    if json:
                        sys.stdout.write(dump(event).decode() + "\n")
                        sys.stdout.flush()
                    elif not isinstance(event, HeartbeatEvent):
                        console.print(render(event))
                break
            except KeyboardInterrupt:
                # The first Ctrl-C closes what is open and publishes it; the loop then runs to its end.
                if service.stopping:
                    break
                service.stop()
        if timer is not None:
            timer.cancel()
    notes.print(tally.summary())
    for name, error in service.errors.items():
        notes.print(f"rtme: {name}: {error}", style="red", markup=False)
    if service.errors:
        raise typer.Exit(3)
