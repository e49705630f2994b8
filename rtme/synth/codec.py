"""Video compression: a clip is really encoded and decoded again, with the blocks and smears that this leaves."""

import io
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from rtme.errors import DataError

Image = NDArray[np.uint8]
Codec = Literal["libx264", "mpeg4", "mpeg2video", "mpeg1video"]

CODECS: tuple[Codec, ...] = get_args(Codec)

SHARES: dict[Codec, float] = {"libx264": 0.55, "mpeg4": 0.2, "mpeg2video": 0.1, "mpeg1video": 0.15}
"""How often each is met."""


def squeeze(frames: Sequence[Image], fps: float, codec: Codec, kbps: int) -> list[Image]:
    """A clip as it comes out of a compressed video.

    Args:
        frames: ``(h, w, 3)`` uint8 RGB each, all of one size.
        fps: Frames per second, to which the bit rate refers.
        codec: With what.
        kbps: Bit rate, kbit/s.

    Returns:
        As many frames of the same size.

    Raises:
        DataError: FFmpeg here has no such encoder.
    """
    height, width = frames[0].shape[:2]
    # Chroma is stored for two by two pixels.
    right, down = width % 2, height % 2
    memory = io.BytesIO()
    try:
        with av.open(memory, "w", format="matroska") as out:
            stream = out.add_stream(codec, rate=_RATE, options=_OPTIONS.get(codec, {}))
            stream.width, stream.height, stream.pix_fmt = width + right, height + down, "yuv420p"
            # Old MPEG knows a few rates only; the bits of each frame are what matters.
            stream.bit_rate = max(1000, round(kbps * 1000 * _RATE / fps))
            stream.codec_context.bit_rate_tolerance = stream.bit_rate // 2
            stream.codec_context.gop_size = 60
            # Several threads give other bits on another machine.
            stream.codec_context.thread_count = 1
            for index, image in enumerate(frames):
                if right or down:
                    image = cv2.copyMakeBorder(image, 0, down, 0, right, cv2.BORDER_REPLICATE)
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
                picture.pts = index
                out.mux(stream.encode(picture))
            out.mux(stream.encode(None))
        memory.seek(0)
        with av.open(memory) as back:
            back.streams.video[0].thread_count = 1
            result = [frame.to_ndarray(format="rgb24")[:height, :width] for frame in back.decode(video=0)]
    except (av.FFmpegError, ValueError) as error:
        raise DataError(f"the clip cannot be compressed with {codec}: {error}") from error
    if len(result) != len(frames):
        raise DataError(f"{codec} made {len(result)} frames of {len(frames)}: leave it out of the codecs")
    return result


_RATE = 30
_LEAST_KBPS = 24
_OPTIONS: dict[str, dict[str, str]] = {"libx264": {"preset": "veryfast", "bf": "2"}}


def random_squeeze(
    rng: np.random.Generator, pixels: int, shares: Mapping[Codec, float] = SHARES
) -> tuple[Codec, int]:
    """A codec and a bit rate (kbit/s at 30 fps) for a picture of so many pixels, from a bad call to a good one.

    Args:
        rng: Source of chance.
        pixels: Width times height.
        shares: How often each codec is drawn, against the others; one without a share is not.
    """
    weights = np.array([shares.get(codec, 0.0) for codec in CODECS])
    codec: Codec = CODECS[rng.choice(len(CODECS), p=weights / weights.sum())]
    # Bits per pixel and frame; the old ones need more for the same picture.
    bits = float(np.exp(rng.uniform(np.log(0.015), np.log(0.2)))) * (1 if codec == "libx264" else 2.5)
    return codec, max(_LEAST_KBPS, round(bits * pixels * _RATE / 1000))


def for_pixels(codec: Codec, kbps: int, drawn_for: int, pixels: int) -> tuple[Codec, int]:
    """A codec and bit rate for pictures of another number of pixels: as many bits for each of them."""
    return codec, max(_LEAST_KBPS, round(kbps * pixels / drawn_for))
