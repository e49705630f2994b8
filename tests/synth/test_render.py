from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rtme.errors import DataError
from rtme.synth.camera import Camera
from rtme.synth.canonical import to_canonical
from rtme.synth.expression import Expression
from rtme.synth.landmarks import find_landmarks
from rtme.synth.motion import Motion
from rtme.synth.portrait import Portrait
from rtme.synth.profile import Profile
from rtme.synth.render import render
from rtme.synth.script import Script
from rtme.synth.truth import ACTION_UNITS

EYE_PX = 104.0
"""Twice the canonical size: one canonical pixel is two of the frame."""


def flow(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Dense displacement in canonical pixels, by a method that synth does not use."""
    one, two = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (before, after))
    found: NDArray[np.float32] = cv2.calcOpticalFlowFarneback(one, two, None, 0.5, 3, 13, 5, 7, 1.5, 0)
    return found * np.float32(52 / EYE_PX)


@pytest.fixture(scope="module")
def textured(astronaut: Portrait) -> Portrait:
    """The astronaut with freckles everywhere, so that the flow can be measured on smooth skin as well."""
    noise = np.random.default_rng(0).normal(0, 40, astronaut.image.shape[:2]).astype(np.float32)
    freckles = cv2.GaussianBlur(noise, (0, 0), 1.2)[..., None] * 2
    image = np.clip(astronaut.image + freckles, 0, 255).astype(np.uint8)
    return Portrait(image, astronaut.landmarks, "freckled")


@pytest.mark.parametrize("unit", ACTION_UNITS)
@pytest.mark.parametrize("pixels", [0.8, 2.0])
def test_pictures_move_as_far_as_the_truth_says(textured: Portrait, unit: int, pixels: float) -> None:
    script = Script.of([Expression("me", {unit: (pixels, pixels)}, Profile(0.2, 0.1, 0.1, 0.2))], n_frames=20)
    shown, truth = render(textured, script, (240, 240), eye_px=EYE_PX, camera=None)
    frames = list(shown)
    (planted,) = truth.intervals
    moved = np.linalg.norm(flow(frames[0], frames[planted.apex]), axis=-1)
    assert np.percentile(moved, 99.9) == pytest.approx(planted.pixels, rel=0.25)
    # Beside the face nothing moves, and before the onset nothing at all.
    assert moved[:, :10].max() < 0.2
    assert np.array_equal(frames[0], frames[planted.onset - 2])
    assert not np.array_equal(frames[0], frames[planted.onset])


def test_one_side_can_move_alone(astronaut: Portrait) -> None:
    script = Script.of([Expression("me", {12: (0.0, 2.5)}, Profile(0.1, 0.1, 0.1, 0.2))], n_frames=16)
    shown, truth = render(astronaut, script, (240, 240), eye_px=EYE_PX, camera=None)
    frames = list(shown)
    moved = np.linalg.norm(flow(frames[0], frames[truth.intervals[0].apex]), axis=-1)
    points = to_canonical(astronaut.landmarks)[[61, 291]]
    (x0, y0), (x1, y1) = ((points - 56) * EYE_PX / 52 + 119.5).astype(int)
    assert moved[y1 - 6 : y1 + 6, x1 - 6 : x1 + 6].max() > 1.8
    assert moved[y0 - 6 : y0 + 6, x0 - 6 : x0 + 6].max() < 0.3


def test_the_same_seed_gives_the_same_pictures(astronaut: Portrait) -> None:
    def clip(seed: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng(seed)
        script = Script.random(rng, 24, interference=1.0, speech=1.0)
        return np.stack(list(render(astronaut, script, (160, 160), rng, camera=1.0)[0]))

    assert np.array_equal(clip(5), clip(5))
    assert not np.array_equal(clip(5), clip(6))


def test_two_clips_of_one_portrait_do_not_disturb_each_other(astronaut: Portrait) -> None:
    talk = Script.random(np.random.default_rng(1), 30, speech=1.0, interference=1.0)
    alone = list(render(astronaut, talk, (160, 160), camera=None)[0])
    one, two = (render(astronaut, talk, (160, 160), camera=None)[0] for _ in range(2))
    for expected, a, b in zip(alone, one, two, strict=True):
        assert np.array_equal(expected, a)
        assert np.array_equal(expected, b)


@pytest.mark.parametrize("size", [(320, 320), (160, 120), (641, 479), (97, 203)])
def test_frames_have_the_size_that_was_asked_for(astronaut: Portrait, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    script = Script.random(rng, 6)
    shown, truth = render(astronaut, script, size, rng, camera=1.0)
    frames = list(shown)
    assert len(frames) == truth.n_frames == 6
    assert truth.person == "astronaut"
    assert truth.action_units.shape == (6, 13)
    assert all(f.shape == (size[1], size[0], 3) and f.dtype == np.uint8 for f in frames)


def still(**changes: object) -> Motion:
    motion = Motion.still(2)
    for name, value in changes.items():
        getattr(motion, name)[1] = value
    return motion


def landmarks_of(portrait: Portrait, motion: Motion) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    script = Script(30.0, motion, [], motion.units, [], np.zeros(2, np.uint8))
    before, after = render(portrait, script, (400, 400), eye_px=EYE_PX, camera=None)[0]
    return find_landmarks(before), find_landmarks(after)


def gap(points: NDArray[np.float32], upper: int, lower: int) -> float:
    return float(points[lower, 1] - points[upper, 1]) * 52 / EYE_PX


def test_a_tracker_sees_the_mouth_open(astronaut: Portrait) -> None:
    before, after = landmarks_of(astronaut, still(jaw=8.0))
    assert gap(after, 13, 14) - gap(before, 13, 14) > 4


def test_a_tracker_sees_the_eyes_close(astronaut: Portrait) -> None:
    before, after = landmarks_of(astronaut, still(lids=1.0))
    for upper, lower in ((159, 145), (386, 374)):
        assert gap(after, upper, lower) < 0.75 * gap(before, upper, lower)


def test_a_tracker_sees_the_head_turn_to_its_left(astronaut: Portrait) -> None:
    before, after = landmarks_of(astronaut, still(pose=(12, 0, 0, 0, 0, 0)))

    def nose(points: NDArray[np.float32]) -> float:
        return float(points[1, 0] - points[[33, 263], 0].mean()) * 52 / EYE_PX

    assert nose(after) - nose(before) > 2


def test_a_bad_camera_spoils_the_picture_but_keeps_it(astronaut: Portrait) -> None:
    script = Script.of([], n_frames=12)
    clean = next(render(astronaut, script, (200, 200), eye_px=60, camera=None)[0]).astype(int)
    spoiled = 0
    for seed in range(12):
        camera = Camera.random(np.random.default_rng(seed), 12, 30.0, (200, 200), 1.0)
        for image in render(astronaut, script, (200, 200), eye_px=60, camera=camera)[0]:
            off = np.abs(image - clean).mean()
            assert off < 60
            spoiled += off > 2
    assert spoiled > 60


def test_a_picture_without_a_face_is_refused() -> None:
    with pytest.raises(DataError, match="no face"):
        Portrait.load(np.full((200, 200, 3), 128, np.uint8))


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "words.jpg"
    text.write_text("not a picture")
    for file in (text, tmp_path / "absent.png"):
        with pytest.raises(DataError, match=file.name):
            Portrait.load(file)


def test_a_portrait_is_read_from_a_file(astronaut: Portrait, tmp_path: Path) -> None:
    file = tmp_path / "eileen.png"
    cv2.imwrite(str(file), cv2.cvtColor(astronaut.image, cv2.COLOR_RGB2BGR))
    loaded = Portrait.load(file)
    assert loaded.person == "eileen"
    assert np.array_equal(loaded.image, astronaut.image)
    assert np.abs(loaded.landmarks - astronaut.landmarks).max() < 1
