"""How fast a subscriber has what it missed: a gap of 10,000 events, and everything since the beginning.

    python bench/replay.py [--events 100000] [--runs 3 5]        about a minute

The service and the subscriber are processes of their own. The newest 10,000 events come from the service's memory, older
ones from its journal.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import begin, often_of, save
from rtme import Subscriber
from rtme.bus.journal import Journal
from rtme.bus.publisher import Publisher
from rtme.events import HeartbeatEvent, IntervalEvent, Mark
from rtme.trial.speed.spread import figure, repeat

GAP = 10_000
ANY = "tcp://127.0.0.1:*"


def serve(path: str, events: int) -> None:
    """Publish so many events, say where, and wait to be ended."""
    at = Mark(frame=1, time_s=0.1, capture_ns=time.monotonic_ns(), wall_ns=time.time_ns())
    event = IntervalEvent.model_validate(
        {
            "stream": "door",
            "id": "door-0-1-e1",
            "face": 1,
            "type": "me",
            "status": "closed",
            "confidence": 0.8,
        }
        | {"at": at, "onset": at, "apex": at, "offset": at, "algorithmic_ms": 400.0}
    )
    with Journal(path) as journal, Publisher(ANY, journal=journal, replay=ANY) as publisher:
        for number in range(events):
            publisher.publish(event)
            while number - publisher.last_seq > 1_000:
                time.sleep(0.001)
        while publisher.last_seq < events - 1:
            time.sleep(0.01)
        print(publisher.address, publisher.replay, flush=True)
        while True:
            publisher.publish(
                HeartbeatEvent(stream="_service", uptime_s=0, engine="none", last_seq=0, streams={})
            )
            time.sleep(1.0)


def catch_up(address: str, replay: str, first: int, last: int) -> float:
    """Seconds from the first question until everything up to ``last`` was handed on, but for the first of it."""
    with Subscriber(address, replay=replay, start=first) as subscriber:
        assert subscriber.receive(30) is not None
        began = time.monotonic()
        while subscriber.last_seq < last:
            assert subscriber.receive(30) is not None
        assert subscriber.missed == 0
        return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--runs", type=int, nargs=2, metavar=("LEAST", "MOST"))
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.events)
        return
    if arguments.events <= GAP:
        parser.error(f"--events {arguments.events}: more than the {GAP} of the gap, please")
    known, often = begin(), often_of(arguments, 3, 5)
    last = arguments.events - 1
    firsts = {"from memory": last + 1 - GAP, "from memory and the journal": 0}
    with tempfile.TemporaryDirectory() as folder:
        journal = str(Path(folder) / "journal")
        command = [sys.executable, __file__, "--serve", journal, "--events", str(arguments.events)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
            assert service.stdout is not None
            address, replay = service.stdout.readline().split()

            def once() -> dict[str, float]:
                return {name: catch_up(address, replay, first, last) for name, first in firsts.items()}

            runs, enough = repeat(once, lambda run: run["from memory and the journal"], often)
            service.kill()
    caught_up = {}
    for name, first in firsts.items():
        events, seconds = last + 1 - first, [run[name] for run in runs]
        rates = [events / value for value in seconds]
        caught_up[name] = {"events": events, "seconds": figure(seconds, 3), "per_second": figure(rates, 0)}
    what = "interval events, a service and a subscriber of their own processes"
    save("replay", {"what": what, "enough": enough, "caught_up": caught_up}, known)


if __name__ == "__main__":
    main()
