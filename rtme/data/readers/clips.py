"""Datasets of clips that were cut out of longer recordings, one micro-expression each (CASME, CASME II, SAMM, ...)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rtme.data.manifest import Video
from rtme.data.readers.labels import Labels
from rtme.data.readers.sheets import Row, Workbook


@dataclass(frozen=True)
class Clip:
    """Who is seen in a clip, what it is called in the manifest, and where its pictures are."""

    subject: str
    name: str
    folder: Path | None


@dataclass(frozen=True)
class Columns:
    """Names of a sheet's columns. Of several apexes the first that is a number is taken."""

    onset: str
    apex: tuple[str, ...]
    offset: str
    au: str
    emotion: str
    subject: str = "Subject"
    clip: str = "Filename"

    def names(self) -> tuple[str, ...]:
        """All of them, from the left."""
        return self.subject, self.clip, self.onset, *self.apex, self.offset, self.au, self.emotion


def read_clips(
    labels: Labels,
    book: Workbook,
    columns: Columns,
    find: Callable[[str, str], Clip],
    *,
    sheet: str | int = 0,
) -> None:
    """Add every row of a sheet.

    Args:
        labels: Where to.
        book: The label file.
        columns: Their names.
        find: Turns the cells of subject and clip into a clip.
        sheet: Name or number of the sheet.

    Raises:
        DataError: No such sheet or column.
    """
    for row in book.table(columns.names(), sheet=sheet):
        subject, clip = row.text(columns.subject), row.text(columns.clip)
        if not subject or not clip:
            labels.problem(row, f"{columns.clip if subject else columns.subject} is empty", "fill it in")
            continue
        found = find(subject, clip)
        onset, offset = row.number(columns.onset), row.number(columns.offset)
        video, base = labels.clip(row, found.subject, found.name, found.folder, onset, offset)
        if offset is None and "offset_missing" in labels.repairs:
            offset = _last_frame(labels, row, columns.offset, video, base)
            if offset is None:
                continue
        labels.add(
            row,
            video,
            "me",
            onset,
            offset,
            labels.apex(row, *columns.apex),
            base=base,
            emotion=labels.emotion(row, columns.emotion),
            au=labels.units(row, columns.au),
        )


def _last_frame(labels: Labels, row: Row, column: str, video: Video, base: int) -> float | None:
    """The clip's last frame in place of an offset that is not there; None when the row is left out."""
    before = row.text(column) or "blank"
    if labels.repairs["offset_missing"] == "drop" or video.n_frames is None:
        clip = "" if video.n_frames else ": the clip was not found"
        labels.repair(row, "no offset", before, f"dropped{clip}")
        return None
    last = video.n_frames - 1 + base
    labels.repair(row, "no offset", before, f"{last}, the clip's last frame")
    return last
