"""The motion input: what the face looks like, and how it moved since ``flow_lag`` slots ago.

Three channels of uint8. Channel 0 is the gray crop with its light levelled. Channels 1 and 2 are u and v:

* ``u > 0``: what is at this pixel **now** has moved to the **right** of the picture since the earlier crop;
* ``v > 0``: it has moved **down**.

Both count in pixels of a 112-pixel crop, whatever the crop's size, in steps of 1/16 pixel around 128
(still), so -8 to +7.94 pixels. The head's own motion is taken out; what stays is the face's.
"""

import math

import numpy as np
from numpy.typing import NDArray

from rtme.face.libraries import cv2
from rtme.face.template import CANONICAL, EYE_DISTANCE, SHAPE, UNIT

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Matrix = NDArray[np.float64]

STEPS = 16.0
"""Steps per pixel of motion."""

STILL = 128
"""The value of no motion."""


def encode_motion(gray: Bytes, flow: Floats) -> Bytes:
    """One ``(size, size, 3)`` crop of gray ``(size, size)`` and flow ``(size, size, 2)`` in crop pixels."""
    # OpenCV rounds and limits what it writes as bytes, in a tenth of the time that takes in NumPy.
    motion = cv2.addWeighted(flow, STEPS * UNIT / gray.shape[0], flow, 0, STILL, dtype=cv2.CV_8U)
    coded: Bytes = cv2.merge([gray, *cv2.split(motion)])
    return coded


def decode_motion(crop: Bytes) -> tuple[Bytes, Floats]:
    """Gray and flow of an encoded crop; the flow in pixels of a 112-pixel crop."""
    return crop[..., 0], (crop[..., 1:].astype(np.float32) - STILL) / np.float32(STEPS)


class MotionInput:
    """Makes motion crops of one size.

    Args:
        size: Crop edge in pixels.
    """

    def __init__(self, size: int) -> None:
        self._flow = _dense_flow(size)
        self._head = HeadMotion(size)

    def __call__(self, earlier: Bytes, now: Bytes) -> Bytes:
        """The motion crop of two level gray crops of the same face."""
        # Flow is defined on its first picture's pixels; asking backwards puts it on the pixels of `now`.
        back = self._flow.calc(now, earlier, None)
        return encode_motion(now, self._head.remove(-back))


def _dense_flow(size: int) -> cv2.DISOpticalFlow:
    """DIS optical flow (Kroeger et al. 2016) fine enough for one action unit.

    OpenCV's presets stop at a half or a quarter of the resolution. Measured on portraits with one
    displacement of 0.5 to 2 pixels (Gaussian, sigma 7) and noise, preset FAST gives back 15 % of it, MEDIUM
    35 %; full resolution with weaker smoothing gives back 80 % at four times FAST's signal to noise.
    """
    # On a crop this small OpenCV's threads cost more than they save, and on a busy machine they stall it.
    cv2.setNumThreads(1)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow.setFinestScale(max(0, round(math.log2(size / UNIT))))
    flow.setPatchStride(5)
    flow.setGradientDescentIterations(10)
    flow.setVariationalRefinementIterations(2)
    flow.setVariationalRefinementAlpha(5.0)
    return flow


def level_light(gray: Bytes) -> Bytes:
    """Bring the middle of the face to mean 128 and standard deviation 48: an exposure step is no motion."""
    size = gray.shape[0]
    low, high = size // 5, size - size // 5
    mean, spread = cv2.meanStdDev(gray[low:high, low:high])
    gain = 48.0 / max(float(spread[0, 0]), _FLAT)
    table = np.clip(np.rint((np.arange(256) - float(mean[0, 0])) * gain + 128), 0, 255).astype(np.uint8)
    levelled: Bytes = cv2.LUT(gray, table)
    return levelled


_FLAT = 8.0
"""Less contrast than this (standard deviation in gray levels) is not stretched further: it is noise."""


def cut(image: Bytes, to_crop: Matrix, size: int) -> Bytes:
    """Cut the crop out of a picture.

    Args:
        image: ``(height, width)`` or ``(height, width, 3)`` uint8.
        to_crop: ``(2, 3)`` similarity from picture to crop.
        size: Crop edge in pixels.

    Returns:
        ``(size, size)`` or ``(size, size, 3)`` uint8; beyond the picture its edge is repeated.
    """
    shrink = 1.0 / np.hypot(to_crop[0, 0], to_crop[1, 0])
    # Texture finer than a crop pixel would alias into motion: average it away by whole pixels first.
    block = min(round(shrink) if shrink > 1.5 else 1, *image.shape[:2])
    matrix = to_crop
    if block > 1:
        image, left, top = _region(image, to_crop, size, block)
        image = cv2.resize(
            image, (image.shape[1] // block, image.shape[0] // block), interpolation=cv2.INTER_AREA
        )
        # small pixel (x, y) is the mean of picture pixels left + block*x ... left + block*x + block-1
        middle = (block - 1) / 2
        grow = np.array([[block, 0, left + middle], [0, block, top + middle], [0, 0, 1]])
        matrix = to_crop @ grow
    crop: Bytes = cv2.warpAffine(
        image, matrix, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return crop


def _region(image: Bytes, to_crop: Matrix, size: int, block: int) -> tuple[Bytes, int, int]:
    """The part of the picture that the crop needs, in whole blocks, and its left and top."""
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]]) - to_crop[:, 2]
    there = corners @ np.linalg.inv(to_crop[:, :2]).T / block
    count = np.array(image.shape[1::-1]) // block
    first = np.clip(np.floor(there.min(0)) - 2, 0, count - 1).astype(int)
    last = np.clip(np.ceil(there.max(0)) + 2, first + 1, count).astype(int)
    (left, top), (right, bottom) = (first * block).tolist(), (last * block).tolist()
    return image[top:bottom, left:right], left, top


class HeadMotion:
    """Finds the flow of the rigid head and takes it away.

    A rigid head under weak perspective that turns a little moves each point by a shift, a turn and a growth
    in the picture, plus a part that grows with the point's depth (yaw moves it sideways, pitch up and down).
    These six are fitted to the flow on a coarse grid, with the mean face's depth, by iteratively reweighted
    least squares (Geman-McClure weights), counting the mouth, jaw, eyes and brows little, for they move by
    themselves.

    Args:
        size: Crop edge in pixels.
    """

    def __init__(self, size: int) -> None:
        self._grid = 14
        weight, depth = _face_map()
        self._weight = cv2.resize(weight, (self._grid, self._grid), interpolation=cv2.INTER_AREA).ravel()
        self._depth = cv2.resize(depth, (size, size), interpolation=cv2.INTER_LINEAR)
        self._x, self._y = _places(size)
        # One by one: OpenCV averages more than four channels at once only where the sizes divide.
        planes = np.moveaxis(_bases(self._depth).reshape(size, size, 12), 2, 0)
        small = [
            cv2.resize(plane, (self._grid, self._grid), interpolation=cv2.INTER_AREA) for plane in planes
        ]
        coarse = np.stack(small, axis=2)
        used = self._weight > 0
        self._used = used
        self._weight = self._weight[used].astype(np.float64)
        coarse = coarse.reshape(-1, 2, 6)[used].astype(np.float64)
        self._coarse = coarse.reshape(-1, 6)
        # Each point's part in the normal equations, which its weight alone changes from round to round.
        self._products = np.einsum("nci,ncj->nij", coarse, coarse).reshape(-1, 36)
        self._unit = size / UNIT

    def remove(self, flow: Floats, rounds: int = 3) -> Floats:
        """The flow ``(size, size, 2)`` without the head's part."""
        grid = cv2.resize(flow, (self._grid, self._grid), interpolation=cv2.INTER_AREA)
        seen = grid.reshape(-1, 2)[self._used].astype(np.float64)
        weight = self._weight
        for _ in range(rounds):
            normal = (weight @ self._products).reshape(6, 6) + _RIDGE
            head = np.linalg.solve(normal, (weight[:, None] * seen).ravel() @ self._coarse)
            missed = seen - (self._coarse @ head).reshape(-1, 2)
            miss = np.einsum("nc,nc->n", missed, missed) / self._unit**2
            scale = max(float(miss @ self._weight / self._weight.sum()), 0.05**2)
            weight = self._weight / (1 + miss / scale) ** 2
        # Plane by plane: a matrix product of this shape wakes all of BLAS's threads, which on a busy machine takes
        # many times as long as the sum itself.
        right, down, grow, turn, yaw, pitch = head.astype(np.float32)
        own = np.empty_like(flow)
        across, along = self._x[:1], self._y[:, :1]
        np.subtract(flow[..., 0], (right + grow * across) - turn * along + yaw * self._depth, out=own[..., 0])
        np.subtract(
            flow[..., 1], turn * across + (down + grow * along) + pitch * self._depth, out=own[..., 1]
        )
        return own


_RIDGE = 1e-9 * np.eye(6)


def _places(size: int) -> tuple[Floats, Floats]:
    """``(size, size)`` x and y of a crop's pixels, from its middle, in half crops."""
    y, x = (np.mgrid[:size, :size].astype(np.float32) - np.float32(size / 2)) / np.float32(size / 2)
    return x, y


def _bases(depth: Floats) -> Floats:
    """``(size * size * 2, 6)`` flow of each of the six motions of a head, at a crop's pixels."""
    x, y = _places(depth.shape[0])
    zero, one = np.zeros_like(x), np.ones_like(x)
    u = np.stack([one, zero, x, -y, depth, zero], -1)
    v = np.stack([zero, one, y, x, zero, depth], -1)
    bases: Floats = np.stack([u, v], 2).reshape(-1, 6)
    return bases


def _face_map() -> tuple[Floats, Floats]:
    """How much each pixel of a 112-pixel crop says about the head, 0..1, and how deep it lies there."""
    points = np.rint(CANONICAL).astype(np.int32)
    weight = np.zeros((UNIT, UNIT), np.float32)
    cv2.fillConvexPoly(weight, cv2.convexHull(points), 1.0)
    weight = cv2.erode(weight, np.ones((5, 5), np.uint8))
    for part, reach, left in _MOVING:
        mask = np.zeros_like(weight)
        cv2.fillConvexPoly(mask, cv2.convexHull(points[part]), 1.0)
        mask = cv2.dilate(mask, np.ones((reach, reach), np.uint8))
        weight[mask > 0] = np.minimum(weight[mask > 0], left)
    # Depth between landmarks: a mean of the landmarks weighted by nearness, in half crops as x and y are.
    grid = np.stack(np.meshgrid(np.arange(0, UNIT, 4), np.arange(0, UNIT, 4)), -1).reshape(-1, 1, 2) + 1.5
    near = np.exp(-(((grid - CANONICAL[None]) ** 2).sum(2)) / (2 * 5.0**2)) + 1e-12
    z = -SHAPE[:, 2] * (EYE_DISTANCE / (UNIT / 2))
    depth = (near @ z / near.sum(1)).reshape(UNIT // 4, UNIT // 4).astype(np.float32)
    dense: Floats = cv2.resize(depth, (UNIT, UNIT), interpolation=cv2.INTER_CUBIC)
    return weight, dense


_LIPS = [61, 291, 0, 17, 84, 314, 37, 267]
_JAW = [61, 291, 152, 148, 377, 172, 397, 150, 379]
_EYES = ([33, 133, 159, 145, 153, 158], [263, 362, 386, 374, 380, 385])
_BROWS = ([70, 63, 105, 66, 107, 46, 55], [300, 293, 334, 296, 336, 276, 285])
# landmarks around a part that moves by itself, pixels to grow it by, weight it keeps
_MOVING = [(_LIPS, 9, 0.02), (_JAW, 5, 0.05), *((e, 9, 0.02) for e in _EYES), *((b, 7, 0.2) for b in _BROWS)]
