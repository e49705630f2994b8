"""``rtme keys``: who may listen to a service on another machine."""

import re
import socket
from typing import Annotated

import typer

from rtme.bus.curve import CLIENT, SERVER, KeyFolder
from rtme.cli.options import Keys
from rtme.errors import BusError

app = typer.Typer(
    help="Keys, so that events can travel between machines: encrypted, from the service that is trusted, to clients that "
    "are allowed.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

# A public key may begin with "-", which is no option.
_TAKES_KEYS = {"ignore_unknown_options": True}


@app.command()
def new(
    name: Annotated[
        str | None,
        typer.Argument(
            help="What this machine is called where it listens.  [default: its host name]", show_default=False
        ),
    ] = None,
    keys: Keys = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the secrets that are there.")] = False,
) -> None:
    """Make the keys of this machine: a pair for its service and a pair for its clients."""
    folder = KeyFolder(keys)
    folder.make(name or _host_name(), force=force)
    _tell(folder)


@app.command()
def show(keys: Keys = None) -> None:
    """Print the public keys, who is allowed and who is trusted. Never a secret."""
    _tell(KeyFolder(keys))


@app.command(context_settings=_TAKES_KEYS)
def allow(
    public_key: Annotated[str, typer.Argument(help="What `rtme keys show` prints on the client's machine.")],
    name: Annotated[str | None, typer.Option(help="What to call it.", show_default=False)] = None,
    keys: Keys = None,
) -> None:
    """Let a client listen to the services of this machine. A running service need not be restarted."""
    print(f"allowed: {KeyFolder(keys).allow(public_key, name)}")


@app.command(context_settings=_TAKES_KEYS)
def revoke(
    client: Annotated[str, typer.Argument(help="Its name or its public key.")],
    keys: Keys = None,
) -> None:
    """Let a client listen no more. Who is connected stays until the connection ends: restart the service to be sure."""
    name = KeyFolder(keys).revoke(client)
    print(f"revoked: {name}; if it is connected now it stays so until the service is restarted")


@app.command(context_settings=_TAKES_KEYS)
def trust(
    public_key: Annotated[str, typer.Argument(help="What `rtme keys show` prints on the service's machine.")],
    host: Annotated[str, typer.Argument(help="That machine, as its address is given to `rtme watch`.")],
    keys: Keys = None,
) -> None:
    """Believe that a service is the one meant when it has this key. It takes the place of a key trusted before."""
    print(f"trusted: {KeyFolder(keys).trust(public_key, host)}")


def _tell(folder: KeyFolder) -> None:
    if not folder.has(SERVER) and not folder.has(CLIENT):
        raise BusError(f"there are no keys in {folder.path}: make some with `rtme keys new`")
    print(f"keys in {folder.path}")
    if folder.has(SERVER):
        print(f"\nthe service here: {folder.server().public}")
        print(f"    who listens to it types  rtme keys trust '{folder.server().public}' HOST")
    if folder.has(CLIENT):
        own = folder.client()
        option = f" --name {own.name}" if own.name else ""
        print(f"\nthe client here: {own.public}")
        print(f"    who runs a service that it listens to types  rtme keys allow '{own.public}'{option}")
    for title, listed in (("allowed to listen", folder.allowed()), ("trusted services", folder.trusted())):
        if listed:
            print(f"\n{title}:")
            for name, key in listed.items():
                print(f"    {key}  {name}")


def _host_name() -> str:
    """This machine's name, as far as it can be one of a client."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", socket.gethostname())[:64] or "client"
