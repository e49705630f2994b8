import io

import av
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rtme.trial.speed.barcode import MOST, paint, read


def picture(shade: int = 90) -> NDArray[np.uint8]:
    return np.full((120, 320, 3), shade, np.uint8)


@given(number=st.integers(0, MOST - 1), shade=st.integers(0, 255), noise=st.integers(0, 30))
def test_a_number_comes_back_through_noise(number: int, shade: int, noise: int) -> None:
    image = picture(shade)
    paint(image, number)
    shaken = image + np.random.default_rng(number).integers(-noise, noise + 1, image.shape)
    assert read(shaken.clip(0, 255).astype(np.uint8)) == number


def test_it_outlives_hard_compression() -> None:
    numbers = [0, 1, 4095, 4096, 31_999, MOST - 1, 12, 13]
    memory = io.BytesIO()
    with av.open(memory, "w", format="matroska") as out:
        stream = out.add_stream("libx264", rate=30, options={"crf": "38", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 120, "yuv420p"
        for number in numbers:
            image = np.random.default_rng(number).integers(0, 256, (120, 320, 3), np.uint8)
            paint(image, number)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode(None))
    memory.seek(0)
    with av.open(memory) as container:
        assert [read(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)] == numbers


def test_what_is_no_number_is_none() -> None:
    assert read(picture()) is None
    assert read(picture()[:20]) is None
    assert read(np.ascontiguousarray(picture()[:, :200])) is None
    half = picture()
    paint(half, 77)
    half[:32, :100] = 128
    assert read(half) is None
