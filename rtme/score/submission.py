"""Files that the micro-expression grand challenges (MEGC) take.

Spotting: ``vid,pred_onset,pred_offset,type``. Spot-then-recognise: ``subject,video,onset,offset,emotion``, of
micro-expressions alone, so without their type. The challenges' rules do not say what number the first frame has; the labels
of their datasets give it 1, so that is the default here. Ours begin at 0: nothing else in this room knows of it.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rtme.errors import DataError
from rtme.score.interval import Interval
from rtme.score.table import Row, interval_of, read_rows, refuse_twice, write_rows

Task = Literal["spotting", "recognition"]
COLUMNS: dict[Task, tuple[str, ...]] = {
    "spotting": ("vid", "pred_onset", "pred_offset", "type"),
    "recognition": ("subject", "video", "onset", "offset", "emotion"),
}


def read_submission(path: Path, task: Task, first: int = 1) -> list[Interval]:
    """Read a challenge's file.

    Args:
        path: The file.
        task: Which of the two it is of.
        first: Number that the first frame of a video has in the file.

    Returns:
        Intervals whose video is ``vid``, or ``subject/video``.

    Raises:
        DataError: Something is wrong with the file or a row, or an interval is there twice.
    """
    onset, offset = ("pred_onset", "pred_offset") if task == "spotting" else ("onset", "offset")
    seen: dict[tuple[str, int, int, str], Row] = {}
    intervals = []
    for row in read_rows(path, ["video" if name == "vid" else name for name in COLUMNS[task]]):
        for column in (onset, offset):
            if row.frame(column) < first:
                raise row.error(
                    f"{column} is {row.frame(column)}, before the first frame, which has the number {first}: correct "
                    "it, or say what number the first frame has"
                )
        kind = row.text("type").lower() if task == "spotting" else "me"
        if task == "recognition":
            row.text("emotion")
        interval = interval_of(row, row.frame(onset) - first, row.frame(offset) - first, kind)
        refuse_twice(seen, interval, row)
        intervals.append(interval)
    return intervals


def write_submission(path: Path, intervals: Sequence[Interval], task: Task, first: int = 1) -> None:
    """Write a challenge's file.

    Args:
        path: The file; its folder is made.
        intervals: In the order of the rows. Of a name ``dataset/subject/video`` the file gets ``video``, or
            ``subject`` and ``video``.
        task: Which of the two it is for.
        first: Number that the first frame of a video gets.

    Raises:
        DataError: The file has no place for an interval, two videos would get one name, or it cannot be written.
    """
    full: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    rows: list[list[str | int]] = []
    for one in intervals:
        names = tuple(one.video.split("/")[-1:] if task == "spotting" else one.video.split("/")[-2:])
        full[names].add(one.video)
        rows.append([*names, one.onset + first, one.offset + first, one.type])
        if task == "recognition":
            _refuse_what_has_no_place(one, names)
            rows[-1][-1] = one.emotion or ""
    for names, videos in full.items():
        if len(videos) > 1:
            raise DataError(
                f"{' and '.join(sorted(videos))} would both be {'/'.join(names)} in {path}: write a file for each dataset"
            )
    write_rows(path, COLUMNS[task], iter(rows))


def _refuse_what_has_no_place(one: Interval, names: tuple[str, ...]) -> None:
    where = f"the interval {one.onset} to {one.offset} of {one.video}"
    if one.type != "me":
        raise DataError(
            f"{where} is a macro-expression: a spot-then-recognise file has micro-expressions alone"
        )
    if one.emotion is None:
        raise DataError(f"{where} has no emotion: a spot-then-recognise file needs one in each row")
    if len(names) < 2:
        raise DataError(f"{where} has no subject: name videos subject/video")
