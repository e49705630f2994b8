import threading
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

import rtme
from faces import astronaut_clip, performance
from rtme.capture.frame import Frame
from rtme.capture.frames import FramesSource
from rtme.clock import Stamp
from rtme.errors import BusError, EngineError, SettingsError, SourceError
from rtme.events import (
    AnyEvent,
    FaceEvent,
    GapEvent,
    HeartbeatEvent,
    IntervalEvent,
    SpeakerEvent,
    StateEvent,
)


def closed(events: Iterable[AnyEvent]) -> list[tuple[str, int, int, int, float]]:
    return [
        (e.type, e.onset.frame, e.apex.frame, e.offset.frame, e.confidence)
        for e in events
        if isinstance(e, IntervalEvent) and e.status == "closed"
    ]


def test_live_and_analyze_find_the_same(clip: Path, engine: str) -> None:
    with rtme.Live([str(clip)], fast=True, engine=engine) as live:
        played = closed(live)
    report = rtme.analyze(clip, engine=engine).report()
    assert played == [(i.type, i.onset, i.apex, i.offset, i.confidence) for i in report.intervals]
    assert len(played) > 3
    assert report.frames == 90


def test_a_file_at_its_own_pace_finds_the_same(clip: Path, engine: str) -> None:
    with rtme.Live([str(clip)], engine=engine) as live:
        paced = closed(live)
    assert paced == closed(rtme.analyze(clip, engine=engine))


def test_every_interval_ends_and_says_when_it_was_decided(clip: Path, engine: str) -> None:
    open_ids: dict[str, str] = {}
    order = {"provisional": 0, "confirmed": 1, "closed": 2, "retracted": 2}
    for event in rtme.analyze(clip, engine=engine):
        if isinstance(event, IntervalEvent):
            before = open_ids.get(event.id)
            assert before is None or order[before] < order[event.status]
            open_ids[event.id] = event.status
            assert event.onset.frame <= event.apex.frame <= event.offset.frame
            assert event.at is not None
            assert event.at.capture_ns >= event.offset.capture_ns
            assert event.algorithmic_ms is not None
            assert event.system_ms is not None
    assert open_ids
    assert set(open_ids.values()) <= {"closed", "retracted"}


def test_turns_cover_the_clip_and_end(clip: Path, engine: str) -> None:
    report = rtme.analyze(clip, engine=engine).report()
    assert report.speaker
    assert report.speaker[-1].end == 89
    for before, after in zip(report.speaker, report.speaker[1:], strict=False):
        assert before.end < after.start
        assert before.state != after.state


def test_numbers_have_no_holes_and_the_end_comes_last(clip: Path, engine: str) -> None:
    with rtme.Live([str(clip)], fast=True, engine=engine) as live:
        events = list(live)
    assert [event.seq for event in events] == list(range(len(events)))
    assert len({event.run_id for event in events}) == 1
    told = [event for event in events if not isinstance(event, HeartbeatEvent)]
    assert isinstance(told[-1], StateEvent)
    assert told[-1].state == "ended"


def test_one_bad_source_does_not_stop_the_others(clip: Path, engine: str, tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("this is no video")
    with rtme.Live([str(text), str(tmp_path / "missing.mp4"), str(clip)], fast=True, engine=engine) as live:
        found = closed(live)
    assert found
    assert set(live.errors) == {"text", "missing"}
    assert "missing.mp4" in live.errors["missing"]


def test_a_source_that_raises_anything_ends_alone(clip: Path, engine: str) -> None:
    def pictures() -> Iterable[np.ndarray]:
        yield np.zeros((120, 160, 3), np.uint8)
        raise ZeroDivisionError("a bug in the caller's generator")

    with rtme.Live([FramesSource(pictures(), 30, "broken"), str(clip)], fast=True, engine=engine) as live:
        assert closed(live)
    assert "ZeroDivisionError" in live.errors["broken"]


def test_stop_closes_what_is_open(engine: str) -> None:
    with rtme.Live(["demo"], engine=engine) as live:
        events = []
        for event in live:
            events.append(event)
            if isinstance(event, SpeakerEvent):
                live.stop()
    turns = {e.id: e.end for e in events if isinstance(e, SpeakerEvent)}
    assert turns
    assert all(end is not None for end in turns.values())
    assert isinstance(events[-2], StateEvent) or isinstance(events[-1], StateEvent | HeartbeatEvent)


def test_no_face_says_so_and_invents_nothing(engine: str) -> None:
    pictures = [np.full((120, 160, 3), 90, np.uint8)] * 30 * 3
    report = rtme.analyze(FramesSource(pictures, 30), engine=engine).report()
    assert report.intervals == []
    assert report.speaker == []
    assert [(gap.cause, gap.count) for gap in report.gaps] == [("no_face", 90)]


def test_a_minute_without_a_face_is_a_warning(engine: str) -> None:
    # Two pictures a second: a minute of time, not of work.
    pictures = [np.full((60, 80, 3), 90, np.uint8)] * 140
    report = rtme.analyze(FramesSource(pictures, 2), engine=engine).report()
    assert ["no face" in warning for warning in report.warnings] == [False, True]


def test_a_source_too_slow_for_micro_expressions_is_a_warning(engine: str) -> None:
    pictures = [np.full((60, 80, 3), 90, np.uint8)] * 5
    slow, fast = (rtme.analyze(FramesSource(pictures, fps), engine=engine).report() for fps in (10, 25))
    assert ["shorter than 200 ms" in warning for warning in slow.warnings] == [True]
    assert fast.warnings == []


def test_two_faces_are_kept_apart(engine: str) -> None:
    left, _ = performance(2, seed=1)
    right, _ = performance(2, seed=2)
    both = [np.hstack(pair) for pair in zip(left, right, strict=True)]
    events = list(rtme.analyze(FramesSource(both, 30), engine=engine, faces=2))
    assert {e.face for e in events if isinstance(e, FaceEvent) and e.status == "appeared"} == {1, 2}
    assert {e.face for e in events if isinstance(e, SpeakerEvent)} == {1, 2}


def test_a_faster_file_is_told_by_its_own_frames(engine: str, tmp_path: Path) -> None:
    # A 60-fps file holds the same seconds as a 30-fps one; its frames are counted as its own.
    report = rtme.analyze(astronaut_clip(tmp_path / "fast.mp4", 2, fps=60), engine=engine).report()
    assert report.frames == 120
    assert report.speaker[-1].end >= 117
    assert report.speaker[-1].end_s == pytest.approx(report.speaker[-1].end / 60, abs=0.02)


class Flicker:
    """A live source whose connection breaks after each second of frames."""

    name = "flicker"
    live = True
    corrupt = 0
    frames_expected = None
    fps = 30.0

    def __init__(self, epochs: int) -> None:
        self._images = list(performance(1)[0])
        self._epoch, self._epochs, self._index = -1, epochs, 0

    def open(self) -> None:
        if self._epoch + 1 >= self._epochs:
            raise SourceError("the camera is gone for good")
        self._epoch += 1
        self._index = 0

    def read(self) -> Frame | None:
        if self._index >= len(self._images):
            raise SourceError("the connection broke")
        # As a camera would: the reader is never handed frames faster than they happen.
        time.sleep(1 / 30)
        index = self._index
        self._index += 1
        stamp = Stamp(self.name, self._epoch, index, time.monotonic_ns(), time.time_ns(), index / 30)
        return Frame(stamp, self._images[index])

    def close(self) -> None:
        pass


def test_a_reconnect_is_a_new_epoch_and_no_interval_crosses_it(engine: str) -> None:
    with rtme.Live([Flicker(epochs=2)], engine=engine) as live:
        events = []
        for event in live:
            events.append(event)
            if isinstance(event, StateEvent) and event.state == "backoff" and event.epoch == 1:
                live.stop()
    assert [e.cause for e in events if isinstance(e, GapEvent) and e.cause == "reconnect"] == ["reconnect"]
    by_id: dict[str, set[int]] = {}
    for event in events:
        if isinstance(event, IntervalEvent | SpeakerEvent):
            by_id.setdefault(event.id, set()).add(event.epoch)
    assert by_id
    assert all(len(epochs) == 1 for epochs in by_id.values())
    turns = {e.id: e.end for e in events if isinstance(e, SpeakerEvent)}
    assert all(end is not None for end in turns.values())


def test_threads_end(clip: Path, engine: str) -> None:
    before = set(threading.enumerate())
    with rtme.Live([str(clip)], fast=True, engine=engine, bind="tcp://127.0.0.1:*") as live:
        for _ in live:
            pass
    assert [t for t in set(threading.enumerate()) - before if t.is_alive()] == []


def test_what_cannot_start_says_why(engine: str, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no source"):
        rtme.Live([], engine=engine)
    with pytest.raises(EngineError, match="nonsense"):
        rtme.Live([str(clip)], engine="nonsense")
    with pytest.raises(SettingsError, match="faces"):
        rtme.Live([str(clip)], engine=engine, faces=-1)
    with pytest.raises(SourceError, match="live source"):
        rtme.analyze("rtsp://user:secret@192.0.2.1/x", engine=engine)
    with pytest.raises(SourceError, match="gone"):
        rtme.analyze(tmp_path / "gone.mp4", engine=engine).report()
    with rtme.Live([str(clip)], engine=engine, bind="tcp://127.0.0.1:*") as live:
        with pytest.raises(BusError, match="in use"):
            rtme.Live([str(clip)], engine=engine, bind=live.address).start()
        live.stop()
