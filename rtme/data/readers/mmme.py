"""MMME: one video file a trial at about 150 frames a second."""

import math
from pathlib import Path

from rtme.data.readers import cells
from rtme.data.readers.disk import find_file, find_videos, probe
from rtme.data.readers.labels import Labels
from rtme.data.readers.reading import Dataset, Reading, Repairs
from rtme.data.readers.sheets import Row, Workbook

_COLUMNS = (
    "Subject",
    "Filename",
    "OnsetTime",
    "ApexTime",
    "OffsetTime",
    "Action Units",
    "Estimated Emotion",
)


def read(root: Path, repairs: Repairs) -> Reading:
    """Read a copy of MMME.

    Frames come from the times in seconds: the frame counter of the label file is unreliable and is not read.

    Raises:
        DataError: A file or column is missing, or a video cannot be read.
    """
    book = Workbook(find_file(root, "*MMME*.xls*", "*.xls*"))
    files = find_videos(root, ".avi")
    labels = Labels("mmme", 150.0, repairs)
    for row in book.table(_COLUMNS, optional=("Type",)):
        subject, name = row.text("Subject"), Path(row.text("Filename")).stem
        if not subject or not name:
            labels.problem(row, "Subject or Filename is empty", "fill it in")
            continue
        video = labels.known(subject, name)
        if video is None:
            file = files.get(name.casefold())
            fps, n_frames = probe(file) if file else (None, None)
            video = labels.video(subject, name, file=file, fps=fps, n_frames=n_frames)
        labels.add(
            row,
            video,
            cells.expression_type(row.text("Type")) or "me",
            _frame(row, "OnsetTime", video.fps),
            _frame(row, "OffsetTime", video.fps),
            None if labels.apex(row, "ApexTime") is None else _frame(row, "ApexTime", video.fps),
            base=0,
            emotion=labels.emotion(row, "Estimated Emotion"),
            au=labels.units(row, "Action Units"),
        )
    return labels.reading({})


def _frame(row: Row, column: str, fps: float) -> float | None:
    seconds = row.number(column)
    return None if seconds is None else float(math.floor(seconds * fps + 0.5))


DATASET = Dataset("mmme", "MMME", read)
