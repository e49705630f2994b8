"""A service that does nothing but send: ``python bursting.py BIND REPLAY JOURNAL TOTAL``.

Sends as fast as it can until the journal holds TOTAL events, then only heartbeats, until it is ended.
Started again, it goes on.
"""

import sys
import threading
import time
from pathlib import Path

from rtme.bus.journal import Journal
from rtme.bus.publisher import Publisher
from rtme.events import HeartbeatEvent, WarningEvent

AHEAD = 1_000


def main() -> None:
    bind, replay, path, total = sys.argv[1:]
    with (
        Journal(Path(path)) as journal,
        Publisher(bind, journal=journal, replay=replay) as publisher,
    ):
        threading.Thread(target=beat, args=[publisher], daemon=True).start()
        number = publisher.last_seq
        while publisher.last_seq + 1 < int(total):
            number = max(number, publisher.last_seq) + 1
            publisher.publish(WarningEvent(stream="cam", text=f"event {number} of a burst"))
            while number - publisher.last_seq > AHEAD:
                time.sleep(0.001)
        threading.Event().wait()


def beat(publisher: Publisher) -> None:
    while True:
        publisher.publish(
            HeartbeatEvent(stream="_service", uptime_s=0, engine="none", last_seq=0, streams={})
        )
        time.sleep(0.5)


if __name__ == "__main__":
    main()
