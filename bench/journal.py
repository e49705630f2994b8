"""What the journal costs: events a second that are journalled and published, and how much later a live event arrives.

The publisher is a process of its own, the subscriber is in this one, each run is done with and without a journal by turns.
``burst``: as many events as it takes. ``paced``: so many a second, into a journal that is full, so that syncs,
checkpoints and retention fall into the time; from an event being handed over to its bytes at the subscriber.
``append``: what the journal itself takes of that, ms. On a machine that is busy the rest is mostly waiting for a processor.

    python bench/journal.py [--events 100000] [--seconds 40] [--rate 100] [--runs 3 5]        about 7 minutes
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zmq

from record import begin, often_of, save
from rtme.bus.journal import Journal, Stored
from rtme.bus.publisher import Publisher
from rtme.events import IntervalEvent, Mark, dump
from rtme.trial.speed.spread import figure, repeat

FULL_MB = 20.0
AHEAD = 5_000
PATIENCE_MS = 60_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=100_000, help="of a burst")
    parser.add_argument("--seconds", type=float, default=40, help="of a paced run")
    parser.add_argument("--rate", type=float, default=100, help="events a second of a paced run")
    parser.add_argument("--folder", type=Path, help="where the journal lies; the system's own for such files")
    parser.add_argument("--runs", type=int, nargs=2, metavar=("LEAST", "MOST"))
    parser.add_argument("--publish", nargs=2, metavar=("JSON", "JOURNAL"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.publish:
        publish(json.loads(arguments.publish[0]), arguments.publish[1])
        return
    known, often = begin(), often_of(arguments, 3, 5)
    found = {}
    for name, wish in (
        ("burst", {"events": arguments.events, "rate": None}),
        ("paced", {"events": int(arguments.seconds * arguments.rate), "rate": arguments.rate}),
    ):
        judged = (
            (lambda run: run["with"]["per_second"]) if name == "burst" else (lambda run: run["with"]["p50"])
        )

        def once(name: str = name, wish: dict[str, Any] = wish) -> dict[str, Any]:
            pair = {
                "without": run(wish, None),
                "with": run(wish, arguments.folder or Path(tempfile.gettempdir())),
            }
            print(f"  {name}: {pair}", flush=True)
            return pair

        runs, enough = repeat(once, judged, often)
        found[name] = {"enough": enough} | {
            kind: {key: figure([one[kind][key] for one in runs], 3) for key in runs[0][kind]}
            for kind in ("without", "with")
        }
        if name == "paced":
            found[name]["added_ms"] = {
                rank: figure([one["with"][rank] - one["without"][rank] for one in runs], 3)
                for rank in ("p50", "p99")
            }
    one = len(dump(event(time.monotonic_ns())))
    what = f"interval events of {one} bytes, one subscriber; paced: {arguments.rate:g} a second for {arguments.seconds:g} s"
    save("journal", {"what": what, **found}, known)


def run(wish: dict[str, Any], folder: Path | None) -> dict[str, float]:
    """One run of the publisher, heard from here."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        journal = "" if folder is None else str(Path(place) / "journal.sqlite")
        if journal and wish["rate"]:
            fill(journal)
        command = [sys.executable, __file__, "--publish", json.dumps(wish), journal]
        publishing = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert publishing.stdin is not None
        assert publishing.stdout is not None
        context = zmq.Context()
        socket = context.socket(zmq.SUB)
        socket.set(zmq.RCVHWM, 0)
        socket.subscribe(b"rtme.")
        socket.connect(publishing.stdout.readline().strip())
        time.sleep(0.5)
        publishing.stdin.write("go\n")
        publishing.stdin.flush()
        arrived = []
        for _ in range(wish["events"]):
            if not socket.poll(PATIENCE_MS):
                raise SystemExit("events were lost on the way: the bench means nothing")
            body = socket.recv_multipart()[1]
            if wish["rate"]:
                arrived.append((time.monotonic_ns() - json.loads(body)["at"]["capture_ns"]) / 1e6)
        said, _ = publishing.communicate(timeout=60)
        socket.close(0)
        context.term()
    cost: dict[str, float] = json.loads(said)
    if not arrived:
        return cost
    del cost["per_second"]
    p50, p99 = np.percentile(arrived, [50, 99])
    return {"p50": float(p50), "p99": float(p99), "max": max(arrived), **cost}


def publish(wish: dict[str, Any], path: str) -> None:
    """The publisher's process."""
    journal = Timed(path, keep_mb=FULL_MB if wish["rate"] else None) if path else None
    publisher = Publisher("tcp://127.0.0.1:*", journal=journal, capacity=2 * AHEAD)
    first = publisher.last_seq
    print(publisher.address, flush=True)
    sys.stdin.readline()
    same = event(time.monotonic_ns())
    began, spent = time.perf_counter(), time.process_time()
    for number in range(wish["events"]):
        if wish["rate"]:
            time.sleep(max(0.0, began + number / wish["rate"] - time.perf_counter()))
        elif number % 1_000 == 0:
            while number - (publisher.last_seq - first) > AHEAD:
                time.sleep(0.001)
        publisher.publish(event(time.monotonic_ns()) if wish["rate"] else same)
    if not publisher.close(60) or publisher.dropped or publisher.journal_loss:
        raise SystemExit("not everything was sent and written: the bench means nothing")
    seconds, cpu = time.perf_counter() - began, time.process_time() - spent
    cost = {"per_second": wish["events"] / seconds, "cpu_us_an_event": 1e6 * cpu / wish["events"]}
    if journal is not None:
        journal.close()
        p50, p99 = np.percentile(journal.took_ms, [50, 99])
        cost |= {"append_p50": float(p50), "append_p99": float(p99)}
    print(json.dumps(cost))


class Timed(Journal):
    """A journal that remembers how long each append took: all that it adds before an event is sent."""

    def __init__(self, path: str, keep_mb: float | None) -> None:
        super().__init__(path, keep_mb=keep_mb)
        self.took_ms: list[float] = []

    def append(self, batch: Sequence[Stored]) -> None:
        began = time.perf_counter()
        super().append(batch)
        self.took_ms.append(1000 * (time.perf_counter() - began))


def fill(path: str) -> None:
    """A journal at its limit, so that retention has something to do."""
    body = dump(event(0))
    with Journal(path) as journal:
        while Path(path).stat().st_size < FULL_MB * 1e6:
            first = journal.next_seq
            journal.append(
                [Stored(first + n, "0" * 32, "cam", "interval", time.time_ns(), body) for n in range(5_000)]
            )
            journal.close()
            journal = Journal(path)
        journal.close()


def event(now_ns: int) -> IntervalEvent:
    mark = Mark(frame=1000, time_s=33.333, capture_ns=now_ns, wall_ns=time.time_ns())
    return IntervalEvent(
        stream="cam",
        at=mark,
        algorithmic_ms=500.0,
        id="cam-0-1-e1",
        face=1,
        type="me",
        status="closed",
        onset=mark,
        apex=mark,
        offset=mark,
        confidence=0.9,
    )


if __name__ == "__main__":
    main()
