"""MMEW: clips at 90 frames a second."""

from pathlib import Path

from rtme.data.readers import cells
from rtme.data.readers.clips import Clip, Columns, read_clips
from rtme.data.readers.disk import each, find_file, find_folder
from rtme.data.readers.labels import Labels
from rtme.data.readers.reading import Choice, Dataset, Reading, Repairs
from rtme.data.readers.sheets import Workbook

PUBLISHED = {"ME": 300, "subjects with ME": 36}
CHOICES = {"offset_missing": Choice(("last_frame", "drop"), "offset is blank (16 rows)")}
_COLUMNS = Columns("OnsetFrame", ("ApexFrame",), "OffsetFrame", "Action Units", "Estimated Emotion")


def read(root: Path, repairs: Repairs) -> Reading:
    """Read a copy of MMEW's micro-expressions.

    Raises:
        DataError: A file or column is missing.
    """
    book = Workbook(find_file(root, "MMEW_Micro_Exp*.xls*"))
    # The folder above a clip is its emotion, not always spelt as in the sheet: clips are found by their own name.
    folders = {
        clip.name.casefold(): clip
        for _, clip in each(find_folder(root, "surprise", "Micro_Expression"), r".+", r"S\d+-.+")
    }

    def find(subject: str, clip: str) -> Clip:
        return Clip(f"S{cells.padded(subject.lstrip('Ss'), 2)}", clip, folders.get(clip.casefold()))

    labels = Labels("mmew", 90.0, repairs)
    read_clips(labels, book, _COLUMNS, find)
    return labels.reading(PUBLISHED)


DATASET = Dataset("mmew", "MMEW", read, PUBLISHED, CHOICES)
