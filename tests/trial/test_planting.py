from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest

from calm_face import EYE_PX, Image
from rtme.capture.frame import Frame
from rtme.capture.frames import FramesSource
from rtme.capture.source import Source
from rtme.errors import SourceError
from rtme.face.template import EYE_DISTANCE
from rtme.trial.planting import PlantingSource
from rtme.trial.schedule import Schedule, Wish

WISH = Wish(every_s=1.5, pixels=(2.0, 3.0), seed=3)


def passed_on(source: PlantingSource) -> list[Frame]:
    source.open()
    frames = []
    while (frame := source.read()) is not None:
        frames.append(frame)
    source.close()
    return frames


def plant(
    images: Sequence[Image], wish: Wish | None = WISH, fps: float = 30.0
) -> tuple[PlantingSource, list[Image]]:
    source = PlantingSource(FramesSource(images, fps), Schedule(wish, "clip") if wish else None)
    return source, [frame.image for frame in passed_on(source)]


@pytest.fixture(scope="module")
def done(calm: list[Image]) -> tuple[PlantingSource, list[Image]]:
    return plant(calm)


def test_frames_show_what_the_truth_says_and_nothing_else(
    calm: list[Image], done: tuple[PlantingSource, list[Image]]
) -> None:
    source, images = done
    assert len(source.planted) >= 2
    changed = {
        k for k, (one, two) in enumerate(zip(calm, images, strict=True)) if not np.array_equal(one, two)
    }
    labelled = {k for p in source.planted for k in range(p.onset.frame, p.offset.frame + 1)}
    assert labelled <= changed
    # Below what is called visible, a movement begins a few frames earlier and ends a few later.
    near = {k + d for k in labelled for d in range(-6, 7)}
    assert changed <= near
    for planted in source.planted:
        assert planted.onset.frame < planted.apex.frame < planted.offset.frame
        assert 40 <= 1000 * (planted.offset.time_s - planted.onset.time_s) <= 500
        assert planted.onset.time_s == pytest.approx(planted.onset.frame / 30, abs=1e-5)


def test_the_skin_moves_as_far_as_the_truth_says(
    calm: list[Image], done: tuple[PlantingSource, list[Image]]
) -> None:
    source, images = done
    for planted in source.planted:
        k = planted.apex.frame
        one, two = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (calm[k], images[k]))
        flow = cv2.calcOpticalFlowFarneback(one, two, None, 0.5, 3, 13, 5, 7, 1.5, 0) * (
            EYE_DISTANCE / EYE_PX
        )
        assert np.percentile(np.linalg.norm(flow, axis=-1), 99.8) == pytest.approx(planted.pixels, rel=0.35)
        # Most at the apex: at both ends the picture is nearer to what it was.
        far = [
            np.abs(images[j].astype(int) - calm[j]).sum()
            for j in (planted.onset.frame, k, planted.offset.frame)
        ]
        assert far[1] > max(far[0], far[2])


def test_stamps_stay_as_they_came(calm: list[Image]) -> None:
    class Noted(FramesSource):
        def read(self) -> Frame | None:
            frame = super().read()
            if frame is not None:
                given.append(frame.stamp)
            return frame

    given: list[object] = []
    assert [f.stamp for f in passed_on(PlantingSource(Noted(calm[:60], 30), Schedule(WISH, "clip")))] == given


def test_the_same_seed_gives_the_same_frames_and_another_one_others(
    calm: list[Image], done: tuple[PlantingSource, list[Image]]
) -> None:
    source, images = done
    again, same = plant(calm)
    assert all(np.array_equal(one, two) for one, two in zip(images, same, strict=True))
    assert [_facts(p) for p in again.planted] == [_facts(p) for p in source.planted]
    other, _ = plant(calm, replace(WISH, seed=4))
    assert [_facts(p) for p in other.planted] != [_facts(p) for p in source.planted]


def _facts(planted: object) -> tuple[object, ...]:
    return tuple(
        getattr(planted, name).frame if name in ("onset", "apex", "offset") else getattr(planted, name)
        for name in ("epoch", "onset", "apex", "offset", "units", "pixels")
    )


def test_without_a_schedule_every_frame_is_what_it_was(calm: list[Image]) -> None:
    source, images = plant(calm[:40], None)
    assert all(np.array_equal(one, two) for one, two in zip(images, calm, strict=False))
    assert [stretch.planted for stretch in source.stretches] == [False]
    assert source.stretches[0].frames == 40
    assert source.seconds == pytest.approx(40 / 30)
    assert source.stretches[0].judged > 30


@pytest.mark.parametrize("spoil", ["black", "blurred"])
def test_an_expression_is_abandoned_when_its_face_is_lost_or_not_judged(
    calm: list[Image], done: tuple[PlantingSource, list[Image]], spoil: str
) -> None:
    source, _ = done
    victim = source.planted[0]
    images = list(calm)
    at = victim.apex.frame
    images[at : at + 3] = [
        np.zeros_like(image) if spoil == "black" else cv2.GaussianBlur(image, (0, 0), 4.2)
        for image in images[at : at + 3]
    ]
    spoilt, shown = plant(images)
    assert victim.onset.frame not in [p.onset.frame for p in spoilt.planted]
    (abandoned,) = [one for one in spoilt.abandoned if one.first.frame <= at]
    assert abandoned.last.frame == at - 1
    assert abandoned.why.startswith("no face" if spoil == "black" else "blurred")
    end = victim.offset.frame
    assert all(np.array_equal(shown[k], images[k]) for k in range(at, end + 1))
    assert [p.onset.frame for p in spoilt.planted] == [p.onset.frame for p in source.planted[1:]]


def test_nothing_is_planted_where_there_is_no_face(calm: list[Image]) -> None:
    black = [np.zeros_like(image) for image in calm]
    source, images = plant(black)
    assert not source.planted
    assert source.missed["no face"] >= 2
    assert source.unjudged == {"no face": 150}
    assert all(not image.any() for image in images)


def test_a_file_that_ends_in_the_midst_of_one(
    calm: list[Image], done: tuple[PlantingSource, list[Image]]
) -> None:
    victim = done[0].planted[0]
    source, _ = plant(calm[: victim.apex.frame + 1])
    assert not source.planted
    assert [one.why for one in source.abandoned] == ["the footage ended"]


class Holey(FramesSource):
    """Loses some frames, as a camera does that cannot keep up."""

    def __init__(self, images: Sequence[Image], lost: range) -> None:
        super().__init__(images, 30)
        self._lost = lost

    def read(self) -> Frame | None:
        frame = super().read()
        while frame is not None and frame.stamp.frame in self._lost:
            frame = super().read()
        return frame


def test_an_expression_is_abandoned_when_frames_are_missing(
    calm: list[Image], done: tuple[PlantingSource, list[Image]]
) -> None:
    at = done[0].planted[0].apex.frame
    source = PlantingSource(Holey(calm, range(at, at + 8)), Schedule(WISH, "clip"))
    passed_on(source)
    assert source.abandoned[0].why == "frames are missing"
    assert all(p.onset.frame > at for p in source.planted)


class Breaking(FramesSource):
    """A camera that breaks after some frames, and begins a new epoch when it is opened again."""

    live = True

    def __init__(self, images: Sequence[Image], breaks_at: int) -> None:
        super().__init__(images, 30)
        self._images, self._breaks_at, self._epoch = images, breaks_at, -1

    def open(self) -> None:
        super().open()
        self._epoch += 1
        self._index = -1

    def read(self) -> Frame | None:
        if self._epoch == 0 and self._index == self._breaks_at:
            raise SourceError("the camera went")
        frame = super().read()
        # Their own time stands on the capture clock: as if they came one by one.
        ns = 10**9 + round(1e9 * (self._epoch * 100 + self._index / 30))
        return (
            None
            if frame is None
            else replace(frame, stamp=replace(frame.stamp, epoch=self._epoch, capture_ns=ns))
        )


def test_a_camera_that_breaks_and_comes_back(
    calm: list[Image], done: tuple[PlantingSource, list[Image]]
) -> None:
    at = done[0].planted[0].apex.frame
    broken: Source = Breaking(calm, at)
    source = PlantingSource(broken, Schedule(WISH, "clip"))
    source.open()
    while True:
        try:
            source.read()
        except SourceError:
            break
    source.close()
    passed_on(source)
    assert [one.why for one in source.abandoned if one.epoch == 0] == ["the stream broke"]
    assert source.planted
    assert {planted.epoch for planted in source.planted} == {1}
    assert [stretch.epoch for stretch in source.stretches] == [0, 1]
    assert source.seconds == pytest.approx((at + 1 + 150) / 30, abs=0.01)


def test_a_recording_ends_where_it_is_told_to_and_stretches_take_turns(calm: list[Image]) -> None:
    wish = replace(WISH, every_s=1.5, stretch_s=4.0)
    source = PlantingSource(FramesSource([*calm, *calm], 30), Schedule(wish, "clip"), until_s=9.0)
    frames = passed_on(source)
    assert len(frames) == 270
    assert source.over
    assert [(s.planted, s.frames) for s in source.stretches] == [(True, 120), (False, 120), (True, 30)]
    untouched = range(120, 240)
    both = [*calm, *calm]
    assert all(np.array_equal(frames[k].image, both[k]) for k in untouched)
    assert any(planted.stretch == 0 for planted in source.planted)


def test_it_must_be_opened(calm: list[Image]) -> None:
    with pytest.raises(SourceError, match="open"):
        PlantingSource(FramesSource(calm, 30), None).read()
