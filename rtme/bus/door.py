"""The service's side of a handshake: who may come in, and a word about everyone who may not."""

import os
import socket as network
import threading
import time
from collections.abc import Callable
from typing import Any

import zmq
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils.monitor import recv_monitor_message

from rtme.bus.curve import KeyFolder, check_curve
from rtme.errors import BusError

_DOMAIN = "rtme"
_UNKNOWN = "a client that was gone before its address was known"
_AGAIN_S = 60.0
_MOST = 20
_POLL_MS = 500
_CLOSE_S = 10.0
_FAILED = {
    int(event)
    for event in (
        zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL,
        zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL,
        zmq.EVENT_HANDSHAKE_FAILED_AUTH,
    )
}


class Refusals:
    """Keeps a client that tries ten times a second from filling the record. Safe to use from several threads.

    Args:
        tell: Gets each sentence that is let through: the same one once a minute, 20 different ones a minute.
        clock: Seconds, monotonic.
    """

    def __init__(self, tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._clock = clock
        self._lock = threading.Lock()
        self._told: dict[str, float] = {}
        self._kept = 0

    def add(self, who: str, reason: str) -> None:
        """``who`` (a host, without the port, which is another at each try) was refused."""
        sentence = f"{who} {reason}"
        with self._lock:
            now = self._clock()
            self._told = {text: at for text, at in self._told.items() if now - at < _AGAIN_S}
            if sentence in self._told or len(self._told) >= _MOST:
                self._kept += 1
                return
            self._told[sentence] = now
            kept, self._kept = self._kept, 0
        self._tell(sentence + (f" ({kept} more refusals since the last that was told)" if kept else ""))


class _Doorman(ThreadAuthenticator):
    """Asks the key folder anew at each handshake, so that a changed list counts at once."""

    def __init__(self, context: zmq.Context[Any], keys: KeyFolder, refusals: Refusals) -> None:
        super().__init__(context)
        self._keys = keys
        self._refusals = refusals
        self._client = "a client"
        self.configure_curve_callback(_DOMAIN, self)

    async def handle_zap_message(self, msg: list[bytes]) -> None:
        """Keep the address, which the callback is not given."""
        self._client = msg[3].decode("ascii", "replace") if len(msg) > 3 else "a client"
        await super().handle_zap_message(msg)

    def callback(self, domain: str, key: bytes) -> bool:
        """Whether the client with this public key may come in."""
        public = key.decode("ascii")
        try:
            if self._keys.who(public) is not None:
                return True
            reason = f"was refused, its key is not allowed here: `rtme keys allow '{public}'` lets it in"
        except Exception as error:  # it would end the doorman's thread, and nobody would get in any more
            what = error if isinstance(error, BusError) else f"{type(error).__name__}: {error}"
            reason = f"was refused, since nobody can be let in: {what}"
        self._refusals.add(self._client, reason)
        return False


class Door:
    """Watches who connects to a bound socket, and with ``keys`` lets in only who may.

    Make it before the socket is bound, in a context in which no other socket has a door with keys. Close the socket first,
    then the door, then end the context.

    Args:
        socket: Not yet bound.
        keys: The service's keys; None: anybody may come in.
        tell: Gets a sentence about each client that was refused, from threads of the door, at most 20 a minute.

    Raises:
        BusError: The keys cannot be used.
    """

    def __init__(self, socket: zmq.Socket[Any], keys: KeyFolder | None, tell: Callable[[str], None]) -> None:
        self._refusals = Refusals(tell)
        self._public: str | None = None
        self._doorman: _Doorman | None = None
        if keys is not None:
            check_curve()
            pair = keys.server()
            self._public = pair.public
            self._doorman = _Doorman(socket.context, keys, self._refusals)
            self._doorman.start()
            socket.curve_server = True
            socket.curve_secretkey = pair.secret.encode()
            socket.zap_domain = _DOMAIN.encode()
            # Without a doorman libzmq would let everybody in.
            socket.set(zmq.ZAP_ENFORCE_DOMAIN, 1)
        self._hosts: dict[int, str] = {}
        self._over = threading.Event()
        self._monitor = socket.get_monitor_socket()
        self._thread = threading.Thread(target=self._watch, name="rtme-door", daemon=True)
        self._thread.start()

    @property
    def connections(self) -> int:
        """Connections that are open now, those in the middle of a handshake as well."""
        return len(self._hosts)

    def close(self) -> None:
        """Let go of the context. The socket must be closed already."""
        if self._doorman is not None:
            self._doorman.stop()
        self._over.set()
        self._thread.join(_CLOSE_S)

    def _watch(self) -> None:
        failure: str | None = None
        while not self._over.is_set():
            if not self._monitor.poll(_POLL_MS):
                continue
            message = recv_monitor_message(self._monitor)
            event, value = int(message["event"]), int(message["value"])
            if event == zmq.EVENT_MONITOR_STOPPED:
                break
            if event == zmq.EVENT_ACCEPTED:
                self._hosts[value] = _host_of(value)
            elif event in _FAILED:
                failure = failure or self._reason(event, value)
            elif event == zmq.EVENT_DISCONNECTED:
                # The thread of libzmq that tells a failure tells this next, of the same client.
                host = self._hosts.pop(value, _UNKNOWN)
                if failure is not None:
                    self._refusals.add(host, failure)
                failure = None
        self._monitor.close(0)

    def _reason(self, event: int, value: int) -> str | None:
        """Why a handshake failed; None when the doorman has said it, with the key."""
        if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            return None
        keyed = self._public is not None
        if value == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
            if keyed:
                return "was refused: it came without keys, and this service wants them"
            return "was refused: it came with keys, and this service has none"
        if value == zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC:
            return (
                f"was refused: it expects another key than this service's, which is '{self._public}' "
                "(`rtme keys trust` sets it there)"
            )
        if event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            wish = "came without keys" if keyed else "wants keys and this service has none"
            return f"left in the middle of the handshake: it {wish}, or is no subscriber"
        return f"was refused: it does not speak as a subscriber does (ZeroMQ's error {value:#x})"


def _host_of(handle: int) -> str:
    """The other end of a connection that libzmq owns."""
    try:
        with network.socket(fileno=os.dup(handle)) as copy:
            # libzmq may have closed it meanwhile, and something else of this process have the number now.
            return (
                str(copy.getpeername()[0]) if copy.family in (network.AF_INET, network.AF_INET6) else _UNKNOWN
            )
    except OSError:
        return _UNKNOWN
