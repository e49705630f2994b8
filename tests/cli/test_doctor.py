import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from rtme.bus.publisher import Publisher
from rtme.cli.doctor import check_port
from rtme.events import HeartbeatEvent

RTME = [sys.executable, "-c", "from rtme.cli import main; main()"]


def doctor(*arguments: str, first_on_path: Path | None = None) -> "subprocess.CompletedProcess[str]":
    environment = dict(os.environ)
    if first_on_path is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(first_on_path), environment.get("PYTHONPATH", "")])
    return subprocess.run(
        [*RTME, "doctor", *arguments],
        capture_output=True,
        text=True,
        timeout=150,
        env=environment,
        check=False,
    )


def findings_of(done: "subprocess.CompletedProcess[str]") -> dict[str, dict[str, Any]]:
    report = json.loads(done.stdout)
    assert report["can_run"] == (done.returncode == 0)
    assert done.stderr == ""
    return {finding["what"]: finding for finding in report["findings"]}


@pytest.fixture(scope="module")
def here() -> dict[str, dict[str, Any]]:
    return findings_of(doctor("--json"))


def test_everything_that_matters_is_looked_at(here: dict[str, dict[str, Any]]) -> None:
    assert {"rtme", "python", "system libraries", "av", "mediapipe", "onnxruntime", "numpy", "pyzmq"} <= set(
        here
    )
    assert {"opencv-contrib-python", "opencv wheels", "torch", "cameras", "engine", "port"} <= set(here)


def test_where_these_tests_run_the_packages_work(here: dict[str, dict[str, Any]]) -> None:
    for package in ("av", "mediapipe", "onnxruntime", "opencv-contrib-python", "engine"):
        assert here[package]["status"] == "ok", here[package]
    assert "libavcodec" in here["av"]["detail"]
    assert "CPUExecutionProvider" in here["onnxruntime"]["detail"]


def test_what_is_wrong_comes_with_what_to_do(here: dict[str, dict[str, Any]]) -> None:
    assert all(finding["fix"] for finding in here.values() if finding["status"] == "problem")


def test_a_missing_library_and_a_second_opencv_come_with_the_commands_that_help(tmp_path: Path) -> None:
    """A cv2 that fails as the real one does on a bare Debian, in front of the real one."""
    (tmp_path / "cv2").mkdir()
    (tmp_path / "cv2" / "__init__.py").write_text(
        "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')"
    )
    (tmp_path / "opencv_python-4.11.0.86.dist-info").mkdir()
    (tmp_path / "opencv_python-4.11.0.86.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: opencv-python\nVersion: 4.11.0.86\n"
    )
    done = doctor("--brief", first_on_path=tmp_path)
    assert done.returncode == 1
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert not any(line.startswith(("ok", "note")) for line in lines), "brief"
    assert lines[-1].startswith("`rtme live` cannot run here")
    problems = {
        line.split()[1]: (line, lines[n + 1]) for n, line in enumerate(lines) if line.startswith("problem")
    }
    line, fix = problems["opencv-contrib-python"]
    assert "libGL.so.1" in line
    assert fix.strip() in {
        "-> apt-get install -y libgl1",
        "-> sudo apt-get install -y libgl1",
        "-> install the system packages that hold libGL.so.1",
    }
    line, fix = problems["opencv"]
    assert "opencv-python and opencv-contrib-python" in line
    assert "pip uninstall -y opencv-python opencv-contrib-python" in fix


def test_a_free_port_a_running_service_and_another_program_are_told_apart() -> None:
    with Publisher("tcp://127.0.0.1:*") as publisher:
        address = str(publisher.address)
        over = threading.Event()

        def beat() -> None:
            while not over.wait(0.1):
                publisher.publish(
                    HeartbeatEvent(stream="_service", uptime_s=1.0, engine="none", last_seq=0, streams={})
                )

        thread = threading.Thread(target=beat)
        thread.start()
        try:
            running = check_port(address)
        finally:
            over.set()
            thread.join(10)
    assert (running.status, "running rtme service" in running.detail) == ("note", True)
    assert check_port(address).status == "ok"
    with socket.create_server(("127.0.0.1", int(address.rsplit(":", 1)[1]))):
        other = check_port(address)
    assert other.status == "problem"
    assert "--bind" in other.fix
