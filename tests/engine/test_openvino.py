"""What OpenVINO does to the process around it."""

import os
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start what a user without a home would")
def test_it_is_passed_over_where_it_cannot_be_loaded() -> None:
    script = (
        "from rtme.engine.backend import Wish; from rtme.engine.backends import open_for\n"
        "from rtme.engine.bundle import load_bundle\n"
        "opened = open_for(load_bundle('default'), Wish('auto'))\n"
        "print(opened.backend.name); print(opened.refused['openvino'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        # OpenVINO's telemetry wants a home folder.
        env={name: value for name, value in os.environ.items() if name != "HOME"},
        preexec_fn=lambda: os.setreuid(54_321, 0),
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    name, reason = done.stdout.splitlines()
    assert name == "onnxruntime"
    assert "OpenVINO cannot be loaded" in reason
