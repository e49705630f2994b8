"""``rtme dashboard``: a page in the browser that shows a running service."""

import webbrowser
from typing import Annotated

import typer
from rich.console import Console

from rtme.bus.address import DEFAULT_ADDRESS, is_loopback
from rtme.cli.interrupt import stopping
from rtme.cli.options import Keys
from rtme.errors import SettingsError


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
) -> None:
    """Show a running service in the browser: curves, intervals, turns, health and events, live. Ctrl-C ends.

    Start it beside `rtme live`, or on another machine. It waits for a service that is not there yet.
    """
    try:
        from rtme.view.dashboard.server import Dashboard
    except ImportError as error:
        raise SettingsError(f"the dashboard needs {error.name}: pip install 'rtme[dashboard]'") from error
    notes = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    page = Dashboard(address, host=host, port=port, token=token, keys=keys, insecure=insecure)

    def ready() -> None:
        notes.print(f"dashboard of {address} on {page.link}  (Ctrl-C ends)")
        if not is_loopback(host):
            notes.print(
                "whoever has this link sees what the service finds, and pictures if it sends any. The way to the browser "
                "is not encrypted: docs/dashboard.md says how to have that"
            )
        if open_it:
            webbrowser.open(page.link)

    with stopping(page.stop):
        page.run(ready)
