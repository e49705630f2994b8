"""Measures tell of mouth, brows, eyes and head in the units and with the signs that they promise."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtme.face import align
from rtme.face.measures import GROUPS, LARGEST, MEASURES, NAMES, Measurer, Stance, mirror, stance
from rtme.face.measures import SHAPE as SHAPES
from rtme.face.pose import head_pose
from rtme.face.template import SHAPE
from rtme.face.tracker import FaceTracker


def face(yaw=0.0, pitch=0.0, scale=90.0, at=(300.0, 200.0), moved=()):
    """The mean face, with some landmarks moved (landmark, dx, dy in pixels at 112) and then turned and enlarged."""
    shape = SHAPE.copy()
    for landmark, dx, dy in moved:
        shape[landmark, :2] += np.array([dx, dy]) / 52
    a, b = -math.radians(yaw), -math.radians(pitch)
    about_y = np.array([[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
    return (scale * shape @ (about_y @ about_x).T + (*at, 0)).astype(np.float32)


def stand(mesh):
    return stance(mesh, head_pose(mesh), align.fit(mesh))


def measured(now, earlier=None, usual=None, sharpness=0.8):
    """By name; ``usual`` is what the face did for long before."""
    measurer = Measurer(30)
    for slot in range(0, 300, 6):
        if usual is not None:
            measurer.measure(slot, stand(usual), None, sharpness)
    numbers = measurer.measure(300, stand(now), stand(earlier) if earlier is not None else None, sharpness)
    return dict(zip(NAMES, numbers.tolist(), strict=True))


@pytest.mark.parametrize(("yaw", "pitch", "scale"), [(0, 0, 90), (20, 0, 30), (0, -15, 200), (-15, 10, 90)])
def test_an_opening_mouth_is_told_in_crop_pixels_whatever_the_pose_and_size(yaw, pitch, scale):
    before = face(yaw, pitch, scale)
    now = face(yaw, pitch, scale, moved=[(14, 0, 4), (17, 0, 4)])
    told = measured(now, before, usual=before)
    assert told["motion.mouth_open"] == pytest.approx(4, abs=0.1)
    assert told["shape.mouth_open"] == pytest.approx(4, abs=0.1)
    assert told["motion.lip_lower"] == pytest.approx(4, abs=0.1)
    assert abs(told["motion.brow_inner_left"]) < 0.05


def test_what_a_face_always_does_is_usual():
    open_mouth = face(moved=[(14, 0, 6)])
    assert measured(open_mouth, usual=open_mouth)["shape.mouth_open"] == pytest.approx(0, abs=1e-4)
    assert measured(open_mouth, usual=face())["shape.mouth_open"] == pytest.approx(6, abs=0.1)


def test_the_right_brow_is_the_persons_own():
    raised = face(moved=[(each, 0, -3) for each in (55, 107, 66)])
    told = measured(raised, face(), usual=face())
    assert told["motion.brow_inner_right"] == pytest.approx(3, abs=0.1)
    assert abs(told["motion.brow_inner_left"]) < 0.05


def test_a_turning_head_is_told_as_that_and_hardly_as_an_expression():
    told = measured(face(yaw=12), face(), usual=face())
    assert told["head.yaw"] == pytest.approx(1.2, abs=0.05)
    assert told["pose.yaw"] == pytest.approx(1.2, abs=0.05)
    assert max(abs(told[name]) for name in NAMES if name.startswith("motion.")) < 0.3


def test_a_shift_and_a_growth_count_in_crop_pixels():
    told = measured(face(scale=99, at=(309, 200)), face())
    assert told["head.x"] == pytest.approx(9 * 52 / 99, rel=0.05)
    assert told["head.scale"] == pytest.approx(math.log(90 / 99) * 56, rel=0.05)
    assert told["quality.size"] == pytest.approx(math.log2(99 / 52), abs=0.1)


def test_without_an_earlier_frame_nothing_moved():
    told = measured(face(yaw=10, moved=[(14, 0, 9)]))
    assert all(told[name] == 0 for name in NAMES if name.startswith(("motion.", "head.")))


@given(st.lists(st.floats(-50, 50, width=32), min_size=MEASURES, max_size=MEASURES))
def test_a_mirror_of_a_mirror_is_the_face_itself(numbers):
    numbers = np.array(numbers, np.float32)
    np.testing.assert_array_equal(mirror(mirror(numbers)), numbers)


def test_measures_of_a_mirrored_picture_are_mirrored_measures(portrait):
    with FaceTracker() as tracker:
        plain = [tracker.track(portrait, slot)[0].measures for slot in range(8)][-1]
        tracker.reset()
        other = [
            tracker.track(np.ascontiguousarray(portrait[:, ::-1]), slot)[0].measures for slot in range(8)
        ][-1]
    assert plain.shape == (MEASURES,)
    told, mirrored = (dict(zip(NAMES, each.tolist(), strict=True)) for each in (mirror(plain), other))
    assert mirrored["pose.yaw"] == pytest.approx(told["pose.yaw"], abs=0.3)
    assert mirrored["pose.roll"] == pytest.approx(told["pose.roll"], abs=0.2)
    assert mirrored["quality.sharpness"] == pytest.approx(told["quality.sharpness"], rel=0.1)


def test_landmarks_that_jump_are_cut_off():
    wild = face(moved=[(14, 0, 900)])
    assert measured(wild, face(), usual=face())["motion.mouth_open"] == LARGEST


def test_landmarks_that_are_no_numbers_spoil_one_frame_alone():
    measurer = Measurer(30)
    nonsense = Stance(np.full(len(SHAPES), np.nan, np.float32), stand(face()).head)
    assert np.isfinite(measurer.measure(0, nonsense, None, 0.8)).all()
    measurer.measure(6, stand(face()), None, 0.8)
    now = measurer.measure(12, stand(face(moved=[(14, 0, 4)])), stand(face()), 0.8)
    assert now[NAMES.index("motion.mouth_open")] == pytest.approx(4, abs=0.1)
    assert now[NAMES.index("shape.mouth_open")] > 1


def test_groups_part_the_names():
    assert [name for group in GROUPS.values() for name in NAMES[group]] == list(NAMES)
    assert all(name.split(".")[0] == group for group, where in GROUPS.items() for name in NAMES[where])
