import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rtme.face.template import CANONICAL, EYE_DISTANCE, SHAPE
from rtme.synth import action_units as au
from rtme.synth.canonical import apply, invert, similarity
from rtme.synth.head import move_head
from rtme.synth.rig import HEAD_STEP, Rig, invert_field, sample
from rtme.synth.script import Script
from rtme.synth.truth import ACTION_UNITS

SIDES = ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.6, 1.0))


def smallest_determinant(backward: NDArray[np.float32], step: float) -> float:
    """Of the Jacobian of ``r -> r - backward(r)`` over all cells; below 0 the picture folds over."""
    along_x = np.diff(backward, axis=1)[:-1] / step
    along_y = np.diff(backward, axis=0)[:, :-1] / step
    inner = (1 - along_x[..., 0]) * (1 - along_y[..., 1]) - along_x[..., 1] * along_y[..., 0]
    return float(inner.min())


@pytest.fixture(scope="module")
def rig() -> Rig:
    return Rig(CANONICAL, SHAPE[:, 2] * np.float32(EYE_DISTANCE))


@pytest.mark.parametrize("unit", ACTION_UNITS)
def test_no_unit_folds_the_face_at_its_limit(unit: int) -> None:
    field = au.unit_fields(CANONICAL, (unit,))[0]
    for sides in SIDES:
        forward = np.tensordot(np.float32(sides) * np.float32(au.LIMITS[unit]), field, 1)
        backward = invert_field(forward, au.grid(), au.ORIGIN, au.STEP)
        assert smallest_determinant(backward, au.STEP) > 0.2
        again = sample(forward, au.grid() - backward, au.ORIGIN, au.STEP)
        assert np.abs(again - backward).max() < 0.3


@pytest.mark.parametrize("unit", ACTION_UNITS)
def test_amplitudes_are_pixels_and_stay_where_the_unit_is(unit: int) -> None:
    field = au.unit_fields(CANONICAL, (unit,))[0]
    both = np.linalg.norm(field.sum(0), axis=-1)
    assert both.max() == pytest.approx(1, abs=1e-4)
    row = np.unravel_index(both.argmax(), both.shape)[0]
    y = au.ORIGIN + au.STEP * row
    brows, eyes, mouth = unit in (1, 2, 4), unit in (5, 7), unit in (10, 12, 14, 15, 17, 20)
    nodes_y = au.grid()[..., 1]
    if brows:
        assert y < 36
        assert both[nodes_y > 55].max() < 0.05
    if eyes:
        assert 34 < y < 46
        assert both[(nodes_y < 26) | (nodes_y > 60)].max() < 0.05
    if mouth:
        assert y > 66
        assert both[nodes_y < 42].max() < 0.05


@pytest.mark.parametrize(("unit", "side", "column", "sign"), [
    (1, 0, 1, -1), (2, 1, 1, -1), (4, 0, 1, 1), (4, 0, 0, 1), (4, 1, 0, -1), (5, 0, 1, -1), (6, 0, 1, -1),
    (7, 0, 1, -1), (9, 1, 1, -1), (10, 0, 1, -1), (12, 0, 1, -1), (12, 0, 0, -1), (12, 1, 0, 1), (14, 1, 0, 1),
    (15, 0, 1, 1), (17, 0, 1, -1), (20, 0, 0, -1), (20, 1, 0, 1),
])  # fmt: skip
def test_units_pull_where_the_muscle_pulls(unit: int, side: int, column: int, sign: int) -> None:
    field = au.unit_fields(CANONICAL, (unit,))[0, side]
    apex = np.unravel_index(np.linalg.norm(field, axis=-1).argmax(), field.shape[:2])
    assert sign * field[apex][column] > 0.25


@given(st.integers(0, 2**32), st.sampled_from([0.2, 0.6, 1.0]))
@settings(max_examples=20)
def test_no_moment_of_a_performance_folds_the_face(rig: Rig, seed: int, interference: float) -> None:
    script = Script.random(np.random.default_rng(seed), interference=interference, speech=1.0)
    motion = script.motion
    for frame in range(0, script.n_frames, 8):
        face = rig.expression(
            motion.units[frame], motion.shapes[frame], float(motion.jaw[frame]), motion.lids[frame]
        )
        if face is not None:
            assert smallest_determinant(face, au.STEP) > 0
        head = rig.head(motion.pose[frame])
        if head is not None:
            assert smallest_determinant(head, HEAD_STEP) > 0


def test_a_head_that_turns_moves_its_nose_more_than_its_ears(rig: Rig) -> None:
    pose = np.zeros(6, np.float32)
    pose[0] = 10
    shown = rig.head(pose)
    assert shown is not None
    at = {name: sample(shown, CANONICAL[[index]][None], -140.0, 5.0)[0, 0] for name, index in
          (("nose", 1), ("right cheek", 234), ("left cheek", 454))}  # fmt: skip
    assert at["nose"][0] > 6
    assert at["nose"][0] > at["right cheek"][0] + 2
    assert at["nose"][0] > at["left cheek"][0] + 2


def test_a_head_that_nods_up_moves_its_nose_up(rig: Rig) -> None:
    pose = np.zeros(6, np.float32)
    pose[1] = 8
    shown = rig.head(pose)
    assert shown is not None
    assert sample(shown, CANONICAL[[1]][None], -140.0, 5.0)[0, 0, 1] < -4


def test_a_head_goes_no_farther_than_the_picture_carries(rig: Rig) -> None:
    pose = np.zeros((90, 6), np.float32)
    pose[:, 1] = np.linspace(-80, 80, 90)
    move_head(np.random.default_rng(0), pose, 30.0, 0.0, np.zeros(90, np.uint8))
    assert np.abs(pose[:, 1]).max() == pytest.approx(17)
    assert (np.diff(pose[:, 1]) >= 0).all()
    for nod in pose[[0, -1], 1]:
        shown = rig.head(np.array([0, nod, 0, 0, 0, 0], np.float32))
        assert shown is not None
        assert smallest_determinant(shown, HEAD_STEP) > 0


def test_a_head_that_leans_to_its_right_moves_its_crown_to_the_left_of_the_picture(rig: Rig) -> None:
    pose = np.zeros(6, np.float32)
    pose[2] = 8
    shown = rig.head(pose)
    assert shown is not None
    assert sample(shown, CANONICAL[[10]][None], -140.0, 5.0)[0, 0, 0] < -5


def test_nothing_moves_in_a_still_face(rig: Rig) -> None:
    assert (
        rig.expression(np.zeros((13, 2), np.float32), np.zeros(5, np.float32), 0.0, np.zeros(2, np.float32))
        is None
    )
    assert rig.head(np.zeros(6, np.float32)) is None


@given(st.floats(-180, 180), st.floats(0.1, 10), st.floats(-500, 500), st.floats(-500, 500))
def test_the_canonical_crop_is_found_wherever_the_face_is(
    turn: float, scale: float, x: float, y: float
) -> None:
    angle = np.deg2rad(turn)
    a, b = scale * np.cos(angle), scale * np.sin(angle)
    matrix = np.array([[a, -b, x], [b, a, y]])
    found = similarity(apply(matrix, CANONICAL.astype(np.float64)))
    assert np.allclose(found, matrix, atol=0.02 * max(1.0, scale))
    assert np.allclose(apply(invert(matrix), apply(matrix, CANONICAL)), CANONICAL, atol=0.02)
