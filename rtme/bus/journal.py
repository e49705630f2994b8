"""The events of a service in a file, so that none is lost between it and whoever needs them later.

One SQLite file in WAL mode, one writer, any number of readers in any process. What was appended survives the death of
the process (``kill -9``); a machine that loses power may lose about the last second, which the file survives too.

Three small files stand beside it: SQLite's ``-wal`` and ``-shm``, ``.lock`` which the one writer holds, and ``.seq``
with the next number, so that numbers never go back, not even when the disk was full or the file itself is lost.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import quote

from filelock import FileLock, Timeout

from rtme.bus.journal_keeper import CHECKPOINT_BYTES, Keeper
from rtme.errors import JournalError

APPLICATION_ID = int.from_bytes(b"rtme", "big")
VERSION = 1
_BUSY_S = 0.25
_PAGE_ROWS = 1_000
# The ends of the table and of the index, which each transaction writes again.
_PAGES_BYTES = 3 * 4_096
_COLUMNS = "seq, run_id, stream, kind, wall_ns, body"
_TABLES = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL, stream TEXT NOT NULL, kind TEXT NOT NULL,
    wall_ns INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX events_by_time ON events (wall_ns);
"""


class Stored(NamedTuple):
    """One event as it stands in the journal.

    Attributes:
        seq: Its number; the order of events, whatever the clock did.
        run_id: The run that sent it.
        stream: Its source.
        kind: Of event.
        wall_ns: Wall clock when it was written, nanoseconds since 1970.
        body: The JSON object, byte for byte as it was sent.
    """

    seq: int
    run_id: str
    stream: str
    kind: str
    wall_ns: int
    body: bytes

    @property
    def topic(self) -> str:
        """Its topic on the wire."""
        return f"rtme.{self.stream}.{self.kind}"


class Journal:
    """The one writer of a journal. Safe to use from several threads.

    A thread of its own sees to what would hold events up: it syncs to the disk, moves what was written from the WAL into
    the file, and removes what is too old or too much.

    Args:
        path: The SQLite file; made when it does not exist. Only its owner may read it.
        keep_days: Events older than this are removed; None keeps all.
        keep_mb: The oldest events are removed so that the file stays within so many megabytes (10⁶ bytes; the WAL
            comes on top); None sets no limit.

    Attributes:
        path: The SQLite file.

    Raises:
        JournalError: Another service writes it, it is no journal, of a newer version, damaged, or cannot be written.

    Example:
        >>> with Journal("events.sqlite") as journal:
        ...     journal.append([Stored(journal.next_seq, "run", "cam", "state", time.time_ns(), b"{}")])
    """

    def __init__(
        self, path: Path | str, keep_days: float | None = None, keep_mb: float | None = None
    ) -> None:
        self.path = Path(path).resolve()
        self._owned = _take(self.path)
        try:
            self._taken = _NumberFile(_beside(self.path, ".seq"))
            self._connection, newest = self._begin()
        except BaseException:
            self._owned.release()
            raise
        self._newest = -1 if newest is None else newest
        self._next = max(self._taken.number, self._newest + 1)
        self._writing = threading.Lock()
        self._closed = False
        self._keeper = Keeper(self.path, self._writing, keep_days, keep_mb, self._next)
        self._keeper.start()

    @property
    def next_seq(self) -> int:
        """The number of the next event: one more than the highest that any run used."""
        return self._next

    @property
    def last_seq(self) -> int:
        """Number of the newest event in it; -1 when there is none."""
        return self._newest

    def append(self, batch: Sequence[Stored]) -> None:
        """Write events in one transaction: all of them or, with an error, none.

        Args:
            batch: Events in the order of their numbers, all new.

        Raises:
            JournalError: They could not be written, and why (a full disk, for one). It may be tried again.
        """
        if not batch:
            return
        with self._writing:
            if self._closed:
                raise JournalError(f"the journal {self.path} has been closed: open it again")
            if self._connection is None:
                self._connection = _open(self.path)
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", batch)
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise _unusable(self.path, error) from error
            self._newest = batch[-1].seq
        self._keeper.appended(_PAGES_BYTES + sum(len(stored.body) for stored in batch))
        self.take(batch[-1].seq + 1)

    def take(self, next_seq: int) -> None:
        """Note that all numbers below ``next_seq`` are used, though their events may not be in the journal.

        It takes no room on the disk, so it works on a full one.
        """
        if next_seq > self._next:
            self._next = next_seq
            self._taken.write(next_seq)

    def tidy(self) -> int:
        """Remove now what is too old or too much, as the journal's thread does from time to time.

        Returns:
            How many events were removed. The newest always stays.

        Raises:
            JournalError: It could not be done, and why.
        """
        try:
            return self._keeper.tidy(time.time_ns())
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error

    def close(self) -> None:
        """End the thread and let another service write. Safe to call twice."""
        with self._writing:
            if self._closed:
                return
            self._closed = True
        self._keeper.stop()
        if self._connection is not None:
            self._connection.close()
        self._taken.close()
        self._owned.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self) -> tuple[sqlite3.Connection | None, int | None]:
        """The file and the newest number in it.

        A journal that was there before may lie on a disk that is full by now: then it is opened by the first event that
        finds room, because the service goes on meanwhile.
        """
        try:
            connection = _open(self.path)
        except _NoRoomError as full:
            if self._taken.number == 0:
                raise
            try:
                return None, _newest_without_room(self.path)
            except sqlite3.Error:
                raise full from None
        try:
            return connection, _newest(connection)
        except sqlite3.Error as error:
            connection.close()
            raise _unusable(self.path, error) from error


class JournalReader:
    """Reads a journal, also while a service writes it. Use it from one thread; make one for each.

    No call holds the file longer than it takes to read one page, so that a slow reader never makes it grow.

    Args:
        path: The SQLite file.

    Raises:
        JournalError: There is none, it is no journal, or of a newer version.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).resolve()
        if not _is(self.path, S_ISREG):
            raise JournalError(f"there is no journal {self.path}: a service makes it, such as `rtme live`")
        try:
            self._connection = sqlite3.connect(
                f"file:{quote(str(self.path))}?mode=ro",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=5,
            )
            _check(self.path, self._connection)
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error

    @property
    def oldest(self) -> int | None:
        """Number of the oldest event that is kept; None when there is none."""
        return self._one("SELECT min(seq) FROM events")

    @property
    def newest(self) -> int | None:
        """Number of the newest event; None when there is none."""
        return self._one("SELECT max(seq) FROM events")

    def page(self, first: int, limit: int, most_bytes: int) -> list[Stored]:
        """Events in order, from a number on.

        Args:
            first: Number from which to read; where it is not kept, the next one that is.
            limit: Events at most.
            most_bytes: Of all their bodies together, at most; but always one event, where there is one.

        Raises:
            JournalError: The file is damaged.
        """
        page: list[Stored] = []
        size = 0
        for stored in self._rows(
            f"SELECT {_COLUMNS} FROM events WHERE seq >= ? ORDER BY seq LIMIT ?", [first, limit]
        ):
            size += len(stored.body)
            if page and size > most_bytes:
                break
            page.append(stored)
        return page

    def query(
        self,
        streams: Collection[str] | None = None,
        kinds: Collection[str] | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        *,
        run_id: str | None = None,
        first: int | None = None,
        last: int | None = None,
    ) -> Iterator[Stored]:
        """Events that fit, in the order of their numbers.

        Args:
            streams: Of these streams; of all by default.
            kinds: Of these kinds; of all by default.
            since_ns: Written at this wall-clock time or later.
            until_ns: Written before it.
            run_id: Of this run; the beginning of its name is enough.
            first: With this number or a higher one.
            last: Only the newest so many of them.

        Raises:
            JournalError: The file is damaged.
        """
        where: list[str] = []
        words: list[str | int] = []
        for column, names in (("stream", streams), ("kind", kinds)):
            if names is not None:
                where.append(f"{column} IN ({', '.join('?' * len(names))})")
                words += names
        if run_id is not None:
            where.append("substr(run_id, 1, ?) = ?")
            words += [len(run_id), run_id]
        if since_ns is not None:
            where.append("wall_ns >= ?")
            words.append(since_ns)
        if until_ns is not None:
            where.append("wall_ns < ?")
            words.append(until_ns)
        fits = f"SELECT {_COLUMNS} FROM events WHERE {' AND '.join([*where, 'seq >= ?'])} ORDER BY seq"
        # By the index on time, then in the order of numbers: a clock may have been set back.
        begin = max(first or 0, 0 if since_ns is None else self._first_since(since_ns))
        if last is not None:
            yield from reversed(self._rows(f"{fits} DESC LIMIT ?", [*words, begin, last]))
            return
        while page := self._rows(f"{fits} LIMIT ?", [*words, begin, _PAGE_ROWS]):
            yield from page
            begin = page[-1].seq + 1

    def close(self) -> None:
        """Stop reading. Safe to call twice."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _first_since(self, since_ns: int) -> int:
        found = self._one(
            "SELECT min(seq) FROM events INDEXED BY events_by_time WHERE wall_ns >= ?", [since_ns]
        )
        return 2**62 if found is None else found

    def _rows(self, query: str, values: Sequence[str | int]) -> list[Stored]:
        try:
            return [Stored(*row) for row in self._connection.execute(query, values)]
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error

    def _one(self, query: str, values: Sequence[int] = ()) -> int | None:
        try:
            (found,) = self._connection.execute(query, values).fetchone()
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error
        return None if found is None else int(found)


class _NoRoomError(JournalError):
    """It is the disk, not the file: later it may work."""


class _NumberFile:
    """The next number in a file of twenty digits, written over in place."""

    def __init__(self, path: Path) -> None:
        try:
            path.touch(mode=0o600)
            self._file = path.open("r+b", buffering=0)
            said = self._file.read(20)
        except OSError as error:
            raise JournalError(
                f"{path} cannot be written ({error.strerror}): the journal keeps the next number there; "
                "allow it, or name another journal"
            ) from error
        # After a power failure it may hold anything; the journal itself knows as much then.
        self.number = int(said) if said.isdigit() else 0

    def write(self, number: int) -> None:
        try:
            self._file.seek(0)
            self._file.write(f"{number:020d}".encode())
        except (OSError, ValueError):
            pass  # It is the second of two places; the first one's failure is what is told.

    def close(self) -> None:
        self._file.close()


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _is(path: Path, kind: Callable[[int], bool]) -> bool:
    """Whether there is a file, or a folder. Unlike ``Path.is_file`` the same in every Python where nobody may look."""
    try:
        return kind(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise JournalError(
            f"{path} cannot be looked at ({error.strerror}): a journal is for its owner alone; use it as the user whose "
            "service writes it"
        ) from error


def _take(path: Path) -> FileLock:
    """Become the one writer."""
    if not _is(path.parent, S_ISDIR):
        raise JournalError(f"the journal {path} cannot be made: there is no folder {path.parent}; make it")
    lock = FileLock(_beside(path, ".lock"), mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise JournalError(
            f"the journal {path} is being written by another service: stop that one, or give this one an address and "
            "a journal of its own (--bind, --journal)"
        ) from error
    except OSError as error:
        raise _unusable(path, error) from error
    return lock


def _open(path: Path) -> sqlite3.Connection:
    """The file, made where there is none."""
    try:
        path.touch(mode=0o600)
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from error
    try:
        if _is_new(connection):
            # Before the first table, so that a file may shrink again.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(f"BEGIN; {_TABLES} COMMIT;")
        _check(path, connection)
        connection.execute("PRAGMA journal_mode = WAL")
        # No sync for each event: the keeper syncs once a second.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA journal_size_limit = {CHECKPOINT_BYTES}")
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise _unusable(path, error) from error
        raise
    return connection


def _is_new(connection: sqlite3.Connection) -> bool:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return bool(application == 0 and tables == 0)


def _check(path: Path, connection: sqlite3.Connection) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise JournalError(
            f"{path} is no journal of rtme but a database of another program: name another file"
        )
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise JournalError(
            f"the journal {path} is of version {version}, and this rtme knows {VERSION}: update rtme, or name another file"
        )


def _newest(connection: sqlite3.Connection) -> int | None:
    (newest,) = connection.execute("SELECT max(seq) FROM events").fetchone()
    return None if newest is None else int(newest)


def _newest_without_room(path: Path) -> int | None:
    """The newest number where not even SQLite's shared memory fits on the disk: it is not needed by one who is alone."""
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        return _newest(connection)
    finally:
        connection.close()


def _unusable(path: Path, error: Exception) -> JournalError:
    """What a failure means and what can be done."""
    if isinstance(error, OSError):
        return JournalError(
            f"the journal {path} cannot be written ({error.strerror}): allow it, or name another file"
        )
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_NOTADB:
        return JournalError(f"{path} is no journal: it is not even an SQLite file; name another")
    if code == sqlite3.SQLITE_CORRUPT:
        return JournalError(
            f"the journal {path} is damaged ({error}): nothing was changed in it. Move it elsewhere and start again, "
            f"numbers go on from {path.name}.seq; `sqlite3 FILE .recover` gets out what can be read"
        )
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return _NoRoomError(
            f"the journal {path} cannot be written ({error}): make room on its disk, or look at the disk"
        )
    return JournalError(
        f"the journal {path} cannot be used ({error}): use it as the user whose service writes it, and see that its folder "
        "can be written"
    )
