import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from rtme.bus.publisher import Publisher
from rtme.events import HeartbeatEvent, StateEvent, WarningEvent

RTME = [sys.executable, "-c", "from rtme.cli import main; main()"]
PATIENCE_S = 60


def note(number: int) -> WarningEvent:
    return WarningEvent(stream="cam", text=f"note {number}")


def beat() -> HeartbeatEvent:
    return HeartbeatEvent(stream="_service", uptime_s=1.0, engine="none", last_seq=0, streams={})


class Service:
    """A publisher that keeps sending, until it is told to stop."""

    def __init__(self, address: str = "tcp://127.0.0.1:*") -> None:
        self._publisher = Publisher(address, replay="tcp://127.0.0.1:*")
        self._publisher.publish(StateEvent(stream="cam", state="live"))
        self.address = str(self._publisher.address)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._over.wait(0.05):
            number += 1
            self._publisher.publish(note(number))
            self._publisher.publish(beat())

    def stop(self) -> None:
        self._over.set()
        self._thread.join(10)
        self._publisher.close(10)


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service()
    yield running
    running.stop()


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def watch(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*RTME, "watch", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield watch
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=10)


Start = Callable[..., subprocess.Popen[str]]


def says(process: subprocess.Popen[str], words: str) -> bool:
    """Read notes up to the one with these words."""
    assert process.stderr is not None
    return any(words in line for line in process.stderr)


def test_events_are_printed_as_lines_and_heartbeats_kept_quiet(service: Service, start: Start) -> None:
    out, notes = start(service.address, "--count", "3").communicate(timeout=PATIENCE_S)
    lines = out.splitlines()
    assert len(lines) == 3
    assert all("cam" in line and "warning: note" in line for line in lines)
    assert "\x1b" not in out, "no colours into a pipe"
    assert "3 warnings" in notes


def test_json_is_one_event_a_line_without_holes(service: Service, start: Start) -> None:
    process = start(service.address, "--json", "--count", "6")
    out, _ = process.communicate(timeout=PATIENCE_S)
    events = [json.loads(line) for line in out.splitlines()]
    assert {event["kind"] for event in events} == {"warning", "heartbeat"}
    seqs = [event["seq"] for event in events]
    assert seqs == list(range(seqs[0], seqs[0] + 6))
    assert process.returncode == 0


def test_it_begins_with_a_number_that_was_sent_before(service: Service, start: Start) -> None:
    out, _ = start(service.address, "--json", "--from", "0", "--count", "20").communicate(timeout=PATIENCE_S)
    assert [json.loads(line)["seq"] for line in out.splitlines()] == list(range(20))


def test_it_shows_first_how_things_stand(service: Service, start: Start) -> None:
    out, _ = start(service.address, "--snapshot", "--count", "2").communicate(timeout=PATIENCE_S)
    first, *rest = out.splitlines()
    assert first.endswith("live")
    assert len(rest) == 2
    assert all("warning: note" in line for line in rest)


def test_a_number_that_was_never_sent_is_said_to_be_none(service: Service, start: Start) -> None:
    out, notes = start(service.address, "--json", "--from", "1000000", "--count", "2").communicate(
        timeout=PATIENCE_S
    )
    assert [json.loads(line)["seq"] for line in out.splitlines()] == [0, 1]
    assert "1000000" in notes


def test_kinds_and_streams_are_chosen(service: Service, start: Start) -> None:
    out, _ = start(
        service.address, "--kind", "heartbeat", "--stream", "_service", "--count", "2"
    ).communicate(timeout=PATIENCE_S)
    assert len(out.splitlines()) == 2
    assert all("alive for" in line for line in out.splitlines())


def test_ctrl_c_ends_well_with_a_summary(service: Service, start: Start) -> None:
    process = start(service.address)
    assert process.stdout is not None
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, notes = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert "Seen:" in notes
    assert "Traceback" not in notes


def test_a_reader_that_leaves_ends_it_quietly(service: Service, start: Start) -> None:
    process = start(service.address)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    os.close(process.stdout.fileno())
    assert process.wait(PATIENCE_S) == 0
    assert process.stderr.read() == ""
    process.stdout = None


def test_it_waits_for_a_service_and_notices_when_it_goes_and_comes_back(start: Start) -> None:
    first = Service()
    first.stop()
    process = start(first.address)
    assert says(process, "no service at")
    second = Service(first.address)
    try:
        assert says(process, "is there")
    finally:
        second.stop()
    assert says(process, "no heartbeat")
    third = Service(first.address)
    try:
        assert says(process, "restarted")
    finally:
        third.stop()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0


def test_a_time_limit_in_silence_is_an_error_with_advice(start: Start) -> None:
    process = start("tcp://127.0.0.1:1", "--seconds", "0.5")
    out, notes = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 6
    assert out == ""
    assert "nothing was heard from tcp://127.0.0.1:1" in notes
    assert "Traceback" not in notes


def test_a_time_limit_with_a_service_ends_well(service: Service, start: Start) -> None:
    before = time.monotonic()
    process = start(service.address, "--seconds", "3")
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert time.monotonic() - before >= 3


@pytest.mark.parametrize("arguments", [["nonsense"], ["--kind", "verdict"]])
def test_a_wrong_argument_is_one_sentence(start: Start, arguments: list[str]) -> None:
    process = start(*arguments)
    _, notes = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 6
    assert len(notes.splitlines()) == 1
