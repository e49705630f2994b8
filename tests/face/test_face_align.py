"""The crop lies where the rigid part of the face is, steadily and without lag."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtme.face.align import RIGID, Steady, fit
from rtme.face.template import CANONICAL, EYE_DISTANCE, EYES, OUTER_EYE_CORNERS, SHAPE, canonical

FPS = 30.0


def mesh(x=0.0, y=0.0, scale=1.0, angle=0.0):
    """The mean face somewhere in a picture; angle in radians."""
    turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    points = np.hstack([CANONICAL @ turn.T + (x, y), scale * EYE_DISTANCE * SHAPE[:, 2:]])
    return points.astype(np.float32)


def in_crop(matrix, points):
    return points[:, :2] @ matrix[:, :2].T + matrix[:, 2]


def test_the_canonical_face_is_where_it_is_said_to_be():
    right, left = CANONICAL[list(OUTER_EYE_CORNERS)]
    assert np.linalg.norm(left - right) == pytest.approx(EYE_DISTANCE, rel=1e-5)
    assert (left + right) / 2 == pytest.approx(EYES, abs=1e-4)
    assert left[0] > right[0], "the person's left eye is on the right of the picture"
    assert CANONICAL.min() > 5
    assert CANONICAL.max() < 107
    assert canonical(224) == pytest.approx(2 * CANONICAL)


@settings(deadline=None)
@given(x=st.floats(-500, 2000), y=st.floats(-500, 2000), scale=st.floats(0.2, 8), angle=st.floats(-3.1, 3.1))
def test_any_similarity_is_undone_exactly(x, y, scale, angle):
    face = mesh(x, y, scale, angle)
    for size in (112, 224):
        assert in_crop(fit(face).matrix(size), face) == pytest.approx(canonical(size), abs=0.02 * size / 112)


@pytest.mark.parametrize("landmark", list(RIGID))
def test_the_jitter_of_one_landmark_is_averaged_away(landmark):
    face = mesh()
    face[landmark, :2] += (0.8, -0.6)
    shift = in_crop(fit(face).matrix(112), mesh()) - CANONICAL
    assert np.linalg.norm(shift.mean(0)) < 0.25


def test_mouth_jaw_and_lids_do_not_move_the_crop():
    face = mesh()
    still = fit(face).matrix(112)
    for landmark in (0, 13, 14, 17, 61, 291, 152, 199, 159, 386, 145, 374, 105, 334):
        face[landmark, :2] += 5
    assert np.array_equal(fit(face).matrix(112), still)


def test_a_face_at_rest_is_steadied():
    rng = np.random.default_rng(0)
    steady = Steady(FPS)
    raw, calm = [], []
    for slot in range(150):
        face = mesh()
        face[:, :2] += rng.normal(0, 0.3, (468, 2))
        found = fit(face)
        raw.append(in_crop(found.matrix(112), CANONICAL))
        calm.append(in_crop(steady.update(found, slot).matrix(112), CANONICAL))
    assert np.std(calm[30:], axis=0).mean() < 0.5 * np.std(raw[30:], axis=0).mean()


@pytest.mark.parametrize("scale", [0.5, 4.0])
def test_a_nod_does_not_lag(scale):
    steady = Steady(FPS)
    miss = []
    for slot in range(90):
        face = mesh(y=10 * scale * math.sin(2 * math.pi * 1.5 * slot / FPS), scale=scale)
        miss.append(in_crop(steady.update(fit(face), slot).matrix(112), face) - CANONICAL)
    assert np.abs(miss[10:]).max() < 0.75, "crop pixels, of a nod of 20, whatever the size of the face"


def test_a_head_that_turns_past_half_a_turn_is_followed_the_short_way():
    steady = Steady(FPS)
    for slot in range(60):
        face = mesh(angle=math.radians(170 + slot / 3))
        found = steady.update(fit(face), slot)
        assert np.abs(in_crop(found.matrix(112), face) - CANONICAL).max() < 1.5


def test_after_a_gap_the_newest_picture_counts():
    gap, dense = Steady(FPS), Steady(FPS)
    for slot in range(20):
        gap.update(fit(mesh()), slot)
        dense.update(fit(mesh()), slot)
    there = fit(mesh(x=3))
    assert abs(gap.update(there, 26).x - there.x) < abs(dense.update(there, 20).x - there.x)
