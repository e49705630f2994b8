"""Head pose has the size and the signs that HeadPose promises."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtme.face.pose import head_pose
from rtme.face.template import SHAPE

degrees = st.floats(-60, 60)


def turned(yaw=0.0, pitch=0.0, roll=0.0, scale=90.0, at=(300, 200)):
    """The mean face turned: own left, up, own right shoulder are positive."""
    a, b, c = (-math.radians(v) for v in (yaw, pitch, roll))
    about_y = np.array([[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
    about_z = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    return (scale * SHAPE @ (about_z @ about_y @ about_x).T + (*at, 0)).astype(np.float32)


@settings(deadline=None)
@given(yaw=degrees, pitch=degrees, roll=degrees, scale=st.floats(10, 500))
def test_any_turn_is_found(yaw, pitch, roll, scale):
    pose = head_pose(turned(yaw, pitch, roll, scale))
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((yaw, pitch, roll), abs=0.1)


def test_signs_are_the_persons_own():
    nose, chin, top = 1, 152, 10
    straight = turned()
    assert turned(yaw=20)[nose, 0] > straight[nose, 0], "own left is the right of the picture"
    assert turned(pitch=20)[nose, 1] < straight[nose, 1], "looking up lifts the nose"
    leaning = turned(roll=20)
    assert leaning[top, 0] < leaning[chin, 0], "own right shoulder is on the left of the picture"


def test_mouth_and_jaw_do_not_turn_the_head():
    face = turned(10, 5, 3)
    still = head_pose(face)
    face[[0, 13, 14, 17, 61, 291, 152, 199, 159, 386]] += 8
    assert head_pose(face) == still
