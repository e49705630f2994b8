"""The one place where events get their number and leave the process."""

import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import zmq

from rtme.bus.address import DEFAULT_ADDRESS, bindable, openness
from rtme.bus.bound import bound_socket
from rtme.bus.curve import KeyFolder, server_keys
from rtme.bus.door import Door
from rtme.bus.journal import Journal, Stored
from rtme.bus.latency import LatencyWindow
from rtme.bus.recorder import Recorder
from rtme.bus.replay import ReplayServer
from rtme.errors import BusError
from rtme.events import (
    SERVICE,
    AnyEvent,
    HeartbeatEvent,
    IntervalEvent,
    JournalHealth,
    Percentiles,
    WarningEvent,
    dump,
    topic,
)
from rtme.traces import Shown, Sight

# About 1 kB an event: a subscriber that stopped reading costs at most some 10 MB, then misses events.
SEND_HIGH_WATER = 10_000
# Of what a subscriber sends, which is the beginnings of topics that it wants.
MOST_INBOUND_BYTES = 4_096
# What is only shown and waits, at most: the oldest goes.
MOST_SHOWN = 200
LINGER_MS = 500
# Numbered and journalled together at most: a few milliseconds' work.
BATCH = 256
_LAST = int(zmq.DONTWAIT)
_HEAD = _LAST | int(zmq.SNDMORE)


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
        behind_s: How long ago the oldest event was queued that has not been dealt with.
        sent: Events sent, by stream and kind.
        unsent: Events that were not, because too many waited.
        subscribers: Connections to the socket now; None without one.
        journal: How the journal does; None without one.
    """

    failure: str | None
    waiting: int
    capacity: int
    behind_s: float
    sent: Mapping[tuple[str, str], int]
    unsent: int
    subscribers: int | None
    journal: JournalHealth | None


class Publisher:
    """Numbers events, writes them to the journal and sends them, from one thread that alone owns the socket.

    ``publish`` may be called from any thread and never waits. What is sent has numbers without holes, because an event
    gets its ``seq`` only when it leaves: from 0 on, or, with a journal, from where the last run ended. A journal
    that fails holds nothing up: events are sent, a warning says so, and they are written when that is possible again.

    Args:
        bind: ``tcp://host:port`` (port ``*``: any free one), or None to number and hand to ``on_sent`` only.
        run_id: Names this run of the service; a new random one by default.
        on_sent: Called in the publisher's thread with every event as it was sent. It must not block: nothing
            is sent while it runs. If it raises, the publisher stops.
        on_shown: Likewise with everything that is shown.
        previews: Send sights as well; otherwise only ``on_shown`` gets them.
        keys: Folder of keys (:mod:`rtme.bus.curve`). None: where other machines can reach ``bind`` the default folder's,
            elsewhere none. A client that is refused is told of in a warning.
        insecure: Allow ``bind`` to be reachable from other machines without keys.
        journal: Has each event before it is sent. Whoever opened it closes it, after the publisher.
        replay: ``tcp://host:port`` of a second socket, which gives again what was sent and tells how things stand; None:
            there is none. The keys are the same.
        capacity: Most events that wait to be sent.
        reserve: The part of ``capacity`` that heartbeats and provisional intervals may not use.

    Attributes:
        run_id: Names this run of the service.
        address: What subscribers connect to, with the real port; None without a socket.
        replay: What clients of the second socket connect to, likewise.
        insecure: What it means that others can reach it without keys, in words; None where they cannot.

    Raises:
        BusError: The address cannot be bound, or the keys cannot be used.

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
        on_shown: Callable[[Shown], None] | None = None,
        previews: bool = False,
        keys: Path | str | None = None,
        insecure: bool = False,
        journal: Journal | None = None,
        replay: str | None = None,
        capacity: int = 10_000,
        reserve: int = 2_000,
    ) -> None:
        self.run_id = run_id or uuid.uuid4().hex
        self.address: str | None = None
        self.insecure: str | None = None
        self._on_sent = on_sent
        self._on_shown = on_shown
        self._previews = previews
        # Where nothing is published it is a recording that is worked through, of whose curves no piece may be missing.
        self._shown: deque[Shown] = deque(maxlen=None if bind is None else MOST_SHOWN)
        self._capacity = capacity
        self._reserve = reserve
        self._queue: deque[tuple[AnyEvent, int]] = deque()
        self._ready = threading.Condition()
        self._closing = False
        self._in_hand_ns: int | None = None
        self._failure: Exception | None = None
        self._dropped = 0
        self._recorder = None if journal is None else Recorder(journal)
        self._last_seq = -1 if journal is None else journal.next_seq - 1
        self._latency: dict[str, LatencyWindow] = {}
        self._waiting: dict[str, LatencyWindow] = {}
        self._sent: Counter[tuple[str, str]] = Counter()
        self._socket: zmq.Socket[bytes] | None = None
        self._door: Door | None = None
        if bind is not None:
            folder = server_keys(bind, keys, insecure=insecure)
            address = bindable(bind, insecure=insecure, keyed=folder is not None)
            self._socket, self._door = _bound_socket(address, folder, self._warn)
            self.address = self._socket.get_string(zmq.LAST_ENDPOINT)
            self.insecure = None if folder is not None else openness(self.address)
        self._replay: ReplayServer | None = None
        if replay is not None:
            try:
                self._replay = self._new_replay(replay, journal, keys, insecure)
            except BusError:
                self._close_sockets()
                raise
        self.replay = None if self._replay is None else self._replay.address
        # The socket belongs to the thread from here on.
        self._thread = threading.Thread(target=self._run, name="rtme-publisher", daemon=True)
        self._thread.start()

    @property
    def subscribers(self) -> int:
        """Connections to the socket that are open now."""
        return 0 if self._door is None else self._door.connections

    @property
    def last_seq(self) -> int:
        """Number of the newest event that was sent, by whichever run; -1 before the first."""
        return self._last_seq

    @property
    def journal_health(self) -> JournalHealth | None:
        """How the journal does now, None without one. From any thread."""
        return None if self._recorder is None else self._recorder.health()

    @property
    def journal_loss(self) -> str | None:
        """What the journal lacks of this run, as a sentence; None when nothing. Final after ``close``."""
        return None if self._recorder is None else self._recorder.loss()

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
            queued_ns = self._in_hand_ns or (self._queue[0][1] if waiting else None)
            failure = self._failure
        return PublisherStatus(
            None if failure is None else f"{type(failure).__name__}: {failure}",
            waiting,
            self._capacity,
            0.0 if queued_ns is None else (time.monotonic_ns() - queued_ns) / 1e9,
            self._sent.copy(),
            self._dropped,
            None if self._door is None else self._door.connections,
            self.journal_health,
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

    def show(self, shown: Shown) -> None:
        """Queue something to look at, which has no number. Never waits; when too much waits the oldest is left out."""
        with self._ready:
            if self._on_shown is not None or (self._socket is not None and self._may_leave(shown)):
                self._shown.append(shown)
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
            while (batch := self._next()) is not None:
                self._send(batch)
                self._in_hand_ns = None
                self._send_shown()
            # What came with the last events.
            self._send_shown()
        except Exception as error:  # whatever it was, publish() must tell the callers
            with self._ready:
                self._failure = error
        finally:
            if self._recorder is not None:
                self._recorder.finish()
            self._close_sockets()

    def _close_sockets(self) -> None:
        if self._replay is not None:
            self._replay.close()
        if self._socket is not None and self._door is not None:
            context = self._socket.context
            self._socket.close(LINGER_MS)
            self._door.close()
            context.term()

    def _new_replay(
        self, bind: str, journal: Journal | None, keys: Path | str | None, insecure: bool
    ) -> ReplayServer:
        path = None if journal is None else journal.path
        first_seq = self._last_seq + 1
        return ReplayServer(
            bind, self.run_id, first_seq, path, keys=keys, insecure=insecure, on_refused=self._warn
        )

    def _warn(self, sentence: str) -> None:
        with suppress(BusError):  # who publishes is told that the publisher has stopped; the door need not be
            self.publish(WarningEvent(stream=SERVICE, text=sentence))

    def _next(self) -> list[tuple[AnyEvent, int]] | None:
        """The oldest events, each with the time at which it was queued; None when those were the last.

        An empty list when nothing came for a second: what waits for the journal may be tried again.
        """
        with self._ready:
            if not self._queue and not self._shown and not self._closing:
                self._ready.wait(1.0)
            if not self._queue and self._closing:
                return None
            self._in_hand_ns = self._queue[0][1] if self._queue else None
            return [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]

    def _send(self, batch: list[tuple[AnyEvent, int]]) -> None:
        """The one way out: number, journal, socket, tap."""
        now_ns = time.monotonic_ns()
        numbered = [self._number(event, self._last_seq + 1 + n, now_ns) for n, (event, _) in enumerate(batch)]
        bodies = [dump(event) for event in numbered]
        if self._recorder is not None:
            wall_ns = time.time_ns()
            self._tell(
                self._recorder.record(
                    [
                        Stored(event.seq, self.run_id, event.stream, event.kind, wall_ns, body)
                        for event, body in zip(numbered, bodies, strict=True)
                    ]
                )
            )
        for event, body, (_, queued_ns) in zip(numbered, bodies, batch, strict=True):
            self._in_hand_ns = queued_ns
            if self._replay is not None:
                # First, so that whoever misses what is sent next can have it at once.
                self._replay.note(event, body)
            if self._socket is not None:
                # One after the other costs half of what `send_multipart` does.
                self._socket.send(topic(event).encode(), _HEAD)
                self._socket.send(body, _LAST)
            self._last_seq = event.seq
            self._sent[event.stream, event.kind] += 1
            if event.system_ms is not None:
                sent_ns = time.monotonic_ns()
                if event.stream not in self._latency:
                    self._latency[event.stream], self._waiting[event.stream] = (
                        LatencyWindow(),
                        LatencyWindow(),
                    )
                self._latency[event.stream].add(event.system_ms, sent_ns)
                self._waiting[event.stream].add((sent_ns - queued_ns) / 1e6, sent_ns)
            if self._on_sent is not None:
                self._on_sent(event)

    def _send_shown(self) -> None:
        """What is to be looked at, after the events that were decided with it."""
        # Not what comes meanwhile: events must not wait for it.
        for _ in range(len(self._shown)):
            shown = self._shown.popleft()
            message = shown.message.model_copy(update={"run_id": self.run_id})
            shown = Shown(message, shown.picture)
            if self._socket is not None and self._may_leave(shown):
                self._socket.send_multipart(shown.parts(), zmq.DONTWAIT)
            if self._on_shown is not None:
                self._on_shown(shown)

    def _may_leave(self, shown: Shown) -> bool:
        return self._previews or not isinstance(shown.message, Sight)

    def _number(self, event: AnyEvent, seq: int, now_ns: int) -> AnyEvent:
        known: dict[str, Any] = {"run_id": self.run_id, "seq": seq}
        if event.system_ms is None and event.at is not None:
            known["system_ms"] = (now_ns - event.at.capture_ns) / 1e6
        if isinstance(event, HeartbeatEvent):
            # Only here is it known what was sent before it.
            known["last_seq"] = seq - 1
            known["replay_port"] = None if self._replay is None else self._replay.port
            known["journal"] = self.journal_health
        return event.model_copy(update=known)

    def _tell(self, sentence: str | None) -> None:
        """Say something about the journal, however many events wait."""
        if sentence is not None:
            with self._ready:
                self._queue.append((WarningEvent(stream=SERVICE, text=sentence), time.monotonic_ns()))


def _percentiles(windows: dict[str, LatencyWindow], stream: str) -> Percentiles | None:
    window = windows.get(stream)
    return None if window is None else window.percentiles(time.monotonic_ns())


def _bound_socket(
    address: str, keys: KeyFolder | None, tell: Callable[[str], None]
) -> tuple[zmq.Socket[bytes], Door]:
    options = {zmq.SNDHWM: SEND_HIGH_WATER, zmq.MAXMSGSIZE: MOST_INBOUND_BYTES}
    try:
        return bound_socket(zmq.PUB, address, keys, tell, options)
    except zmq.ZMQError as error:
        if error.errno == zmq.EADDRINUSE:
            raise BusError(
                f"{address} is in use, perhaps by another rtme live: stop that one, or bind to another port, "
                "such as tcp://127.0.0.1:5558"
            ) from error
        raise BusError(
            f"{address} cannot be bound ({error.strerror}): bind to an address of this machine, "
            f"such as {DEFAULT_ADDRESS}"
        ) from error
