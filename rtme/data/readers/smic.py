"""SMIC-E: clips of three cameras (HS 100, VIS and NIR 25 frames a second), one micro-expression each."""

from pathlib import Path

from rtme.data.readers import cells
from rtme.data.readers.disk import Frames, find_file, find_folder, find_frames, within
from rtme.data.readers.labels import Labels
from rtme.data.readers.reading import Choice, Dataset, Reading, Repairs
from rtme.data.readers.sheets import Row, Workbook

PUBLISHED = {"ME": 157}
CHOICES = {"camera": Choice(("HS", "VIS", "NIR"), "three cameras saw the same people; one is read")}
_RATES = {"HS": 100.0, "VIS": 25.0, "NIR": 25.0}
_COLUMNS = ("Subject", "Filename", "OnsetF", "OffsetF", "FirstF", "Emotion")
_LABELLED = 157
"""Rows of the HS sheet that are labels; what follows is not."""


def read(root: Path, repairs: Repairs) -> Reading:
    """Read a copy of SMIC-E.

    Raises:
        DataError: A file or column is missing.
    """
    camera = repairs["camera"]
    book = Workbook(find_file(root, f"SMIC-{camera}-E_annotation*.xls*"))
    clips = find_folder(root, "s[0-9]*", camera, f"SMIC-{camera}-E")
    labels = Labels("smic", _RATES[camera], repairs)
    rows = book.table(_COLUMNS, stop_at_blank=True)
    if camera == "HS" and len(rows) > _LABELLED:
        labels.warn(
            f"{rows[_LABELLED].where}: the {len(rows) - _LABELLED} rows from here on are no labels, not read"
        )
        rows = rows[:_LABELLED]
    for row in rows:
        subject, name = f"s{cells.padded(row.text('Subject').lstrip('s'), 2)}", row.text("Filename")
        emotion = labels.emotion(row, "Emotion")
        onset, offset = row.number("OnsetF"), row.number("OffsetF")
        frames = find_frames(
            within(clips, subject, "micro", emotion or "", name) or within(clips, subject, name)
        )
        video = labels.video(subject, name, frames)
        base = _base(labels, row, frames, onset, offset)
        if base is not None:
            labels.add(row, video, "me", onset, offset, base=base, emotion=emotion)
    return labels.reading(PUBLISHED if camera == "HS" else {})


def _base(
    labels: Labels, row: Row, frames: Frames | None, onset: float | None, offset: float | None
) -> int | None:
    """The number of the first frame: labels count from the beginning of the recording, not of the clip.

    Clips that begin at FirstF and clips cut at the onset are both about; pictures that kept their numbers tell.
    """
    if frames and onset is not None and offset is not None and frames.holds(onset, offset):
        return frames.first
    first = row.number("FirstF")
    if first is None:
        labels.problem(row, "FirstF is empty or no number", "fill in the number of the clip's first frame")
        return None
    return int(first)


DATASET = Dataset("smic", "SMIC-E", read, PUBLISHED, CHOICES)
