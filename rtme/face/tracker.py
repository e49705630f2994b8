"""The face room's door: pictures in, judged faces out."""

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rtme.errors import FaceError
from rtme.face import align, measures, motion, quality
from rtme.face.crop import FaceCrop
from rtme.face.identity import Box, Identities
from rtme.face.landmarks import Floats, LandmarkFinder, MeshFinder, TaskFinder
from rtme.face.libraries import cv2
from rtme.face.pose import head_pose
from rtme.face.template import OUTER_EYE_CORNERS

Image = NDArray[np.uint8]

_NEAR = 2
"""A crop this many slots nearer or farther than the flow lag will do for the flow."""

_SEEN_S = 0.1
"""A face is judged when it has been seen for so long: what MediaPipe takes for a face by mistake goes sooner."""

_GONE_S = 0.3
"""A face unseen for so long begins anew (it keeps its number longer)."""


class FaceTracker:
    """Finds faces, keeps them apart over time, and makes a stable crop of each for the engine.

    One tracker follows one stream; use it from one thread (but see :meth:`find`). ``with FaceTracker(...) as tracker:``
    closes it.

    Args:
        input: What the engine eats: "rgb" (the aligned face) or "motion" (see :mod:`rtme.face.motion`).
        size: Crop edge in pixels.
        fps: Slots per second.
        flow_lag: Slots back that motion is measured against (motion input only).
        faces: How many faces at most.
        task_file: A ``face_landmarker.task``, for MediaPipe from 0.10.30; None uses 0.10.21's own models.
        min_eye_distance_px: Smallest distance of the outer eye corners in source pixels that is judged.
        max_yaw: Largest turn to either side that is judged, degrees.
        max_pitch: Largest turn up or down that is judged, degrees.
        finder: Where landmarks come from, instead of MediaPipe.

    Raises:
        FaceError: MediaPipe, a library it needs or the task file is missing, or a number makes no sense.
    """

    def __init__(
        self,
        *,
        input: Literal["rgb", "motion"] = "motion",
        size: int = 112,
        fps: float = 30.0,
        flow_lag: int = 6,
        faces: int = 1,
        task_file: Path | None = None,
        min_eye_distance_px: float = 20.0,
        max_yaw: float = 40.0,
        max_pitch: float = 35.0,
        finder: LandmarkFinder | None = None,
    ) -> None:
        for name, value, least in (("size", size, 32), ("fps", fps, 1), ("faces", faces, 1)):
            if value < least:
                raise FaceError(f"{name} is {value}: it must be at least {least}")
        if input == "motion" and flow_lag < 1:
            raise FaceError(
                f"flow_lag is {flow_lag}: motion is measured against an earlier slot, at least 1 back"
            )
        if finder is None:
            finder = MeshFinder(faces) if task_file is None else TaskFinder(task_file, faces)
        self._finder = finder
        self._rgb = input == "rgb"
        self._size = size
        self._fps = fps
        self._lag = flow_lag
        self._gone = max(flow_lag + _NEAR, _GONE_S * fps)
        self._faces = faces
        self._limits = quality.Limits(min_eye_distance_px, max_yaw, max_pitch)
        self._motion = motion.MotionInput(size)
        self._identities = Identities(fps)
        self._tracks: dict[int, _Track] = {}
        self._slot = -1

    def track(self, image: Image, slot: int) -> list[FaceCrop]:
        """The faces of one picture.

        Args:
            image: ``(height, width, 3)`` uint8 RGB.
            slot: Where the picture lies on the engine's time grid. Slots rise; missing ones are gaps.

        Returns:
            At most ``faces`` faces, the oldest identity first. The crop's pixels are the caller's to keep.

        Raises:
            FaceError: The picture is not uint8 RGB, or the slot does not rise.
        """
        return self.judge(image, slot, self.find(image, slot))

    def find(self, image: Image, slot: int) -> list[Floats]:
        """The landmarks of every face in a picture: the first half of :meth:`track`, and the longer one.

        It may run on another thread, one picture ahead of :meth:`judge`, in the same order.

        Args:
            image: ``(height, width, 3)`` uint8 RGB.
            slot: Where the picture lies on the engine's time grid.

        Returns:
            ``(468 or 478, 3)`` float32 in pixels, for each face.

        Raises:
            FaceError: The picture is not uint8 RGB.
        """
        _check(image)
        return self._finder.find(np.ascontiguousarray(image), round(slot * 1000 / self._fps))

    def judge(self, image: Image, slot: int, meshes: list[Floats]) -> list[FaceCrop]:
        """The faces of a picture whose landmarks are known: the second half of :meth:`track`.

        Args:
            image: The picture.
            slot: Where it lies on the engine's time grid.
            meshes: What :meth:`find` found in it.

        Returns:
            As :meth:`track`.

        Raises:
            FaceError: The slot does not rise.
        """
        if slot <= self._slot:
            raise FaceError(
                f"slot {slot} came after slot {self._slot}: slots must rise; call reset() to start anew"
            )
        self._slot = slot
        meshes = _distinct(sorted(meshes, key=_eye_distance, reverse=True))[: self._faces]
        boxes = [_box(mesh) for mesh in meshes]
        numbers = self._identities.match(boxes, slot)
        alive = self._identities.alive()
        self._tracks = {n: track for n, track in self._tracks.items() if n in alive}
        found = [self._crop(image, slot, *each) for each in zip(numbers, boxes, meshes, strict=True)]
        return sorted(found, key=lambda crop: crop.face)

    def reset(self) -> None:
        """Begin a new epoch: forget every face. Their numbers are not used again."""
        self._finder.reset()
        self._identities.forget()
        self._tracks = {}
        self._slot = -1

    def close(self) -> None:
        """Release MediaPipe. Safe to call twice."""
        self._finder.close()

    def __enter__(self) -> "FaceTracker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _crop(self, image: Image, slot: int, face: int, box: Box, mesh: Floats) -> FaceCrop:
        track = self._tracks.get(face)
        if track is None or slot - track.slot > self._gone:
            track = self._tracks[face] = _Track(
                align.Steady(self._fps), measures.Measurer(self._fps), since=slot
            )
        track.slot = slot
        place = align.fit(mesh)
        to_crop = track.steady.update(place, slot).matrix(self._size)
        eyes, pose = _eye_distance(mesh), head_pose(mesh)
        crop: Image | None = None
        measured = np.zeros(measures.MEASURES, np.float32)
        invalid = quality.misplaced(mesh, (image.shape[0], image.shape[1]), eyes, pose, self._limits)
        if invalid is None:
            cutout = motion.cut(image, to_crop, self._size)
            invalid, crop, measured = self._input(track, slot, cutout, measures.stance(mesh, pose, place))
        return FaceCrop(face, box, eyes, pose, invalid, crop, mesh, to_crop, measured)

    def _input(
        self, track: "_Track", slot: int, cutout: Image, stance: measures.Stance
    ) -> tuple[str | None, Image | None, Floats]:
        """Why there is no input for the engine, or None; the input; and the measures."""
        gray = cv2.cvtColor(cutout, cv2.COLOR_RGB2GRAY)
        sharp = quality.sharpness(gray)
        earlier = track.at(slot - self._lag)
        measured = track.measurer.measure(slot, stance, earlier.stance if earlier else None, sharp)
        if sharp < self._limits.min_sharpness:
            return f"blurred: sharpness {sharp:.2f}, need {self._limits.min_sharpness:.2f}", None, measured
        now = motion.level_light(gray)
        track.remember(_Past(slot, now, stance), self._lag + _NEAR)
        crop = cutout
        if not self._rgb:
            if earlier is None:
                return f"warming up: motion needs {self._lag} slots of this face", None, measured
            crop = self._motion(earlier.gray, now)
        if slot - track.since < _SEEN_S * self._fps:
            return f"warming up: a face is judged when seen for {_SEEN_S} s", None, measured
        return None, crop, measured


@dataclass(frozen=True, slots=True)
class _Past:
    """A face as it was: what later crops are compared with."""

    slot: int
    gray: Image
    stance: measures.Stance


@dataclass(slots=True)
class _Track:
    """What is remembered of one face."""

    steady: align.Steady
    measurer: measures.Measurer
    since: int
    slot: int = -1
    past: deque[_Past] = field(default_factory=deque)

    def at(self, slot: int) -> _Past | None:
        """The face as it was nearest to a slot, if near enough."""
        if not self.past:
            return None
        nearest = min(self.past, key=lambda each: abs(each.slot - slot))
        return nearest if abs(nearest.slot - slot) <= _NEAR else None

    def remember(self, now: _Past, reach: int) -> None:
        """Keep what is seen now for ``reach`` slots."""
        self.past.append(now)
        while self.past[0].slot < now.slot - reach:
            self.past.popleft()


def _check(image: Image) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        what = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise FaceError(f"a picture must be uint8 with shape (height, width, 3), RGB; this one is {what}")
    if 0 in image.shape:
        raise FaceError(f"a picture must have pixels; this one has shape {image.shape}")


def _distinct(meshes: list[Floats]) -> list[Floats]:
    """Without the meshes that lie on one before them: with several faces, MediaPipe may follow one face twice."""
    kept: list[Floats] = []
    for mesh in meshes:
        if all(np.hypot(*(mesh - other)[:, :2].mean(0)) > _eye_distance(other) / 2 for other in kept):
            kept.append(mesh)
    return kept


def _eye_distance(mesh: Floats) -> float:
    right, left = OUTER_EYE_CORNERS
    return float(np.hypot(*(mesh[left, :2] - mesh[right, :2])))


def _box(mesh: Floats) -> Box:
    low, high = mesh[:, :2].min(0), mesh[:, :2].max(0)
    return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])
