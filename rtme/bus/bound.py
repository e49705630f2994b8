"""A socket of a service, bound and with a door."""

import errno
from collections.abc import Callable, Mapping

import zmq

from rtme.bus.address import split
from rtme.bus.curve import KeyFolder
from rtme.bus.dead_peers import notice_dead_peers
from rtme.bus.door import Door
from rtme.errors import BusError


def bound_socket(
    kind: int,
    address: str,
    keys: KeyFolder | None,
    tell: Callable[[str], None],
    options: Mapping[zmq.SocketOption, int],
) -> tuple[zmq.Socket[bytes], Door]:
    """Make and bind a socket, in a context of its own. Close the socket first, then the door, then end the context.

    Args:
        kind: ZeroMQ's, such as ``zmq.PUB``.
        address: As :func:`rtme.bus.address.bindable` gives it.
        keys: The service's keys; None: anybody may come in.
        tell: See :class:`rtme.bus.door.Door`.
        options: ZeroMQ's, with their values.

    Raises:
        zmq.ZMQError: It cannot be bound; whoever calls knows what to say of that.
        BusError: The keys cannot be used, or no file descriptor is left.
    """
    try:
        return _bound(kind, address, keys, tell, options)
    except zmq.ZMQError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        raise BusError(
            f"{address} cannot be bound: no file descriptor is left ({error.strerror}); allow this program more of "
            "them (`ulimit -n 4096`, or LimitNOFILE= in its systemd unit)"
        ) from error


def _bound(
    kind: int,
    address: str,
    keys: KeyFolder | None,
    tell: Callable[[str], None],
    options: Mapping[zmq.SocketOption, int],
) -> tuple[zmq.Socket[bytes], Door]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    door: Door | None = None
    try:
        socket = context.socket(kind)
        for option, value in options.items():
            socket.set(option, value)
        # One whose machine vanished is noticed, and what waits for it freed.
        notice_dead_peers(socket)
        if ":" in split(address)[0]:
            socket.set(zmq.IPV6, 1)
        door = Door(socket, keys, tell)
        socket.bind(address)
    except BaseException:
        if door is not None:
            socket.close(0)
            door.close()
        context.destroy(0)
        raise
    return socket, door
