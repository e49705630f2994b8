"""CASME: clips at 60 frames a second, one micro-expression each."""

from pathlib import Path

from rtme.data.readers import cells
from rtme.data.readers.disk import find_file, find_folder, within
from rtme.data.readers.reading import Dataset, Labels, Reading, Repairs
from rtme.data.readers.sheets import Workbook

PUBLISHED = {"ME": 195}
_COLUMNS = ("Subject", "Filename", "OnsetF", "ApexF1", "ApexF2", "OffsetF", "AU", "Emotion")


def read(root: Path, repairs: Repairs) -> Reading:
    """Read a copy of CASME.

    Raises:
        DataError: A file or column is missing.
    """
    book = Workbook(find_file(root, "CASME.xls*", "CASME[-_ ]*.xls*"))
    clips = find_folder(root, "sub[0-9]*", "CASME_raw_selected", "raw", "cropped")
    labels = Labels("casme", 60.0, repairs)
    for row in book.table(_COLUMNS):
        subject, name = cells.padded(row.text("Subject"), 2), row.text("Filename")
        if not subject or not name:
            labels.problem(row, "Subject or Filename is empty", "fill it in")
            continue
        onset, offset = row.number("OnsetF"), row.number("OffsetF")
        video, base = labels.clip(
            row, f"sub{subject}", f"sub{subject}_{name}", within(clips, f"sub{subject}", name), onset, offset
        )
        # A few expressions have two apexes; the first is taken.
        apex = labels.apex(row, "ApexF1" if row.number("ApexF1") is not None else "ApexF2")
        labels.add(
            row,
            video,
            "me",
            onset,
            offset,
            apex,
            base=base,
            emotion=labels.emotion(row, "Emotion"),
            au=labels.units(row, "AU"),
        )
    return labels.reading(PUBLISHED)


DATASET = Dataset("casme", "CASME", read, PUBLISHED)
