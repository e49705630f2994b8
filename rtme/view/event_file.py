"""Events as a file for other programs: JSON lines, CSV or Parquet.

The columns of a table are those of every kind of event there is, so that they do not depend on which events chanced
to be in it. A mark becomes four columns (``onset_frame``, ``onset_time_s``, …), anything deeper JSON.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from rtme.bus.journal import Stored
from rtme.errors import SettingsError
from rtme.events import AnyEvent, Mark
from rtme.whole import whole

CHUNK = 10_000
TIME = "time"
"""The column with the time at which an event was written to the journal."""


def write_events(path: Path, events: Iterable[Stored]) -> int:
    """Write events to a file; its name says the form: ``.jsonl``, ``.csv`` or ``.parquet``.

    Args:
        path: A file that exists is replaced when everything is written.
        events: In the order in which they are to stand there.

    Returns:
        How many there were.

    Raises:
        SettingsError: Another ending, pyarrow is missing (Parquet), or the file cannot be written.
    """
    writer = _WRITERS.get(path.suffix)
    if writer is None:
        raise SettingsError(f"cannot write {path}: the name must end in {', '.join(_WRITERS)}")
    try:
        with whole(path) as draft:
            return writer(draft, events)
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror or error}") from error


def _write_lines(path: Path, events: Iterable[Stored]) -> int:
    count = 0
    with path.open("wb") as file:
        for stored in events:
            file.write(stored.body + b"\n")
            count += 1
    return count


def _write_csv(path: Path, events: Iterable[Stored]) -> int:
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(columns()))
        table.writeheader()
        for stored in events:
            row = flat(stored)
            table.writerow(row | {TIME: row[TIME].isoformat()})
            count += 1
    return count


def _write_parquet(path: Path, events: Iterable[Stored]) -> int:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise SettingsError(
            f"Parquet needs pyarrow ({error}): pip install 'rtme[parquet]', or write .csv or .jsonl"
        ) from error
    types = {
        bool: pa.bool_(),
        int: pa.int64(),
        float: pa.float64(),
        str: pa.string(),
        datetime: pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in columns().items()])
    count = 0
    with parquet.ParquetWriter(path, schema) as table:
        for rows in _chunks(flat(stored) for stored in events):
            table.write_table(pa.Table.from_pylist(rows, schema))
            count += len(rows)
    return count


_WRITERS: dict[str, Callable[[Path, Iterable[Stored]], int]] = {
    ".jsonl": _write_lines,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}


@cache
def columns() -> dict[str, type]:
    """Name and type of every column: bool, int, float, str or datetime."""
    found: dict[str, type] = {TIME: datetime}
    for model in get_args(get_args(AnyEvent)[0]):
        for name, field in model.model_fields.items():
            kind = _plain(field.annotation)
            if kind is Mark:
                found |= {f"{name}_{part}": _plain(of.annotation) for part, of in Mark.model_fields.items()}
            else:
                found[field.alias or name] = kind
    return found


def flat(stored: Stored) -> dict[str, Any]:
    """One event as a row; what it does not have is left out, and what this version does not know as well."""
    row: dict[str, Any] = {TIME: datetime.fromtimestamp(stored.wall_ns / 1e9, UTC)}
    known = columns()
    for name, value in json.loads(stored.body).items():
        if name in known:
            row[name] = json.dumps(value) if isinstance(value, dict | list) else value
        elif isinstance(value, dict):
            row |= {f"{name}_{part}": of for part, of in value.items() if f"{name}_{part}" in known}
    return row


def _plain(annotation: Any) -> type:
    """The type of a field for a table."""
    if get_origin(annotation) is Literal:
        return type(get_args(annotation)[0])
    choices = [kind for kind in get_args(annotation) if kind is not NoneType]
    if NoneType in get_args(annotation) and len(choices) == 1:
        return _plain(choices[0])
    if annotation in (bool, int, float, str, Mark):
        return annotation  # type: ignore[no-any-return]
    assert get_origin(annotation) is dict or issubclass(annotation, BaseModel)
    return str


def _chunks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk
