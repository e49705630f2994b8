"""Tables of intervals and turns, CSV and Parquet, of any number of recordings. `rtme score` reads the CSV too."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rtme.annotations.facts import Contents, Facts
from rtme.annotations.recording import STATES, Recording, Span, check_fps, in_order
from rtme.annotations.tiers import MEANINGS
from rtme.errors import DataError, SettingsError
from rtme.score.table import NAMES, Row, read_rows

COLUMNS: dict[str, type] = {
    "video": str,
    "type": str,
    "face": int,
    "onset": int,
    "apex": int,
    "offset": int,
    "onset_s": float,
    "apex_s": float,
    "end_s": float,
    "score": float,
    "fps": float,
    "n_frames": int,
    "source": str,
    "engine": str,
    "engine_note": str,
}
"""Name and type of each column; ``score`` is the confidence, ``end_s`` the end of the last frame."""
_NEEDED = ("onset", "offset", "type")


def rows_of(recordings: Iterable[Recording]) -> Iterator[dict[str, Any]]:
    """A row a span; a recording without any expression has a row without onset, offset and type, so that it is known."""
    for recording in recordings:
        about = {
            "video": Path(recording.source).stem or recording.source,
            "fps": recording.fps,
            "n_frames": recording.n_frames,
            "source": recording.source,
            "engine": recording.engine,
            "engine_note": recording.engine_note,
        }
        for span in recording.spans:
            begin, end = span.edges_ms(recording.fps)
            yield about | {
                "type": span.kind,
                "face": span.face,
                "onset": span.first,
                "apex": span.apex,
                "offset": span.last,
                "onset_s": begin / 1000,
                "apex_s": None if span.apex is None else span.apex_edges_ms(recording.fps)[0] / 1000,
                "end_s": end / 1000,
                "score": span.confidence,
            }
        if not recording.of("me", "mae"):
            yield about


def write_csv(path: Path, recordings: list[Recording]) -> None:
    """Write a table."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, list(COLUMNS))
        table.writeheader()
        table.writerows(rows_of(recordings))


def write_parquet(path: Path, recordings: list[Recording]) -> None:
    """Write a table.

    Raises:
        SettingsError: pyarrow is missing.
    """
    pa, parquet = pyarrow()
    types = {int: pa.int64(), float: pa.float64(), str: pa.string()}
    schema = pa.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    parquet.write_table(pa.Table.from_pylist(list(rows_of(recordings)), schema), path)


def read_csv(path: Path) -> list[Contents]:
    """Read a table with at least the columns onset, offset and type.

    Raises:
        DataError: Something is wrong with the file or a row.
    """
    return _read(read_rows(path, _NEEDED))


def read_parquet(path: Path) -> list[Contents]:
    """Likewise.

    Raises:
        DataError: Something is wrong with the file or a row.
        SettingsError: pyarrow is missing.
    """
    pa, parquet = pyarrow()
    try:
        found = parquet.read_table(path).to_pylist()
    except (OSError, pa.ArrowException, ValueError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}") from error
    rows = [
        Row(
            f"{path}, row {number}",
            list(cells),
            {name: str(cell) for name, cell in cells.items() if cell is not None and str(cell)},
        )
        for number, cells in enumerate(found, 1)
    ]
    if rows and (missing := [name for name in _NEEDED if name not in found[0]]):
        raise DataError(f"{path}: no column {missing[0]}: it has {', '.join(found[0])}")
    return _read(rows)


def _read(rows: Iterable[Row]) -> list[Contents]:
    facts: dict[str, Facts] = {}
    spans: dict[str, list[Span]] = {}
    for row in rows:
        cells = row.cells
        source = cells.get("source") or "/".join(cells[name] for name in NAMES if name in cells)
        if source not in facts:
            facts[source] = _facts(row, source)
        found = spans.setdefault(source, [])
        if any(name in cells for name in _NEEDED):
            found.append(_span(row))
    if not facts:
        return [Contents(Facts())]
    return [Contents(facts[source], spans=in_order(found)) for source, found in spans.items()]


def _facts(row: Row, source: str) -> Facts:
    fps = row.number("fps")
    if fps is not None:
        try:
            check_fps(fps)
        except DataError as error:
            raise row.error(error) from None
    n_frames = row.frame("n_frames") if "n_frames" in row.cells else None
    return Facts(source, fps, n_frames, row.cells.get("engine", ""), row.cells.get("engine_note", ""))


def _span(row: Row) -> Span:
    kind = MEANINGS.get(row.text("type").casefold())
    if kind is None:
        raise row.error(f"type is '{row.text('type')}': write me, mae, speaking or listening")
    apex = row.frame("apex") if "apex" in row.cells and kind not in STATES else None
    face = row.frame("face") if "face" in row.cells else 1
    try:
        return Span(kind, row.frame("onset"), row.frame("offset"), face, apex, row.number("score"))
    except DataError as error:
        raise (error if str(error).startswith(row.where) else row.error(error)) from None


def pyarrow() -> tuple[Any, Any]:
    """The library of Parquet files, which is an extra.

    Raises:
        SettingsError: They are missing.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise SettingsError(
            f"Parquet needs pyarrow ({error}): pip install 'rtme[parquet]', or take .csv"
        ) from error
    return pa, parquet
