"""What OpenVINO does to the process around it."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("openvino", reason="OpenVINO is not installed (pip install 'rtme[openvino]')")

SCRIPT = """
import gc, os, signal, threading
from rtme.engine.backend import Wish
from rtme.engine.bundle import load_bundle
from rtme.engine.openvino import OpenVinoBackend

heard = []
signal.signal(signal.SIGUSR1, lambda *_: heard.append("signal"))
backends = [OpenVinoBackend(load_bundle("default"), Wish())]

def replace():
    # As a live service does, whose engine thread is not the one that opened the engine.
    backends.pop().close()
    gc.collect()

thread = threading.Thread(target=replace)
thread.start()
thread.join()
os.kill(os.getpid(), signal.SIGUSR1)
print(*heard)
"""


def test_signals_are_heard_after_an_engine_was_closed_by_another_thread() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[2],
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "signal\n", "")
