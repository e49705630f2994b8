"""Video files whose pictures carry their own number, so that order, count and loss can be checked exactly."""

import struct
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

BITS = 12
Picture = NDArray[np.uint8]


def numbered(n: int, width: int = 320, height: int = 240) -> Picture:
    """A picture with ``n`` written in blocks over its top half (second row inverted) and texture below."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[..., 0] = np.linspace(0, 255, width)[None, :]
    picture[..., 1] = np.linspace(0, 255, height)[:, None]
    picture[..., 2] = (n * 3) % 256
    for bit, (left, right) in enumerate(_columns(width)):
        value = 216 if n >> bit & 1 else 40
        picture[: height // 4, left:right] = value
        picture[height // 4 : height // 2, left:right] = 256 - value
    return picture


def number_in(picture: Picture) -> int | None:
    """The number in a picture, or None where it is damaged."""
    height, width = picture.shape[:2]
    n = 0
    for bit, (left, right) in enumerate(_columns(width)):
        inner = slice(left + (right - left) // 4, right - (right - left) // 4)
        one = picture[height // 16 : height * 3 // 16, inner].mean()
        inverse = picture[height * 5 // 16 : height * 7 // 16, inner].mean()
        if abs(one - inverse) < 90:
            return None
        n |= int(one > inverse) << bit
    return n


def _columns(width: int) -> list[tuple[int, int]]:
    edges = np.linspace(0, width, BITS + 1).astype(int)
    return [(int(a), int(b)) for a, b in pairwise(edges)]


def write_clip(
    path: Path,
    codec: str = "libx264",
    frames: int = 60,
    fps: int | Fraction = 30,
    *,
    size: tuple[int, int] = (320, 240),
    first: int = 0,
    pix_fmt: str = "yuv420p",
    times_ms: Iterable[int] | None = None,
    audio: str | None = None,
    quarter_turns: int = 0,
    **options: str,
) -> Path:
    """Write a numbered clip.

    Args:
        path: Where; the suffix picks the container.
        codec: FFmpeg encoder.
        frames: How many pictures.
        fps: Pictures per second; ignored where ``times_ms`` gives each picture's own time.
        size: Width and height.
        first: Number of the first picture.
        pix_fmt: The encoder's pixel format.
        times_ms: Presentation time of each picture (variable frame rate).
        audio: ``"first"`` or ``"second"`` puts a silent audio stream before or after the video.
        quarter_turns: Turn each picture counterclockwise before it is encoded.
        options: Encoder options.
    """
    with av.open(str(path), "w") as out:
        sound = out.add_stream("aac", rate=16000) if audio == "first" else None
        video = out.add_stream(codec, rate=fps, options=options)
        if audio == "second":
            sound = out.add_stream("aac", rate=16000)
        video.width, video.height = size if quarter_turns % 2 == 0 else size[::-1]
        video.pix_fmt = pix_fmt
        times = None if times_ms is None else list(times_ms)
        video.codec_context.time_base = 1 / Fraction(fps) if times is None else Fraction(1, 1000)
        if sound is not None:
            _silence(out, sound, frames / float(fps))
        for n in range(frames if times is None else len(times)):
            picture = np.ascontiguousarray(np.rot90(numbered(first + n, *size), quarter_turns))
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = n if times is None else times[n]
            frame.time_base = video.codec_context.time_base
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return path


def with_matrix(path: Path, a: int, b: int, c: int, d: int) -> Path:
    """Write a display matrix into an MP4 file's track header, where phones put it."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    data[at : at + 36] = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def _silence(out: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    samples = np.zeros((1, int(16000 * seconds)), np.float32)
    for start in range(0, samples.shape[1], 1024):
        frame = av.AudioFrame.from_ndarray(samples[:, start : start + 1024], format="fltp", layout="mono")
        frame.sample_rate = 16000
        frame.pts = start
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))
