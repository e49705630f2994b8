"""SAMM: clips at 200 frames a second, gray."""

from pathlib import Path

from rtme.data.readers import cells
from rtme.data.readers.clips import Clip, Columns, read_clips
from rtme.data.readers.disk import find_file, find_folder, within
from rtme.data.readers.labels import Labels
from rtme.data.readers.reading import Dataset, Reading, Repairs
from rtme.data.readers.sheets import Workbook

PUBLISHED = {"ME": 159, "subjects with ME": 29}
_COLUMNS = Columns("Onset Frame", ("Apex Frame",), "Offset Frame", "Action Units", "Estimated Emotion")


def read(root: Path, repairs: Repairs) -> Reading:
    """Read a copy of SAMM.

    Raises:
        DataError: A file, sheet or column is missing.
    """
    book = Workbook(find_file(root, "SAMM_*Micro_FACS_Codes*.xls*"))
    folder = find_folder(root, "[0-9][0-9][0-9]", "SAMM")

    def find(subject: str, clip: str) -> Clip:
        subject = cells.padded(subject, 3)
        return Clip(subject, clip, within(folder, subject, clip))

    labels = Labels("samm", 200.0, repairs)
    read_clips(labels, book, _COLUMNS, find, sheet="MICRO_ONLY")
    return labels.reading(PUBLISHED)


DATASET = Dataset("samm", "SAMM", read, PUBLISHED)
