"""Finding face landmarks: both generations of MediaPipe behind one door."""

import importlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rtme.errors import FaceError
from rtme.face.libraries import missing

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]


class LandmarkFinder(Protocol):
    """Finds the landmarks of every face in a picture, following faces from one picture to the next."""

    def find(self, image: Image, time_ms: int) -> list[Floats]:
        """One ``(468 or 478, 3)`` float32 mesh in pixels per face; ``time_ms`` rises until ``reset``."""

    def reset(self) -> None:
        """Forget the faces of the pictures before."""

    def close(self) -> None:
        """Release everything. Safe to call twice."""


class MeshFinder:
    """MediaPipe's face mesh with the models in its own wheel (up to 0.10.21).

    Args:
        faces: How many faces at most. As long as fewer are found, MediaPipe runs its detector on each frame.

    Raises:
        FaceError: MediaPipe or a system library it needs is missing.
    """

    def __init__(self, faces: int) -> None:
        solutions = getattr(_mediapipe(), "solutions", None)
        if solutions is None:
            raise FaceError(
                "this MediaPipe has no face models of its own: "
                "give a face_landmarker.task file or install mediapipe==0.10.21"
            )
        with _no_chatter():
            _hear_out(solutions.face_mesh.FaceMesh)
            self._mesh = solutions.face_mesh.FaceMesh(max_num_faces=faces)
            self._mesh.process(_BLANK)  # loads the models now rather than on the first frame

    def find(self, image: Image, time_ms: int) -> list[Floats]:
        """See :class:`LandmarkFinder`."""
        found = self._mesh.process(image).multi_face_landmarks
        return [_scaled(_points(face), image) for face in found or ()]

    def reset(self) -> None:
        """See :class:`LandmarkFinder`."""
        with _no_chatter():
            self._mesh.reset()
            self._mesh.process(_BLANK)

    def close(self) -> None:
        """See :class:`LandmarkFinder`."""
        if self._mesh is not None:
            self._mesh.close()
            self._mesh = None


class TaskFinder:
    """MediaPipe's FaceLandmarker with a ``.task`` file (needed from 0.10.30 on).

    Args:
        task_file: The model bundle, ``face_landmarker.task``.
        faces: How many faces at most.

    Raises:
        FaceError: The file, MediaPipe or a system library is missing, or the file is no model.
    """

    def __init__(self, task_file: Path, faces: int) -> None:
        if not task_file.is_file():
            raise FaceError(
                f"there is no face model at {task_file}: give the path of a face_landmarker.task file"
            )
        self._mp = _mediapipe()
        vision = self._mp.tasks.vision
        options = vision.FaceLandmarkerOptions(
            base_options=self._mp.tasks.BaseOptions(model_asset_path=str(task_file)),
            running_mode=vision.RunningMode.VIDEO,
            num_faces=faces,
        )
        self._make: Callable[[], Any] = lambda: vision.FaceLandmarker.create_from_options(options)
        try:
            with _no_chatter():
                self._landmarker = self._make()
        except (RuntimeError, ValueError) as error:
            raise FaceError(
                f"{task_file} is not a face landmarker that MediaPipe can load: {error}"
            ) from error

    def find(self, image: Image, time_ms: int) -> list[Floats]:
        """See :class:`LandmarkFinder`."""
        picture = self._mp.Image(image_format=self._mp.ImageFormat.SRGB, data=image)
        found = self._landmarker.detect_for_video(picture, time_ms).face_landmarks
        return [_scaled(_read(face), image) for face in found]

    def reset(self) -> None:
        """See :class:`LandmarkFinder`."""
        self.close()
        with _no_chatter():
            self._landmarker = self._make()

    def close(self) -> None:
        """See :class:`LandmarkFinder`."""
        if self._landmarker is not None:
            self._landmarker.close()
            self._landmarker = None


_BLANK: Image = np.zeros((64, 64, 3), np.uint8)


_ENCODED = np.dtype(
    [("start", "u1", 2), ("x_", "u1"), ("x", "<f4"), ("y_", "u1"), ("y", "<f4"), ("z_", "u1"), ("z", "<f4")]
)
"""A landmark as protobuf writes it when it holds a place and nothing else."""

_MARKS = np.array([0x0A, 15, 0x0D, 0x15, 0x1D], np.uint8)
"""The bytes between its numbers."""


def _points(face: Any) -> Floats:
    """``(N, 3)`` landmarks of a ``NormalizedLandmarkList``, in 0..1.

    To ask protobuf for 1,434 numbers one by one takes 0.7 ms a frame; to read what it writes takes 0.04.
    """
    data = face.SerializeToString()
    if len(data) % _ENCODED.itemsize == 0:
        points = np.frombuffer(data, _ENCODED)
        marks = np.column_stack([points["start"], points["x_"], points["y_"], points["z_"]])
        if (marks == _MARKS).all():
            return np.stack([points["x"], points["y"], points["z"]], 1)
    return _read(face.landmark)


def _read(points: Any) -> Floats:
    return np.array([(p.x, p.y, p.z) for p in points], np.float32)


def _scaled(points: Floats, image: Image) -> Floats:
    """MediaPipe's 0..1 coordinates as pixels. Its z has the scale of x."""
    height, width = image.shape[:2]
    return points * np.array([width, height, width], np.float32)


def load_ahead() -> None:
    """Begin to import MediaPipe beside whatever comes next: it takes a second.

    What fails is told when a face is first looked for.
    """

    def load() -> None:
        # Standard error is left as it is: what others write meanwhile would be lost if the process ended.
        with suppress(ImportError):
            importlib.import_module("mediapipe")

    threading.Thread(target=load, name="import-mediapipe").start()


def _mediapipe() -> Any:
    """MediaPipe, imported when a face is first looked for: it takes half a second."""
    try:
        with _no_chatter():
            import mediapipe
    except ImportError as error:
        raise missing("MediaPipe", "mediapipe==0.10.21", error) from error
    return mediapipe


@cache
def _hear_out(mesh_class: Any) -> None:
    """Let MediaPipe say what it says once in a process, at its first face; to a mesh that asks little, noise is one."""
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    with mesh_class(min_detection_confidence=0.0, min_tracking_confidence=0.0) as mesh:
        mesh.process(noise)


_CHATTER = re.compile(rb"^([IW]\d{4} |INFO: Created TensorFlow|WARNING: All log messages before absl)")

_STANDARD_ERROR = threading.RLock()
"""Held while file descriptor 2 is turned aside: two threads at once would never turn it back."""


@contextmanager
def _no_chatter() -> Iterator[None]:
    """Keep MediaPipe's start-up notes off standard error; anything else written meanwhile still gets there.

    They come from C++ and heed no log level, so the file descriptor itself is turned aside.
    """
    with _STANDARD_ERROR, ExitStack() as opened:
        # Out of file descriptors or of disk: faces are worth a few lines on a terminal.
        with suppress(OSError):
            opened.enter_context(_turned_aside())
        yield


@contextmanager
def _turned_aside() -> Iterator[None]:
    with tempfile.TemporaryFile() as aside:
        kept = os.dup(2)
        sys.stderr.flush()
        os.dup2(aside.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            aside.seek(0)
            for line in aside:
                if not _CHATTER.match(line):
                    os.write(2, line)
