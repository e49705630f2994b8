"""SAMM Long Videos: 200 frames a second, macro- and micro-expressions."""

from pathlib import Path

from rtme.data.readers import cells
from rtme.data.readers.disk import each, find_file, find_folder, find_frames, try_file
from rtme.data.readers.labels import Labels
from rtme.data.readers.reading import Dataset, Reading, Repairs
from rtme.data.readers.sheets import Workbook

PUBLISHED = {
    "subjects": 30,
    "videos": 147,
    "ME": 159,
    "MaE": 343,
    "subjects with ME": 29,
    "videos with ME": 79,
}
_COLUMNS = ("Subject", "Filename", "Onset", "Apex", "Offset", "Type", "Action Units")


def read(root: Path, repairs: Repairs) -> Reading:
    """Read a copy of SAMM Long Videos, release 3, 2 or 1, whichever is newest.

    Raises:
        DataError: A file, sheet or column is missing.
    """
    book = Workbook(find_file(root, *(f"SAMM_LongVideos_V{version}_Release.xls*" for version in (3, 2, 1))))
    labels = Labels("samm_lv", 200.0, repairs)
    emotions = _emotions(root, labels)
    for (folder,) in each(find_folder(root, "[0-9][0-9][0-9]_*", "SAMM_longvideos"), r"\d{3}_\d+"):
        labels.video(folder.name[:3], folder.name, find_frames(folder))
    for row in book.table(_COLUMNS):
        kind = cells.expression_type(row.text("Type"))
        if kind is None:
            labels.problem(row, f"Type is '{row.text('Type')}'", "write Macro or Micro - 1/2")
            continue
        if not row.text("Subject"):
            labels.problem(row, "Subject is empty", "fill it in")
            continue
        clip = row.text("Filename")
        video = labels.video(cells.padded(row.text("Subject"), 3), "_".join(clip.split("_")[:2]))
        labels.add(
            row,
            video,
            kind,
            row.number("Onset"),
            row.number("Offset"),
            labels.apex(row, "Apex"),
            emotion=emotions.get(clip) if kind == "me" else None,
            au=labels.units(row, "Action Units"),
        )
    return labels.reading(PUBLISHED)


def _emotions(root: Path, labels: Labels) -> dict[str, str | None]:
    """Emotions of the micro-expressions, which only SAMM's own label file has."""
    path = try_file(root, "SAMM_*Micro_FACS_Codes*.xls*")
    if path is None:
        labels.warn(
            "no emotions: put SAMM_Micro_FACS_Codes_v2.xlsx of SAMM into the same folder to have them"
        )
        return {}
    rows = Workbook(path).table(("Filename", "Estimated Emotion"), sheet="MICRO_ONLY")
    return {row.text("Filename"): cells.emotion(row.text("Estimated Emotion")) for row in rows}


DATASET = Dataset("samm_lv", "SAMM Long Videos", read, PUBLISHED)
