"""How a service that runs as a process of its own ends when it is told to, and what it tells systemd."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

LIVE = [sys.executable, "-m", "rtme", "live"]
ON_A_FREE_PORT = ["--bind", "tcp://127.0.0.1:*"]


@pytest.fixture(autouse=True)
def hang_ups_are_heard() -> Iterator[None]:
    """Whoever runs the tests under nohup hands it on to every process that they start."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def environment(engine: str) -> dict[str, str]:
    return {**os.environ, "RTME_ENGINE": engine}


@pytest.fixture
def demo(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*LIVE, "demo", "--json", "--log-format", "json", *ON_A_FREE_PORT],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate(timeout=30)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_ends_cleanly_and_says_why(demo: subprocess.Popen[str], number: signal.Signals) -> None:
    assert demo.stdout is not None
    events = []
    while not events or events[-1]["kind"] != "speaker":
        events.append(json.loads(demo.stdout.readline()))
    demo.send_signal(number)
    if number == signal.SIGHUP:
        demo.send_signal(number)
    rest, said = demo.communicate(timeout=60)
    events += [json.loads(line) for line in rest.splitlines()]
    assert demo.returncode == 0
    assert [event["seq"] for event in events] == list(range(len(events)))
    turns = {event["id"]: event["end"] for event in events if event["kind"] == "speaker"}
    assert all(end is not None for end in turns.values()), "what was open is closed"
    intervals = {event["id"]: event["status"] for event in events if event["kind"] == "interval"}
    assert set(intervals.values()) <= {"closed", "retracted"}
    assert [event["state"] for event in events if event["kind"] == "state"][-1] == "ended"
    messages = [json.loads(line)["message"] for line in said.splitlines()]
    assert f"over: {number.name} was received" in messages


def test_a_closed_terminal_ends_it(environment: dict[str, str], tmp_path: Path) -> None:
    """The terminal goes away as that of a broken ssh does: SIGHUP, and nothing can be printed any more."""
    log = tmp_path / "log"
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT, 0o600), 2)
        os.execve(sys.executable, [*LIVE, "demo", "--log-format", "json", *ON_A_FREE_PORT], environment)
    shown = b""
    while b"speaking" not in shown and b"listening" not in shown:
        shown += os.read(terminal, 4096)
    os.close(terminal)
    deadline = time.monotonic() + 60
    status = None
    while status is None:
        assert time.monotonic() < deadline
        pid, code = os.waitpid(child, os.WNOHANG)
        status = os.waitstatus_to_exitcode(code) if pid else time.sleep(0.1)
    assert status == 0, log.read_text()
    messages = [json.loads(line)["message"] for line in log.read_text().splitlines()]
    assert "over: SIGHUP was received" in messages


def test_nohup_outlives_its_terminal(environment: dict[str, str]) -> None:
    process = subprocess.Popen(
        ["nohup", *LIVE, "demo", "--json", *ON_A_FREE_PORT],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        for _ in range(3):
            assert json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate(timeout=30)


@pytest.mark.parametrize("abstract", [False, True])
def test_what_systemd_is_told(environment: dict[str, str], tmp_path: Path, abstract: bool) -> None:
    if abstract and sys.platform != "linux":
        pytest.skip("abstract sockets are Linux's")
    where = f"@rtme-{os.getpid()}" if abstract else str(tmp_path / "notify")
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(where.replace("@", "\0"))
        door.settimeout(60)
        process = subprocess.Popen(
            [*LIVE, "demo", *ON_A_FREE_PORT],
            env={**environment, "NOTIFY_SOCKET": where},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while heard.count("WATCHDOG=1") < 2:
                heard.append(door.recv(100).decode())
            process.send_signal(signal.SIGTERM)
            while heard[-1] != "STOPPING=1":
                heard.append(door.recv(100).decode())
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait(30)
    assert heard[0] == "READY=1"
    assert set(heard[1:-1]) == {"WATCHDOG=1"}


def test_a_hung_systemd_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rtme.cli.systemd import notify

    where = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(where)
        monkeypatch.setenv("NOTIFY_SOCKET", where)
        thread = threading.Thread(target=lambda: [notify("WATCHDOG=1") for _ in range(5000)], daemon=True)
        thread.start()
        thread.join(60)
        assert not thread.is_alive()
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nowhere"))
    notify("READY=1")
