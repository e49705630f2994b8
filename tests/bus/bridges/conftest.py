"""A service that speaks when told to, and bridges as processes of their own."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from made_events import heartbeat, warning
from rtme.bus.journal import Journal
from rtme.bus.publisher import Publisher

PATIENCE_S = 90


def wait_until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Service:
    """A publisher with a steady heartbeat, and with a journal where a path is given for one."""

    def __init__(self, journal: Path | None = None, address: str = "tcp://127.0.0.1:*") -> None:
        self._journal = None if journal is None else Journal(journal)
        self.publisher = Publisher(address, journal=self._journal, replay="tcp://127.0.0.1:*")
        self.address = str(self.publisher.address)
        self._over = threading.Event()
        self._beating = threading.Thread(target=self._beat)
        self._beating.start()

    def _beat(self) -> None:
        while not self._over.wait(0.2):
            self.publisher.publish(heartbeat())

    def say(self, text: str, stream: str = "cam") -> None:
        self.publisher.publish(warning(text, stream))

    def close(self) -> None:
        self._over.set()
        self._beating.join(10)
        self.publisher.close(10)
        if self._journal is not None:
            self._journal.close()


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service()
    yield running
    running.close()


class Running:
    """A bridge's process and what it has said so far."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def said(self) -> str:
        return self._log.read_text()

    def wait_for(self, words: str, times: int = 1) -> None:
        wait_until(
            lambda: self.said.count(words) >= times or self.process.poll() is not None,
            f"{words!r} in {self.said}",
        )
        assert self.said.count(words) >= times, self.said

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_S)


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts ``rtme bridge``; its position is kept below the test's own folder."""
    started: list[Running] = []

    def bridge(*words: object, out: int | None = subprocess.DEVNULL, **environment: str) -> Running:
        log = tmp_path / f"bridge-{len(started)}.log"
        with log.open("wb") as notes:
            process = subprocess.Popen(
                [sys.executable, "-m", "rtme", "bridge", *map(str, words)],
                stdout=out,
                stderr=notes,
                env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), **environment},
            )
        started.append(Running(process, log))
        return started[-1]

    yield bridge
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait(10)
        if running.process.stdout is not None:
            running.process.stdout.close()
