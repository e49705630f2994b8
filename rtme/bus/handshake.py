"""The client's side of a handshake: whether the service refused it, and why."""

import contextlib
import time
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from rtme.bus.address import split
from rtme.bus.curve import ClientKeys

_RETRY_S = 1.0
# A service that ends in the middle of a handshake breaks it off as well, but not so often in a row.
_BROKEN_OFF = 5


class Handshake:
    """Watches the handshakes of a client's socket, and tries again after a refusal, where libzmq gives up for good.

    Make it before the socket is connected to the one address, and use it from the socket's thread.

    Args:
        socket: Not yet connected.
        address: What it will be connected to.
        keys: The keys it was given, or None.
    """

    def __init__(self, socket: zmq.Socket[Any], address: str, keys: ClientKeys | None) -> None:
        self._socket = socket
        self._address = address
        self._keys = keys
        self._monitor = socket.get_monitor_socket()
        self._broken_off = 0
        self._retry_at: float | None = None

    def refusal(self) -> str | None:
        """Why the service has refused this client since the last call; None when it has not. Never waits."""
        if self._retry_at is not None and time.monotonic() >= self._retry_at:
            self._retry_at = None
            self._connect_again()
        reason = None
        while not self._monitor.closed and self._monitor.poll(0):
            message = recv_monitor_message(self._monitor)
            reason = self._reason(int(message["event"]), int(message["value"])) or reason
        return reason

    def close(self) -> None:
        """Let go of the context."""
        self._monitor.close(0)

    def _connect_again(self) -> None:
        with contextlib.suppress(zmq.ZMQError):  # it may have forgotten the address already
            self._socket.disconnect(self._address)
        self._socket.connect(self._address)

    def _reason(self, event: int, value: int) -> str | None:
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self._broken_off = 0
        elif event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            self._broken_off = 0
            self._retry_at = time.monotonic() + _RETRY_S
            return self._not_allowed(value)
        elif event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
            self._broken_off = 0
            self._retry_at = time.monotonic() + _RETRY_S
            if value == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
                return self._other_mechanism()
            return f"the service at {self._address} cannot be understood (ZeroMQ's error {value:#x}): is it rtme?"
        elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL and self._keys is not None:
            self._broken_off += 1
            if self._broken_off % _BROKEN_OFF == 0:
                return self._other_service()
        return None

    def _not_allowed(self, status: int) -> str:
        if self._keys is None or status != 400:
            return f"the service at {self._address} could not check who this is (its status {status})"
        own = self._keys.own
        name = f" --name {own.name}" if own.name else ""
        return (
            f"the service at {self._address} refused this key: "
            f"ask its owner for `rtme keys allow '{own.public}'{name}`"
        )

    def _other_mechanism(self) -> str:
        if self._keys is not None:
            return (
                f"the service at {self._address} has no keys, and this client insists on them: "
                "start it with keys, or listen without (`insecure` for another machine)"
            )
        return (
            f"the service at {self._address} wants keys: `rtme keys new` makes some, `rtme keys show` says what to tell its "
            "owner; on this machine name their folder (`--keys`)"
        )

    def _other_service(self) -> str:
        assert self._keys is not None
        host = split(self._address)[0]
        return (
            f"the service at {self._address} breaks off every handshake: its key differs from the trusted one, "
            f"'{self._keys.service}', or it has no keys. Compare that with what `rtme keys show` prints there; "
            f"if it was replaced: `rtme keys trust 'ITS KEY' {host}`"
        )
