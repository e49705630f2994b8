"""Sources in processes of their own: the same events, and a clear end when a process dies."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rtme
from rtme.capture.frames import FramesSource
from rtme.errors import SettingsError
from rtme.events import AnyEvent, FaceEvent, HeartbeatEvent, IntervalEvent, SpeakerEvent, StateEvent
from rtme.face.tracker import FaceTracker
from rtme.live.health import StreamAccount
from rtme.live.messages import Message, StreamEnd
from rtme.live.plan import SourcePlan, plan_sources
from rtme.live.service import new_tracker
from rtme.live.sharing import share_out
from rtme.live.worker_lines import WorkerLines
from rtme.settings import load_settings


def told(events: list[AnyEvent]) -> dict[str, list[tuple[object, ...]]]:
    """What was found in each stream, without the times at which it was."""
    seen: dict[str, list[tuple[object, ...]]] = {}
    for event in events:
        if isinstance(event, IntervalEvent):
            place = event.status, event.onset.frame, event.offset.frame, event.confidence
            seen.setdefault(event.stream, []).append(place)
        elif isinstance(event, SpeakerEvent):
            seen.setdefault(event.stream, []).append((event.state, event.start.frame))
        elif isinstance(event, FaceEvent):
            seen.setdefault(event.stream, []).append((event.status, event.face, event.reason))
    return seen


def workers_of(pid: int) -> list[psutil.Process]:
    found = []
    for process in psutil.Process(pid).children():
        # One that has just ended is no worker any more.
        with suppress(psutil.NoSuchProcess):
            if "rtme.live.worker" in process.cmdline():
                found.append(process)
    return found


def test_workers_give_the_same_events(engine: str, clip: Path) -> None:
    found = {}
    for workers in (0, 2):
        with rtme.Live([str(clip)] * 3, fast=True, engine=engine, workers=workers) as live:
            assert len(workers_of(os.getpid())) == workers
            events = list(live)
        assert live.errors == {}
        found[workers] = told(events)
        beat = [e for e in events if isinstance(e, HeartbeatEvent)][-1]
        assert {health.frames for health in beat.streams.values()} == {90}
        assert {progress.expected for progress in live.progress().values()} == {90}
        assert sorted(e.stream for e in events if isinstance(e, StateEvent) and e.state == "ended") == sorted(
            beat.streams
        )
    assert found[2] == found[0]
    assert len(found[0]) == 3
    assert workers_of(os.getpid()) == []


def test_a_killed_worker_is_said_and_the_others_go_on(engine: str, clip: Path) -> None:
    killed: set[str] = set()
    with rtme.Live(["demo", str(clip)], engine=engine, workers=2) as live:
        for event in live:
            if isinstance(event, FaceEvent) and event.stream == "demo" and not killed:
                (victim, *_) = (p for p in workers_of(os.getpid()) if p.pid == live_pid(live, "demo"))
                victim.send_signal(signal.SIGKILL)
                killed.add("demo")
    assert live.errors == {"demo": "its worker process died (SIGKILL)"}


def live_pid(live: rtme.Live, stream: str) -> int | None:
    return next(line.pid for line in live._lines if stream in getattr(line, "streams", ()))


def test_stop_ends_workers_and_their_processes(engine: str) -> None:
    with rtme.Live(["demo", "demo"], engine=engine, workers=2) as live:
        for event in live:
            if isinstance(event, FaceEvent):
                live.stop()
    assert live.errors == {}
    assert workers_of(os.getpid()) == []


def test_workers_end_when_their_service_is_killed(engine: str, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "rtme",
        "live",
        "demo",
        "demo",
        "--engine",
        engine,
        "--bind",
        "tcp://127.0.0.1:*",
    ]
    service = subprocess.Popen(
        command, env=os.environ | {"RTME_WORKERS": "2"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        until = time.monotonic() + 60
        while len(workers_of(service.pid)) < 2 and time.monotonic() < until:
            time.sleep(0.1)
        workers = workers_of(service.pid)
        assert len(workers) == 2
        service.kill()
        _, alive = psutil.wait_procs(workers, timeout=30)
        assert alive == []
    finally:
        service.kill()
        service.communicate()


class Held:
    """An engine that takes nothing until it is let."""

    fps = 30.0

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.go = threading.Event()
        self.ends: list[StreamEnd] = []

    def put(self, message: Message) -> bool:
        self.asked.set()
        self.go.wait(60)
        if isinstance(message, StreamEnd):
            self.ends.append(message)
        return True


def test_an_engine_that_is_behind_makes_a_camera_drop_and_not_wait() -> None:
    """What a camera sends meanwhile is dropped at the inlet and counted, and its capture never stands still."""
    engine, account = Held(), StreamAccount()
    (plan,) = plan_sources(["demo"], load_settings(), paced=True)
    maker = partial(new_tracker, FaceTracker, input="motion", size=112, fps=30.0, flow_lag=6, task_file=None)
    lines = WorkerLines([plan], maker, engine, print, {plan.name: account}, print)
    lines.start()
    # However long the worker takes to begin. Two frames fill the pump, a few more the pipe; then only drops go on. They are
    # told when the engine takes again.
    assert engine.asked.wait(120)
    time.sleep(6)
    engine.go.set()
    lines.stop()
    lines.join(30)
    health = account.report(None)
    assert engine.ends == [StreamEnd(plan.name, 0, None)]
    assert health.drops["dropped"] > 0
    assert health.frames > health.drops["dropped"]


@pytest.mark.parametrize(
    "after_s", [pytest.param(0.0, marks=pytest.mark.slow), 0.4, pytest.param(3.0, marks=pytest.mark.slow)]
)
def test_ctrl_c_reaches_the_service_alone(engine: str, after_s: float) -> None:
    """However early it comes, workers do not die of it: the service ends them, and nothing is said but what was seen."""
    command = [sys.executable, "-m", "rtme", "live", "demo", "demo", "--engine", engine]
    service = subprocess.Popen(
        [*command, "--bind", "tcp://127.0.0.1:*"],
        env=os.environ | {"RTME_WORKERS": "2"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + 60
        while len(workers_of(service.pid)) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(after_s)
        os.killpg(service.pid, signal.SIGINT)
        _, said = service.communicate(timeout=60)
    finally:
        service.kill()
    assert "Traceback" not in said
    assert "died" not in said
    assert service.returncode == 0, said


@given(st.integers(0, 20), st.one_of(st.none(), st.integers(0, 9)), st.sets(st.integers(0, 19)))
def test_every_source_has_one_place(count: int, workers: int | None, objects: set[int]) -> None:
    plans = [SourcePlan(f"s{n}", FramesSource([], 30), 1, ours=n not in objects) for n in range(count)]
    shares = share_out(plans, workers)
    placed = [plan.name for plans in [shares.here, *shares.workers] for plan in plans]
    assert sorted(placed) == sorted(plan.name for plan in plans)
    assert all(shares.workers)
    assert all(plan.ours for plans in shares.workers for plan in plans)
    if workers is not None:
        assert len(shares.workers) <= workers
    elif count <= 2:
        assert shares.workers == []


@pytest.mark.parametrize("workers", [-1, 65])
def test_a_number_of_workers_that_makes_no_sense(engine: str, workers: int) -> None:
    with pytest.raises(SettingsError, match="workers"):
        rtme.Live(["demo"], engine=engine, workers=workers)
