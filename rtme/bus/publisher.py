"""The one place where events get their number and leave the process."""

import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import zmq

from rtme.bus.address import DEFAULT_ADDRESS, bindable, split
from rtme.bus.latency import LatencyWindow
from rtme.bus.peers import Peers
from rtme.errors import BusError
from rtme.events import AnyEvent, HeartbeatEvent, IntervalEvent, Percentiles, dump, topic

# About 1 kB an event: a subscriber that stopped reading costs at most some 10 MB, then misses events.
SEND_HIGH_WATER = 10_000
LINGER_MS = 500
PING_MS = 2_000
PING_TIMEOUT_MS = 6_000


def _may_be_dropped(event: AnyEvent) -> bool:
    """Whether a newer event says the same: the next heartbeat, or the interval's next status."""
    return isinstance(event, HeartbeatEvent) or (
        isinstance(event, IntervalEvent) and event.status == "provisional"
    )


@dataclass(frozen=True, slots=True)
class PublisherStatus:
    """How a publisher does at this moment.

    Attributes:
        failure: Why nothing is sent any more; None while it works.
        waiting: Events that wait to be sent.
        capacity: Most that may.
        behind_s: How long the oldest of them has waited.
        sent: Events sent, by stream and kind.
        unsent: Events that were not, because too many waited.
        subscribers: Connections when the newest event was sent; None without a socket.
    """

    failure: str | None
    waiting: int
    capacity: int
    behind_s: float
    sent: Mapping[tuple[str, str], int]
    unsent: int
    subscribers: int | None


class Publisher:
    """Numbers events and sends them, from one thread that alone owns the socket.

    ``publish`` may be called from any thread and never waits. What is sent has ``seq`` 0, 1, 2, … without
    holes, because an event gets its number only when it leaves.

    Args:
        bind: ``tcp://host:port`` (port ``*``: any free one), or None to number and hand to ``on_sent`` only.
        run_id: Names this run of the service; a new random one by default.
        on_sent: Called in the publisher's thread with every event as it was sent. It must not block: nothing
            is sent while it runs. If it raises, the publisher stops.
        insecure: Allow ``bind`` to be reachable from other machines.
        capacity: Most events that wait to be sent.
        reserve: The part of ``capacity`` that heartbeats and provisional intervals may not use.

    Attributes:
        run_id: Names this run of the service.
        address: What subscribers connect to, with the real port; None without a socket.

    Raises:
        BusError: The address cannot be bound.

    Example:
        >>> with Publisher("tcp://127.0.0.1:*") as publisher:
        ...     publisher.publish(StateEvent(stream="cam", state="live"))
    """

    def __init__(
        self,
        bind: str | None = DEFAULT_ADDRESS,
        run_id: str | None = None,
        *,
        on_sent: Callable[[AnyEvent], None] | None = None,
        insecure: bool = False,
        capacity: int = 10_000,
        reserve: int = 2_000,
    ) -> None:
        self.run_id = run_id or uuid.uuid4().hex
        self.address: str | None = None
        self._on_sent = on_sent
        self._capacity = capacity
        self._reserve = reserve
        self._queue: deque[tuple[AnyEvent, int]] = deque()
        self._ready = threading.Condition()
        self._closing = False
        self._failure: Exception | None = None
        self._dropped = 0
        self._last_seq = -1
        self._latency: dict[str, LatencyWindow] = {}
        self._waiting: dict[str, LatencyWindow] = {}
        self._sent: Counter[tuple[str, str]] = Counter()
        self._subscribers: int | None = None
        self._socket: zmq.Socket[bytes] | None = None
        self._peers: Peers | None = None
        if bind is not None:
            self._socket, self._peers = _bound_socket(bindable(bind, insecure=insecure))
            self._subscribers = 0
            self.address = self._socket.get_string(zmq.LAST_ENDPOINT)
        # The socket belongs to the thread from here on.
        self._thread = threading.Thread(target=self._run, name="rtme-publisher", daemon=True)
        self._thread.start()

    @property
    def last_seq(self) -> int:
        """Number of the newest event that was sent; -1 before the first."""
        return self._last_seq

    @property
    def dropped(self) -> int:
        """Events that were not sent because too many waited, or because the publisher was closed."""
        return self._dropped

    def latency(self, stream: str) -> Percentiles | None:
        """Percentiles of the stream's ``system_ms`` over the last minute; None when nothing was sent."""
        return _percentiles(self._latency, stream)

    def waiting(self, stream: str) -> Percentiles | None:
        """Likewise of how long the stream's events waited to be sent."""
        return _percentiles(self._waiting, stream)

    def status(self) -> PublisherStatus:
        """How it does now; from any thread, and never waiting for the one that sends."""
        with self._ready:
            waiting = len(self._queue)
            behind_ns = time.monotonic_ns() - self._queue[0][1] if waiting else 0
            failure = self._failure
        return PublisherStatus(
            None if failure is None else f"{type(failure).__name__}: {failure}",
            waiting,
            self._capacity,
            behind_ns / 1e9,
            self._sent.copy(),
            self._dropped,
            self._subscribers,
        )

    def publish(self, event: AnyEvent) -> None:
        """Queue an event. Never waits.

        Heartbeats and provisional intervals are dropped while only ``reserve`` places are left, everything
        else when none is; both are counted in ``dropped``.

        Raises:
            BusError: The publisher's thread has died, and why.
        """
        with self._ready:
            if self._failure is not None:
                raise BusError(
                    f"the publisher has stopped ({type(self._failure).__name__}: {self._failure}): "
                    "no event leaves this service any more; restart it"
                ) from self._failure
            room = self._capacity - (self._reserve if _may_be_dropped(event) else 0)
            if self._closing or len(self._queue) >= room:
                self._dropped += 1
                return
            self._queue.append((event, time.monotonic_ns()))
            self._ready.notify()

    def close(self, timeout: float = 2.0) -> bool:
        """Send what waits and end the thread. Safe to call twice.

        Args:
            timeout: Seconds to wait at most.

        Returns:
            True when everything that was queued has been sent.
        """
        with self._ready:
            self._closing = True
            self._ready.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive() and self._failure is None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        try:
            while (waiting := self._next()) is not None:
                self._send(*waiting)
        except Exception as error:  # whatever it was, publish() must tell the callers
            with self._ready:
                self._failure = error
        finally:
            if self._socket is not None and self._peers is not None:
                self._peers.close()
                context = self._socket.context
                self._socket.close(LINGER_MS)
                context.term()

    def _next(self) -> tuple[AnyEvent, int] | None:
        """The oldest event, and when it was queued; None when it was the last."""
        with self._ready:
            while not self._queue:
                if self._closing:
                    return None
                self._ready.wait(1.0)
            return self._queue.popleft()

    def _send(self, event: AnyEvent, queued_ns: int) -> None:
        """The one way out: number, socket, tap. What a journal must have first belongs before the socket."""
        now_ns = time.monotonic_ns()
        seq = self._last_seq + 1
        known: dict[str, Any] = {"run_id": self.run_id, "seq": seq}
        if event.system_ms is None and event.at is not None:
            known["system_ms"] = (now_ns - event.at.capture_ns) / 1e6
        if isinstance(event, HeartbeatEvent):
            # Only here is it known what was sent before it.
            known["last_seq"] = self._last_seq
        numbered = event.model_copy(update=known)
        if self._socket is not None:
            self._socket.send_multipart([topic(numbered).encode(), dump(numbered)], zmq.DONTWAIT)
        if self._peers is not None:
            self._subscribers = self._peers.count()
        self._last_seq = seq
        self._sent[numbered.stream, numbered.kind] += 1
        if numbered.system_ms is not None:
            self._latency.setdefault(numbered.stream, LatencyWindow()).add(numbered.system_ms, now_ns)
            waited_ms = (time.monotonic_ns() - queued_ns) / 1e6
            self._waiting.setdefault(numbered.stream, LatencyWindow()).add(waited_ms, now_ns)
        if self._on_sent is not None:
            self._on_sent(numbered)


def _percentiles(windows: dict[str, LatencyWindow], stream: str) -> Percentiles | None:
    window = windows.get(stream)
    return None if window is None else window.percentiles(time.monotonic_ns())


def _bound_socket(address: str) -> tuple[zmq.Socket[bytes], Peers]:
    context = zmq.Context()
    socket = context.socket(zmq.PUB)
    socket.set(zmq.SNDHWM, SEND_HIGH_WATER)
    # A subscriber whose machine vanished is noticed, and its queue freed.
    socket.set(zmq.HEARTBEAT_IVL, PING_MS)
    socket.set(zmq.HEARTBEAT_TIMEOUT, PING_TIMEOUT_MS)
    if ":" in split(address)[0]:
        socket.set(zmq.IPV6, 1)
    peers = Peers(socket)
    try:
        socket.bind(address)
    except zmq.ZMQError as error:
        peers.close()
        socket.close(0)
        context.term()
        if error.errno == zmq.EADDRINUSE:
            raise BusError(
                f"{address} is in use, perhaps by another rtme live: stop that one, or bind to another port, "
                "such as tcp://127.0.0.1:5557"
            ) from error
        raise BusError(
            f"{address} cannot be bound ({error.strerror}): bind to an address of this machine, "
            f"such as {DEFAULT_ADDRESS}"
        ) from error
    return socket, peers
