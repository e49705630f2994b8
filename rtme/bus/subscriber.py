"""Events of a service, as they arrive: each once and in order."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, get_args

import zmq
import zmq.asyncio

from rtme.bus.address import DEFAULT_ADDRESS, split
from rtme.bus.asking import Asking
from rtme.bus.curve import ClientKeys, client_keys, secure_client
from rtme.bus.dead_peers import notice_dead_peers
from rtme.bus.following import Follower
from rtme.bus.handshake import Handshake
from rtme.bus.standing import Standing
from rtme.errors import BusError
from rtme.events import AnyEvent, HeartbeatEvent, UnknownEvent, read, topic

ALIVE_S = 3.0
POLL_MS = 500
MOST_BYTES = 1 << 20
# While events are there to be handed on, the sockets are looked at so often, and so many messages are read at once.
LOOK_S = 0.01
READ = 1_000

KINDS: frozenset[str] = frozenset(
    model.model_fields["kind"].default for model in get_args(get_args(AnyEvent)[0])
)
"""Every kind of event there is."""

Start = Literal["now", "snapshot"] | int
"""Where to begin: with what comes now, with how things stand, or with the event of a number."""


def _names(chosen: Collection[str] | None) -> frozenset[str] | None:
    # "cam" in "webcam" is true: one name given bare must not be searched in as text.
    return None if chosen is None else frozenset([chosen] if isinstance(chosen, str) else chosen)


class _Listener:
    """What both kinds of subscriber are, except for how they wait."""

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        streams: Collection[str] | None = None,
        kinds: Collection[str] | None = None,
        timeout_s: float | None = None,
        *,
        start: Start = "now",
        run_id: str | None = None,
        replay: str | None = None,
        fill_s: float = 10.0,
        insist: bool = False,
        keys: Path | str | None = None,
        insecure: bool = False,
    ) -> None:
        self.address = address
        self.malformed = 0
        self.unknown = 0
        self._streams = _names(streams)
        self._kinds = _names(kinds)
        if self._kinds is not None and not self._kinds <= KINDS:
            raise BusError(
                f"there is no kind of event named {', '.join(sorted(self._kinds - KINDS))}: "
                f"choose from {', '.join(sorted(KINDS))}"
            )
        self._timeout_s = timeout_s
        self._looked = 0.0
        self._heard_ns: int | None = None
        self._spoke_ns: int | None = None
        self._follower = Follower(start, run_id)
        self._keys = client_keys(address, keys, insecure=insecure)
        _check(address)
        if replay is not None:
            _check(replay)
        self._context = zmq.Context()
        self._asking = Asking(self._context, self._keys, replay, fill_s, insist=insist)
        self._socket = self._connected_socket()

    @property
    def missed(self) -> int:
        """Events, of any stream and kind, that were sent since the beginning and could not be had in any way."""
        return self._follower.missed

    @property
    def missed_why(self) -> Counter[str]:
        """The same by reason.

        ``retention``, ``memory`` and ``not_journalled``: the service has them no more (docs/events.md); ``no_replay``: it
        could not be asked; ``unavailable``: it could not read or write its journal; ``restart``: they were of a run that has
        ended and kept no journal; ``unreadable``: what came was no event.
        """
        return self._follower.missed_why

    @property
    def restarts(self) -> int:
        """How often the service came back as another run."""
        return self._follower.restarts

    @property
    def run_id(self) -> str | None:
        """The run of the newest event that was read in order, None before the first."""
        return self._follower.run_id

    @property
    def last_seq(self) -> int:
        """Its number, whether or not it passed the filters; -1 before the first."""
        return self._follower.last_seq

    @property
    def standing(self) -> Standing | None:
        """How things stand with that event; None unless ``start`` is ``snapshot`` and the snapshot has come.

        It is true as long as nothing was missed.
        """
        return self._follower.standing

    @property
    def note(self) -> str | None:
        """Why something could not be had, in words; None when nothing went wrong."""
        return self._follower.note

    @property
    def alive(self) -> bool:
        """Whether a heartbeat, or an answer, was read in the last 3 seconds."""
        return _is_recent(self._heard_ns)

    @property
    def state(self) -> Literal["alive", "lagging", "lost"]:
        """``lost``: the service is silent; ``lagging``: what it sent over a second ago was not handed on yet."""
        if not self.alive:
            return "lost"
        return "lagging" if self._follower.lagging(time.monotonic_ns()) else "alive"

    def _close(self) -> None:
        self._socket.close(0)
        self._handshake.close()
        self._asking.close()
        self._context.term()

    def _read(self) -> AnyEvent | None:
        """The next event that passes the filters, without waiting."""
        now = time.monotonic()
        if now - self._looked < LOOK_S and (event := self._take()) is not None:
            return event
        self._looked = now
        self._exchange()
        event = self._take()
        if event is None and (refusal := self._handshake.refusal()) is not None:
            raise BusError(refusal)
        return event

    def _take(self) -> AnyEvent | None:
        while (event := self._follower.take()) is not None:
            if isinstance(event, UnknownEvent):
                self.unknown += 1
            elif self._wanted(event):
                return event
        return None

    def _exchange(self) -> None:
        """Read what is there and ask for what is missing."""
        # Before anything newer: an answer of a run that has ended since must not be taken for the newest word.
        if self._asking.listen(self._follower):
            self._heard_ns = time.monotonic_ns()
        for _ in range(READ):
            if self._has_enough():
                break
            try:
                self._hear(self._socket.recv_multipart(zmq.DONTWAIT))
            except zmq.Again:
                break
        self._asking.ask(self._follower, alive=_is_recent(self._spoke_ns))
        self.malformed += self._asking.take_malformed()

    def _has_enough(self) -> bool:
        # What is held waits for an answer, and the heartbeat that says whom to ask comes on this socket, within seconds.
        return self._follower.full and not self._asking.untold

    def _wanted(self, event: AnyEvent) -> bool:
        return (self._streams is None or event.stream in self._streams) and (
            self._kinds is None or event.kind in self._kinds
        )

    def _hear(self, parts: list[bytes]) -> None:
        """Take in one message, if it is an event."""
        try:
            head, body = parts
            event = read(body)
        except ValueError:  # not two parts, no JSON, or (ValidationError is a ValueError) no event
            self.malformed += 1
            return
        if head != topic(event).encode() or event.seq < 0 or not event.run_id:
            self.malformed += 1
            return
        now_ns = time.monotonic_ns()
        if event.kind == "heartbeat":
            self._heard_ns = now_ns
        if isinstance(event, HeartbeatEvent):
            self._asking.learn(self.address, event.replay_port)
        self._spoke_ns = now_ns
        self._follower.hear(event, now_ns)

    def _waits_for(self) -> list[zmq.Socket[bytes]]:
        """The sockets on which something may come that can be used now."""
        sockets = [] if self._has_enough() else [self._socket]
        return sockets if self._asking.socket is None else [*sockets, self._asking.socket]

    def _wait_ms(self, deadline: float) -> int:
        # In steps, so that a question is asked again in time.
        return max(0, min(round((deadline - time.monotonic()) * 1000), POLL_MS))

    def _connected_socket(self) -> zmq.Socket[bytes]:
        socket = new_socket(self._context, self.address, self._keys, MOST_BYTES)
        self._handshake = Handshake(socket, self.address, self._keys)
        socket.subscribe(b"rtme.")
        try:
            connect(socket, self.address)
        except BusError:
            self._handshake.close()
            self._context.term()
            raise
        return socket


class Subscriber(_Listener):
    """Listens to one service and yields its events, each once and in the order of their numbers. Use it from one thread.

    It may start before the service and lives through its restarts. Everything the service sends is read and
    the filters are applied here, because only who reads all of it can tell a hole in ``seq`` from an event
    that was filtered away. What is missing is asked for at the service's replay socket, and what came after it is held
    back so long; what cannot be had is counted in ``missed``.

    A consumer that stores ``run_id`` and ``seq`` of the last event it has dealt with goes on behind it, whatever happened
    meanwhile: ``Subscriber(start=seq + 1, run_id=run_id)``.

    Args:
        address: ``tcp://host:port`` of the service.
        streams: Yield only these streams (heartbeats are of stream ``_service``); all by default.
        kinds: Yield only these kinds of events (``interval``, ``speaker``, …); all by default.
        timeout_s: Iteration ends after this many seconds without an event to yield; never by default.
        start: ``now``: with the first event that comes; ``snapshot``: with how things stand (``standing``) and
            everything after it; a number: with the event of that number.
        run_id: The run of the event before ``start``, where that is a number. Without a journal numbers begin at 0 in each
            run, so that a number alone may be another run's.
        replay: ``tcp://host:port`` of the replay socket. By default the heartbeat says it, within a second.
        fill_s: Seconds that a hole may hold up what came after it; then it counts as missed. While the service is silent,
            a minute at least: it may be starting again, and have it. Time in which nobody reads does not count.
        insist: While the service answers that it cannot give now what is missing, because its journal cannot be read or
            written, wait as long as it says so, whatever ``fill_s``: for who would rather stand still than miss an event.
        keys: Folder of keys (:mod:`rtme.bus.curve`). None: for another machine the default folder's, for this one none.
        insecure: Use no keys though the service is on another machine.

    Attributes:
        malformed: Messages that were no event.
        unknown: Events that only a newer release knows; they are counted and passed over.

    Raises:
        BusError: ``address`` is no address, ``kinds`` names a kind that does not exist, ``start`` is none of these, or the
            keys cannot be used. Reading raises it as well, each time that the service has refused this client, with
            the reason; to read on is to try again.

    Example:
        >>> with Subscriber(kinds=["interval"]) as events:
        ...     for event in events:
        ...         print(event.stream, event.status, event.onset.time_s, event.offset.time_s)
    """

    def receive(self, timeout_s: float) -> AnyEvent | None:
        """The next event that passes the filters, or None when none came within ``timeout_s`` seconds.

        Raises:
            BusError: The service has refused this client since the last call.
        """
        deadline = time.monotonic() + timeout_s
        while not self._socket.closed:
            if (event := self._read()) is not None:
                return event
            if time.monotonic() >= deadline:
                break
            poller = zmq.Poller()
            for socket in self._waits_for():
                poller.register(socket, zmq.POLLIN)
            poller.poll(self._wait_ms(deadline))
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
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncSubscriber(_Listener):
    """:class:`Subscriber` for asyncio, with the same arguments and attributes. Use it from one event loop.

    A call that is cancelled loses no event.

    Example:
        >>> async with AsyncSubscriber(start="snapshot") as events:
        ...     async for event in events:
        ...         print(event.stream, event.kind)
    """

    async def receive(self, timeout_s: float) -> AnyEvent | None:
        """The next event that passes the filters, or None when none came within ``timeout_s`` seconds.

        Raises:
            BusError: The service has refused this client since the last call.
        """
        deadline = time.monotonic() + timeout_s
        while not self._socket.closed:
            if (event := self._read()) is not None:
                return event
            if time.monotonic() >= deadline:
                break
            poller = zmq.asyncio.Poller()
            for socket in self._waits_for():
                poller.register(socket, zmq.POLLIN)
            await poller.poll(self._wait_ms(deadline))
        return None

    async def __aiter__(self) -> AsyncIterator[AnyEvent]:
        while not self._socket.closed:
            event = await self.receive(1.0 if self._timeout_s is None else self._timeout_s)
            if event is not None:
                yield event
            elif self._timeout_s is not None:
                return

    async def close(self) -> None:
        """Stop listening. Safe to call twice."""
        self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _is_recent(heard_ns: int | None) -> bool:
    return heard_ns is not None and time.monotonic_ns() - heard_ns < ALIVE_S * 1e9


def new_socket(
    context: zmq.Context[zmq.Socket[bytes]], address: str, keys: ClientKeys | None, most_bytes: int
) -> zmq.Socket[bytes]:
    """A socket that listens to a service, not yet connected."""
    socket = context.socket(zmq.SUB)
    socket.set(zmq.LINGER, 0)
    socket.set(zmq.MAXMSGSIZE, most_bytes)
    # A service whose machine vanished is noticed, and connected to again when it is back.
    notice_dead_peers(socket)
    if ":" in split(address)[0]:
        socket.set(zmq.IPV6, 1)
    if keys is not None:
        secure_client(socket, keys)
    return socket


def connect(socket: zmq.Socket[bytes], address: str) -> None:
    """Connect to a service; the socket is closed when that cannot be.

    Raises:
        BusError: The address cannot be used.
    """
    try:
        socket.connect(address)
    except zmq.ZMQError as error:
        socket.close(0)
        raise BusError(
            f"{address} cannot be listened to ({error.strerror}): write tcp://host:port"
        ) from error


def _check(address: str) -> None:
    host, port = split(address)
    if host == "*" or port in ("*", "0"):
        raise BusError(f"{address} is an address to bind, not to listen to: name a host and a port")
