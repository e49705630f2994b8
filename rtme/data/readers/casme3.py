"""CAS(ME)^3, parts A (long videos) and C (mock crime): 30 frames a second, colour and depth."""

from dataclasses import replace
from pathlib import Path

from rtme.data import manifest
from rtme.data.manifest import Video
from rtme.data.readers import cells
from rtme.data.readers.disk import each, find_file, find_folder, find_frames, try_file
from rtme.data.readers.labels import Labels
from rtme.data.readers.reading import Choice, Dataset, Reading, Repairs
from rtme.data.readers.sheets import Row, Workbook
from rtme.errors import DataError

PUBLISHED = {"subjects": 98, "ME": 860, "MaE": 3346, "subjects with ME": 94, "blinks": 841}
CHOICES = {
    "long_me": Choice(
        ("keep", "drop", "mae", "trim"),
        "a micro-expression is longer than 15 frames (626 are; papers differ)",
    )
}
_LONGEST = 15
"""Frames of half a second."""
_COLUMNS = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Expression type")
_KEY = ("Subject", "Filename", "Onset", "Offset")


def read(root: Path, repairs: Repairs) -> Reading:
    """Read a copy of CAS(ME)^3: part A, and part C as dataset ``casme3c`` when it is there too.

    Raises:
        DataError: A file, sheet or column is missing, or only the outdated first version of the labels is there.
    """
    if try_file(root, "CAS(ME)3_part_A_v2.xls*") is None:
        outdated = try_file(root, "CAS(ME)3_part_A_v1.xls*", "CAS(ME)3_part_A.xls*")
        if outdated is not None:
            raise DataError(
                f"{outdated} is version 1, which was corrected: get CAS(ME)3_part_A_v2.xls from the authors"
            )
    part_a = _part_a(root, repairs)
    part_c = try_file(root, "CAS(ME)3_part_C_ME.xls*")
    return _both(part_a, _part_c(part_c, root, repairs)) if part_c else part_a


def _part_a(root: Path, repairs: Repairs) -> Reading:
    book = Workbook(find_file(root, "CAS(ME)3_part_A_v2.xls*"))
    labels = Labels("casme3", 30.0, repairs)
    for subject, video in each(find_folder(root, "spno.*", "part_A"), r"spNO\.\d+", r"[^.].*"):
        _video(labels, subject.name, video.name, video)
    emotions = _emotions(root, labels)
    n_long = 0
    for row in book.table(_COLUMNS, sheet="AU+Emotion"):
        found = _labelled_video(labels, row)
        kind = cells.expression_type(row.text("Expression type"))
        if found is None:
            continue
        if kind is None:
            labels.problem(
                row, f"Expression type is '{row.text('Expression type')}'", "write Micro- or Macro-expression"
            )
            continue
        emotion = emotions.pop(_key(row), None)
        onset, offset, apex = row.number("Onset"), row.number("Offset"), labels.apex(row, "Apex")
        units = labels.units(row, "AU")
        length = 0 if onset is None or offset is None else offset - onset + 1
        is_long = kind == "me" and length > _LONGEST
        n_long += is_long
        if is_long and repairs["long_me"] != "keep":
            if repairs["long_me"] == "drop":
                labels.repair(row, "long ME", f"{length:g} frames", "dropped")
                continue
            if repairs["long_me"] == "mae":
                kind = "mae"
                labels.repair(row, "long ME", f"{length:g} frames", "macro-expression")
            else:
                onset, offset = _trim(labels, row, onset or 0, offset or 0, apex)
        labels.add(row, found, kind, onset, offset, apex, emotion=emotion, au=units)
    if emotions:
        labels.warn(
            f"{len(emotions)} rows of the file of ME emotions fit no row of {book.path.name}, "
            f"the first is {next(iter(emotions))}"
        )
    if n_long:
        labels.warn(
            f"micro-expressions longer than {_LONGEST} frames: {n_long}, long_me={repairs['long_me']}; "
            "papers differ in this, so name it beside your results"
        )
    _blinks(book, labels)
    return labels.reading(PUBLISHED)


def _part_c(path: Path, root: Path, repairs: Repairs) -> Reading:
    labels = Labels("casme3c", 30.0, repairs)
    # Each person has one video, in a folder of any name.
    folders = {
        subject.name: video for subject, video in each(find_folder(root, "01", "part_C"), r"\d+", r"[^.].*")
    }
    for row in Workbook(path).table(("sub", "onset", "offset"), optional=("apex", "emotion", "au")):
        subject = cells.padded(row.text("sub"), 2)
        if not subject:
            labels.problem(row, "sub is empty", "fill it in")
            continue
        folder = folders.get(subject)
        video = _video(labels, subject, folder.name if folder else "a", folder)
        labels.add(
            row,
            video,
            "me",
            row.number("onset"),
            row.number("offset"),
            row.number("apex"),
            emotion=labels.emotion(row, "emotion"),
            au=labels.units(row, "au"),
        )
    return labels.reading({})


def _video(labels: Labels, subject: str, name: str, folder: Path | None) -> Video:
    known = labels.known(subject, name)
    if known or folder is None:
        return known or labels.video(subject, name)
    return labels.video(subject, name, find_frames(folder / "color"), depth=find_frames(folder / "depth"))


def _labelled_video(labels: Labels, row: Row) -> Video | None:
    """The video that a row is about; the sheets write ``J`` where the folder is ``j``, and ``spNO`` for ``spNo``."""
    subject, name = row.text("Subject"), row.text("Filename")
    if not subject or not name:
        labels.problem(row, "Subject or Filename is empty", "fill it in")
        return None
    exact = labels.known(subject, name)
    if exact:
        return exact
    alike = labels.alike(subject, name)
    if alike:
        labels.repair(row, "case of the name", f"{subject}/{name}", f"{alike.subject}/{alike.video}")
        return alike
    return labels.video(subject, name.lower())


def _emotions(root: Path, labels: Labels) -> dict[tuple[str, ...], str | None]:
    """Emotions of the micro-expressions, which only their own file has."""
    path = try_file(root, "cas(me)3_part_A_ME_label_JpgIndex_v2.xls*")
    if path is None:
        labels.warn(
            "no emotions: put cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx into the same folder to have them"
        )
        return {}
    rows = Workbook(path).table((*_KEY, "emotion"))
    return {_key(row): labels.emotion(row, "emotion") for row in rows}


def _key(row: Row) -> tuple[str, ...]:
    return tuple(row.text(column).casefold() for column in _KEY)


def _trim(labels: Labels, row: Row, onset: float, offset: float, apex: float | None) -> tuple[float, float]:
    """The 15 frames around the apex, or from the onset when there is no usable apex."""
    if apex is None or not onset <= apex <= offset:
        apex = onset + _LONGEST // 2
    start = min(max(apex - _LONGEST // 2, onset), offset - _LONGEST + 1)
    labels.repair(row, "long ME", f"{onset:g} to {offset:g}", f"{start:g} to {start + _LONGEST - 1:g}")
    return start, start + _LONGEST - 1


def _blinks(book: Workbook, labels: Labels) -> None:
    """Blinks, which look like micro-expressions and are none."""
    try:
        rows = book.table(("Subject", "Filename", "Onset", "Offset"), sheet="eye blink")
    except DataError as error:
        # Expressions are of use without them.
        labels.warn(f"blinks were not read: {error}")
        return
    for row in rows:
        video = _labelled_video(labels, row)
        onset, offset = row.number("Onset"), row.number("Offset")
        if video is None:
            continue
        if onset is None or offset is None:
            labels.problem(row, "Onset or Offset is empty", "fill it in")
            continue
        if onset == 0 < video.first:
            labels.repair(row, "onset is 0", "0", video.first)
            onset = video.first
        first, last = (manifest.to_frame(int(label), video.first) for label in (onset, offset))
        labels.span(row, video, "blink", first, last)


def _both(part_a: Reading, part_c: Reading) -> Reading:
    return replace(
        part_a,
        manifest=manifest.merge((part_a.manifest, part_c.manifest)),
        repairs=part_a.repairs + part_c.repairs,
        problems=part_a.problems + part_c.problems,
        warnings=(
            *part_a.warnings,
            *part_c.warnings,
            f"part C is here too, as dataset casme3c: {part_c.counts['ME']} ME, not in the counts of part A",
        ),
    )


DATASET = Dataset("casme3", "CAS(ME)^3", read, PUBLISHED, CHOICES)
