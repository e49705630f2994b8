"""However a run ends, everything that was open is closed, every stream says that it ended, and nothing hangs."""

import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import rtme
from faces import performance
from rtme.bus.publisher import Publisher
from rtme.capture.frame import Frame
from rtme.capture.frames import FramesSource
from rtme.clock import Stamp
from rtme.engine.ort import OnnxRuntimeBackend
from rtme.errors import FaceError, RtmeError, SourceError
from rtme.events import AnyEvent, GapEvent, HeartbeatEvent, Mark, SpeakerEvent, StateEvent, WarningEvent
from rtme.face.tracker import FaceTracker
from rtme.live import service


class Camera:
    """A live source that gives one second of a face per connection, then breaks."""

    name = "camera"
    live = True
    frames_expected = None
    fps = 30.0

    def __init__(self) -> None:
        self.corrupt = 0
        self.hangs, self.release = threading.Event(), threading.Event()
        self.epoch, self._index = -1, 0
        self._images = list(performance(1.2, seed=3)[0])

    def open(self) -> None:
        self.epoch += 1
        self._index = 0

    def read(self) -> Frame | None:
        if self._index >= len(self._images):
            return self.after()
        time.sleep(1 / 30)
        index = self._index
        self._index += 1
        stamp = Stamp(self.name, self.epoch, index, time.monotonic_ns(), time.time_ns(), index / 30)
        return Frame(stamp, self._images[index])

    def after(self) -> Frame | None:
        raise SourceError("the connection broke")

    def close(self) -> None:
        pass


class Hanging(Camera):
    """Its driver blocks for good."""

    def after(self) -> Frame | None:
        self.hangs.set()
        self.release.wait(60)
        raise SourceError("released")


class GoneForLong(Camera):
    """After the first connection broke, the next one is not made for a minute."""

    def open(self) -> None:
        if self.epoch >= 0:
            self.release.wait(60)
            raise SourceError("released")
        super().open()


class Damaged(Camera):
    """One bad picture in each connection."""

    def open(self) -> None:
        if self.epoch >= 1:
            self.release.wait(60)
        super().open()
        self.corrupt += 1


def first_turn(events: Iterator[AnyEvent], seen: list[AnyEvent]) -> None:
    for event in events:
        seen.append(event)
        if isinstance(event, SpeakerEvent):
            return


def unclosed(events: Iterable[AnyEvent]) -> set[str]:
    turns = {event.id: event.end for event in events if isinstance(event, SpeakerEvent)}
    assert turns
    return {name for name, end in turns.items() if end is None}


def told(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    return [event for event in events if not isinstance(event, HeartbeatEvent)]


def test_a_reader_that_hangs_keeps_nothing_open(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "JOIN_S", 2.0)
    camera, seen = Hanging(), []
    with rtme.Live([camera], engine=engine) as live:
        first_turn(iter(live), seen)
        assert camera.hangs.wait(30)
        live.stop()
        seen += list(live)
        camera.release.set()
    assert unclosed(seen) == set()
    assert isinstance(told(seen)[-1], StateEvent)
    assert told(seen)[-1].state == "ended"


def test_what_was_open_when_the_connection_broke_is_closed_then(engine: str) -> None:
    camera, seen = GoneForLong(), []
    with rtme.Live([camera], engine=engine) as live:
        for event in live:
            seen.append(event)
            if isinstance(event, SpeakerEvent) and event.end is not None:
                break
        camera.release.set()
    assert unclosed(seen) == set()


def test_bad_pictures_are_counted_once(engine: str) -> None:
    camera, seen = Damaged(), []
    with rtme.Live([camera], engine=engine) as live:
        for event in live:
            seen.append(event)
            if isinstance(event, StateEvent) and event.state == "backoff" and event.epoch == 1:
                break
        live.stop()
        camera.release.set()
        seen += list(live)
    assert sum(e.count for e in seen if isinstance(e, GapEvent) and e.cause == "corrupt") == 2
    assert [e for e in seen if isinstance(e, HeartbeatEvent)][-1].streams["camera"].drops["corrupt"] == 2


def test_nothing_follows_the_end_of_a_stream(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoFaces(FaceTracker):
        def __init__(self, **_: object) -> None:
            raise FaceError("no face tracker here")

    class SlowToOpen(Camera):
        def open(self) -> None:
            self.release.wait(2)
            super().open()

    monkeypatch.setattr(service, "FaceTracker", NoFaces)
    with rtme.Live([SlowToOpen()], engine=engine) as live:
        seen = list(live)
    assert told(seen)[-1].model_dump(include={"state", "detail"}) == {
        "state": "ended",
        "detail": "no face tracker here",
    }
    assert [e for e in seen if isinstance(e, HeartbeatEvent)][-1].streams["camera"].state == "ended"


def test_a_dead_engine_is_said_for_every_stream(
    engine: str, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, crops: np.ndarray) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(OnnxRuntimeBackend, "encode", broken)
    seen: list[AnyEvent] = []
    live = rtme.Live([str(clip), Camera()], fast=True, engine=engine, backend="onnxruntime")
    with live, pytest.raises(RtmeError, match="no room"):
        seen.extend(live)
    ended = {
        event.stream: event.detail
        for event in seen
        if isinstance(event, StateEvent) and event.state == "ended"
    }
    assert set(ended) == {"face", "camera"}
    assert all("no room" in detail for detail in ended.values())


def test_a_dead_publisher_ends_the_threads(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, event: AnyEvent) -> None:
        raise OSError("the tap is broken")

    before = set(threading.enumerate())
    monkeypatch.setattr(rtme.Live, "_take", broken)
    live = rtme.Live([Camera()], engine=engine)
    with live, pytest.raises(RtmeError, match="the tap is broken"):
        list(live)
    assert [thread for thread in set(threading.enumerate()) - before if thread.is_alive()] == []


def test_two_sources_of_one_name_both_end(engine: str) -> None:
    pictures = [np.zeros((60, 80, 3), np.uint8)] * 3
    with rtme.Live([FramesSource(pictures, 30), FramesSource(pictures, 30)], engine=engine) as live:
        ended = {event.stream for event in live if isinstance(event, StateEvent) and event.state == "ended"}
    assert ended == {"frames", "frames-2"}


def test_a_run_that_was_not_started_does_not_wait_for_ever(engine: str) -> None:
    live = rtme.Live(["demo"], engine=engine)
    with pytest.raises(RtmeError, match="nothing runs"):
        next(iter(live))
    live.close()
    live.close()


def test_stop_before_start_and_a_second_start(engine: str, clip: Path) -> None:
    live = rtme.Live([str(clip)], engine=engine)
    live.stop()
    with live:
        assert told(live)[-1].state == "ended"
    with pytest.raises(RtmeError, match="started before"):
        live.start()


def test_time_and_drops_are_told_by_every_frame_read(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames that came while the tracker was busy have their time too, and the gap says which they were."""

    class Slow(FaceTracker):
        held_up = False

        def find(self, image: NDArray[np.uint8], slot: int) -> list[NDArray[np.float32]]:
            if not self.held_up:
                time.sleep(0.7)
                self.held_up = True
            return super().find(image, slot)

    monkeypatch.setattr(service, "FaceTracker", Slow)
    seen = []
    with rtme.Live([Camera()], engine=engine) as live:
        for event in live:
            seen.append(event)
            if isinstance(event, GapEvent) and event.cause == "dropped":
                break
    gap = seen[-1]
    assert isinstance(gap.start, Mark)
    assert isinstance(gap.end, Mark)
    assert gap.start.frame == 1
    assert gap.count >= 5
    assert all(e.at is None or abs(e.at.time_s - e.at.frame / 30) < 0.3 for e in seen)


def test_a_camera_is_opened_when_its_tracker_is_ready(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    order = []

    class Loading(FaceTracker):
        def __init__(self, **numbers: object) -> None:
            time.sleep(0.3)
            super().__init__(**numbers)  # type: ignore[arg-type]
            order.append("tracker")

    class Watched(Camera):
        def open(self) -> None:
            order.append("camera")
            super().open()

    monkeypatch.setattr(service, "FaceTracker", Loading)
    with rtme.Live([Watched()], engine=engine) as live:
        for event in live:
            if isinstance(event, StateEvent) and event.state == "live":
                live.stop()
    assert order[:2] == ["tracker", "camera"]


def test_events_that_were_not_sent_are_counted_aloud(
    engine: str, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = threading.Event()
    publishers: list[Publisher] = []

    class Small(Publisher):
        def __init__(self, bind: str | None, **settings: object) -> None:
            super().__init__(bind, capacity=8, reserve=2, **settings)  # type: ignore[arg-type]
            publishers.append(self)

    def blocked(self: rtme.Live, event: AnyEvent) -> None:
        room.wait(60)
        take(self, event)

    take = rtme.Live._take
    monkeypatch.setattr(service, "Publisher", Small)
    monkeypatch.setattr(rtme.Live, "_take", blocked)
    with rtme.Live([str(clip)], fast=True, engine=engine) as live:
        while not publishers[0].dropped:
            time.sleep(0.05)
        room.set()
        warnings = [event.text for event in live if isinstance(event, WarningEvent)]
    assert warnings
    assert sum(int(text.split()[0]) for text in warnings) == publishers[0].dropped
