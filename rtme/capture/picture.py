"""From a decoded frame to the picture as a person would see it."""

import av
import numpy as np
from av.sidedata.sidedata import SideDataContainer
from numpy.typing import NDArray


def picture(frame: av.VideoFrame, pixel_aspect: float = 1.0) -> NDArray[np.uint8]:
    """``(height, width, 3)`` uint8 RGB, with square pixels and the display matrix (phones held upright) applied.

    Args:
        frame: As decoded.
        pixel_aspect: Width of a pixel over its height; some camera recorders and DVDs have other than 1.
    """
    width = round(frame.width * pixel_aspect)
    # By itself FFmpeg starts and ends a thread for each core with every picture. An odd width comes as a view into padded
    # lines.
    pixels = frame.to_ndarray(format="rgb24", width=width, threads=1)
    image: NDArray[np.uint8] = np.ascontiguousarray(pixels)
    # `frame.side_data` would stay in the frame and the frame in it: each picture would wait for the garbage collector,
    # hundreds at a time.
    matrix = SideDataContainer(frame).get("DISPLAYMATRIX")  # type: ignore[call-arg]  # the stub has no __init__
    if matrix is None:
        return image
    return upright(image, np.frombuffer(bytes(matrix), np.int32))


def upright(image: NDArray[np.uint8], matrix: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Apply a display matrix: quarter turns and mirrors, which is all that cameras write.

    Args:
        image: ``(height, width, 3)``.
        matrix: Nine numbers ``a b u c d v x y w`` in row order; a pixel at ``(p, q)`` is shown at
            ``(a p + c q + x, b p + d q + y)`` (ISO/IEC 14496-12, 6.2.2).
    """
    a, b, c, d = (int(matrix[i]) for i in (0, 1, 3, 4))
    turned = abs(b) > abs(a)
    if turned:
        image = image.transpose(1, 0, 2)
    right, down = (c, b) if turned else (a, d)
    if right < 0:
        image = image[:, ::-1]
    if down < 0:
        image = image[::-1]
    return np.ascontiguousarray(image)
