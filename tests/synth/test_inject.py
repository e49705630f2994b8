import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from rtme.errors import DataError
from rtme.synth.canonical import apply, to_canonical
from rtme.synth.expression import Expression
from rtme.synth.inject import inject
from rtme.synth.portrait import Portrait
from rtme.synth.profile import Profile
from rtme.synth.render import render, view
from rtme.synth.script import Script

SIZE = (300, 260)
EYE_PX = 78.0
N = 40

Clip = tuple[list[NDArray[np.uint8]], list[NDArray[np.float32] | None]]


@pytest.fixture(scope="module")
def clip(astronaut: Portrait) -> Clip:
    """A face that does nothing but drift: its frames, and where its landmarks must be."""
    still, _ = next(iter([render(astronaut, Script.of([], n_frames=1), SIZE, eye_px=EYE_PX, camera=None)]))
    image = next(still)
    points = apply(view(SIZE, EYE_PX), to_canonical(astronaut.landmarks))
    frames, landmarks = [], []
    for index in range(N):
        drift = np.array([[1, 0, 0.4 * index], [0, 1, 0.2 * index]])
        frames.append(cv2.warpAffine(image, drift, SIZE, borderMode=cv2.BORDER_REPLICATE))
        landmarks.append(apply(drift, points))
    return frames, landmarks


def brow(at_s: float = 0.5, pixels: float = 2.0) -> Expression:
    return Expression("me", {1: (pixels, pixels), 2: (pixels, pixels)}, Profile(at_s, 0.1, 0.05, 0.15))


def test_only_the_frames_of_an_expression_change_and_only_the_face(clip: Clip) -> None:
    frames, landmarks = clip
    shown, truth = inject(frames, landmarks, Script.of([brow()], n_frames=N), person="p")
    result = list(shown)
    (planted,) = truth.intervals
    assert len(result) == N
    changed = [k for k in range(N) if not np.array_equal(result[k], frames[k])]
    assert set(range(planted.onset, planted.offset + 1)) <= set(changed)
    assert changed[0] >= 15
    assert changed[-1] <= 24
    for k in changed:
        points = landmarks[k]
        assert points is not None
        off = (result[k] != frames[k]).any(-1)
        bottom = int(points[1, 1])
        assert not off[bottom:].any(), "raising brows moved the mouth"
    # Frames in which nothing was planted are the given ones, not copies.
    assert all(result[k] is frames[k] for k in range(N) if k not in changed and not 13 <= k <= 26)


def test_the_skin_moves_as_far_as_the_truth_says_on_top_of_the_head(clip: Clip) -> None:
    frames, landmarks = clip
    shown, truth = inject(frames, landmarks, Script.of([brow()], n_frames=N), person="p")
    (planted,) = truth.intervals
    apex = list(shown)[planted.apex]
    one, two = (cv2.cvtColor(i, cv2.COLOR_RGB2GRAY) for i in (frames[planted.apex], apex))
    moved = cv2.calcOpticalFlowFarneback(one, two, None, 0.5, 3, 13, 5, 7, 1.5, 0) * (52 / EYE_PX)
    assert np.percentile(np.linalg.norm(moved, axis=-1), 99.8) == pytest.approx(planted.pixels, rel=0.25)
    assert moved[..., 1].min() < -1


def test_jitter_of_the_tracker_does_not_shake_the_skin(clip: Clip) -> None:
    frames, landmarks = clip
    rng = np.random.default_rng(2)
    shaken = [p + rng.normal(0, 0.5, p.shape).astype(np.float32) for p in landmarks if p is not None]
    script = Script.of([brow()], n_frames=N)
    calm, jittery = (list(inject(frames, marks, script, person="p")[0]) for marks in (landmarks, shaken))
    for one, two, plain in zip(calm, jittery, frames, strict=True):
        planted = np.abs(one.astype(int) - plain).mean()
        assert np.abs(one.astype(int) - two).mean() <= 0.25 * planted + 1e-9


def test_an_expression_is_left_out_where_the_face_is_lost(clip: Clip) -> None:
    frames, landmarks = clip
    script = Script.of([brow(0.2), brow(0.8)], n_frames=N)
    first = script.intervals[0]
    holes = list(landmarks)
    holes[first.apex] = None
    shown, truth = inject(frames, holes, script, person="p")
    result = list(shown)
    assert truth.intervals == [script.intervals[1]]
    assert not truth.action_units[: first.offset + 3].any()
    assert all(result[k] is frames[k] for k in range(first.offset + 3))
    assert script.intervals[0] == first, "the caller's script stays as it was"
    assert script.motion.units[first.apex].any()


def test_speech_and_fidgets_of_a_script_are_not_injected(clip: Clip) -> None:
    frames, landmarks = clip
    script = Script.random(
        np.random.default_rng(4), N, speech=1.0, interference=1.0, me_per_clip=0, macro=0, large=0
    )
    assert script.motion.units.any()
    shown, truth = inject(frames, landmarks, script, person="p")
    assert all(a is b for a, b in zip(shown, frames, strict=True))
    assert not truth.action_units.any()


def test_a_clip_without_a_face_stays_as_it_is(clip: Clip) -> None:
    frames, _ = clip
    script = Script.random(np.random.default_rng(1), N)
    shown, truth = inject(frames, [None] * N, script, person="p")
    assert all(a is b for a, b in zip(shown, frames, strict=True))
    assert truth.intervals == []


def test_a_face_at_the_edge_of_the_picture_is_no_trouble(clip: Clip) -> None:
    frames, landmarks = clip
    moved = [p + np.float32((140, -120)) for p in landmarks if p is not None]
    result = list(inject(frames, moved, Script.of([brow()], n_frames=N), person="p")[0])
    assert [f.shape for f in result] == [f.shape for f in frames]


def test_who_speaks_is_what_the_caller_knows(clip: Clip) -> None:
    frames, landmarks = clip
    script = Script.random(np.random.default_rng(1), N, speech=1.0)
    assert (inject(frames, landmarks, script, person="p")[1].speaking == 255).all()
    known = np.ones(N, np.uint8)
    truth = inject(frames, landmarks, script, person="p", speaking=known)[1]
    assert (truth.speaking == 1).all()
    assert truth.base == "clip"
    assert truth.spans == []
    assert all(i.action_units for i in truth.intervals)


def test_lengths_must_agree(clip: Clip) -> None:
    frames, landmarks = clip
    with pytest.raises(DataError, match=r"landmarks has 39 frames and the clip 40"):
        inject(frames, landmarks[:-1], Script.of([], n_frames=N), person="p")
    with pytest.raises(DataError, match="script has 41"):
        inject(frames, landmarks, Script.of([], n_frames=41), person="p")
    with pytest.raises(DataError, match="speaking has 3"):
        inject(frames, landmarks, Script.of([], n_frames=N), person="p", speaking=np.zeros(3, np.uint8))
