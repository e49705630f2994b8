"""One stream's spotting without threads: every frame is late, or the stream is long."""

from pathlib import Path

import numpy as np
import pytest
from tiny_engine import make_tiny_bundle

from rtme.engine.backend import Backend, Features
from rtme.engine.backends import open_backend
from rtme.events import AnyEvent, GapEvent, Mark, SpeakerEvent
from rtme.face.crop import FaceCrop, HeadPose
from rtme.live.messages import Tracked
from rtme.live.stream_run import StreamRun


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    return open_backend(make_tiny_bundle(tmp_path / "engine"))


def mark(frame: int) -> Mark:
    return Mark(frame=frame, time_s=frame / 30, capture_ns=frame, wall_ns=frame)


def face() -> FaceCrop:
    still = np.full((112, 112, 3), 128, np.uint8)
    mesh, turn = np.zeros((468, 3), np.float32), np.eye(2, 3)
    return FaceCrop(1, (0, 0, 9, 9), 60, HeadPose(0, 0, 0), None, still, mesh, turn)


def features(motion: float) -> Features:
    """What the tiny encoder says of a face with so many pixels of motion in its middle."""
    return Features(np.array([[motion, 0, 0, 0]], np.float32), np.zeros((1, 3, 2), np.float32))


def play(run: StreamRun, slots: range, motion: float = 0.0, *, behind: bool = False) -> list[AnyEvent]:
    events: list[AnyEvent] = []
    for slot in slots:
        item = Tracked("cam", 0, slot, mark(slot), True, [face()])
        events += run.push(item, features(motion), behind=behind)
    return events


def test_a_machine_that_is_always_late_still_sees(backend: Backend) -> None:
    run = StreamRun("cam", 0, backend)
    events = play(run, range(300), behind=True)
    assert run.skipped > 20
    turns = [event for event in events if isinstance(event, SpeakerEvent)]
    assert [turn.state for turn in turns] == ["listening"]


def test_skipped_windows_are_told_once_a_second_and_none_is_forgotten(backend: Backend) -> None:
    run = StreamRun("cam", 0, backend)
    events = [*play(run, range(300), behind=True), *run.finish()]
    gaps = [event for event in events if isinstance(event, GapEvent)]
    assert sum(gap.count for gap in gaps) == run.skipped
    assert 5 <= len(gaps) <= 10
    assert all(gap.start is not None and gap.end is not None for gap in gaps)
