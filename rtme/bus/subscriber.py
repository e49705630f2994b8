"""Events of a service, as they arrive."""

import time
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, get_args

import zmq

from rtme.bus.address import DEFAULT_ADDRESS, split
from rtme.bus.curve import client_keys, secure_client
from rtme.bus.handshake import Handshake
from rtme.errors import BusError
from rtme.events import AnyEvent, HeartbeatEvent, parse, topic

ALIVE_S = 3.0
POLL_MS = 500
MOST_BYTES = 1 << 20
PING_MS = 2_000
PING_TIMEOUT_MS = 6_000

KINDS: frozenset[str] = frozenset(
    model.model_fields["kind"].default for model in get_args(get_args(AnyEvent)[0])
)
"""Every kind of event there is."""


def _names(chosen: Collection[str] | None) -> frozenset[str] | None:
    # "cam" in "webcam" is true: one name given bare must not be searched in as text.
    return None if chosen is None else frozenset([chosen] if isinstance(chosen, str) else chosen)


class Subscriber:
    """Listens to one service and yields its events. Use it from one thread.

    It may start before the service and lives through its restarts. Everything the service sends is read and
    the filters are applied here, because only who reads all of it can tell a hole in ``seq`` from an event
    that was filtered away.

    Args:
        address: ``tcp://host:port`` of the service.
        streams: Yield only these streams (heartbeats are of stream ``_service``); all by default.
        kinds: Yield only these kinds of events (``interval``, ``speaker``, …); all by default.
        timeout_s: Iteration ends after this many seconds without an event to yield; never by default.
        keys: Folder of keys (:mod:`rtme.bus.curve`). None: for another machine the default folder's, for this one none.
        insecure: Use no keys though the service is on another machine.

    Attributes:
        missed: Events of the service, of any stream and kind, that were sent after the first one seen and
            never arrived. The last events of a run that died cannot be counted.
        malformed: Messages that were no event.
        restarts: How often the service came back as another run.
        run_id: The run of the newest event, None before the first.
        last_seq: Number of the newest event of that run, -1 before the first.

    Raises:
        BusError: ``address`` is no address, ``kinds`` names a kind that does not exist, or the keys cannot be used.
            Reading raises it as well, each time that the service has refused this client, with the reason; to read
            on is to try again.

    Example:
        >>> with Subscriber(kinds=["interval"]) as events:
        ...     for event in events:
        ...         print(event.stream, event.status, event.onset.time_s, event.offset.time_s)
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        streams: Collection[str] | None = None,
        kinds: Collection[str] | None = None,
        timeout_s: float | None = None,
        *,
        keys: Path | str | None = None,
        insecure: bool = False,
    ) -> None:
        self.address = address
        self.missed = 0
        self.malformed = 0
        self.restarts = 0
        self.run_id: str | None = None
        self.last_seq = -1
        self._streams = _names(streams)
        self._kinds = _names(kinds)
        if self._kinds is not None and not self._kinds <= KINDS:
            raise BusError(
                f"there is no kind of event named {', '.join(sorted(self._kinds - KINDS))}: "
                f"choose from {', '.join(sorted(KINDS))}"
            )
        self._timeout_s = timeout_s
        self._heartbeat_ns: int | None = None
        self._keys = client_keys(address, keys, insecure=insecure)
        self._context = zmq.Context()
        self._socket = self._connected_socket()

    @property
    def alive(self) -> bool:
        """Whether a heartbeat was read in the last 3 seconds."""
        return self._heartbeat_ns is not None and time.monotonic_ns() - self._heartbeat_ns < ALIVE_S * 1e9

    def receive(self, timeout_s: float) -> AnyEvent | None:
        """The next event that passes the filters, or None when none came within ``timeout_s`` seconds.

        Raises:
            BusError: The service has refused this client since the last call.
        """
        deadline = time.monotonic() + timeout_s
        while not self._socket.closed:
            left_ms = max(0, round((deadline - time.monotonic()) * 1000))
            if self._socket.poll(min(left_ms, POLL_MS)):
                event = self._read(self._socket.recv_multipart(zmq.DONTWAIT))
                if event is not None and self._wanted(event):
                    return event
            if (refusal := self._handshake.refusal()) is not None:
                raise BusError(refusal)
            if time.monotonic() >= deadline:
                break
        return None

    def __iter__(self) -> Iterator[AnyEvent]:
        while not self._socket.closed:
            event = self.receive(1.0 if self._timeout_s is None else self._timeout_s)
            if event is not None:
                yield event
            elif self._timeout_s is not None:
                return

    def close(self) -> None:
        """Stop listening. Safe to call twice."""
        self._socket.close(0)
        self._handshake.close()
        self._context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wanted(self, event: AnyEvent) -> bool:
        return (self._streams is None or event.stream in self._streams) and (
            self._kinds is None or event.kind in self._kinds
        )

    def _read(self, parts: list[bytes]) -> AnyEvent | None:
        """One message as an event, accounted for; None when it is not one."""
        try:
            head, body = parts
            event = parse(body)
        except ValueError:  # not two parts, no JSON, or (ValidationError is a ValueError) no event
            self.malformed += 1
            return None
        if head != topic(event).encode() or event.seq < 0 or not event.run_id:
            self.malformed += 1
            return None
        if isinstance(event, HeartbeatEvent):
            self._heartbeat_ns = time.monotonic_ns()
        if event.run_id == self.run_id:
            self.missed += max(0, event.seq - self.last_seq - 1)
        elif self.run_id is not None:
            self.restarts += 1
            # With a journal numbers go on; without one they begin at 0 again.
            went_on = event.seq > self.last_seq
            self.missed += event.seq - (self.last_seq + 1 if went_on else 0)
        self.run_id, self.last_seq = event.run_id, event.seq
        return event

    def _connected_socket(self) -> zmq.Socket[bytes]:
        host, port = split(self.address)
        if host == "*" or port in ("*", "0"):
            raise BusError(f"{self.address} is an address to bind, not to listen to: name a host and a port")
        socket = self._context.socket(zmq.SUB)
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.MAXMSGSIZE, MOST_BYTES)
        # A service whose machine vanished is noticed, and connected to again when it is back.
        socket.set(zmq.HEARTBEAT_IVL, PING_MS)
        socket.set(zmq.HEARTBEAT_TIMEOUT, PING_TIMEOUT_MS)
        if ":" in host:
            socket.set(zmq.IPV6, 1)
        if self._keys is not None:
            secure_client(socket, self._keys)
        self._handshake = Handshake(socket, self.address, self._keys)
        socket.subscribe(b"rtme.")
        try:
            socket.connect(self.address)
        except zmq.ZMQError as error:
            socket.close(0)
            self._handshake.close()
            self._context.term()
            raise BusError(
                f"{self.address} cannot be listened to ({error.strerror}): write tcp://host:port"
            ) from error
        return socket
