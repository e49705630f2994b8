"""One clip as several cameras would give it: more noise, fewer bits, other frame rates, smaller faces, other light."""

import io
from dataclasses import dataclass, replace
from typing import Literal

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from rtme.synth.truth import TruthInterval

Image = NDArray[np.uint8]
Group = Literal["reference", "noise", "bitrate", "frame rate", "face size", "light"]
Light = Literal["dim", "from one side", "flickering", "a lamp goes out"]

SOURCE_FPS = 60
"""Frames per second at which a clip is rendered; every camera picks from these."""

REFERENCE_GRAIN = 1.0
_DB_15 = 10 ** (15 / 20)
_BITS = 0.1
"""Bits a pixel of an H.264 camera that is set up well: 0.9 Mbit/s at 640x480 and 30 frames a second."""

_LAMP_S = 3.0


@dataclass(frozen=True, slots=True)
class Condition:
    """A camera and its light.

    Attributes:
        group: What differs from the reference.
        name: For people.
        against: Name of the condition that it is compared with.
        fps: Frames per second, at most ``SOURCE_FPS``.
        eye_px: Distance of the outer eye corners in the picture.
        grain: Sigma of the sensor's noise, gray levels of 255.
        bits: Bits a pixel of an H.264 stream; None for pictures that were never compressed.
        light: What the light does; None for an even one.
    """

    group: Group
    name: str
    against: str = "reference"
    fps: int = 30
    eye_px: float = 80.0
    grain: float = REFERENCE_GRAIN
    bits: float | None = None
    light: Light | None = None


REFERENCE = Condition("reference", "reference")
NOISY = Condition("noise", "15 dB more noise", grain=_DB_15 * REFERENCE_GRAIN)
ENCODED = Condition("bitrate", f"H.264, {_BITS:g} bit a pixel", bits=_BITS)
HALF_BITS = Condition("bitrate", f"H.264, {_BITS / 2:g} bit a pixel", against=ENCODED.name, bits=_BITS / 2)
SLOW = Condition("frame rate", "20 frames a second", fps=20)
SMALL = Condition("face size", "face of 60 px (eyes 28 px apart)", eye_px=28.0)

ASKED = (REFERENCE, NOISY, ENCODED, HALF_BITS, SLOW, SMALL)
"""Those that a target is set for, and what they are compared with."""

ALL = (
    REFERENCE,
    Condition("noise", "8 dB more noise", grain=10 ** (8 / 20) * REFERENCE_GRAIN),
    NOISY,
    Condition("noise", "20 dB more noise", grain=10.0 * REFERENCE_GRAIN),
    Condition("bitrate", f"H.264, {2 * _BITS:g} bit a pixel", bits=2 * _BITS),
    ENCODED,
    HALF_BITS,
    Condition("bitrate", f"H.264, {_BITS / 4:g} bit a pixel", against=ENCODED.name, bits=_BITS / 4),
    Condition("frame rate", "15 frames a second", fps=15),
    SLOW,
    Condition("frame rate", "25 frames a second", fps=25),
    Condition("frame rate", "60 frames a second", fps=60),
    SMALL,
    Condition("face size", "face of 85 px (eyes 40 px apart)", eye_px=40.0),
    Condition("face size", "face of 120 px (eyes 56 px apart)", eye_px=56.0),
    Condition("face size", "face of 235 px (eyes 110 px apart)", eye_px=110.0),
    Condition("light", "dim light", light="dim"),
    Condition("light", "light from one side", light="from one side"),
    Condition("light", "flickering light", light="flickering"),
    Condition("light", "a lamp goes out", light="a lamp goes out"),
)


def picks(n_frames: int, fps: int) -> NDArray[np.int64]:
    """Which frames at ``SOURCE_FPS`` a camera of this rate gives, the nearest in time."""
    times = np.arange(n_frames * fps // SOURCE_FPS) / fps
    nearest: NDArray[np.int64] = np.rint(times * SOURCE_FPS).astype(np.int64)
    return nearest


def seen_at(interval: TruthInterval, picked: NDArray[np.int64]) -> TruthInterval | None:
    """An interval in the frames of a camera; None where it lies between two of them."""
    inside = np.flatnonzero((picked >= interval.onset) & (picked <= interval.offset))
    if not inside.size:
        return None
    apex = inside[np.abs(picked[inside] - interval.apex).argmin()]
    return replace(interval, onset=int(inside[0]), apex=int(apex), offset=int(inside[-1]))


def shoot(images: list[Image], condition: Condition, seed: int) -> tuple[list[Image], float | None]:
    """Pictures as this camera gives them.

    Args:
        images: At the camera's rate, ``(h, w, 3)`` uint8 RGB with even sides; they are left as they are.
        condition: Which camera.
        seed: Of its noise.

    Returns:
        As many pictures, and the kilobits a second of the stream they went through, if they did.
    """
    taken = [_lit(image, condition.light, k / condition.fps) for k, image in enumerate(images)]
    cv2.setRNGSeed(seed % 2**31)
    taken = [_grainy(image, condition.grain) for image in taken]
    if condition.bits is None:
        return taken, None
    return through_h264(taken, condition.fps, condition.bits)


def through_h264(images: list[Image], fps: int, bits: float) -> tuple[list[Image], float]:
    """Encode as an IP camera would, at a fixed rate and without looking ahead, and decode.

    Args:
        images: ``(h, w, 3)`` uint8 RGB with even sides.
        fps: Frames per second.
        bits: A pixel.

    Returns:
        As many pictures, and how many kilobits a second they took.
    """
    height, width = images[0].shape[:2]
    rate = int(bits * width * height * fps)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", rate
        stream.options = {
            "preset": "veryfast", "tune": "zerolatency", "maxrate": str(rate), "bufsize": str(rate),
            "g": str(2 * fps), "threads": "1",
        }  # fmt: skip
        size = 0
        for image in images:
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                size += packet.size
                container.mux(packet)
        for packet in stream.encode(None):
            size += packet.size
            container.mux(packet)
    buffer.seek(0)
    with av.open(buffer, format="mpegts") as container:
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return decoded, size * 8 / 1000 / (len(images) / fps)


def _lit(image: Image, light: Light | None, time_s: float) -> Image:
    if light is None or (light == "a lamp goes out" and time_s < _LAMP_S):
        return image
    return np.clip(image * _gain(light, time_s, image.shape[1]), 0, 255).astype(np.uint8)


def _gain(light: Light, time_s: float, width: int) -> NDArray[np.float32]:
    match light:
        case "dim":
            return np.full(1, 0.3, np.float32)
        case "from one side":
            return np.linspace(0.35, 1.15, width, dtype=np.float32)[None, :, None]
        case "flickering":
            # Mains of 50 Hz in a lamp, seen at a rate that does not divide it.
            return np.full(1, 1 + 0.04 * np.sin(2 * np.pi * 6.7 * time_s), np.float32)
        case "a lamp goes out":
            return np.full(1, 0.7, np.float32)


def _grainy(image: Image, sigma: float) -> Image:
    grain = np.empty(image.shape, np.float32)
    cv2.randn(grain, 0, sigma)
    noisy: Image = cv2.add(image, grain, dtype=cv2.CV_8U)
    return noisy
