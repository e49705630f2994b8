"""CAS(ME)^2: long videos at 30 frames a second, macro- and micro-expressions."""

import re
from pathlib import Path

from rtme.data.manifest import Video
from rtme.data.readers import cells
from rtme.data.readers.disk import each, find_file, find_folder, find_frames
from rtme.data.readers.labels import Labels
from rtme.data.readers.reading import Choice, Dataset, Reading, Repairs
from rtme.data.readers.sheets import Row, Workbook
from rtme.errors import DataError

PUBLISHED = {
    "subjects": 22,
    "videos": 98,
    "labelled videos": 95,
    "ME": 57,
    "MaE": 300,
    "subjects with ME": 14,
    "videos with ME": 33,
}
CHOICES = {
    "offset_zero": Choice(("apex", "apex+20", "2*apex-onset", "drop"), "offset is 0 (44 macro-expressions)")
}
_FILES = ("CAS(ME)^2code_final(Updated).xls*", "CAS(ME)^2code_final*.xls*", "CAS(ME)*2code_final*.xls*")
_COLUMNS = ("participant", "film", "onset", "apex", "offset", "au", "emotion", "type", "self-report")


def read(root: Path, repairs: Repairs) -> Reading:
    """Read a copy of CAS(ME)^2.

    Raises:
        DataError: A file or sheet is missing.
    """
    book = Workbook(find_file(root, *_FILES))
    subjects = _subjects(book)
    codes = {
        _film(row.text("film")): cells.padded(row.text("code"), 4)
        for row in book.plain(("code", "film"), sheet=2)
    }
    labels = Labels("casme2sq", 30.0, repairs)
    # A folder is called 15_0101disgustingteeth: the subject's number, then the film's code.
    for _, folder in each(find_folder(root, "s[0-9][0-9]", "rawpic", "cropped"), r"s\d+", r"\d+_\d{4}.*"):
        labels.video(f"s{folder.name[:2]}", folder.name[:7], find_frames(folder))
    for row in book.plain(_COLUMNS):
        subject = subjects.get(row.text("participant"))
        if subject is None:
            labels.problem(
                row,
                f"participant '{row.text('participant')}' is not in sheet 'naming rule1'",
                "add the participant there",
            )
            continue
        name = row.text("film").rsplit("_", 1)[0]
        if _film(name) != name:
            labels.repair(row, "spelling", name, _film(name))
        code = codes.get(_film(name))
        kind = cells.expression_type(row.text("type"))
        if code is None or kind is None:
            what = (
                f"film '{name}' is not in the third sheet"
                if code is None
                else f"type is '{row.text('type')}'"
            )
            labels.problem(row, what, "correct the cell")
            continue
        video = labels.video(subject, f"{subject[1:]}_{code}")
        emotion, units = labels.emotion(row, "emotion"), labels.units(row, "au")
        onset, apex, offset = row.number("onset"), labels.apex(row, "apex"), row.number("offset")
        if offset == 0:
            offset = _offset(labels, row, video, onset, apex)
            if offset is None:
                continue
        labels.add(row, video, kind, onset, offset, apex, emotion=emotion, au=units)
    return labels.reading(PUBLISHED)


def _subjects(book: Workbook) -> dict[str, str]:
    """Participant 1-22 of the labels to the s-number of the folders."""
    subjects = {}
    for row in book.plain(("number", "subject", "participant"), sheet="naming rule1"):
        match = re.fullmatch(r"s?(\d+)", row.text("subject"), re.IGNORECASE)
        if match is None or row.number("participant") is None:
            raise DataError(
                f"{row.where}: expected a number, an s-number such as s15 and a participant; found {row.cells}"
            )
        subjects[row.text("participant")] = f"s{match[1].zfill(2)}"
    return subjects


def _film(name: str) -> str:
    return name.replace("happyiness", "happiness")


def _offset(labels: Labels, row: Row, video: Video, onset: float | None, apex: float | None) -> float | None:
    """The offset that the chosen repair puts in place of 0; None when the row is left out."""
    policy = labels.repairs["offset_zero"]
    if policy == "drop" or onset is None or not apex:
        labels.repair(row, "offset is 0", "0", "dropped" if policy == "drop" else "dropped: no apex to go by")
        return None
    offset = {"apex": apex, "apex+20": apex + 20, "2*apex-onset": 2 * apex - onset}[policy]
    if video.n_frames is not None:
        offset = min(offset, video.n_frames - 1 + video.first)
    labels.repair(row, "offset is 0", "0", f"{offset:g}")
    return offset


DATASET = Dataset("casme2sq", "CAS(ME)^2", read, PUBLISHED, CHOICES)
