from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rtme.capture.frames import FramesSource


def test_a_maker_may_use_one_array_for_all_pictures() -> None:
    def pictures() -> Iterator[NDArray[np.uint8]]:
        canvas = np.zeros((4, 4, 3), np.uint8)
        for value in range(3):
            canvas[:] = value
            yield canvas

    source = FramesSource(pictures(), 30)
    source.open()
    frames = [frame for frame in (source.read() for _ in range(3)) if frame is not None]
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [0, 1, 2]
    assert source.read() is None
