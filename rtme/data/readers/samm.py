"""SAMM: clips at 200 frames a second, gray, one micro-expression each."""

from pathlib import Path

from rtme.data.readers import cells
from rtme.data.readers.disk import find_file, find_folder, within
from rtme.data.readers.reading import Dataset, Labels, Reading, Repairs
from rtme.data.readers.sheets import Workbook

PUBLISHED = {"ME": 159, "subjects with ME": 29}
_COLUMNS = (
    "Subject",
    "Filename",
    "Onset Frame",
    "Apex Frame",
    "Offset Frame",
    "Action Units",
    "Estimated Emotion",
)


def read(root: Path, repairs: Repairs) -> Reading:
    """Read a copy of SAMM.

    Raises:
        DataError: A file, sheet or column is missing.
    """
    book = Workbook(find_file(root, "SAMM_*Micro_FACS_Codes*.xls*"))
    clips = find_folder(root, "[0-9][0-9][0-9]", "SAMM")
    labels = Labels("samm", 200.0, repairs)
    for row in book.table(_COLUMNS, sheet="MICRO_ONLY"):
        subject, name = cells.padded(row.text("Subject"), 3), row.text("Filename")
        if not subject or not name:
            labels.problem(row, "Subject or Filename is empty", "fill it in")
            continue
        onset, offset = row.number("Onset Frame"), row.number("Offset Frame")
        video, base = labels.clip(row, subject, name, within(clips, subject, name), onset, offset)
        labels.add(
            row,
            video,
            "me",
            onset,
            offset,
            labels.apex(row, "Apex Frame"),
            base=base,
            emotion=labels.emotion(row, "Estimated Emotion"),
            au=labels.units(row, "Action Units"),
        )
    return labels.reading(PUBLISHED)


DATASET = Dataset("samm", "SAMM", read, PUBLISHED)
