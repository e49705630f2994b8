"""CASME II: clips at 200 frames a second, one micro-expression each."""

from pathlib import Path

from rtme.data.readers import cells
from rtme.data.readers.disk import find_file, find_folder, within
from rtme.data.readers.reading import Dataset, Labels, Reading, Repairs
from rtme.data.readers.sheets import Workbook

PUBLISHED = {"subjects with ME": 26, "ME": 255}
_COLUMNS = (
    "Subject",
    "Filename",
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    "Action Units",
    "Estimated Emotion",
)


def read(root: Path, repairs: Repairs) -> Reading:
    """Read a copy of CASME II.

    Raises:
        DataError: A file or column is missing.
    """
    book = Workbook(find_file(root, "CASME2-coding*.xls*"))
    clips = find_folder(root, "sub[0-9]*", "CASME2_RAW_selected", "CASME2-RAW", "Cropped")
    labels = Labels("casme2", 200.0, repairs)
    for row in book.table(_COLUMNS):
        subject, name = cells.padded(row.text("Subject"), 2), row.text("Filename")
        if not subject or not name:
            labels.problem(row, "Subject or Filename is empty", "fill it in")
            continue
        onset, offset = row.number("OnsetFrame"), row.number("OffsetFrame")
        video, base = labels.clip(
            row, f"sub{subject}", f"sub{subject}_{name}", within(clips, f"sub{subject}", name), onset, offset
        )
        labels.add(
            row,
            video,
            "me",
            onset,
            offset,
            labels.apex(row, "ApexFrame"),
            base=base,
            emotion=labels.emotion(row, "Estimated Emotion"),
            au=labels.units(row, "Action Units"),
        )
    return labels.reading(PUBLISHED)


DATASET = Dataset("casme2", "CASME II", read, PUBLISHED)
