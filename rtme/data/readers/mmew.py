"""MMEW: clips at 90 frames a second, one micro-expression each."""

from pathlib import Path

from rtme.data.readers import cells
from rtme.data.readers.disk import each, find_file, find_folder
from rtme.data.readers.reading import Choice, Dataset, Labels, Reading, Repairs
from rtme.data.readers.sheets import Workbook

PUBLISHED = {"ME": 300, "subjects with ME": 36}
CHOICES = {"offset_missing": Choice(("last_frame", "drop"), "offset is blank (16 rows)")}
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
    """Read a copy of MMEW's micro-expressions.

    Raises:
        DataError: A file or column is missing.
    """
    book = Workbook(find_file(root, "MMEW_Micro_Exp*.xls*"))
    # The folder above a clip is its emotion, not always spelt as in the sheet: clips are found by their own name.
    clips = {
        clip.name.casefold(): clip
        for _, clip in each(find_folder(root, "surprise", "Micro_Expression"), r".+", r"S\d+-.+")
    }
    labels = Labels("mmew", 90.0, repairs)
    for row in book.table(_COLUMNS):
        name, subject = row.text("Filename"), row.text("Subject").lstrip("Ss")
        if not subject or not name:
            labels.problem(row, "Subject or Filename is empty", "fill it in")
            continue
        onset, offset = row.number("OnsetFrame"), row.number("OffsetFrame")
        video, base = labels.clip(
            row, f"S{cells.padded(subject, 2)}", name, clips.get(name.casefold()), onset, offset
        )
        if offset is None:
            if repairs["offset_missing"] == "drop" or video.n_frames is None:
                why = "dropped" if repairs["offset_missing"] == "drop" else "dropped: the clip was not found"
                labels.repair(row, "no offset", row.text("OffsetFrame") or "blank", why)
                continue
            offset = video.n_frames - 1 + base
            labels.repair(
                row, "no offset", row.text("OffsetFrame") or "blank", f"{offset:g}, the clip's last frame"
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


DATASET = Dataset("mmew", "MMEW", read, PUBLISHED, CHOICES)
