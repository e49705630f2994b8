"""Pictures of the faces at onset, apex and offset, from a second reading of a recording. Only for whoever asked by name."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from rtme.capture.sources import open_source
from rtme.face.libraries import cv2
from rtme.face.tracker import Image
from rtme.live.showing import Showing
from rtme.traces import Shown, Sight
from rtme.view.report import Interval, Report

SHOWING = Showing(pictures=False, fps=5, outlines=False)
"""What is to be kept while the recording is analysed: where the faces are, now and then."""

MARGIN = 0.25
"""Of the face's size, on each side."""

SIZE = 144
_QUALITY = 80
_NEAR_S = 1.0

Boxes = NDArray[np.float64]


def thumbnails_of(recording: str, report: Report, shown: Iterable[Shown]) -> dict[int, dict[str, bytes]]:
    """Faces at onset, apex and offset of each interval of a recording.

    The very frames that the report names are read again. Of a recording in several parts the first alone can be found again.

    Args:
        recording: The file.
        report: What was found in it.
        shown: What was kept while it was analysed with :data:`SHOWING`.

    Returns:
        JPEGs of ``onset``, ``apex`` and ``offset`` by an interval's place in the report; a moment whose face's place is not
        known has none.

    Raises:
        SourceError: The recording cannot be opened or read any more.
    """
    places = _Places(shown)
    wanted: dict[int, list[tuple[int, str, float, Interval]]] = {}
    for number, one in enumerate(report.intervals):
        if one.epoch == 0:
            for moment in ("onset", "apex", "offset"):
                at_s = getattr(one, f"{moment}_s")
                wanted.setdefault(getattr(one, moment), []).append((number, moment, at_s, one))
    found: dict[int, dict[str, bytes]] = {}
    if not wanted:
        return found
    source = open_source(recording)
    source.open()
    try:
        while (frame := source.read()) is not None and frame.stamp.frame <= max(wanted):
            for number, moment, at_s, one in wanted.get(frame.stamp.frame, ()):
                box = places.at(one.face, at_s)
                if box is not None:
                    found.setdefault(number, {})[moment] = _cut_out(frame.image, box)
    finally:
        source.close()
    # In the order of time, however they were met.
    return {
        number: {moment: seen[moment] for moment in ("onset", "apex", "offset") if moment in seen}
        for number, seen in found.items()
    }


class _Places:
    """Where each face of the first part was, from the places that were kept."""

    def __init__(self, shown: Iterable[Shown]) -> None:
        kept: dict[int, list[tuple[float, ...]]] = {}
        for one in shown:
            if isinstance(one.message, Sight) and one.message.epoch == 0:
                for face in one.message.faces:
                    kept.setdefault(face.face, []).append((one.message.time_s, *face.box))
        self._kept = {face: np.array(rows) for face, rows in kept.items()}

    def at(self, face: int, time_s: float) -> Boxes | None:
        """x, y, width and height, None where it was not seen for a while."""
        rows = self._kept.get(face)
        if rows is None or np.abs(rows[:, 0] - time_s).min() > _NEAR_S:
            return None
        return np.array([np.interp(time_s, rows[:, 0], rows[:, column]) for column in range(1, 5)])


def _cut_out(image: Image, box: Boxes) -> bytes:
    x, y, width, height = box
    side = max(width, height) * (1 + 2 * MARGIN)
    left, top = round(x + (width - side) / 2), round(y + (height - side) / 2)
    side = max(round(side), 2)
    rows = np.clip(np.arange(top, top + side), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(left, left + side), 0, image.shape[1] - 1)
    # Beyond the picture its edge goes on.
    face = image[np.ix_(rows, columns)]
    size = min(SIZE, side)
    face = cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(
        ".jpg", cv2.cvtColor(face, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    return bytes(data)
