"""``rtme dashboard``: a page in the browser that shows a running service."""

import subprocess
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from rtme.bus.address import DEFAULT_ADDRESS, is_loopback
from rtme.cli.console import notes
from rtme.cli.extras import need
from rtme.cli.interrupt import stopping
from rtme.cli.options import Keys

END_S = 10.0
"""A dashboard beside a service that has not ended by then is killed: the service's own end must not wait for it."""


def dashboard(
    address: Annotated[str, typer.Argument(help="Where the service publishes.")] = DEFAULT_ADDRESS,
    host: Annotated[
        str, typer.Option(help="Serve the page here; one that other machines can reach needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Likewise; 0: any free one.", min=0, max=65535)] = 8765,
    token: Annotated[
        str | None,
        typer.Option(
            help="What a browser must bring once, in the link.  [default: none on this machine, else a new one]",
            envvar="RTME_DASHBOARD_TOKEN",
            show_envvar=False,
            show_default=False,
        ),
    ] = None,
    keys: Keys = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Use no keys though the service is on another machine.")
    ] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    until_closed: Annotated[
        bool, typer.Option("--until-closed", help="End when standard input is closed.", hidden=True)
    ] = False,
) -> None:
    """Show a running service in the browser: curves, intervals, turns, health and events, live. Ctrl-C ends.

    Start it beside `rtme live`, or on another machine. It waits for a service that is not there yet.

    Examples:
    - `rtme dashboard`
    - `rtme dashboard tcp://192.0.2.7:5556 --port 9000`
    - `rtme dashboard --host 0.0.0.0`
    """
    need_what_it_needs()
    from rtme.view.dashboard.server import Dashboard

    said = notes()
    page = Dashboard(address, host=host, port=port, token=token, keys=keys, insecure=insecure)

    def ready() -> None:
        said.print(f"dashboard of {address} on {page.link}  (Ctrl-C ends)")
        if not is_loopback(host):
            said.print(
                "whoever has this link sees what the service finds, and pictures if it sends any. The way to the browser "
                "is not encrypted: docs/dashboard.md says how to have that"
            )
        if open_it:
            webbrowser.open(page.link)

    def stop_with_input() -> None:
        sys.stdin.read()
        page.stop()

    if until_closed:
        threading.Thread(target=stop_with_input, daemon=True).start()
    with stopping(page.stop):
        page.run(ready)


@contextmanager
def dashboard_beside(
    address: str, keys: Path | None, say: Callable[[str], object], *, insecure: bool
) -> Iterator[None]:
    """A dashboard in a process of its own, which ends when this one does, however that ends.

    Args:
        address: ``tcp://host:port`` of the service.
        keys: Folder of keys, or None.
        say: Is handed what it says of itself: where it is, or why it cannot be.
        insecure: Use none though others can reach the service.

    Raises:
        SettingsError: What it needs is not installed.
    """
    need_what_it_needs()
    command = [sys.executable, "-m", "rtme", "dashboard", address, "--until-closed"]
    command += ["--keys", str(keys)] if keys else []
    command += ["--insecure"] if insecure else []

    def hand_on(lines: Iterable[str]) -> None:
        for line in lines:
            say(line.rstrip())

    # Not on this process's own stderr, which is turned away while MediaPipe is loaded.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        reading = threading.Thread(target=hand_on, args=[process.stderr], daemon=True)
        reading.start()
        try:
            yield
        finally:
            # Popen closes stderr first, which would wait for the thread that reads it, for ever.
            process.stdin.close()
            reading.join(END_S)
            if reading.is_alive():
                process.kill()


def need_what_it_needs() -> None:
    """Raises SettingsError when something is not installed."""
    need("dashboard", "the dashboard", "starlette", "uvicorn", "websockets")
