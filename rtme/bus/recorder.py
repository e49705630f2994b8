"""Between the publisher and its journal: what happens when the journal fails."""

import time
from collections import deque
from collections.abc import Sequence

from rtme.bus.journal import Journal, Stored
from rtme.errors import JournalError
from rtme.events import JournalHealth

RETRY_S = 1.0
# Written at once after a failure: some 20 ms in which nothing is sent.
CHUNK = 2_000
# About 100,000 events; what waits longer than that is lost for the journal.
MOST_BYTES = 64_000_000


class Recorder:
    """Writes events to a journal, and goes on when it cannot.

    What could not be written waits in bounded memory and is written when that is possible again, oldest first. Use it from
    one thread.

    Args:
        journal: To write to. Whoever opened it closes it.
        most_bytes: Of the events that wait, at most; beyond it the oldest are given up.
    """

    def __init__(self, journal: Journal, most_bytes: int = MOST_BYTES) -> None:
        self._journal = journal
        self._most_bytes = most_bytes
        self._waiting: deque[Stored] = deque()
        self._waiting_bytes = 0
        self._failing = False
        self._retry = 0.0
        self._written = journal.last_seq
        self._missing = 0
        self._lost: tuple[int, int] | None = None

    @property
    def next_seq(self) -> int:
        """The number of the next event."""
        return self._journal.next_seq

    @property
    def waiting(self) -> int:
        """Events that could not be written so far."""
        return len(self._waiting)

    def record(self, batch: Sequence[Stored]) -> str | None:
        """Write events, or let them wait. An empty batch only tries again what waits.

        Returns:
            A sentence for people when the journal began to fail, or works again.
        """
        if self._failing:
            self._wait(batch)
            return self._try_again() if time.monotonic() >= self._retry else None
        try:
            self._journal.append(batch)
        except JournalError as error:
            self._failing = True
            self._retry = time.monotonic() + RETRY_S
            self._wait(batch)
            return f"{error}. Events are sent all the same, and written when it can be written again"
        if batch:
            self._written = batch[-1].seq
        return None

    def finish(self) -> None:
        """Try a last time to write what waits."""
        while self._waiting:
            before = len(self._waiting)
            self._try_again()
            if len(self._waiting) == before:
                break

    def health(self) -> JournalHealth:
        """How the journal does, for the heartbeat."""
        return JournalHealth(
            state="failing" if self._failing else "ok",
            last_seq=self._written,
            waiting=len(self._waiting),
            missing=self._missing,
        )

    def loss(self) -> str | None:
        """What of this run the journal lacks, as a sentence; None when nothing."""
        lacks = self._missing + len(self._waiting)
        if lacks == 0:
            return None
        return f"the journal {self._journal.path} lacks {lacks} events of this run: it could not be written"

    def _wait(self, batch: Sequence[Stored]) -> None:
        if not batch:
            return
        # Whatever becomes of them: no later run may use their numbers.
        self._journal.take(batch[-1].seq + 1)
        self._waiting.extend(batch)
        self._waiting_bytes += _size(batch)
        while self._waiting_bytes > self._most_bytes:
            given_up = self._waiting.popleft()
            self._waiting_bytes -= len(given_up.body)
            self._missing += 1
            self._lost = (self._lost[0] if self._lost else given_up.seq, given_up.seq)

    def _try_again(self) -> str | None:
        chunk = [self._waiting[number] for number in range(min(CHUNK, len(self._waiting)))]
        try:
            self._journal.append(chunk)
        except JournalError:
            self._retry = time.monotonic() + RETRY_S
            return None
        for stored in chunk:
            self._waiting.popleft()
            self._waiting_bytes -= len(stored.body)
        if chunk:
            self._written = chunk[-1].seq
        if self._waiting:
            return None
        self._failing = False
        lost, self._lost = self._lost, None
        if lost is None:
            return "the journal is written again, and no event is missing in it"
        first, last = lost
        return f"the journal is written again; {last - first + 1} events are missing in it, seq {first} to {last}"


def _size(batch: Sequence[Stored]) -> int:
    return sum(len(stored.body) for stored in batch)
