"""What a journal needs besides being written to, kept away from the thread that sends events."""

import math
import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

SYNC_S = 1.0
CHECKPOINT_S = 60.0
CHECKPOINT_BYTES = 16_000_000
LOCKED_CHECKPOINT_BYTES = 64_000_000
TIDY_S = 30.0
# Removed at once while nothing can be appended: about a millisecond's work.
CHUNK = 200
PAUSE_S = 0.002
DAY_NS = 86_400_000_000_000


class Keeper(threading.Thread):
    """Syncs, checkpoints and removes old events.

    Args:
        path: The SQLite file.
        writing: Held by whoever writes to it.
        keep_days: See :class:`rtme.bus.journal.Journal`.
        keep_mb: Likewise.
        first_seq: Number of the first event of this run.
    """

    def __init__(
        self,
        path: Path,
        writing: threading.Lock,
        keep_days: float | None,
        keep_mb: float | None,
        first_seq: int,
    ) -> None:
        super().__init__(name="rtme-journal", daemon=True)
        self._path = path
        self._wal = path.with_name(path.name + "-wal")
        self._writing = writing
        self._keep_ns = None if keep_days is None else int(keep_days * DAY_NS)
        self._keep_bytes = None if keep_mb is None else int(keep_mb * 1e6)
        self._first_seq = first_seq
        self._began_ns = time.monotonic_ns()
        self._stopping = threading.Event()
        self._unsynced = False
        self._unmoved = 0

    def appended(self, size: int) -> None:
        """So many bytes were written to the WAL."""
        self._unsynced = True
        self._unmoved += size

    def stop(self) -> None:
        """End the thread; it does not leave work half done."""
        self._stopping.set()
        self.join(10)

    def run(self) -> None:
        """Thread body."""
        checkpoint = tidy = time.monotonic()
        while not self._stopping.wait(SYNC_S):
            now = time.monotonic()
            try:
                if now - checkpoint >= CHECKPOINT_S or self._unmoved >= CHECKPOINT_BYTES:
                    checkpoint = now
                    self._checkpoint()
                elif self._unsynced:
                    self._sync()
                if now - tidy >= TIDY_S:
                    tidy = now
                    self.tidy(time.time_ns())
            except (OSError, sqlite3.Error):
                # A full disk or the like: appending fails as well and is told there; here it is tried again.
                continue

    def tidy(self, now_ns: int) -> int:
        """Remove what is too old or too much at ``now_ns`` (wall clock); returns how many events."""
        with closing(self._connect()) as connection:
            removed = self._remove(connection, self._too_old(connection, now_ns))
            while (bound := self._too_much(connection)) is not None:
                removed += (now := self._remove(connection, bound))
                if now == 0:
                    break
            self._shrink(connection)
        return removed

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=1.0, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        return connection

    def _too_old(self, connection: sqlite3.Connection, now_ns: int) -> int | None:
        """The first number to keep. What goes is one piece at the beginning, whatever the clock did meanwhile."""
        if self._keep_ns is None:
            return None
        (first,) = connection.execute(
            "SELECT min(seq) FROM events INDEXED BY events_by_time WHERE wall_ns >= ?",
            [now_ns - self._keep_ns],
        ).fetchone()
        if first is None:
            (first,) = connection.execute("SELECT max(seq) FROM events").fetchone()
        if first is None:
            return None
        if time.monotonic_ns() - self._began_ns < self._keep_ns:
            # Nothing of this run is so old, whatever a clock that was set meanwhile says.
            return int(min(first, self._first_seq))
        return int(first)

    def _too_much(self, connection: sqlite3.Connection) -> int | None:
        """The first number to keep, None where the events take no more room than they may."""
        if self._keep_bytes is None:
            return None
        pages, free, size = _pages(connection)
        used = (pages - free) * size
        if used <= self._keep_bytes:
            return None
        oldest, newest = connection.execute("SELECT min(seq), max(seq) FROM events").fetchone()
        if oldest is None or oldest == newest:
            return None
        # A little more than needed, so that it is not to be done again at once.
        part = 1 - 0.95 * self._keep_bytes / used
        return int(min(newest, oldest + math.ceil(part * (newest - oldest + 1))))

    def _remove(self, connection: sqlite3.Connection, bound: int | None) -> int:
        """Remove events below a number, few at a time so that an append never waits long."""
        removed = 0
        while bound is not None:
            with self._writing:
                gone = connection.execute(
                    "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq < ? ORDER BY seq LIMIT ?)",
                    [bound, CHUNK],
                ).rowcount
            if gone == 0:
                break
            removed += gone
            time.sleep(PAUSE_S)
        return removed

    def _shrink(self, connection: sqlite3.Connection) -> None:
        """Give the disk back what the file has too much; free pages within its limit are for the next events."""
        if self._keep_bytes is None:
            return
        while True:
            pages, free, size = _pages(connection)
            surplus = min(free, pages - self._keep_bytes // size)
            if surplus <= 0 or self._stopping.is_set():
                return
            with self._writing:
                connection.execute(f"PRAGMA incremental_vacuum({min(surplus, CHUNK)})").fetchall()
            time.sleep(PAUSE_S)

    def _checkpoint(self) -> None:
        """Move what the WAL holds into the file, so that the next append begins the WAL anew."""
        self._unsynced, self._unmoved = False, 0
        with closing(self._connect()) as connection:
            _, frames, moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if moved < frames and self._wal.stat().st_size >= LOCKED_CHECKPOINT_BYTES:
                # Events come without a pause: the WAL begins anew only where nothing was appended meanwhile.
                with self._writing:
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _sync(self) -> None:
        self._unsynced = False
        with self._wal.open("r+b") as wal:
            os.fsync(wal.fileno())


def _pages(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Pages of the file, those of them that are free, and bytes of one."""
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return pages, free, size
