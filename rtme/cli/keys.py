"""``rtme keys``: who may listen to a service on another machine."""

import re
import socket
from typing import Annotated

import typer

from rtme.bus.curve import CLIENT, SERVER, KeyFolder
from rtme.cli.console import print_json
from rtme.cli.options import Json, Keys
from rtme.errors import BusError

app = typer.Typer(no_args_is_help=True)

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
    as_json: Json = False,
) -> None:
    """Make the keys of this machine: a pair for its service and a pair for its clients.

    Examples:
    - `rtme keys new`
    - `rtme keys new kiosk --keys /etc/rtme/keys`
    """
    folder = KeyFolder(keys)
    folder.make(name or _host_name(), force=force)
    _tell(folder, as_json=as_json)


@app.command()
def show(keys: Keys = None, as_json: Json = False) -> None:
    """Print the public keys, who is allowed and who is trusted. Never a secret.

    Examples:
    - `rtme keys show`
    - `rtme keys show --json`
    """
    _tell(KeyFolder(keys), as_json=as_json)


@app.command(context_settings=_TAKES_KEYS)
def allow(
    public_key: Annotated[str, typer.Argument(help="What `rtme keys show` prints on the client's machine.")],
    name: Annotated[str | None, typer.Option(help="What to call it.", show_default=False)] = None,
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    """Let a client listen to the services of this machine. A running service need not be restarted.

    Examples:
    - `rtme keys allow 'x7Jm-made-up-do-not-use-rq=U3$pT2yW&zK)Lh' --name desk`
    """
    allowed = KeyFolder(keys).allow(public_key, name)
    if as_json:
        print_json({"allowed": allowed})
    else:
        print(f"allowed: {allowed}")


@app.command(context_settings=_TAKES_KEYS)
def revoke(
    client: Annotated[str, typer.Argument(help="Its name or its public key.")],
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    """Let a client listen no more. Who is connected stays until the connection ends: restart the service to be sure.

    Examples:
    - `rtme keys revoke desk`
    """
    name = KeyFolder(keys).revoke(client)
    if as_json:
        print_json({"revoked": name})
        return
    print(f"revoked: {name}; if it is connected now it stays so until the service is restarted")


@app.command(context_settings=_TAKES_KEYS)
def trust(
    public_key: Annotated[str, typer.Argument(help="What `rtme keys show` prints on the service's machine.")],
    host: Annotated[str, typer.Argument(help="That machine, as its address is given to `rtme watch`.")],
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    """Believe that a service is the one meant when it has this key. It takes the place of a key trusted before.

    Examples:
    - `rtme keys trust 'x7Jm-made-up-do-not-use-rq=U3$pT2yW&zK)Lh' 192.0.2.7`
    """
    trusted = KeyFolder(keys).trust(public_key, host)
    if as_json:
        print_json({"trusted": trusted})
    else:
        print(f"trusted: {trusted}")


def _tell(folder: KeyFolder, *, as_json: bool) -> None:
    if not folder.has(SERVER) and not folder.has(CLIENT):
        raise BusError(f"there are no keys in {folder.path}: make some with `rtme keys new`")
    if as_json:
        client = folder.client() if folder.has(CLIENT) else None
        print_json(
            {
                "folder": folder.path,
                "service": folder.server().public if folder.has(SERVER) else None,
                "client": None if client is None else {"name": client.name, "key": client.public},
                "allowed": folder.allowed(),
                "trusted": folder.trusted(),
            }
        )
        return
    lines = [f"keys in {folder.path}"]
    if folder.has(SERVER):
        service = folder.server().public
        lines += [
            f"\nthe service here: {service}",
            f"    who listens to it types  rtme keys trust '{service}' HOST",
        ]
    if folder.has(CLIENT):
        own = folder.client()
        option = f" --name {own.name}" if own.name else ""
        lines += [
            f"\nthe client here: {own.public}",
            f"    who runs a service that it listens to types  rtme keys allow '{own.public}'{option}",
        ]
    for title, listed in (("allowed to listen", folder.allowed()), ("trusted services", folder.trusted())):
        if listed:
            lines += [f"\n{title}:", *(f"    {key}  {name}" for name, key in listed.items())]
    # Nothing is said by halves: a file that cannot be read ends it before.
    print("\n".join(lines))


def _host_name() -> str:
    """This machine's name, as far as it can be one of a client."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", socket.gethostname())[:64] or "client"
