"""The other end of telling.py: starts it, tells it what to say, kills it."""

import base64
import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from rtme.bus.journal import JournalReader
from rtme.events import AnyEvent, dump
from rtme.traces import Shown

PROGRAM = Path(__file__).with_name("telling.py")
PATIENCE_S = 60.0


class ToldService:
    """A service in a process of its own, with a journal.

    Attributes:
        address: Where it publishes; the same after it was started again.
    """

    def __init__(self, folder: Path, *, preview: bool = False) -> None:
        port = _two_ports()
        self.address = f"tcp://127.0.0.1:{port}"
        self._words = [self.address, f"tcp://127.0.0.1:{port + 1}", str(folder / "journal.sqlite")]
        self._words += ["--preview"] * preview
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        command = [sys.executable, str(PROGRAM), *self._words]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline(), "the service has ended before it began"

    def kill(self) -> None:
        """As ``kill -9``. Safe to call twice."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()

    def say(self, *events: AnyEvent) -> None:
        self._tell({"events": [json.loads(dump(event)) for event in events]})

    def show(self, *shown: Shown) -> None:
        for one in shown:
            picture = None if one.picture is None else base64.b64encode(one.picture).decode()
            self._tell({"shown": json.loads(one.message.model_dump_json(by_alias=True)), "picture": picture})

    def report(self, streams: dict[str, dict[str, Any]]) -> None:
        """What heartbeats say of the streams from now on."""
        self._tell({"streams": streams})

    def sent(self, *, heartbeats: bool = False, at_least: int = 0) -> list[dict[str, Any]]:
        """What was sent so far, from the journal, once it is so much."""
        until = time.monotonic() + PATIENCE_S
        while True:
            found = [event for event in self._journal() if heartbeats or event["kind"] != "heartbeat"]
            if len(found) >= at_least:
                return found
            assert time.monotonic() < until, f"only {len(found)} of {at_least} events were sent"
            time.sleep(0.05)

    def _journal(self) -> list[dict[str, Any]]:
        with JournalReader(Path(self._words[2])) as reader:
            return [json.loads(stored.body) for stored in reader.query()]

    def _tell(self, told: dict[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()


def _two_ports() -> int:
    """The first of two free ports in a row."""
    while True:
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            try:
                two.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
