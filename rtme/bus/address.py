"""Where a service is found, and which addresses may be bound."""

import ipaddress
import re

from rtme.errors import BusError

DEFAULT_ADDRESS = "tcp://127.0.0.1:5556"


def shown(address: str) -> str:
    """The address as it may be printed: a camera URL given by mistake must not show its password."""
    return re.sub(r"://.*@", "://", address)


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


def bindable(address: str, *, insecure: bool = False) -> str:
    """The address in the form that ZeroMQ can bind.

    Args:
        address: ``tcp://host:port``; port ``*`` or ``0`` lets the system choose one.
        insecure: Allow an address that other machines can reach.

    Raises:
        BusError: It is no address, or other machines could read it.
    """
    host, port = split(address)
    if not insecure and not is_loopback(host):
        raise BusError(
            f"{address} can be read by other machines, and keys for that come in a later release: "
            f"bind to {DEFAULT_ADDRESS}, or set `insecure` where the network itself is trusted"
        )
    # ZeroMQ looks up names when it connects but not when it binds.
    return f"tcp://127.0.0.1:{port}" if host == "localhost" else address
