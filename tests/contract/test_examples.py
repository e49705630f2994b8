"""The examples for other programs, run as they stand."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from contract.npm import installed, needs_npm
from made_events import heartbeat, interval
from rtme.bus.publisher import Publisher

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PATIENCE_S = 120


def first_line(command: list[str], folder: Path) -> str:
    """What a listener prints first, while a service sends intervals."""
    over = threading.Event()
    with Publisher("tcp://127.0.0.1:*") as publisher:

        def speak() -> None:
            while not over.wait(0.1):
                publisher.publish(heartbeat())
                for status in ("provisional", "confirmed", "closed"):
                    publisher.publish(interval(status, stream="door", onset=30, offset=45))

        speaker = threading.Thread(target=speak)
        speaker.start()
        listener = subprocess.Popen(
            [*command, str(publisher.address)],
            cwd=folder,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        # A listener that never prints must not hold the test for ever.
        watchdog = threading.Timer(PATIENCE_S, os.killpg, (listener.pid, signal.SIGKILL))
        watchdog.start()
        try:
            assert listener.stdout is not None
            return listener.stdout.readline().strip()
        finally:
            watchdog.cancel()
            over.set()
            speaker.join(10)
            if listener.poll() is None:
                os.killpg(listener.pid, signal.SIGKILL)
            listener.communicate(timeout=10)


def test_python(tmp_path: Path) -> None:
    assert first_line([sys.executable, str(EXAMPLES / "listen.py")], tmp_path) == "door me 1.000 1.500"


@needs_npm
def test_node(tmp_path: Path) -> None:
    for file in (EXAMPLES / "node").iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    installed(tmp_path)
    assert first_line(["node", "listen.js"], tmp_path) == "door me 1.000 1.500"


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed: apt-get install jq")
def test_shell(tmp_path: Path) -> None:
    stream, kind, onset, offset = first_line([str(EXAMPLES / "listen.sh")], tmp_path).split()
    assert (stream, kind, float(onset), float(offset)) == ("door", "me", 1.0, 1.5)
