"""What the classical methods look at: gray pictures and flow of a clip, whatever its store was prepared for."""

import numpy as np
from numpy.typing import NDArray

from rtme.data.store import Clip, Store
from rtme.face.libraries import cv2
from rtme.face.motion import STEPS, STILL, MotionInput, decode_motion, level_light
from rtme.face.template import UNIT

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

GRID = 6
"""Blocks along an edge of the face: 36 in all, as both methods were published with."""


def valid(store: Store, clip: Clip) -> NDArray[np.bool_]:
    """``(slots,)`` where there is a crop."""
    return np.asarray(store.rows(clip)["valid"]) > 0


def gray(store: Store, clip: Clip) -> Bytes:
    """``(slots, 112, 112)`` pictures, their light levelled; undefined where a slot is not valid."""
    crops = np.asarray(store.crops(clip))
    if store.plan.input == "motion":
        pictures = crops[..., 0]
    else:
        pictures = np.stack([level_light(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)) for crop in crops])
    return _unit_size(pictures)


def lag(store: Store) -> int:
    """Slots that the flow spans; of an rgb store, as many as a motion store has by default (200 ms)."""
    return store.plan.flow_lag if store.plan.input == "motion" else max(1, round(0.2 * store.plan.fps))


def flow(store: Store, clip: Clip) -> tuple[Floats, NDArray[np.bool_]]:
    """How each pixel moved in the last :func:`lag` slots, without the head's own motion.

    Returns:
        ``(slots, 112, 112, 2)`` u (to the right) and v (down) in pixels of a 112-pixel crop, and ``(slots,)`` where
        they are known. A motion store has them; of an rgb store they are computed just as for one.
    """
    known = valid(store, clip)
    if store.plan.input == "motion":
        coded = np.asarray(store.crops(clip))[..., 1:]
        if coded.shape[1] != UNIT:
            coded = np.stack([cv2.resize(one, (UNIT, UNIT), interpolation=cv2.INTER_AREA) for one in coded])
        return (coded.astype(np.float32) - STILL) / np.float32(STEPS), known
    back, pictures = lag(store), gray(store, clip)
    known = known & np.concatenate([np.zeros(back, bool), known])[: len(known)]
    moved = np.zeros((*pictures.shape, 2), np.float32)
    motion = MotionInput(UNIT)
    for slot in np.flatnonzero(known):
        moved[slot] = decode_motion(motion(pictures[slot - back], pictures[slot]))[1]
    return moved, known


def block_edge() -> int:
    """Pixels along an edge of a block; what is left over at the crop's rim is not looked at."""
    return UNIT // GRID


def inside(pictures: NDArray[np.generic]) -> tuple[slice, slice]:
    """The part of pictures ``(slots, 112, 112, …)`` that whole blocks cover, in the middle."""
    edge = GRID * block_edge()
    first = (pictures.shape[1] - edge) // 2
    part = slice(first, first + edge)
    return part, part


def _unit_size(pictures: Bytes) -> Bytes:
    if pictures.shape[1] == UNIT:
        return pictures
    return np.stack([cv2.resize(one, (UNIT, UNIT), interpolation=cv2.INTER_AREA) for one in pictures])
