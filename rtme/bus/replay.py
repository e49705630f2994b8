"""The second socket of a service: what was sent before, and how things stand."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import zmq

from rtme.bus.address import bindable, split
from rtme.bus.bound import bound_socket
from rtme.bus.curve import KeyFolder, server_keys
from rtme.bus.door import Door
from rtme.bus.journal import JournalReader
from rtme.bus.journal_path import NONE
from rtme.bus.protocol import (
    MOST_EVENTS,
    MOST_REPLY_BYTES,
    MOST_REQUEST_BYTES,
    ErrorReply,
    Gone,
    ReplayReply,
    ReplayRequest,
    Reply,
    SnapshotReply,
    Why,
    dump,
    parse_request,
)
from rtme.bus.standing import Standing
from rtme.errors import BusError, JournalError, RtmeError
from rtme.events import AnyEvent

KEEP_EVENTS = 10_000
KEEP_BYTES = 16 << 20
# Replies that wait for one client to read them. Who asks for the next page when it has one never has two waiting.
SEND_HIGH_WATER = 8
POLL_MS = 100
CLOSE_S = 10.0


class Sent(NamedTuple):
    """One event as it was sent: its number and its JSON object."""

    seq: int
    body: bytes


class Record:
    """What one run has sent: the newest events, and the state that all of them add up to. Used by several threads.

    Args:
        run_id: The run.
        first_seq: Number of its first event.
        keep_events: Events that are kept, at most.
        keep_bytes: Bytes of their bodies, at most; the newest is kept whatever its size.
    """

    def __init__(
        self, run_id: str, first_seq: int, keep_events: int = KEEP_EVENTS, keep_bytes: int = KEEP_BYTES
    ) -> None:
        self.run_id = run_id
        self.first_seq = first_seq
        self._keep = keep_events, keep_bytes
        self._events: deque[bytes] = deque()
        self._bytes = 0
        self._standing = Standing(run_id=run_id, seq=first_seq - 1)
        self._lock = threading.Lock()

    def note(self, event: AnyEvent, body: bytes) -> None:
        """Add the next event; numbers have no holes."""
        with self._lock:
            self._standing.fold(event)
            self._events.append(body)
            self._bytes += len(body)
            most, most_bytes = self._keep
            while len(self._events) > 1 and (len(self._events) > most or self._bytes > most_bytes):
                self._bytes -= len(self._events.popleft())

    def standing(self) -> Standing:
        """How things stand after the newest event."""
        with self._lock:
            return self._standing.snapshot()

    def bounds(self) -> tuple[int, int]:
        """Numbers of the oldest event that is kept and of the newest; the oldest is one more when there is none."""
        with self._lock:
            return self._standing.seq - len(self._events) + 1, self._standing.seq

    def read(self, first: int, limit: int) -> tuple[int, list[Sent]]:
        """Number of the oldest event that is kept, as by ``bounds``, and the kept events from a number on."""
        with self._lock:
            oldest = self._standing.seq - len(self._events) + 1
            begin = max(first, oldest)
            bodies = list(islice(self._events, begin - oldest, begin - oldest + limit))
        return oldest, [Sent(begin + place, body) for place, body in enumerate(bodies)]


class ReplayServer:
    """Answers requests for what was sent before, from a thread of its own that alone owns its socket.

    Every request gets one reply of at most ``MOST_EVENTS`` events and ``MOST_REPLY_BYTES`` bytes, so what a client has
    asked for is all that is ever on the way to it. Events come from memory while they are there, and else from the
    journal.

    Args:
        bind: ``tcp://host:port``; port ``*``: any free one.
        run_id: The run whose events it will be given.
        first_seq: Number of that run's first event.
        journal: The journal that the events are written to before they are given here; None: there is none.
        keys: Folder of keys, as of the publisher.
        insecure: Allow ``bind`` to be reachable from other machines without keys.
        on_refused: Gets a sentence about each client that was refused, from another thread.
        keep_events: Events that are kept in memory, at most.

    Attributes:
        address: What clients connect to, with the real port.
        unread: Replies that were dropped because the client asked on and on without reading.

    Raises:
        BusError: The address cannot be bound, or the keys cannot be used.
    """

    def __init__(
        self,
        bind: str,
        run_id: str,
        first_seq: int = 0,
        journal: Path | None = None,
        *,
        keys: Path | str | None = None,
        insecure: bool = False,
        on_refused: Callable[[str], None] = lambda _: None,
        keep_events: int = KEEP_EVENTS,
    ) -> None:
        self.unread = 0
        self._record = Record(run_id, first_seq, keep_events)
        self._journal = journal
        self._reader: JournalReader | None = None
        folder = server_keys(bind, keys, insecure=insecure)
        address = bindable(bind, insecure=insecure, keyed=folder is not None)
        self._socket, self._door = _bound_socket(address, folder, on_refused)
        self.address = self._socket.get_string(zmq.LAST_ENDPOINT)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rtme-replay", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        return int(split(self.address)[1])

    def note(self, event: AnyEvent, body: bytes) -> None:
        """Take in the next event, before it is published. May be called from any thread, by one at a time."""
        self._record.note(event, body)

    def close(self) -> None:
        """End the thread and free the port. Safe to call twice."""
        self._closing.set()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                if self._socket.poll(POLL_MS):
                    with suppress(Exception):  # whatever it was, the next client must be answered
                        self._serve(self._socket.recv_multipart(zmq.DONTWAIT))
        finally:
            if self._reader is not None:
                self._reader.close()
            context = self._socket.context
            self._socket.close(0)
            self._door.close()
            context.term()

    def _serve(self, message: list[bytes]) -> None:
        client, *rest = message
        # A REQ socket sends an empty part first and wants it back.
        envelope = [client, b""] if rest and not rest[0] else [client]
        reply, events = self._answer(rest[len(envelope) - 1 :])
        try:
            self._socket.send_multipart([*envelope, dump(reply), *events], zmq.DONTWAIT)
        except zmq.Again:
            self.unread += 1
        except zmq.ZMQError:
            pass  # The client has gone.

    def _answer(self, parts: Sequence[bytes]) -> tuple[Reply, list[bytes]]:
        wanted: Any = None
        try:
            if len(parts) != 1:
                raise ValueError(f"a request is one part of JSON, not {len(parts)}")
            wanted = parse_request(parts[0])
            if isinstance(wanted, ReplayRequest):
                return self._replay(wanted)
            standing = self._record.standing()
            known = self._known(wanted.id) | {"last_seq": standing.seq}
            return SnapshotReply(standing=standing, **known), []
        except ValueError as error:
            return self._error(None, "bad_request", str(error)), []
        except Exception as error:  # whatever it was, the next client must be answered
            sentence = str(error) if isinstance(error, RtmeError) else f"{type(error).__name__}: {error}"
            return self._error(wanted and wanted.id, "unavailable", sentence), []

    def _replay(self, wanted: ReplayRequest) -> tuple[Reply, list[bytes]]:
        _, last = self._record.bounds()
        if wanted.from_ > last + 1:
            sentence = f"number {wanted.from_} has not been sent yet: the newest is {last}"
            return self._error(wanted.id, "future", sentence), []
        known = self._known(wanted.id)
        page = _within(self._read(wanted.from_, min(wanted.limit, MOST_EVENTS)), MOST_REPLY_BYTES)
        end = page[-1].seq + 1 if page else known["last_seq"] + 1
        gone: list[Gone] = []
        due = wanted.from_
        for sent in [*page, Sent(end, b"")]:
            if sent.seq > due:
                gone += self._gone(due, sent.seq - 1, known["oldest"])
            due = sent.seq + 1
        reply = ReplayReply.model_validate(
            {"from": wanted.from_, "events": len(page), "next": end, "gone": gone, **known}
        )
        return reply, [sent.body for sent in page]

    def _read(self, first: int, limit: int) -> list[Sent]:
        """Events from a number on: what memory no longer has from the journal, where there is one."""
        # Memory first: what it gives up after this look is in hand already.
        oldest, kept = self._record.read(first, limit)
        if first >= oldest or (reader := self._open_reader()) is None:
            return kept
        try:
            page = reader.page(first, limit, MOST_REPLY_BYTES)
        except JournalError:
            # So that a journal that was put right is read again.
            reader.close()
            self._reader = None
            raise
        if not page and oldest > self._record.first_seq:
            raise JournalError(
                f"number {first} waits to be written to the journal {self._journal}, which is not possible now"
            )
        older = [Sent(stored.seq, stored.body) for stored in page if stored.seq < oldest]
        return older or kept

    def _gone(self, first: int, last: int, oldest: int) -> list[Gone]:
        whys: tuple[Why, Why] = ("memory", "memory")
        if self._journal is not None:
            whys = ("retention", "not_journalled")
        parts = [(first, min(last, oldest - 1), whys[0]), (max(first, oldest), last, whys[1])]
        return [Gone(first=begin, last=end, why=why) for begin, end, why in parts if begin <= end]

    def _known(self, id_: int | str | None) -> dict[str, Any]:
        """What every reply says."""
        oldest, last = self._record.bounds()
        with suppress(Exception):  # memory may have what is wanted, whatever becomes of the journal
            if (reader := self._open_reader()) is not None and (stored := reader.oldest) is not None:
                oldest = min(oldest, stored)
        return {
            "id": id_,
            "run_id": self._record.run_id,
            "first_seq": self._record.first_seq,
            "last_seq": last,
            "oldest": oldest,
            "journal": self._journal is not None,
        }

    def _error(self, id_: int | str | None, code: str, sentence: str) -> ErrorReply:
        # A path in it may hold bytes that are no text.
        sentence = sentence.encode(errors="replace").decode()
        return ErrorReply.model_validate(self._known(id_) | {"code": code, "error": sentence})

    def _open_reader(self) -> JournalReader | None:
        if self._reader is None and self._journal is not None:
            self._reader = JournalReader(self._journal)
        return self._reader


def _within(page: list[Sent], most_bytes: int) -> list[Sent]:
    """The first events of a page that are not too much together; one at least."""
    size = 0
    for place, sent in enumerate(page):
        size += len(sent.body)
        if place and size > most_bytes:
            return page[:place]
    return page


def replay_address(bind: str, replay: str | None) -> str | None:
    """Where the replay socket of a service goes.

    Args:
        bind: The address that events are published on.
        replay: The setting: an address, ``none``, or None for the port after that of ``bind``.

    Returns:
        The address, None when there is to be none.

    Raises:
        BusError: ``bind`` is no address, or has the last port.
    """
    if replay is not None:
        return None if replay == NONE else replay
    port = split(bind)[1]
    if port in ("*", "0"):
        return f"{bind.removesuffix(port)}*"
    if port == "65535":
        raise BusError(
            f"there is no port after that of {bind} for replay: say --replay tcp://host:port, or --replay none"
        )
    return f"{bind.removesuffix(port)}{int(port) + 1}"


def _bound_socket(
    address: str, keys: KeyFolder | None, on_refused: Callable[[str], None]
) -> tuple[zmq.Socket[bytes], Door]:
    options = {
        # A full queue and a client that is gone are told by an error; else the reply would silently be thrown away.
        zmq.ROUTER_MANDATORY: 1,
        zmq.SNDHWM: SEND_HIGH_WATER,
        zmq.RCVHWM: SEND_HIGH_WATER,
        zmq.MAXMSGSIZE: MOST_REQUEST_BYTES,
    }
    try:
        return bound_socket(zmq.ROUTER, address, keys, on_refused, options)
    except zmq.ZMQError as error:
        why = "is in use" if error.errno == zmq.EADDRINUSE else f"cannot be bound ({error.strerror})"
        raise BusError(
            f"the replay address {address} {why}: give another one (--replay tcp://127.0.0.1:5600), or `none`; unless it is "
            "given, it is the port after the one that events are published on"
        ) from error
