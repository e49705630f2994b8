"""Events of a journal as a table for people."""

from collections.abc import Iterable
from datetime import datetime

from rich.table import Table
from rich.text import Text

from rtme.bus.journal import Stored
from rtme.events import parse
from rtme.view.terminal import describe, printable


def event_table(events: Iterable[Stored]) -> Table:
    """A row for each event: its number, the local time at which it was written, its stream, kind and words."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("seq", justify="right", no_wrap=True)
    for name in ("time", "stream", "kind"):
        table.add_column(name, no_wrap=True)
    table.add_column("what", overflow="fold")
    for stored in events:
        what, style = _words(stored)
        table.add_row(
            str(stored.seq),
            Text(_time(stored.wall_ns), "dim"),
            Text(printable(stored.stream), "cyan"),
            printable(stored.kind),
            Text(printable(what), style),
        )
    return table


def _words(stored: Stored) -> tuple[str, str]:
    try:
        return describe(parse(stored.body))
    except ValueError:  # written by another version
        return stored.body.decode(errors="replace"), "dim"


def _time(wall_ns: int) -> str:
    return datetime.fromtimestamp(wall_ns / 1e9).isoformat(sep=" ", timespec="milliseconds")
