"""``rtme bridge``: carry a service's events on to MQTT, a web server or standard output."""

import os
from pathlib import Path
from typing import Annotated

import typer

from rtme.bus.address import DEFAULT_ADDRESS
from rtme.bus.bridges.bridge import Bridge
from rtme.bus.bridges.position import Position, default_path, identity
from rtme.bus.bridges.targets import open_target
from rtme.bus.subscriber import Subscriber
from rtme.cli.console import notes
from rtme.cli.interrupt import stopping
from rtme.cli.options import Keys, Kinds, Streams
from rtme.cli.watch import Presence
from rtme.errors import BusError

SECRET = "RTME_BRIDGE_SECRET"


def bridge(
    target: Annotated[
        str,
        typer.Argument(
            help="mqtt://[user:password@]host[:port][/prefix], mqtts://…, http(s)://…, or `-` for lines of JSON on "
            "standard output. An address with a password belongs into the environment, where other users of the machine "
            "do not see it.",
            envvar="RTME_BRIDGE_TARGET",
        ),
    ],
    address: Annotated[str, typer.Option("--from", help="Where the service publishes.")] = DEFAULT_ADDRESS,
    streams: Streams = None,
    kinds: Kinds = None,
    state: Annotated[
        Path | None,
        typer.Option(
            help="Where the position is kept, from which the next run goes on.  [default: a file in "
            "~/.local/state/rtme; none for `-`]",
            show_default=False,
        ),
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(
            help=f"Sign requests with the secret in this file (or in the environment, {SECRET}).",
            show_default=False,
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            help="Post JSON arrays of up to this many events, not each event alone.",
            min=1,
            max=1000,
            show_default=False,
        ),
    ] = None,
    skip_refused: Annotated[
        bool,
        typer.Option(
            "--skip-refused", help="Pass over events that the web server refuses, instead of ending."
        ),
    ] = False,
    ca: Annotated[
        Path | None, typer.Option(help="Trust the certificates in this PEM file.", show_default=False)
    ] = None,
    keys: Keys = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Use no keys though the service is on another machine.")
    ] = False,
) -> None:
    """Carry the events of a running service to MQTT, a web server or another program.

    Each event at least once and in order. Ctrl-C ends. While the target is away nothing is lost: the bridge goes on where it
    stopped, in its next run too, as far back as the service's journal reaches.

    Examples:
    - `rtme bridge mqtt://localhost`
    - `rtme bridge https://host/hook --kind interval --secret-file secret`
    - `rtme bridge - --from tcp://192.0.2.7:5556 | jq .kind`
    """
    console = notes()
    goal = open_target(
        target,
        secret=_secret(secret_file, target),
        batch=batch,
        skip_refused=skip_refused,
        ca=ca,
        say=console.print,
    )
    name = identity(goal.key, address, *sorted(streams or []), "", *sorted(kinds or []))
    if state is None and goal.key != "jsonl":
        state = default_path(name)
    position = Position(state, name)
    with Subscriber(
        address,
        streams or None,
        kinds or None,
        start="now" if position.start is None else position.start,
        run_id=position.run_id,
        insist=True,
        keys=keys,
        insecure=insecure,
    ) as events:
        presence = Presence(events)

        def on_idle() -> None:
            if note := presence.change():
                console.print(note)

        carrier = Bridge(events, goal, position, console.print, on_idle)
        try:
            with stopping(carrier.stop):
                carrier.run()
        except BrokenPipeError:
            pass
        finally:
            position.close()
    if skipped := getattr(goal, "skipped", 0):
        console.print(f"{skipped} events were refused and passed over")


def _secret(file: Path | None, target: str) -> bytes | None:
    if file is None:
        # Set for every bridge of a machine, it must not stop those that sign nothing.
        secret = os.environ.get(SECRET, "").encode() if target.startswith("http") else b""
        return secret or None
    try:
        secret = file.read_bytes().strip()
    except OSError as error:
        raise BusError(
            f"the secret cannot be read from {file} ({error.strerror}): name a file that holds it"
        ) from error
    if not secret:
        raise BusError(f"{file} is empty: write the secret into it, such as by `openssl rand -hex 32`")
    return secret
