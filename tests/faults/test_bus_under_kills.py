"""Publisher and consumers as processes that are killed and stopped: nothing lost, nothing doubled."""

import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PATIENCE_S = 300.0


class Bus:
    """A bursting publisher and one consumer or more, each a process, with what they wrote."""

    def __init__(self, folder: Path, total: int) -> None:
        self.folder = folder
        self.total = total
        port = free_ports()
        self.address, self.replay = f"tcp://127.0.0.1:{port}", f"tcp://127.0.0.1:{port + 1}"
        self.journal = folder / "journal.sqlite"
        self.publisher: subprocess.Popen[bytes] | None = None
        self.consumers: dict[str, subprocess.Popen[bytes]] = {}

    def publish(self) -> None:
        words = [self.address, self.replay, self.journal, self.total]
        self.publisher = self._start("bursting.py", "publisher", *words)

    def consume(self, name: str, *replay: str) -> None:
        self.consumers[name] = self._start("storing.py", name, self.address, self.folder / name, *replay)

    def _start(self, program: str, name: str, *words: object) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [sys.executable, str(HERE / program), *map(str, words)]
            return subprocess.Popen(command, stdout=log, stderr=log)

    def sent(self) -> int:
        return 1 + self._one(self.journal, "SELECT coalesce(max(seq), -1) FROM events")

    def consumed(self, name: str) -> int:
        """How far a consumer is."""
        return 1 + self._one(self.folder / name, "SELECT coalesce(max(seq), -1) FROM consumed")

    def missed(self, name: str) -> int:
        return self._one(self.folder / name, "SELECT missed FROM consumed ORDER BY place DESC LIMIT 1")

    def seqs(self, name: str) -> list[int]:
        with sqlite3.connect(self.folder / name) as store:
            return [seq for (seq,) in store.execute("SELECT seq FROM consumed ORDER BY place")]

    def _one(self, path: Path, query: str) -> int:
        if not path.exists():
            return 0
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30) as store:
                return int(store.execute(query).fetchone()[0])
        except sqlite3.OperationalError:  # its table is not made yet
            return 0

    def wait_until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            everybody = [self.publisher, *self.consumers.values()]
            assert all(one is None or one.poll() is None for one in everybody), self.logs()
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.01)

    def logs(self) -> str:
        return "\n".join(f"{log.name}: {log.read_text()[-2000:]}" for log in self.folder.glob("*.log"))

    def end(self) -> None:
        for process in [self.publisher, *self.consumers.values()]:
            if process is not None:
                process.kill()
                process.wait()


def kill(process: subprocess.Popen[bytes] | None) -> None:
    assert process is not None
    process.send_signal(signal.SIGKILL)
    process.wait()


def free_ports() -> int:
    """The first of two free ports in a row."""
    while True:
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                two.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return int(port)


@pytest.fixture
def new_bus(tmp_path: Path) -> Iterator[Callable[[int], Bus]]:
    buses: list[Bus] = []

    def new(total: int) -> Bus:
        buses.append(Bus(tmp_path, total))
        return buses[-1]

    yield new
    for bus in buses:
        bus.end()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("total", "kills", "publisher_kills"),
    [
        pytest.param(12_000, 3, 1, id="few"),
        pytest.param(100_000, 10, 3, id="many", marks=pytest.mark.slow),
    ],
)
def test_nothing_is_lost_or_doubled_however_often_either_is_killed(
    new_bus: Callable[[int], Bus], total: int, kills: int, publisher_kills: int
) -> None:
    bus = new_bus(total)
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    consumer_at = sorted(chance.sample(range(1, total), kills))
    publisher_at = sorted(chance.sample(range(1, total), publisher_kills))
    bus.publish()
    bus.consume("store")
    while consumer_at or publisher_at:
        bus.wait_until(
            lambda: (
                bool(consumer_at and bus.consumed("store") >= consumer_at[0])
                or bool(publisher_at and bus.sent() >= publisher_at[0])
            )
        )
        if publisher_at and bus.sent() >= publisher_at[0]:
            publisher_at.pop(0)
            kill(bus.publisher)
            bus.publish()
        else:
            consumer_at.pop(0)
            kill(bus.consumers["store"])
            bus.consume("store")
    bus.wait_until(lambda: bus.sent() >= total)
    sent = bus.sent()
    bus.wait_until(lambda: bus.consumed("store") >= sent)
    bus.end()
    seqs = bus.seqs("store")
    assert seqs == list(range(len(seqs)))
    assert len(seqs) >= total
    assert bus.missed("store") == 0
    with sqlite3.connect(bus.journal) as journal:
        runs = journal.execute("SELECT count(DISTINCT run_id) FROM events").fetchone()[0]
        assert [seq for (seq,) in journal.execute("SELECT seq FROM events ORDER BY seq")][: len(seqs)] == seqs
    assert runs == publisher_kills + 1


@pytest.mark.timeout(900)
def test_a_subscriber_that_stops_reading_holds_nobody_up_and_fills_its_gap(
    new_bus: Callable[[int], Bus],
) -> None:
    bus = new_bus(60_000)
    bus.publish()
    bus.consume("filling")
    bus.consume("without", "tcp://127.0.0.1:1")
    bus.wait_until(lambda: min(bus.consumed("filling"), bus.consumed("without")) > 0)
    for consumer in bus.consumers.values():
        consumer.send_signal(signal.SIGSTOP)
    stopped_at = bus.consumed("filling")
    bus.wait_until(lambda: bus.sent() >= bus.total)
    assert bus.consumed("filling") == stopped_at
    for consumer in bus.consumers.values():
        consumer.send_signal(signal.SIGCONT)
    sent = bus.sent()
    bus.wait_until(lambda: min(bus.consumed("filling"), bus.consumed("without")) >= sent)
    bus.end()
    seqs = bus.seqs("filling")
    assert seqs == list(range(len(seqs)))
    assert bus.missed("filling") == 0
    assert bus.missed("without") > 0, "what its queue could not hold was dropped at it alone"


BUSY = """
import sys, time
from rtme import Subscriber
with Subscriber(sys.argv[1]) as events:
    assert events.receive(60) is not None
    print("busy", flush=True)
    time.sleep(8)
    while events.receive(1.0) is not None:
        pass
    print(events.last_seq)
"""


def test_a_consumer_that_is_busy_when_its_service_dies_lives_on(new_bus: Callable[[int], Bus]) -> None:
    bus = new_bus(1_000_000)
    bus.publish()
    with subprocess.Popen(
        [sys.executable, "-c", BUSY, bus.address], stdout=subprocess.PIPE, text=True
    ) as busy:
        assert busy.stdout is not None
        assert busy.stdout.readline() == "busy\n"
        # Meanwhile its queue has run full.
        at = bus.sent()
        bus.wait_until(lambda: bus.sent() > at + 20_000)
        kill(bus.publisher)
        assert busy.wait(PATIENCE_S) == 0
        assert int(busy.stdout.read()) > 1000
