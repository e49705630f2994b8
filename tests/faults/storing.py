"""A consumer that stores, in one transaction, what it consumed and how far it is.

``python storing.py ADDRESS STORE [REPLAY]``. Started again, it goes on behind what it stored.
"""

import sqlite3
import sys
import time
from pathlib import Path

from rtme import Subscriber

BATCH = 50


def open_store(path: Path) -> sqlite3.Connection:
    store = sqlite3.connect(path, timeout=30, isolation_level=None)
    store.execute("PRAGMA journal_mode = WAL")
    # Its process is killed, not the machine.
    store.execute("PRAGMA synchronous = OFF")
    store.execute(
        "CREATE TABLE IF NOT EXISTS consumed (place INTEGER PRIMARY KEY, seq INTEGER, run_id TEXT, missed INTEGER)"
    )
    return store


def main() -> None:
    address, path, *replay = sys.argv[1:]
    store = open_store(Path(path))
    last = store.execute("SELECT seq, run_id FROM consumed ORDER BY place DESC LIMIT 1").fetchone()
    seq, run_id = last or (-1, None)
    given = replay[0] if replay else None
    with Subscriber(
        address, start=seq + 1, run_id=run_id, replay=given, fill_s=0.2 if replay else 60
    ) as events:
        while True:
            batch = []
            began = time.monotonic()
            while len(batch) < BATCH and time.monotonic() - began < 0.2:
                if (event := events.receive(0.1)) is not None:
                    batch.append((event.seq, event.run_id, events.missed))
            store.execute("BEGIN")
            store.executemany("INSERT INTO consumed (seq, run_id, missed) VALUES (?, ?, ?)", batch)
            store.execute("COMMIT")


if __name__ == "__main__":
    main()
