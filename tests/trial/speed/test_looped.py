from pathlib import Path

import numpy as np
import pytest

from faces import write_video
from rtme.capture.frames import FramesSource
from rtme.trial.speed import looped
from rtme.trial.speed.barcode import paint, read
from rtme.trial.speed.looped import Counted, LoopedFile


def numbered(number: int) -> np.ndarray:
    image = np.full((64, 320, 3), 100, np.uint8)
    paint(image, number)
    return image


def test_a_file_goes_round_and_round_and_its_time_goes_on(tmp_path: Path) -> None:
    source = LoopedFile(write_video(tmp_path / "clip.mp4", map(numbered, range(6)), 60), "s1")
    source.open()
    frames = [source.read() for _ in range(14)]
    source.close()
    assert source.live
    assert [read(frame.image) for frame in frames if frame] == [n % 6 for n in range(14)]
    assert [frame.stamp.frame for frame in frames if frame] == list(range(14))
    assert np.allclose([frame.stamp.pts_s for frame in frames if frame], np.arange(14) / 60)
    assert source.began_ns is not None
    # Never before it is due; how much later is the machine's affair.
    due = [source.began_ns + n * 1e9 / 60 for n in range(14)]
    assert all(
        frame.stamp.capture_ns > moment - 1e6 for frame, moment in zip(frames, due, strict=True) if frame
    )


def count(numbers: list[int | None], n_frames: int) -> Counted:
    blank = np.full((64, 320, 3), 100, np.uint8)
    images = [blank if number is None else numbered(number) for number in numbers]
    counted = Counted(FramesSource(images, 30), n_frames, keep=True)
    counted.open()
    while counted.read() is not None:
        pass
    counted.close()
    return counted


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looped, "_SETTLE_NS", -1)


def test_numbers_go_on_over_the_seam() -> None:
    counted = count([3, 4, 0, 1, 2, 3, 4, 0], 5)
    assert [number for _, _, number, _ in counted.frames] == list(range(3, 11))
    assert counted.lost == counted.unreadable == 0


def test_holes_are_lost_pictures_and_damage_is_not() -> None:
    counted = count([0, 1, 4, 1], 5)
    assert counted.lost == 3
    assert [(frame, number) for _, frame, number, _ in counted.frames] == [(0, 0), (1, 1), (2, 4), (3, 6)]
    damaged = count([0, None, 2, 77], 5)
    assert damaged.unreadable == 2


def test_holes_at_the_beginning_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looped, "_SETTLE_NS", 3_600_000_000_000)
    assert count([0, 3, 4], 5).lost == 0
