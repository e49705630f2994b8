"""A process that runs out of file descriptors: it says so, and goes on when there are some again."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from live_process import is_state, service, wait_for
from rtme.events import AnyEvent, FaceEvent, StateEvent
from rtsp_camera import RtspCamera
from soundness import assert_sound

pytestmark = pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="the limit of another process can be set on Linux only"
)


def lacks_descriptors(event: AnyEvent) -> bool:
    return isinstance(event, StateEvent) and event.state == "backoff" and "file descriptor" in event.detail


def test_a_camera_that_comes_back_when_there_is_no_descriptor(
    engine: str, clip: Path, rtsp_server: Callable[..., RtspCamera]
) -> None:
    camera = rtsp_server(clip)
    with service(engine, camera.url) as (process, subscriber):
        seen = wait_for(subscriber, lambda event: isinstance(event, FaceEvent))
        before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        camera.stop()
        seen += wait_for(subscriber, is_state("backoff"))
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (lowest_free(process.pid), before[1]))
        camera.start()
        seen += wait_for(subscriber, lacks_descriptors)
        assert "ulimit -n" in seen[-1].detail
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
        seen += wait_for(subscriber, lambda event: isinstance(event, FaceEvent) and event.epoch > 0)
        process.send_signal(signal.SIGINT)
        seen += wait_for(subscriber, is_state("ended"))
        assert process.wait(60) == 0
    assert_sound(seen)


def test_one_of_two_cameras_gets_no_descriptor(
    engine: str, clip: Path, rtsp_server: Callable[..., RtspCamera]
) -> None:
    """The other does not notice."""
    lasting, leaving = rtsp_server(clip), rtsp_server(clip)
    with service(engine, lasting.url, leaving.url) as (process, subscriber):
        seen = wait_for(subscriber, lambda event: isinstance(event, FaceEvent))
        other = "127-0-0-1-2"
        if seen[-1].stream != other:
            seen += wait_for(subscriber, lambda event: isinstance(event, FaceEvent) and event.stream == other)
        before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        leaving.stop()
        seen += wait_for(subscriber, lambda event: is_state("backoff")(event) and event.stream == other)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (lowest_free(process.pid), before[1]))
        leaving.start()
        seen += wait_for(subscriber, lacks_descriptors)
        frames = {}
        for _ in range(3):
            seen += wait_for(subscriber, lambda event: event.kind == "heartbeat")
            frames[seen[-1].seq] = seen[-1].streams["127-0-0-1"].frames
        assert sorted(frames.values()) == list(frames.values())
        assert len(set(frames.values())) == 3
        process.send_signal(signal.SIGINT)
        seen += wait_for(subscriber, lambda event: is_state("ended")(event) and event.stream == other)
    assert {event.epoch for event in seen if event.stream == "127-0-0-1"} == {0}


def test_worker_processes_that_cannot_be_started(engine: str, clip: Path, tmp_path: Path) -> None:
    """Their sources say why, the service ends by itself and not with a traceback."""
    script = tmp_path / "few.py"
    script.write_text(
        "import os, resource, sys\n"
        "import rtme\n"
        "live = rtme.Live(sys.argv[1:], fast=True, workers=2)\n"
        "free = os.dup(0); os.close(free)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (free, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))\n"
        "with live:\n"
        "    list(live)\n"
        "for name, why in sorted(live.errors.items()): print(name, why)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script), str(clip), str(clip), str(clip)],
        env={**os.environ, "RTME_ENGINE": engine},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert [line.split()[0] for line in said] == ["face", "face-2", "face-3"]
    assert all("worker process cannot be started (Too many open files)" in line for line in said)


def lowest_free(pid: int) -> int:
    """A limit under which a process can open nothing, though what it has stays open."""
    taken = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}  # noqa: PTH208
    return next(number for number in range(len(taken) + 1) if number not in taken)
