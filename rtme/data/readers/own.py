"""Your own recordings: ``labels.csv``, or ELAN files beside the videos."""

from pathlib import Path

from rtme.data.readers.disk import find_videos, try_file
from rtme.data.readers.labels import Labels
from rtme.data.readers.own_elan import read_elan
from rtme.data.readers.own_table import read_table
from rtme.data.readers.reading import Dataset, Reading, Repairs
from rtme.errors import DataError

ENDINGS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg")


def read(root: Path, repairs: Repairs) -> Reading:
    """Read ``labels.csv`` and every ``.eaf`` below a folder; docs/datasets.md has their form.

    Raises:
        DataError: There is neither, or a file cannot be read.
    """
    films = find_videos(root, *ENDINGS)
    table = try_file(root, "labels.csv")
    documents = sorted(find_videos(root, ".eaf").values())
    if table is None and not documents:
        raise DataError(
            f"{root}: neither labels.csv nor an ELAN file (.eaf); see docs/datasets.md for their form"
        )
    labels = Labels("own", 30.0, repairs)
    if table is not None:
        read_table(table, root, films, labels)
    for document in documents:
        read_elan(document, root, films, labels)
    return labels.reading({})


DATASET = Dataset("own", "your own recordings", read)
