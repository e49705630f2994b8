"""The tracker as the live path uses it, with MediaPipe and a real face."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from rtme.errors import FaceError
from rtme.face.motion import decode_motion
from rtme.face.tracker import FaceTracker


@pytest.fixture(scope="module")
def shared():
    with FaceTracker() as tracker:
        yield tracker


@pytest.fixture
def tracker(shared):
    """One tracker for all tests; each begins an epoch of its own."""
    shared.reset()
    return shared


def one(found):
    assert len(found) == 1
    return found[0]


def follow(tracker, pictures, first=0):
    return [one(tracker.track(picture, first + k)) for k, picture in enumerate(pictures)]


def face_flow(crop):
    return decode_motion(crop)[1][20:100, 25:90]


def test_a_face_is_found_measured_and_after_the_lag_judged(tracker, portrait):
    faces = follow(tracker, [portrait] * 8)
    assert all(face.invalid.startswith("warming up") for face in faces[:4])
    last = faces[-1]
    assert last.invalid is None
    assert (last.crop.shape, last.crop.dtype) == ((112, 112, 3), np.uint8)
    assert last.landmarks.shape == (468, 3)
    assert last.eye_distance_px == pytest.approx(62, abs=3)
    x, y, width, height = last.box
    assert 160 < x < 200
    assert 30 < y < 70
    assert 80 < width < 130
    assert 100 < height < 150
    assert max(abs(last.pose.yaw), abs(last.pose.pitch), abs(last.pose.roll)) < 6
    for face in faces:
        assert (face.crop is None) == (face.invalid is not None)


def test_a_still_face_with_noise_is_still(tracker, move):
    faces = follow(tracker, [move(noise=3, seed=k) for k in range(20)])
    flows = [face_flow(face.crop) for face in faces if face.crop is not None]
    assert len(flows) == 16
    assert np.std(flows) < 0.12


def test_a_moved_turned_and_scaled_picture_gives_the_same_crop(portrait, move):
    with FaceTracker(input="rgb") as tracker:

        def settled(picture):
            tracker.reset()
            return follow(tracker, [picture] * 8)[-1].crop.astype(float)

        home = settled(portrait)
        for change in ({"dx": 37.4, "dy": -12.3}, {"angle": 12}, {"scale": 1.4}, {"angle": -8, "scale": 0.8}):
            there = settled(move(**change))
            inside = np.s_[15:105, 25:88]
            assert np.corrcoef(home[inside].ravel(), there[inside].ravel())[0, 1] > 0.97, change


def test_to_crop_says_where_the_crop_comes_from(tracker, move):
    face = follow(tracker, [move(angle=10, scale=1.2)] * 8)[-1]
    eyes = face.landmarks[[33, 263], :2] @ face.to_crop[:, :2].T + face.to_crop[:, 2]
    assert eyes.mean(0) == pytest.approx((56, 40), abs=1.5)
    assert eyes[1, 0] - eyes[0, 0] == pytest.approx(52, abs=2)


@pytest.mark.parametrize(
    "path",
    [
        lambda t: {"dx": 60 * t},
        lambda t: {"dy": 12 * np.sin(2 * np.pi * 1.5 * t)},
        lambda t: {"angle": 8 * np.sin(2 * np.pi * t)},
        lambda t: {"scale": 1 + 0.08 * np.sin(2 * np.pi * 0.7 * t)},
    ],
    ids=["walk", "nod", "lean", "approach"],
)
def test_head_motion_is_no_facial_motion(tracker, move, path):
    faces = follow(tracker, [move(**path(k / 30), noise=2, seed=k) for k in range(45)])
    flows = np.stack([face_flow(face.crop) for face in faces[10:]])
    assert np.sqrt((flows**2).mean()) < 0.3
    eyes = [face.landmarks[[33, 263], :2] @ face.to_crop[:, :2].T + face.to_crop[:, 2] for face in faces]
    assert np.abs(np.mean(eyes, axis=1) - (56, 40)).max() < 2.5, "the crop does not lag"


def test_two_faces_are_two(portrait):
    two = np.hstack([portrait[:300, 80:380], portrait[:300, 80:380]])
    with FaceTracker(faces=2) as tracker:
        for slot in range(10):
            found = tracker.track(two, slot)
        assert [face.face for face in found] == [1, 2]
        assert all(face.invalid is None for face in found)
        assert abs(found[0].box[0] - found[1].box[0]) == pytest.approx(300, abs=5)
    with FaceTracker(faces=1) as tracker:
        assert {one(tracker.track(two, slot)).face for slot in range(5)} == {1}


class Given:
    """A finder that finds what it is given, picture by picture."""

    def __init__(self, pictures):
        self.pictures = iter(pictures)

    def find(self, image, time_ms):
        return next(self.pictures)

    def reset(self):
        pass

    def close(self):
        pass


@pytest.fixture
def mesh(tracker, portrait):
    return follow(tracker, [portrait] * 3)[-1].landmarks


def test_the_largest_of_fifty_faces_are_kept_with_their_numbers(portrait, mesh):
    def crowd(slot):
        order = np.random.default_rng(slot).permutation(50)
        sizes = 0.3 + 0.01 * order
        return [
            (mesh - mesh.mean(0)) * sizes[k] + (order[k] % 10 * 120, order[k] // 10 * 120, 0)
            for k in range(50)
        ]

    with FaceTracker(faces=3, finder=Given(crowd(slot) for slot in range(10))) as tracker:
        for slot in range(10):
            found = tracker.track(portrait, slot)
            assert sorted(face.face for face in found) == [1, 2, 3]
            assert min(face.eye_distance_px for face in found) > 0.76 * 62


def test_a_face_found_twice_is_one(portrait, mesh):
    with FaceTracker(faces=2, finder=Given([[mesh, mesh + 3, np.add(mesh, (200, 0, 0))]] * 5)) as tracker:
        for slot in range(5):
            assert [face.face for face in tracker.track(portrait, slot)] == [1, 2]


@pytest.mark.parametrize("input", ["rgb", "motion"])
def test_what_is_seen_for_a_moment_is_not_judged(portrait, mesh, input):
    finder = Given([[mesh] if slot % 12 < 3 else [] for slot in range(60)])
    with FaceTracker(input=input, flow_lag=1, finder=finder) as tracker:
        found = [face for slot in range(60) for face in tracker.track(portrait, slot)]
    assert len(found) == 15
    assert {face.invalid.split(":")[0] for face in found} == {"warming up"}


@pytest.mark.parametrize("lag", [0, 6])
def test_aligned_faces_of_a_slow_camera_are_judged(portrait, lag):
    with FaceTracker(input="rgb", flow_lag=lag) as tracker:
        found = [one(tracker.track(portrait, slot)) for slot in range(0, 40, 4)]
    assert [face.invalid for face in found[1:]] == [None] * 9


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"size": 8}, "size is 8"),
        ({"fps": 0}, "fps is 0"),
        ({"faces": 0}, "faces is 0"),
        ({"flow_lag": 0}, "flow_lag is 0"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(wrong, says):
    with pytest.raises(FaceError, match=says):
        FaceTracker(**wrong)


def test_gaps_in_time(tracker, portrait):
    number = follow(tracker, [portrait] * 10)[0].face
    assert one(tracker.track(portrait, 12)).invalid is None, "slot 6 was six slots ago"
    assert one(tracker.track(portrait, 25)).invalid.startswith("warming up"), "nothing near slot 19"
    assert one(tracker.track(portrait, 26)).face == number
    assert one(tracker.track(portrait, 31)).invalid is None


def test_half_the_frame_rate_is_still_judged(tracker, portrait):
    found = [one(tracker.track(portrait, slot)) for slot in range(0, 40, 2)]
    assert all(face.invalid is None for face in found[3:])


def test_reset_forgets_faces_motion_and_time(tracker, portrait):
    before = follow(tracker, [portrait] * 8)[-1]
    tracker.reset()
    after = one(tracker.track(portrait, 0))
    assert after.face == before.face + 1
    assert after.invalid.startswith("warming up")


def test_slots_must_rise(tracker, portrait):
    tracker.track(portrait, 5)
    for slot in (5, 4):
        with pytest.raises(FaceError, match=f"slot {slot} came after slot 5"):
            tracker.track(portrait, slot)


def test_a_small_face_is_not_judged_and_says_so(tracker, portrait):
    small = cv2.resize(portrait[:300, 75:375], (80, 80), interpolation=cv2.INTER_AREA)
    face = follow(tracker, [small] * 8)[-1]
    assert face.invalid.startswith("too small: eyes 1")
    assert face.invalid.endswith("px apart, need 20")
    assert face.crop is None


def test_limits_are_settings(portrait):
    with FaceTracker(min_eye_distance_px=80) as tracker:
        assert follow(tracker, [portrait] * 8)[-1].invalid.endswith("need 80")
    with FaceTracker(max_yaw=0.1) as tracker:
        assert follow(tracker, [portrait] * 8)[-1].invalid.startswith("turned away: yaw ")


def test_a_face_cut_by_the_edge_is_not_judged(tracker, portrait):
    face = follow(tracker, [np.ascontiguousarray(portrait[90:])] * 8)[-1]
    assert face.invalid.startswith("cut off by the picture's edge")


def test_a_blurred_face_is_not_judged(tracker, portrait):
    face = follow(tracker, [cv2.GaussianBlur(portrait, (0, 0), 4)] * 8)[-1]
    assert face.invalid.startswith("blurred")


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("shape", [(480, 640), (16, 16), (1, 1), (2000, 40)])
def test_pictures_without_a_face_have_none(tracker, value, shape):
    for slot in range(3):
        assert tracker.track(np.full((*shape, 3), value, np.uint8), slot) == []


def test_noise_is_no_face(tracker):
    for slot in range(5):
        noise = np.random.default_rng(slot).integers(0, 256, (240, 320, 3), dtype=np.uint8)
        assert tracker.track(noise, slot) == []


def test_a_face_that_goes_and_comes_back_soon_is_the_same(tracker, portrait):
    empty = np.zeros_like(portrait)
    number = follow(tracker, [portrait] * 5)[0].face
    for slot in range(5, 20):
        assert tracker.track(empty, slot) == []
    again = follow(tracker, [portrait] * 8, first=20)
    assert {face.face for face in again} == {number}
    assert again[0].invalid.startswith("warming up")
    assert again[-1].invalid is None


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((48, 64), np.uint8),
        np.zeros((48, 64, 4), np.uint8),
        np.zeros((48, 64, 3), np.float32),
        np.zeros((48, 64, 3), np.uint16),
        np.zeros((0, 64, 3), np.uint8),
        [[1, 2, 3]],
        None,
    ],
    ids=["gray", "rgba", "float", "uint16", "empty", "list", "none"],
)
def test_what_is_no_rgb_picture_is_refused_in_one_sentence(tracker, picture):
    with pytest.raises(FaceError, match="a picture must"):
        tracker.track(picture, 0)
    assert tracker.track(np.zeros((48, 64, 3), np.uint8), 0) == [], "and the slot is not used up"


def test_any_memory_layout_will_do(tracker, portrait):
    for picture in (portrait[:, :, ::-1][:, :, ::-1], np.asfortranarray(portrait), portrait[::1, 10:]):
        tracker.reset()
        assert one(tracker.track(picture, 0)).eye_distance_px > 50


@pytest.mark.parametrize("size", [56, 224])
def test_other_sizes(portrait, size):
    with FaceTracker(size=size) as tracker:
        face = follow(tracker, [portrait] * 8)[-1]
    assert face.crop.shape == (size, size, 3)


def test_crops_are_the_callers_to_keep(tracker, portrait, move):
    kept = follow(tracker, [portrait] * 8)[-1].crop
    copy = kept.copy()
    follow(tracker, [move(dx=3 * k) for k in range(5)], first=8)
    assert np.array_equal(kept, copy)


def test_the_same_pictures_give_the_same_crops(tracker, move):
    pictures = [move(dx=k, noise=3, seed=k) for k in range(12)]
    first = follow(tracker, pictures)
    tracker.reset()
    second = follow(tracker, pictures)
    for a, b in zip(first, second, strict=True):
        assert a.invalid == b.invalid
        assert a.crop is None or np.array_equal(a.crop, b.crop)


def test_a_missing_or_wrong_model_file_is_named(tmp_path):
    with pytest.raises(FaceError, match="there is no face model at"):
        FaceTracker(task_file=tmp_path / "none.task")
    wrong = tmp_path / "wrong.task"
    wrong.write_text("not a model")
    with pytest.raises(FaceError, match=r"wrong\.task is not a face landmarker"):
        FaceTracker(task_file=wrong)


def test_close_twice():
    tracker = FaceTracker()
    tracker.close()
    tracker.close()


def test_mediapipe_says_nothing_and_others_are_heard():
    code = """
import sys
from concurrent.futures import ThreadPoolExecutor
from skimage.data import astronaut
from rtme.face.tracker import FaceTracker

def faces(_):
    with FaceTracker() as tracker:
        for slot in range(8):
            tracker.track(astronaut(), slot)
        tracker.reset()
        return len(tracker.track(astronaut(), 0))

with ThreadPoolExecutor(3) as pool:
    found = list(pool.map(faces, range(3), timeout=100))
print("heard", file=sys.stderr)
print(found)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "[1, 1, 1]\n"
    assert done.stderr == "heard\n"


def test_importing_the_room_does_not_import_mediapipe():
    code = "import sys, rtme.face.tracker; print('mediapipe' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize("library", ["cv2", "mediapipe"])
@pytest.mark.parametrize(
    ("trouble", "advice"),
    [
        ("libGL.so.1: cannot open shared object file", "apt-get install libgl1 libglib2.0-0"),
        ("No module named x", "pip install "),
    ],
)
def test_a_missing_library_ends_in_one_sentence_that_says_what_to_do(tmp_path, library, trouble, advice):
    (tmp_path / f"{library}.py").write_text(f"raise ImportError({trouble!r})")
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from rtme.errors import FaceError
try:
    from rtme.face.tracker import FaceTracker
    FaceTracker()
except FaceError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert trouble in done.stdout
    assert advice in done.stdout
    assert done.stdout.count("\n") == 1
