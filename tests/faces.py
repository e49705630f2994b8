"""Footage of a face that every machine has: scikit-image's public-domain astronaut, animated."""

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut

from rtme.synth import Portrait, Script, Truth, render

Image = NDArray[np.uint8]


@cache
def portrait() -> Portrait:
    return Portrait.load(np.ascontiguousarray(astronaut()), "astronaut")


def performance(seconds: float, fps: float = 30.0, seed: int = 0) -> tuple[Iterator[Image], Truth]:
    rng = np.random.default_rng(seed)
    script = Script.random(rng, round(seconds * fps), fps, interference=0.3)
    return render(portrait(), script, (320, 240), rng, eye_px=70)


def astronaut_clip(
    path: Path, seconds: float, fps: int | Fraction = 30, seed: int = 0, codec: str = "libx264"
) -> Path:
    """Write the face as a video file and return its path."""
    frames, _ = performance(seconds, float(fps), seed)
    return write_video(path, frames, fps, codec)


def write_video(path: Path, frames: Iterator[Image], fps: int | Fraction, codec: str = "libx264") -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        for index, image in enumerate(frames):
            if index == 0:
                stream.height, stream.width = image.shape[:2]
                stream.pix_fmt = "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def scaled(source: Path, path: Path, size: tuple[int, int], codec: str = "libx264", **options: str) -> Path:
    """Write a video file again with pictures of another size (width, height), with another codec or its options."""
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream(codec, rate=old.streams.video[0].average_rate, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number, frame in enumerate(old.decode(video=0)):
            again = frame.reformat(*size, format="yuv420p")
            again.pts, again.time_base = number, 1 / old.streams.video[0].average_rate
            new.mux(stream.encode(again))
        new.mux(stream.encode(None))
    return path
