"""Compressed clips: as many frames of the same size, with what compression leaves."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rtme.errors import DataError
from rtme.synth.codec import CODECS, Codec, for_pixels, random_squeeze, squeeze


def clip(n_frames: int, width: int, height: int) -> list[NDArray[np.uint8]]:
    """A bright bar that goes over a gradient."""
    ramp = np.linspace(40, 160, width * height * 3).reshape(height, width, 3).astype(np.uint8)
    frames = []
    for frame in range(n_frames):
        image = ramp.copy()
        image[:, 4 * frame : 4 * frame + 12] = 230
        frames.append(image)
    return frames


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    ("n_frames", "width", "height", "fps"), [(11, 97, 103, 30.0), (4, 128, 96, 15.0), (1, 96, 96, 50.0)]
)
def test_each_codec_gives_back_as_many_frames_of_the_same_size_in_their_order(
    codec: Codec, n_frames: int, width: int, height: int, fps: float
) -> None:
    frames = clip(n_frames, width, height)
    shown = squeeze(frames, fps, codec, 400)
    assert [(image.shape, image.dtype) for image in shown] == [((height, width, 3), np.uint8)] * n_frames
    for index, image in enumerate(shown):
        off = [np.abs(image.astype(int) - frame).mean() for frame in frames]
        assert int(np.argmin(off)) == index
        assert 0 < off[index] < 12


def test_the_same_clip_is_compressed_to_the_same_pictures() -> None:
    one, two = (squeeze(clip(6, 96, 96), 30.0, "libx264", 60) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_an_encoder_that_is_not_there_is_said() -> None:
    with pytest.raises(DataError, match="cannot be compressed with no_such"):
        squeeze(clip(2, 96, 96), 30.0, "no_such", 100)  # type: ignore[arg-type]


def test_only_codecs_with_a_share_are_drawn() -> None:
    rng = np.random.default_rng(0)
    drawn = {
        random_squeeze(rng, 40_000, {"mpeg4": 3.0, "libx264": 0.0, "mpeg1video": 1.0})[0] for _ in range(60)
    }
    assert drawn == {"mpeg4", "mpeg1video"}


def test_a_rate_for_more_pixels_has_as_many_bits_for_each() -> None:
    assert for_pixels("mpeg4", 100, 50_000, 200_000) == ("mpeg4", 400)
    assert for_pixels("mpeg4", 100, 50_000, 500) == ("mpeg4", 24)
