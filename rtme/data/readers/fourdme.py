"""4DME: gray clips at 30 frames a second, one micro-expression each."""

from pathlib import Path

from rtme.data.readers.disk import find_file, find_folder, within
from rtme.data.readers.reading import Choice, Dataset, Labels, Reading, Repairs
from rtme.data.readers.sheets import Workbook

PUBLISHED = {"ME": 267, "subjects with ME": 56}
CHOICES = {"static_au": Choice(("drop", "keep"), "an AU is marked (k): it does not move in the clip")}
_COLUMNS = ("sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs")


def read(root: Path, repairs: Repairs) -> Reading:
    """Read a copy of 4DME's gray videos.

    Raises:
        DataError: A file or column is missing.
    """
    book = Workbook(find_file(root, "4DME_Labelling_Micro*.xls*"))
    labels = Labels("fourdme", 30.0, repairs)
    rows = book.table(_COLUMNS)
    subject = next((row.text("sub_ID") for row in rows if row.text("sub_ID")), "*")
    clips = find_folder(root, subject, "gray_micro")
    for row in rows:
        subject, name = row.text("sub_ID"), row.text("fold_name")
        if not subject or not name:
            labels.problem(row, "sub_ID or fold_name is empty", "fill it in")
            continue
        onset, offset = row.number("Onset"), row.number("Offset")
        video, base = labels.clip(row, subject, name, within(clips, subject, name), onset, offset)
        labels.add(
            row,
            video,
            "me",
            onset,
            offset,
            labels.apex(row, "Apex"),
            base=base,
            emotion=labels.emotion(row, "Emotion"),
            au=labels.units(row, "AUs"),
        )
    return labels.reading(PUBLISHED)


DATASET = Dataset("fourdme", "4DME", read, PUBLISHED, CHOICES)
