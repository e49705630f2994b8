"""CASME II: clips at 200 frames a second."""

from pathlib import Path

from rtme.data.readers import cells
from rtme.data.readers.clips import Clip, Columns, read_clips
from rtme.data.readers.disk import find_file, find_folder, within
from rtme.data.readers.labels import Labels
from rtme.data.readers.reading import Dataset, Reading, Repairs
from rtme.data.readers.sheets import Workbook

PUBLISHED = {"ME": 255, "subjects with ME": 26}
_COLUMNS = Columns("OnsetFrame", ("ApexFrame",), "OffsetFrame", "Action Units", "Estimated Emotion")


def read(root: Path, repairs: Repairs) -> Reading:
    """Read a copy of CASME II.

    Raises:
        DataError: A file or column is missing.
    """
    book = Workbook(find_file(root, "CASME2-coding*.xls*"))
    folder = find_folder(root, "sub[0-9]*", "CASME2_RAW_selected", "CASME2-RAW", "Cropped")

    def find(subject: str, clip: str) -> Clip:
        subject = f"sub{cells.padded(subject, 2)}"
        # Two people have clips of the same name.
        return Clip(subject, f"{subject}_{clip}", within(folder, subject, clip))

    labels = Labels("casme2", 200.0, repairs)
    read_clips(labels, book, _COLUMNS, find)
    return labels.reading(PUBLISHED)


DATASET = Dataset("casme2", "CASME II", read, PUBLISHED)
