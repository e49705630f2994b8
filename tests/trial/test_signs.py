import numpy as np
import pytest

from rtme.face.template import SHAPE
from rtme.trial.signs import SIGNS, signs

FPS = 30.0


def mesh() -> np.ndarray:
    """The mean face, 60 pixels from eye to eye."""
    return (60 * SHAPE + np.float32([100, 100, 0])).astype(np.float32)


def turned(degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    spin = np.float32([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    return (60 * SHAPE @ spin.T + np.float32([100, 100, 0])).astype(np.float32)


def test_a_still_face_shows_nothing() -> None:
    seen = signs([mesh()] * 40, FPS)
    assert seen.eye_px == pytest.approx(60, abs=0.5)
    assert not any(seen.present[name].any() for name in SIGNS)
    assert seen.head.max() < 0.1


def test_a_blink_is_seen_where_it_is() -> None:
    faces = [mesh() for _ in range(60)]
    for face in faces[30:33]:
        face[[159, 386]] = face[[145, 374]]
    blink = signs(faces, FPS).present["blink"]
    assert blink[31]
    assert not blink[:20].any()
    assert not blink[45:].any()


def test_a_mouth_that_opens_is_no_brow_that_moves() -> None:
    faces = [mesh() for _ in range(60)]
    for face in faces[30:]:
        face[14, 1] += 6
    seen = signs(faces, FPS)
    assert seen.present["mouth"][30]
    assert not seen.present["mouth"][:20].any()
    assert not seen.present["brow"].any()
    for face in faces[30:]:
        face[[105, 334], 1] -= 4
    assert signs(faces, FPS).present["brow"][30]


def test_how_fast_a_head_turns() -> None:
    seen = signs([turned(0.5 * k) for k in range(40)], FPS)
    assert seen.head[20] == pytest.approx(15, abs=1.5)
    assert seen.present["head"][20]


def test_a_face_that_is_lost_shows_nothing_meanwhile() -> None:
    faces: list[np.ndarray | None] = [mesh() for _ in range(40)]
    faces[10:20] = [None] * 10
    seen = signs(faces, FPS)
    assert np.isnan(seen.head[10:20]).all()
    assert not np.isnan(seen.head[20:]).any()
    lost = signs([None] * 40, FPS)
    assert lost.eye_px is None
    assert not any(found.any() for found in lost.present.values())
