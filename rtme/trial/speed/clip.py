"""What the speed benches show to the service: a talking face, micro-expressions at known frames, each picture numbered."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from rtme.errors import SettingsError
from rtme.synth import Portrait, Script, TruthInterval, render
from rtme.trial.speed.barcode import MOST, paint

WIDTH, HEIGHT = 640, 480

_EYE_PX = 90.0
_ME_EVERY_S = 3.0
_INTERFERENCE = (
    0.3  # enough that it talks, blinks and moves; what hides expressions is another bench's matter
)


@dataclass(frozen=True, slots=True)
class Clip:
    """A made-up recording; played round and round, picture ``n`` shows the number ``n % n_frames``.

    Attributes:
        path: The file.
        fps: Frames per second.
        n_frames: Length.
        truth: Micro-expressions in it.
    """

    path: Path
    fps: int
    n_frames: int
    truth: Sequence[TruthInterval]


def make_clip(path: Path, seconds: float, fps: int = 30, seed: int = 0, *, expressions: bool = True) -> Clip:
    """Write 640x480 H.264 without B-frames and with a key frame each second, as cameras send it.

    Args:
        path: Where.
        seconds: Length.
        fps: Frames per second.
        seed: The same seed gives the same clip.
        expressions: Whether it makes micro-expressions of its own.

    Raises:
        SettingsError: scikit-image, which has the portrait, is missing, or the clip is longer than it can be.
    """
    images, truth = perform(seconds, fps, seed, expressions=expressions)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "veryfast", "tune": "zerolatency", "g": str(fps), "crf": "23"}
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return Clip(path, fps, len(images), truth)


def perform(
    seconds: float, fps: int = 30, seed: int = 0, *, expressions: bool = True
) -> tuple[list[NDArray[np.uint8]], list[TruthInterval]]:
    """The pictures of such a clip, and the micro-expressions in them.

    Raises:
        SettingsError: As :func:`make_clip`.
    """
    n_frames = max(1, round(seconds * fps))
    if n_frames >= MOST:
        raise SettingsError(
            f"a clip of {seconds:g} s at {fps} a second has no number for each picture: make it shorter"
        )
    try:
        from skimage.data import astronaut
    except ModuleNotFoundError as error:
        raise SettingsError(
            "a speed bench animates scikit-image's portrait: pip install 'rtme[demo,bench]'"
        ) from error
    rng = np.random.default_rng(seed)
    many = seconds / _ME_EVERY_S if expressions else 0.0
    script = Script.random(rng, n_frames, float(fps), interference=_INTERFERENCE, me_per_clip=many)
    frames, truth = render(
        Portrait.load(astronaut(), "astronaut"), script, (WIDTH, HEIGHT), rng, eye_px=_EYE_PX
    )
    images = []
    for number, frame in enumerate(frames):
        image = np.array(frame)
        paint(image, number)
        images.append(image)
    return images, [one for one in truth.intervals if one.type == "me"]
