"""4DME: gray clips at 30 frames a second."""

from pathlib import Path

from rtme.data.readers.clips import Clip, Columns, read_clips
from rtme.data.readers.disk import find_file, find_folder, within
from rtme.data.readers.labels import Labels
from rtme.data.readers.reading import Choice, Dataset, Reading, Repairs
from rtme.data.readers.sheets import Workbook

PUBLISHED = {"ME": 267, "subjects with ME": 56}
CHOICES = {"static_au": Choice(("drop", "keep"), "an AU is marked (k): it does not move in the clip")}
_COLUMNS = Columns("Onset", ("Apex",), "Offset", "AUs", "Emotion", "sub_ID", "fold_name")


def read(root: Path, repairs: Repairs) -> Reading:
    """Read a copy of 4DME's gray videos.

    Raises:
        DataError: A file or column is missing.
    """
    book = Workbook(find_file(root, "4DME_Labelling_Micro*.xls*"))
    folder = find_folder(root, "*", "gray_micro")

    def find(subject: str, clip: str) -> Clip:
        return Clip(subject, clip, within(folder, subject, clip))

    labels = Labels("fourdme", 30.0, repairs)
    read_clips(labels, book, _COLUMNS, find)
    return labels.reading(PUBLISHED)


DATASET = Dataset("fourdme", "4DME", read, PUBLISHED, CHOICES)
