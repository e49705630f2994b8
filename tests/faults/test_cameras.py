"""Cameras that die, come back as others, promise too much, or were never there."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import rtme
from live_process import is_state, service, wait_for
from rtme.events import AnyEvent, FaceEvent, GapEvent, HeartbeatEvent, Mark, WarningEvent
from rtsp_camera import RtspCamera
from soundness import assert_sound, beats, gaps, states, warnings

Cameras = Callable[..., RtspCamera]
Run = Callable[..., subprocess.CompletedProcess[str]]


def a_face_after(epoch: int) -> Callable[[AnyEvent], bool]:
    return lambda event: isinstance(event, FaceEvent) and event.epoch > epoch


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208


def threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208


@pytest.mark.parametrize("times", [5, pytest.param(20, marks=pytest.mark.slow)])
def test_a_server_killed_and_started_again_and_again(
    engine: str, clip: Path, rtsp_server: Cameras, times: int
) -> None:
    camera = rtsp_server(clip)
    held: list[tuple[int, int]] = []
    with service(engine, camera.url) as (process, subscriber):
        seen = wait_for(subscriber, a_face_after(-1))
        for _ in range(times):
            camera.stop()
            camera.start()
            seen += wait_for(subscriber, a_face_after(seen[-1].epoch))
            held.append((descriptors(process.pid), threads(process.pid)))
        process.send_signal(signal.SIGINT)
        seen += wait_for(subscriber, is_state("ended"))
        assert process.wait(60) == 0
        assert subscriber.missed == 0
    assert_sound(seen)
    assert len(gaps(seen, "reconnect")) >= times
    assert states(seen).count("live") > times
    # What a reconnect leaves behind would be there each time.
    half = times // 2
    for early, late in zip(zip(*held[:half], strict=True), zip(*held[-half:], strict=True), strict=True):
        assert max(late) <= max(early) + 2, held


def test_a_camera_that_comes_back_as_another(
    engine: str, clip: Path, larger_clip: Path, numbered_clip: Path, rtsp_server: Cameras
) -> None:
    """The size, the codec and the rate change at the same address, and in the end what is seen."""
    camera = rtsp_server(clip)
    with rtme.Live([camera.url], engine=engine) as live:
        seen: list[AnyEvent] = []

        def wait(wanted: Callable[[AnyEvent], bool]) -> None:
            for event in live:
                seen.append(event)
                if wanted(event):
                    return
            raise AssertionError("the service ended")

        wait(a_face_after(-1))
        for file, options in ((larger_clip, {}), (clip, {"codec": "jpeg"}), (clip, {"fps": 15})):
            epoch = seen[-1].epoch
            camera.stop()
            camera.shows(file, **options)
            camera.start()
            wait(a_face_after(epoch))
        camera.stop()
        camera.shows(numbered_clip)
        camera.start()
        epoch = seen[-1].epoch
        wait(lambda event: is_state("live")(event) and event.epoch >= epoch)
        came_to = beats(seen)[-1].streams["127-0-0-1"].frames
        wait(
            lambda event: (
                isinstance(event, HeartbeatEvent) and event.streams["127-0-0-1"].frames > came_to + 30
            )
        )
        live.stop()
        seen += live
    assert_sound(seen)
    assert live.errors == {}
    assert ["15 frames a second" in text for text in warnings(seen)] == [True]
    faces = [event for event in seen if isinstance(event, FaceEvent)]
    assert len({event.epoch for event in faces}) == 4
    assert gaps(seen, "no_face")[-1].epoch > faces[-1].epoch


def test_a_camera_that_gives_fewer_frames_than_it_promises(
    engine: str, clip: Path, rtsp_server: Cameras
) -> None:
    """It is said once, and time is right: also of a camera that stamps its frames as if all had come."""
    honest = rtsp_server(clip, gives=12)
    counting = rtsp_server(clip, gives=12, counts_frames=True)
    seen: list[AnyEvent] = []
    with rtme.Live([honest.url, counting.url], engine=engine, workers=0) as live:
        for event in live:
            seen.append(event)
            if {e.stream for e in seen if isinstance(e, WarningEvent)} == {"127-0-0-1", "127-0-0-1-2"}:
                live.stop()
    assert_sound(seen)
    for stream in ("127-0-0-1", "127-0-0-1-2"):
        mine = [event for event in seen if event.stream == stream]
        (said,) = warnings(mine)
        assert "not the 30 that it promises" in said
        marks = [event.at for event in mine if isinstance(event.at, Mark)]
        first, last = marks[0], marks[-1]
        assert last.time_s - first.time_s == pytest.approx(
            (last.capture_ns - first.capture_ns) / 1e9, abs=1.0
        )
    jumps = [e for e in seen if isinstance(e, GapEvent) and e.cause == "time_jump"]
    assert {event.stream for event in jumps} == {"127-0-0-1-2"}


def test_a_camera_that_never_answers_is_said_to_be_missing(rtme: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, socket.create_server(("127.0.0.1", 0)) as closed:
        silent = f"rtsp://anna:geheim@127.0.0.1:{mute.getsockname()[1]}/x"
        port = closed.getsockname()[1]
        closed.close()
        done = rtme("live", silent, f"rtsp://127.0.0.1:{port}/x", "--seconds", 8)
    assert done.returncode == 3
    assert "127-0-0-1: no picture came in 8 s" in done.stderr
    assert "127-0-0-1-2: no picture came in 8 s; backoff: nothing listens" in done.stderr
    assert "geheim" not in done.stderr + done.stdout
