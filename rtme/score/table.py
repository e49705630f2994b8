"""Tables of intervals and of videos, as CSV files that anybody can write."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from rtme.errors import DataError
from rtme.score.interval import STATES, Interval, State, Type, VideoFacts
from rtme.whole import whole

NAMES = ("dataset", "subject", "video")
"""Columns that name a video, joined by "/"; the first two may be left out."""
INTERVAL = ("video", "onset", "offset", "type")
COLUMNS = ("video", "onset", "apex", "offset", "type", "score", "emotion", "state")
_MOST_NAMED = 200


class Row:
    """One row of a table, whose errors name file, row and column.

    Args:
        where: File and row.
        header: Columns of the table.
        cells: By column, without the empty ones.
    """

    __slots__ = ("_header", "cells", "where")

    def __init__(self, where: str, header: Sequence[str], cells: Mapping[str, str]) -> None:
        self.where = where
        self.cells = cells
        self._header = header

    def error(self, said: object) -> DataError:
        """An error that is this row's, in one line: a cell may have several."""
        return DataError(f"{self.where}: {' '.join(str(said).split())}")

    def text(self, column: str) -> str:
        """A cell that must be there."""
        value = self.cells.get(column)
        if value is None:
            raise self.error(f"{column} is empty: fill it in")
        return value

    def frame(self, column: str) -> int:
        """A frame number that must be there; 12.0 is one, because tables with gaps are often written so."""
        value = self.text(column)
        try:
            return int(value)
        except ValueError:
            pass
        try:
            # Infinity overflows, NaN and words have no value.
            if (number := int(float(value))) == float(value):
                return number
        except (ValueError, OverflowError):
            pass
        raise self.error(f"{column} is '{value}', which is no whole number: write a frame number")

    def number(self, column: str) -> float | None:
        """A number that may be missing."""
        value = self.cells.get(column)
        try:
            return None if value is None else float(value)
        except ValueError:
            raise self.error(
                f"{column} is '{value}', which is no number: write one, or leave it empty"
            ) from None

    def video(self) -> str:
        """Name of the video: ``dataset/subject/video`` of those columns that the table has."""
        return "/".join([self.text(name) for name in NAMES if name in self._header])


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """Rows of a CSV file whose header has at least these columns, in any order. The header is row 1.

    Column names are read in lower case, and "vid" is "video".

    Raises:
        DataError: The file cannot be read, is empty, lacks a column or has one twice, or a row is too long.
    """
    try:
        # Excel begins its CSV files with a byte-order mark.
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream)
            header = [name.strip().lower() for name in next(reader, [])]
            header = ["video" if name == "vid" else name for name in header]
            _check_header(path, header, columns)
            for cells in reader:
                stripped = [cell.strip() for cell in cells]
                if not any(stripped):
                    continue
                row = Row(
                    f"{path}, row {reader.line_num}",
                    header,
                    {name: cell for name, cell in zip(header, stripped, strict=False) if cell},
                )
                if any(stripped[len(header) :]):
                    raise row.error(
                        f"{len(cells)} cells under {len(header)} columns: put cells that have a comma in quotes"
                    )
                yield row
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: save it as 'CSV UTF-8'") from error
    except csv.Error as error:
        raise DataError(f"{path} is no CSV file ({error}): save it as 'CSV UTF-8'") from error


def read_table(path: Path) -> list[Interval]:
    """Read intervals, labelled or found.

    Columns: ``video`` (or ``vid``; with ``dataset`` and ``subject`` in columns of their own they are joined by "/"),
    ``onset``, ``offset``, ``type``; and if known ``apex``, ``score``, ``emotion``, ``state``. Others are not looked at, so
    that our manifests and other people's tables can be read. Frames are counted from 0. A row with neither onset, offset
    nor type is no interval: see :func:`read_looked_through`. Turns, rows of type speaking or listening, are passed over.

    Raises:
        DataError: Something is wrong with the file or a row, or an interval is there twice.
    """
    seen: dict[tuple[str, int, int, str], Row] = {}
    intervals = []
    for row in read_rows(path, INTERVAL):
        if _is_empty(row):
            row.video()
            continue
        if (kind := row.text("type").lower()) in STATES:
            continue
        interval = interval_of(row, row.frame("onset"), row.frame("offset"), kind)
        refuse_twice(seen, interval, row)
        intervals.append(interval)
    return intervals


def interval_of(row: Row, onset: int, offset: int, kind: str) -> Interval:
    """The interval of a row, with what else its cells say.

    Raises:
        DataError: A value that cannot be, with file and row.
    """
    cells = row.cells
    state = cells.get("state")
    try:
        return Interval(
            row.video(),
            onset,
            offset,
            cast("Type", kind),
            row.frame("apex") if "apex" in cells else None,
            row.number("score"),
            cells.get("emotion"),
            cast("State | None", state and state.lower()),
        )
    except DataError as error:
        if str(error).startswith(row.where):
            raise
        raise row.error(error) from None


def refuse_twice(seen: dict[tuple[str, int, int, str], Row], interval: Interval, row: Row) -> None:
    """Remember an interval.

    Raises:
        DataError: It was there before.
    """
    key = (interval.video, interval.onset, interval.offset, interval.type)
    if key in seen:
        raise row.error(
            f"the same interval as in {seen[key].where.rpartition(', ')[2]}: delete one of them, and score tables of "
            "several runs one by one"
        )
    seen[key] = row


def write_table(path: Path, intervals: Sequence[Interval], extra: Mapping[str, str] | None = None) -> None:
    """Write intervals so that :func:`read_table` reads the same.

    Args:
        path: The file; its folder is made.
        intervals: In the order of the rows.
        extra: Further columns with the same value in each row, such as fold and seed.

    Raises:
        DataError: The file cannot be written.
    """
    more = dict(extra or {})
    rows = ([*(_cell(getattr(one, name)) for name in COLUMNS), *more.values()] for one in intervals)
    write_rows(path, [*COLUMNS, *more], rows)


def write_rows(path: Path, header: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    """Write a CSV file, whole or not at all.

    Raises:
        DataError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as draft, draft.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(header)
            writer.writerows(rows)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error


def read_videos(path: Path) -> list[VideoFacts]:
    """Read what is known of videos.

    Columns: those that name a video, as for :func:`read_table`; and if known ``fps``, ``n_frames`` and ``state``, or
    ``spans`` as our manifests have it (``speaking:0-120 listening:121-300``): a video of one state alone has that one.

    Raises:
        DataError: Something is wrong with the file or a row, or a video is there twice.
    """
    seen: dict[str, Row] = {}
    videos = []
    for row in read_rows(path, ("video",)):
        length = row.frame("n_frames") if "n_frames" in row.cells else None
        try:
            video = VideoFacts(row.video(), row.number("fps"), length, _state(row))
        except DataError as error:
            if str(error).startswith(row.where):
                raise
            raise row.error(error) from None
        if video.video in seen:
            before = seen[video.video].where.rpartition(", ")[2]
            raise row.error(f"video {video.video} is also in {before}: delete one of them")
        seen[video.video] = row
        videos.append(video)
    return videos


def read_looked_through(path: Path) -> list[VideoFacts] | None:
    """All videos of a table of intervals that lists those without any interval too, as rows without one.

    Returns:
        The videos; None where each row has an interval, so that nobody knows which videos have none.

    Raises:
        DataError: Something is wrong with the file or a row.
    """
    rows = list(read_rows(path, INTERVAL))
    if not any(map(_is_empty, rows)):
        return None
    videos = {row.video(): VideoFacts(row.video()) for row in rows}
    for row in filter(_is_empty, rows):
        try:
            videos[row.video()] = VideoFacts(row.video(), state=_state(row))
        except DataError as error:
            raise row.error(error) from None
    return list(videos.values())


def _is_empty(row: Row) -> bool:
    return not any(name in row.cells for name in ("onset", "offset", "type"))


def _state(row: Row) -> State | None:
    if "state" in row.cells:
        return cast("State", row.cells["state"].lower())
    spans = {span.partition(":")[0] for span in row.cells.get("spans", "").split()} - {"blink"}
    return cast("State", spans.pop()) if len(spans) == 1 else None


def _named(header: Sequence[str]) -> str:
    """The columns' names in one line, also where a quotation mark has swallowed half of the file."""
    names = ", ".join(" ".join(name.split()) for name in header)
    return names if len(names) <= _MOST_NAMED else f"{names[:_MOST_NAMED]}…"


def _check_header(path: Path, header: list[str], columns: Sequence[str]) -> None:
    if not any(header):
        raise DataError(f"{path} is empty: its first row must name the columns {', '.join(columns)}")
    missing = [name for name in columns if name not in header]
    if missing:
        raise DataError(
            f"{path}: no column {', '.join(missing)}; found {_named(header)}: rename or add columns in row 1"
        )
    twice = sorted(name for name, count in Counter(header).items() if name and count > 1)
    if twice:
        raise DataError(
            f"{path}: the column {_named(twice[:1])} is there twice: delete or rename one of them"
        )


def _cell(value: object) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value)
