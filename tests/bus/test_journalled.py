"""A publisher with a journal: what it owes to both when it is killed, restarted, or the disk is full."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import zmq

from made_events import heartbeat, interval, join, stored, warning
from rtme.bus.journal import Journal, JournalReader, Stored
from rtme.bus.publisher import Publisher
from rtme.bus.recorder import Recorder
from rtme.bus.subscriber import Subscriber
from rtme.events import AnyEvent, HeartbeatEvent, JournalHealth, WarningEvent, dump, parse

PATIENCE_S = 60


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB of its own, with 1.5 MB of it taken by a file `filler`."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    (folder / "filler").write_bytes(b"\0" * 1_500_000)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def read(path: Path) -> list[Stored]:
    with JournalReader(path) as reader:
        return list(reader.query())


def until(condition: Callable[[], bool], *, meanwhile: Callable[[], None]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        meanwhile()
        time.sleep(0.02)


def said(events: list[AnyEvent], words: str) -> bool:
    return any(isinstance(event, WarningEvent) and words in event.text for event in list(events))


def test_the_journal_has_what_was_sent_byte_for_byte(path: Path) -> None:
    sent: list[AnyEvent] = []
    with Journal(path) as journal:
        with Publisher(None, on_sent=sent.append, journal=journal) as publisher:
            for number in range(1_000):
                publisher.publish(interval())
                publisher.publish(warning(str(number), stream="door"))
            assert publisher.close(PATIENCE_S)
        assert publisher.journal_loss is None
    kept = read(path)
    assert [one.body for one in kept] == [dump(event) for event in sent]
    assert [(one.seq, one.run_id, one.stream, one.kind) for one in kept] == [
        (event.seq, event.run_id, event.stream, event.kind) for event in sent
    ]
    assert [one.seq for one in kept] == list(range(2_000))


def test_numbers_go_on_across_restarts_and_a_subscriber_counts_none_as_missed(path: Path) -> None:
    with Journal(path) as journal, Publisher("tcp://127.0.0.1:*", "first", journal=journal) as first:
        assert first.last_seq == -1
        with Subscriber(first.address) as subscriber:
            join(first, subscriber)
            first.close(PATIENCE_S)
            journal.close()
            with Journal(path) as journal, Publisher(first.address, "second", journal=journal) as second:
                assert second.last_seq == first.last_seq
                join(second, subscriber)
                assert (subscriber.run_id, subscriber.restarts) == ("second", 1)
    kept = read(path)
    assert [one.seq for one in kept] == list(range(len(kept)))
    assert [one.run_id for one in kept] == sorted(one.run_id for one in kept), "first, then second"


def test_a_heartbeat_tells_of_the_journal(path: Path) -> None:
    sent: list[AnyEvent] = []
    with Journal(path) as journal, Publisher(None, on_sent=sent.append, journal=journal) as publisher:
        publisher.publish(warning())
        until(lambda: len(sent) == 1, meanwhile=lambda: None)
        publisher.publish(heartbeat())
        publisher.close(PATIENCE_S)
        assert publisher.journal_health == JournalHealth(state="ok", last_seq=1)
    assert isinstance(sent[1], HeartbeatEvent)
    assert (sent[1].last_seq, sent[1].journal) == (0, JournalHealth(state="ok", last_seq=0))


def test_without_a_journal_the_heartbeat_has_none() -> None:
    sent: list[AnyEvent] = []
    with Publisher(None, on_sent=sent.append) as publisher:
        publisher.publish(heartbeat())
    assert isinstance(sent[0], HeartbeatEvent)
    assert sent[0].journal is None


BURST = """
import sys
from made_events import interval
from rtme.bus.journal import Journal
from rtme.bus.publisher import Publisher
with Journal(sys.argv[1]) as journal, Publisher("tcp://127.0.0.1:*", journal=journal) as publisher:
    print(publisher.address, flush=True)
    while True:
        publisher.publish(interval())
"""


@contextmanager
def process(script: str, *words: object) -> Iterator[subprocess.Popen[str]]:
    here = Path(__file__).resolve().parent.parent
    paths = [str(here), os.environ.get("PYTHONPATH", "")]
    running = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate(timeout=PATIENCE_S)


def test_what_arrived_is_in_the_journal_though_the_publisher_was_killed_in_a_burst(path: Path) -> None:
    arrived: list[bytes] = []
    context = zmq.Context()
    ends = []
    for _ in range(3):
        with process(BURST, path) as publishing:
            assert publishing.stdout is not None
            socket = context.socket(zmq.SUB)
            socket.set(zmq.RCVHWM, 0)
            socket.subscribe(b"rtme.")
            socket.connect(publishing.stdout.readline().strip())
            for _ in range(2_000):
                assert socket.poll(PATIENCE_S * 1000)
                arrived.append(socket.recv_multipart()[1])
            publishing.send_signal(signal.SIGKILL)
            publishing.wait(PATIENCE_S)
            while socket.poll(500):
                arrived.append(socket.recv_multipart()[1])
            socket.close(0)
        ends.append(parse(arrived[-1]).seq)
        with Journal(path) as journal:
            assert journal.next_seq > ends[-1]
    context.term()
    kept = read(path)
    assert [one.seq for one in kept] == list(range(len(kept))), "no hole, no number twice"
    bodies = {one.seq: one.body for one in kept}
    assert all(bodies[parse(body).seq] == body for body in arrived)
    assert len({parse(body).seq for body in arrived}) == len(arrived)
    assert len({one.run_id for one in kept}) == 3


def test_a_full_disk_stops_nothing_and_is_made_good_when_there_is_room(small_disk: Path) -> None:
    sent: list[AnyEvent] = []
    path = small_disk / "journal.sqlite"
    with Journal(path) as journal, Publisher(None, on_sent=sent.append, journal=journal) as publisher:

        def publish() -> None:
            for _ in range(50):
                publisher.publish(interval())
            publisher.publish(heartbeat())

        until(lambda: said(sent, "make room on its disk"), meanwhile=publish)
        failed_at = len(sent)
        until(lambda: len(sent) > failed_at + 500, meanwhile=publish)
        beat = [event for event in sent if isinstance(event, HeartbeatEvent)][-1]
        assert beat.journal is not None
        assert beat.journal.state == "failing"
        assert beat.journal.waiting > 0
        assert beat.journal.last_seq < beat.seq - beat.journal.waiting
        assert publisher.journal_loss is not None

        (small_disk / "filler").unlink()
        until(
            lambda: said(sent, "written again, and no event is missing"),
            meanwhile=lambda: publisher.publish(heartbeat()),
        )
        assert publisher.close(PATIENCE_S)
        assert publisher.journal_loss is None
        assert publisher.journal_health == JournalHealth(state="ok", last_seq=publisher.last_seq)
    assert [event.seq for event in sent] == list(range(len(sent)))
    assert [one.body for one in read(path)] == [dump(event) for event in sent]


def test_a_disk_that_stays_full_is_told_at_the_end_and_no_number_is_used_twice(small_disk: Path) -> None:
    sent: list[AnyEvent] = []
    path = small_disk / "journal.sqlite"
    with Journal(path) as journal:
        with Publisher(None, on_sent=sent.append, journal=journal) as publisher:

            def publish() -> None:
                for _ in range(50):
                    publisher.publish(interval())

            until(lambda: said(sent, "make room on its disk"), meanwhile=publish)
            publish()
        loss = publisher.journal_loss
        assert loss is not None
        assert str(path) in loss
    kept = len(read(path))
    assert f"lacks {len(sent) - kept} events" in loss
    (small_disk / "filler").unlink()
    with Journal(path) as journal:
        assert journal.next_seq == len(sent)


def test_a_service_that_starts_on_a_full_disk_goes_on_and_its_numbers_too(small_disk: Path) -> None:
    path = small_disk / "journal.sqlite"
    with process(BURST, path) as publishing:
        assert publishing.stdout is not None
        assert publishing.stdout.readline()
        until(lambda: path.with_name(path.name + ".seq").read_bytes() > b"0" * 20, meanwhile=lambda: None)
        publishing.kill()
        publishing.wait(PATIENCE_S)
    # After a restart of the machine nobody has the shared memory any more, and there is no room to make it.
    path.with_name(path.name + "-shm").unlink()
    with (small_disk / "rest").open("wb", buffering=0) as rest, suppress(OSError):
        while rest.write(b"\0" * 4096):
            pass
    sent: list[AnyEvent] = []
    with Journal(path) as journal, Publisher(None, on_sent=sent.append, journal=journal) as publisher:
        until(lambda: said(sent, str(path)), meanwhile=lambda: publisher.publish(warning()))
        (small_disk / "rest").unlink()
        (small_disk / "filler").unlink()
        until(lambda: said(sent, "no event is missing"), meanwhile=lambda: publisher.publish(warning()))
        assert publisher.close(PATIENCE_S)
    kept = read(path)
    assert [one.seq for one in kept] == list(range(len(kept)))
    assert [one.body for one in kept if one.run_id == sent[0].run_id] == [dump(event) for event in sent]


def test_what_waits_too_long_is_given_up_oldest_first_and_told(small_disk: Path) -> None:
    path = small_disk / "journal.sqlite"
    with Journal(path) as journal:
        size = len(stored(interval(), 1000).body)
        recorder = Recorder(journal, most_bytes=100 * size)
        seq = 0

        def record(count: int) -> str | None:
            nonlocal seq
            batch = [stored(interval(), seq + number) for number in range(count)]
            seq += count
            return recorder.record(batch)

        while not record(10):
            pass
        first_waiting = seq - 10
        assert recorder.health() == JournalHealth(
            state="failing", last_seq=first_waiting - 1, waiting=10, missing=0
        )
        while seq < first_waiting + 1_000:
            record(10)
        health = recorder.health()
        assert 90 <= health.waiting <= 110
        assert health.waiting + health.missing == 1_000
        (small_disk / "filler").unlink()
        sentences: list[str] = []
        until(
            lambda: bool(sentences), meanwhile=lambda: sentences.extend(filter(None, [recorder.record([])]))
        )
        last_lost = first_waiting + health.missing - 1
        assert (
            f"{health.missing} events are missing in it, seq {first_waiting} to {last_lost}" in sentences[0]
        )
        assert recorder.loss() is not None
        assert recorder.health() == JournalHealth(
            state="ok", last_seq=seq - 1, waiting=0, missing=health.missing
        )
    assert [one.seq for one in read(path)] == [*range(first_waiting), *range(last_lost + 1, seq)]


LIMITED = """
import resource, sys, time
from made_events import interval
from rtme.bus.journal import Journal
from rtme.bus.publisher import Publisher
from rtme.events import WarningEvent
said = []
def take(event):
    if isinstance(event, WarningEvent):
        said.append(event.text)
        print(event.text, flush=True)
with Journal(sys.argv[1]) as journal, Publisher(None, on_sent=take, journal=journal) as publisher:
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, resource.RLIM_INFINITY))
    while not said:
        publisher.publish(interval())
        time.sleep(0.001)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    while len(said) < 2:
        publisher.publish(interval())
        time.sleep(0.01)
    publisher.close(60)
    print(publisher.last_seq, publisher.journal_loss)
"""


def test_a_file_that_may_not_grow_is_made_good_as_well(path: Path) -> None:
    with process(LIMITED, path) as publishing:
        out, _ = publishing.communicate(timeout=PATIENCE_S)
    failing, again, end = out.splitlines()
    assert str(path) in failing
    assert "no event is missing" in again
    last_seq, loss = end.split()
    assert loss == "None"
    assert [one.seq for one in read(path)] == list(range(int(last_seq) + 1))


def test_somebody_who_locks_the_file_is_waited_out(path: Path) -> None:
    sent: list[AnyEvent] = []
    with Journal(path) as journal, Publisher(None, on_sent=sent.append, journal=journal) as publisher:
        somebody = sqlite3.connect(path, isolation_level=None)
        somebody.execute("BEGIN IMMEDIATE")
        until(lambda: said(sent, "locked"), meanwhile=lambda: publisher.publish(warning()))
        somebody.execute("ROLLBACK")
        somebody.close()
        until(lambda: said(sent, "no event is missing"), meanwhile=lambda: publisher.publish(warning()))
        assert publisher.close(PATIENCE_S)
    assert [one.seq for one in read(path)] == [event.seq for event in sent] == list(range(len(sent)))
