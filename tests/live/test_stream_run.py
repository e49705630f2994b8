"""One stream's spotting without threads: every frame is late, or the stream is long."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtme.engine.backend import Backend, Features, WindowScores
from rtme.engine.backends import open_backend
from rtme.errors import EngineError
from rtme.events import AnyEvent, GapEvent, IntervalEvent, Mark, SpeakerEvent
from rtme.face.crop import FaceCrop, HeadPose
from rtme.face.measures import MEASURES
from rtme.live import stream_run
from rtme.live.marks import Marks
from rtme.live.messages import Tracked
from rtme.live.service import Live
from rtme.live.stream_run import StreamRun
from rtme.traces import Trace
from tiny_engine import make_tiny_bundle


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


def test_an_expression_longer_than_the_marks_are_kept(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_run, "Marks", lambda: Marks(keep=60))
    run = StreamRun("cam", 0, backend)
    events = play(run, range(40))
    events += play(run, range(40, 50), 0.7) + play(run, range(50, 53), 2.0) + play(run, range(53, 400), 0.7)
    events += [*play(run, range(400, 440)), *run.finish()]
    (closed,) = [event for event in events if isinstance(event, IntervalEvent) and event.status == "closed"]
    assert closed.type == "macro"
    assert abs(closed.onset.frame - 40) <= 1
    assert 50 <= closed.apex.frame <= 52
    assert abs(closed.offset.frame - 399) <= 1


def test_an_engine_that_reads_measures_gets_them_beside_the_frame_token(tmp_path: Path) -> None:
    backend = open_backend(make_tiny_bundle(tmp_path / "engine", measures=MEASURES))
    asked: list[np.ndarray] = []
    score = backend.score

    def heard(frame: np.ndarray, regions: np.ndarray, valid: np.ndarray) -> WindowScores:
        asked.append(frame)
        return score(frame, regions, valid)

    backend.score = heard  # type: ignore[method-assign]
    run = StreamRun("cam", 0, backend)
    seen = replace(face(), measures=np.arange(MEASURES, dtype=np.float32))
    for slot in range(12):
        run.push(Tracked("cam", 0, slot, mark(slot), True, [seen]), features(0.5), behind=False)
    newest = asked[-1][0, -1]
    assert newest.tolist() == [0.5, 0, 0, 0, *range(MEASURES)]


def test_an_engine_of_other_measures_is_refused(tmp_path: Path) -> None:
    backend = open_backend(make_tiny_bundle(tmp_path / "engine", measures=5))
    with pytest.raises(
        EngineError, match=f"tiny reads 5 measures of the landmarks and this rtme makes {MEASURES}"
    ):
        StreamRun("cam", 0, backend)
    with pytest.raises(EngineError, match="tiny reads 5 measures"):
        Live(["clip.mp4"], engine=str(tmp_path / "engine"))


def test_a_face_that_is_never_judged_has_a_curve_and_nothing_of_it_waits_for_ever(backend: Backend) -> None:
    traces: list[Trace] = []
    run = StreamRun("cam", 0, backend, on_trace=traces.append)
    away = replace(face(), invalid="turned away", crop=None)
    for slot in range(600):
        run.push(Tracked("cam", 0, slot, mark(slot), True, [away]), None, behind=False)
    told = [frame for trace in traces for frame in trace.frame]
    assert told == list(range(len(told)))
    assert len(told) > 450
    assert {score for trace in traces for score in trace.score} == {None}
    run.finish()
    assert sum(len(trace.frame) for trace in traces) == 600
