"""From a source to figures, through the whole service, with an engine that answers to any motion."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from calm_face import Image, drifting
from rtme.capture.file import FileSource
from rtme.errors import DataError, RtmeError, SourceError
from rtme.settings import Settings
from rtme.trial import inject as trial
from rtme.trial.inject import inject, inject_source
from rtme.trial.schedule import Wish
from rtsp_camera import RtspCamera

WISH = Wish(every_s=1.5, pixels=(2.0, 3.0), seed=3)
Video = Callable[[str, Iterator[Image]], Path]


@pytest.fixture(scope="session")
def settings(engine: str) -> Settings:
    return Settings(engine=engine)


class Camera(FileSource):
    """A file as a camera would send it."""

    live = True

    def __init__(self, path: Path) -> None:
        super().__init__(path, "camera", paced=True)


def test_a_recording_is_seen_untouched_and_planted(calm_file: Path, settings: Settings) -> None:
    outcome = inject(str(calm_file), WISH, settings=settings)
    assert outcome.counts.truths >= 2
    # The face does nothing of its own, so what is found untouched would be the bench's own doing.
    assert outcome.untouched == []
    assert outcome.untouched_minutes == pytest.approx(5 / 60)
    assert outcome.counts.tp >= 1
    assert outcome.by_chance == 0
    for one in outcome.shown:
        if one.found is not None:
            assert one.found.decided.frame > one.found.offset.frame
    again = inject(str(calm_file), WISH, settings=settings)
    assert [s.planted.pixels for s in again.shown] == [s.planted.pixels for s in outcome.shown]
    assert (again.counts.tp, again.counts.fp) == (outcome.counts.tp, outcome.counts.fp)


def test_a_live_source_is_planted_in_and_left_alone_by_turns(video: Video, settings: Settings) -> None:
    source = Camera(video("long.mp4", iter(drifting(400))))
    told: list[tuple[str, float, float | None]] = []
    outcome = inject_source(
        source, WISH, settings=settings, minutes=0.2, on_progress=lambda *words: told.append(words)
    )
    assert outcome.live
    assert outcome.wish.stretch_s == pytest.approx(6.0)
    assert {s.planted for s in outcome.viewings[0].source.stretches} == {True, False}
    assert outcome.shown
    assert all(one.planted.offset.time_s < 6 for one in outcome.shown)
    assert told[-1][2] == pytest.approx(12.0)
    assert outcome.planting_ms() is not None


class Lost(Camera):
    """A camera that goes and does not come back."""

    opened = False

    def open(self) -> None:
        if self.opened:
            raise SourceError("the camera is gone")
        self.opened = True
        super().open()


def test_a_live_source_that_ends_early_says_so(
    calm_file: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "_HELD_UP_S", 1.0)
    outcome = inject_source(Lost(calm_file), WISH, settings=settings, minutes=0.2)
    (note,) = [note for note in outcome.notes if "that were asked for" in note]
    assert "5 of the 12 s" in note
    assert "the camera is gone" in note


@pytest.mark.slow
def test_a_camera_on_the_network(
    calm_file: Path, settings: Settings, rtsp_server: Callable[..., RtspCamera]
) -> None:
    # At half its rate, so that a busy machine can follow.
    camera = rtsp_server(calm_file, user="anna", password="geheim", fps=15)
    outcome = inject(camera.url, WISH, settings=settings, minutes=0.25)
    assert outcome.shown
    assert "geheim" not in repr(outcome.source) + repr(outcome.notes)
    assert 7 < outcome.viewings[0].source.seconds < 16


def test_a_camera_that_is_not_there(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_FIRST_FRAME_S", 2.0)
    with pytest.raises(SourceError, match=r"rtsp://\*\*\*@127.0.0.1:9/cam gave no picture: ") as caught:
        inject("rtsp://anna:geheim@127.0.0.1:9/cam", WISH, settings=settings)
    assert "geheim" not in str(caught.value)


def test_the_demo_would_count_its_own_as_false(settings: Settings) -> None:
    with pytest.raises(SourceError, match="of its own"):
        inject("demo", WISH, settings=settings)


def test_footage_without_a_face(video: Video, settings: Settings) -> None:
    noise = np.random.default_rng(0).integers(0, 80, (240, 320, 3), dtype=np.uint8)
    file = video("wall.mp4", iter([noise] * 60))
    with pytest.raises(DataError, match=r"no face .* in any of 60 frames \(no face in 60\): point"):
        inject(str(file), WISH, settings=settings)


def test_a_file_with_too_few_frames(video: Video, settings: Settings) -> None:
    file = video("short.mp4", iter(drifting(20)))
    with pytest.raises(DataError, match=r"short.mp4 has 20 frames \(0.7 s\), too few"):
        inject(str(file), WISH, settings=settings)


def test_nothing_planted(video: Video, settings: Settings) -> None:
    # A face that comes when the only expression is over its time.
    calm = drifting(48)
    file = video("late.mp4", iter([np.zeros_like(calm[0])] * 36 + calm[:12]))
    with pytest.raises(DataError, match=r"nothing was planted in 1\.6 s of .* give longer footage"):
        inject(str(file), WISH, settings=settings)


def test_a_bad_file_among_good_ones_is_named(calm_file: Path, tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "a.mp4").write_text("Dear camera,\n" * 200)
    (tmp_path / "b.mp4").write_bytes(calm_file.read_bytes())
    outcome = inject(str(tmp_path), WISH, settings=settings)
    assert {viewing.clip.rpartition("/")[2] for viewing in outcome.viewings} == {"b.mp4"}
    assert any("a.mp4" in note for note in outcome.notes)
    (tmp_path / "b.mp4").unlink()
    with pytest.raises(RtmeError, match=r"a\.mp4"):
        inject(str(tmp_path), WISH, settings=settings)


def test_it_can_be_stopped(video: Video, settings: Settings) -> None:
    source = Camera(video("minute.mp4", iter(drifting(300))))
    stop = threading.Event()

    def enough(_: str, seconds: float, __: float | None) -> None:
        if seconds > 4:
            stop.set()

    began = time.monotonic()
    outcome = inject_source(source, WISH, settings=settings, minutes=5, on_progress=enough, stop=stop)
    assert outcome.shown
    assert time.monotonic() - began < 120
