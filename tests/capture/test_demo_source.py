import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("skimage", reason="needs scikit-image: pip install 'rtme[demo]'")

from rtme.capture.demo import DemoSource
from rtme.capture.source import StagedSource
from rtme.errors import SourceError


class Clock:
    """Time that passes only when someone sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def source(seconds: float | None = None, seed: int = 0) -> tuple[DemoSource, Clock]:
    clock = Clock()
    made = DemoSource(seed, seconds, clock=clock, sleep=clock.sleep)
    made.open()
    return made, clock


def test_frames_come_when_they_are_due() -> None:
    demo, clock = source()
    began = clock.now
    for index in range(10):
        frame = demo.read()
        assert frame is not None
        assert frame.stamp.frame == index
        assert frame.stamp.pts_s == pytest.approx(index / 30)
        assert clock.now - began == pytest.approx(index / 30)
        assert frame.image.shape == (480, 640, 3)
    assert demo.live
    assert demo.fps == 30


def test_a_late_reader_misses_frames_and_gets_no_burst() -> None:
    demo, clock = source()
    demo.read()
    clock.now += 1.0
    late = demo.read()
    assert late is not None
    assert late.stamp.frame == 30
    clock.slept.clear()
    after = demo.read()
    assert after is not None
    assert after.stamp.frame == 31
    assert sum(clock.slept) == pytest.approx(1 / 30)


def test_it_ends_after_the_seconds_that_were_asked_for() -> None:
    demo, _ = source(seconds=0.5)
    numbers = []
    while (frame := demo.read()) is not None:
        numbers.append(frame.stamp.frame)
    assert numbers == list(range(15))
    assert demo.read() is None


def test_truth_is_told_once_and_not_before_it_has_ended() -> None:
    demo, _ = source(seed=3)
    assert isinstance(demo, StagedSource)
    told = []
    for frame in range(0, 1300, 7):
        for item in demo.truth_until(frame):
            assert item[3] <= frame
            assert item[3] > frame - 7
            assert 0 <= item[2] <= item[3]
            told.append(item)
    assert len(told) == len(set(told))
    kinds = {item[0] for item in told}
    assert kinds >= {"me", "speech", "blink"}
    assert any(item[2] >= 600 for item in told), "the second act has truth of its own"
    again, _ = source(seed=3)
    assert sorted(again.truth_until(1295)) == sorted(told)


def test_a_face_performs_and_the_truth_says_when() -> None:
    demo, clock = source(seed=1)
    pictures = []
    for _ in range(3):
        clock.now += 2.0
        frame = demo.read()
        assert frame is not None
        pictures.append(frame.image.astype(int))
    assert np.abs(pictures[1] - pictures[0]).mean() > 0.5
    twin, twin_clock = source(seed=1)
    twin_clock.now += 2.0
    same = twin.read()
    assert same is not None
    assert np.array_equal(same.image, pictures[0])


def test_opening_again_begins_a_new_epoch() -> None:
    demo, _ = source()
    demo.read()
    demo.read()
    demo.close()
    demo.close()
    with pytest.raises(SourceError, match="not open"):
        demo.read()
    assert demo.truth_until(100) == []
    demo.open()
    frame = demo.read()
    assert frame is not None
    assert (frame.stamp.epoch, frame.stamp.frame) == (1, 0)


def test_a_length_that_is_none_is_refused() -> None:
    with pytest.raises(SourceError, match="seconds is -1"):
        DemoSource(seconds=-1)


def test_without_scikit_image_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['skimage'] = None\n"
        "from rtme.capture.demo import DemoSource\n"
        "assert not any(m.startswith('rtme.synth') for m in sys.modules), 'synth is loaded before it is needed'\n"
        "from rtme.errors import SourceError\n"
        "try:\n    DemoSource().open()\n"
        "except SourceError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert "pip install 'rtme[demo]'" in done.stdout
