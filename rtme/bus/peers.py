"""Who is connected to a bound socket, from what ZeroMQ tells about it."""

from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message


class Peers:
    """Counts connections to a socket; use it from the socket's thread.

    Subscriptions (XPUB) would be the other way to count, but one program may have several or none, and a dropped
    connection is what this must notice.

    Args:
        socket: Not yet bound, so that nobody comes unseen.
    """

    def __init__(self, socket: zmq.Socket[Any]) -> None:
        self._socket = socket
        self._open: set[int] = set()
        where = f"inproc://peers-{id(self)}"
        socket.monitor(where, zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        self._events = socket.context.socket(zmq.PAIR)
        # ZeroMQ's own thread would wait for room.
        self._events.set(zmq.RCVHWM, 0)
        self._events.connect(where)

    def count(self) -> int:
        """Connections there are now; one that spoke no ZeroMQ counts until it is closed, 30 s at most."""
        while self._events.poll(0):
            # The value is the connection's file descriptor, free for another one once it is gone.
            said = recv_monitor_message(self._events, zmq.DONTWAIT)
            if said["event"] == zmq.EVENT_ACCEPTED:
                self._open.add(said["value"])
            else:
                self._open.discard(said["value"])
        return len(self._open)

    def close(self) -> None:
        """Stop looking; the socket itself stays open."""
        self._socket.monitor(None, 0)
        self._events.close(0)
