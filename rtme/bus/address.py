"""Where a service is found, and which addresses may be bound."""

import ipaddress
import re

from rtme.errors import BusError

DEFAULT_ADDRESS = "tcp://127.0.0.1:5556"


def shown(address: str) -> str:
    """The address as it may be printed: a camera URL given by mistake must not show its password."""
    return re.sub(r"^(\w+://)?.*@", r"\1", address, flags=re.DOTALL)


def split(address: str) -> tuple[str, str]:
    """Host and port of ``tcp://host:port``.

    Raises:
        BusError: It is not such an address.
    """
    match = re.fullmatch(r"tcp://(\[[0-9a-fA-F:]+\]|[^\s/:@\[\]]+):(\*|\d+)", address)
    if match is None or (match[2] != "*" and int(match[2]) > 65535):
        raise BusError(
            f"{shown(address)!r} is not a bus address: write tcp://host:port, such as {DEFAULT_ADDRESS}"
        )
    return match[1].strip("[]"), match[2]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``; ``*`` and interface names count as open to others."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bindable(address: str, *, insecure: bool = False, keyed: bool = False) -> str:
    """The address in the form that ZeroMQ can bind.

    Args:
        address: ``tcp://host:port``; port ``*`` or ``0`` lets the system choose one.
        insecure: Allow an address that other machines can reach.
        keyed: The socket has keys, so that other machines may reach it.

    Raises:
        BusError: It is no address, or other machines could read it.
    """
    host, port = split(address)
    if not insecure and not keyed and not is_loopback(host):
        raise BusError(
            f"{address} can be reached by other machines, and there are no keys: make some with `rtme keys new`, "
            f"or bind to {DEFAULT_ADDRESS}, or say `--insecure` (`insecure`) where everybody on the network may read along"
        )
    # ZeroMQ looks up names when it connects but not when it binds.
    return f"tcp://127.0.0.1:{port}" if host == "localhost" else address


def openness(address: str) -> str | None:
    """What it means to publish on ``address`` without keys; None where only this machine can reach it."""
    if is_loopback(split(address)[0]):
        return None
    return (
        f"insecure: {address} has no keys and no encryption. Whoever can reach it can read every event; whoever is on the "
        "way can read and change them; and no subscriber can tell this service from a false one in its place. Nobody can "
        "send events or commands in through it. `rtme keys new` makes keys"
    )
