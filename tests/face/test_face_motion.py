"""Motion crops say where skin moved, and only skin."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtme.face.align import fit
from rtme.face.landmarks import MeshFinder
from rtme.face.motion import HeadMotion, MotionInput, cut, decode_motion, encode_motion, level_light
from rtme.face.template import CANONICAL, SHAPE

BROW, CHEEK, MOUTH = 107, 425, 291


@pytest.fixture(scope="module")
def to_crop(portrait):
    """Where the portrait's crop of 112 pixels lies."""
    finder = MeshFinder(1)
    for time_ms in range(0, 200, 33):
        (mesh,) = finder.find(portrait, time_ms)
    finder.close()
    return fit(mesh).matrix(112)


def gray(image, to_crop, size=112):
    return level_light(cv2.cvtColor(cut(image, to_crop * (size / 112), size), cv2.COLOR_RGB2GRAY))


def bump(at, sigma=9.0):
    """A Gaussian around a point, over a 112-pixel crop."""
    y, x = np.mgrid[:112, :112]
    return np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * sigma**2))


def displaced(image, to_crop, at, by):
    """The picture with the skin around a crop point moved by crop pixels."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float64)
    there = np.stack([x, y], -1) @ to_crop[:, :2].T + to_crop[:, 2]
    much = np.exp(-((there - at) ** 2).sum(-1) / (2 * 9.0**2))
    scale = np.hypot(to_crop[0, 0], to_crop[1, 0])
    x, y = x - much * by[0] / scale, y - much * by[1] / scale
    return cv2.remap(
        image, x.astype(np.float32), y.astype(np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def grain(image, seed):
    noise = np.random.default_rng(seed).normal(0, 3, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


@settings(deadline=None)
@given(u=st.floats(-20, 20), v=st.floats(-20, 20), size=st.sampled_from([56, 112, 224]))
def test_what_is_encoded_can_be_decoded(u, v, size):
    flow = np.full((size, size, 2), (u, v), np.float32)
    level = np.full((size, size), 77, np.uint8)
    again, decoded = decode_motion(encode_motion(level, flow))
    assert np.array_equal(again, level)
    want = np.clip(np.array([u, v]) * 112 / size, -8, 127 / 16)
    assert decoded[0, 0] == pytest.approx(want, abs=1 / 32 + 1e-5)


def test_still_is_128():
    crop = encode_motion(np.zeros((112, 112), np.uint8), np.zeros((112, 112, 2), np.float32))
    assert (crop[..., 1:] == 128).all()


@pytest.mark.parametrize(
    ("landmark", "by"),
    [
        (BROW, (0, -1.5)),
        (BROW, (0, 1.5)),
        (CHEEK, (0, -2)),
        (MOUTH, (1.5, -1.5)),
        (MOUTH, (-1.5, 1.0)),
    ],
)
def test_a_known_displacement_comes_back(portrait, to_crop, landmark, by):
    at = CANONICAL[landmark]
    before = gray(grain(portrait, 1), to_crop)
    after = gray(grain(displaced(portrait, to_crop, at, by), 2), to_crop)
    _, flow = decode_motion(MotionInput(112)(before, after))
    core = bump(at) > 0.75
    truth = bump(at)[core].mean() * np.array(by)
    seen = flow[core].mean(0)
    along = seen @ truth / np.linalg.norm(truth) ** 2
    assert 0.8 < along < 1.2
    assert np.linalg.norm(seen - along * truth) < 0.25
    far = bump(at, 24) < 0.1
    assert np.abs(flow[far & (bump((56, 60), 25) > 0.3)]).mean() < 0.1, "the rest of the face stands still"


def test_the_same_picture_with_other_noise_is_still(portrait, to_crop):
    motion = MotionInput(112)
    _, flow = decode_motion(motion(gray(grain(portrait, 1), to_crop), gray(grain(portrait, 2), to_crop)))
    assert flow[20:100, 25:90].std() < 0.12


@pytest.mark.parametrize("change", ["brighter", "darker", "contrast"])
def test_light_is_no_motion(portrait, to_crop, change):
    table = {
        "brighter": lambda x: x * 0.8 + 50,
        "darker": lambda x: x * 0.6,
        "contrast": lambda x: (x - 128) * 0.7 + 128,
    }[change](np.arange(256.0))
    lit = cv2.LUT(portrait, np.clip(table, 0, 255).astype(np.uint8))
    _, flow = decode_motion(MotionInput(112)(gray(portrait, to_crop), gray(lit, to_crop)))
    assert np.abs(flow[20:100, 25:90]).mean() < 0.05


@pytest.mark.parametrize("size", [64, 112, 224])
def test_head_motion_in_all_six_ways_is_taken_out(size):
    y, x = (np.mgrid[:size, :size] - size / 2) * (112 / size)
    points = CANONICAL - 56
    near = ((points[:, 0] - x[..., None]) ** 2 + (points[:, 1] - y[..., None]) ** 2).argmin(-1)
    depth = SHAPE[near, 2] * 52
    turn = math.radians(1)
    ways = {
        "right": (1.5 + 0 * x, 0 * x),
        "down": (0 * x, -2.0 + 0 * x),
        "roll": (-turn * y, turn * x),
        "nearer": (0.02 * x, 0.02 * y),
        "yaw": (-turn * depth, 0 * x),
        "pitch": (0 * x, turn * depth),
    }
    face = np.hypot((x + 0) / 35, (y - 5) / 45) < 0.85
    remove = HeadMotion(size).remove
    for name, (u, v) in ways.items():
        flow = np.stack([u, v], -1).astype(np.float32) * np.float32(size / 112)
        left = remove(flow) * (112 / size)
        before = np.sqrt((np.stack([u, v], -1)[face] ** 2).mean())
        after = np.sqrt((left[face] ** 2).mean())
        assert after < max(0.25 * before, 0.03), name


def test_a_wide_open_mouth_does_not_pull_the_head_along():
    flow = np.zeros((112, 112, 2), np.float32)
    flow[70:108, 30:82, 1] = 6
    left = HeadMotion(112).remove(flow)
    assert np.abs(left[30:60, 30:82]).max() < 0.5
    assert left[80:100, 40:70, 1].mean() > 5


def test_motion_counts_in_pixels_of_112_at_any_size(portrait, to_crop):
    at, by = CANONICAL[MOUTH], (1.5, -1.5)
    after = displaced(portrait, to_crop, at, by)
    seen = []
    for size in (112, 224):
        crop = MotionInput(size)(gray(portrait, to_crop, size), gray(after, to_crop, size))
        _, flow = decode_motion(cv2.resize(crop, (112, 112), interpolation=cv2.INTER_AREA))
        seen.append(flow[bump(at) > 0.75].mean(0))
    assert seen[1] == pytest.approx(seen[0], rel=0.15)


@pytest.mark.parametrize("scale", [1.0, 0.6, 0.4, 0.25])
def test_fine_texture_does_not_flicker_when_a_face_moves_by_less_than_a_pixel(scale):
    y, x = np.mgrid[:600, :600]
    weave = np.where((x + y) % 3 == 0, 200, 60).astype(np.uint8)
    crops = [
        cut(weave, np.array([[scale, 0, dx * scale - 30], [0, scale, -30]]), 112)
        for dx in (0, 0.25, 0.5, 0.75)
    ]
    flicker = np.std(crops, axis=0).mean()
    assert flicker < (6 if scale < 1 / 1.5 else 60)


def test_a_crop_stands_where_its_matrix_says_at_every_reduction():
    y, x = np.mgrid[:1200, :1600]
    for scale in (2.0, 0.9, 0.5, 0.3, 0.13, 0.08):
        at = np.array([811.3, 602.6])
        spot = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * (6 / scale) ** 2)) * 255
        matrix = np.array([[scale, 0, 50 - scale * at[0]], [0, scale, 60 - scale * at[1]]])
        crop = cut(spot.astype(np.uint8), matrix, 112).astype(float)
        yy, xx = np.mgrid[:112, :112]
        middle = (crop * xx).sum() / crop.sum(), (crop * yy).sum() / crop.sum()
        assert middle == pytest.approx((50, 60), abs=0.1), scale


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3), (16, 16)])
@pytest.mark.parametrize("scale", [0.05, 0.4, 1, 30])
@pytest.mark.parametrize("far", [0, 5000, -5000])
def test_a_crop_beyond_the_picture_repeats_its_edge(shape, scale, far):
    picture = np.full((*shape, 3), 90, np.uint8)
    crop = cut(picture, np.array([[scale, 0.0, far], [0.0, scale, far]]), 112)
    assert crop.shape == (112, 112, 3)
    assert (crop == 90).all()


def test_a_black_crop_has_level_light_and_no_motion():
    black = level_light(np.zeros((112, 112), np.uint8))
    assert (decode_motion(MotionInput(112)(black, black))[1] == 0).all()
