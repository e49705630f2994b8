"""``rtme events``: what a service has sent."""

import re
import sys
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from rtme.bus.address import DEFAULT_ADDRESS
from rtme.bus.journal import JournalReader, Stored
from rtme.bus.journal_path import NONE, default_journal
from rtme.bus.subscriber import KINDS
from rtme.cli.console import print_json, results
from rtme.cli.options import JsonLines, Kinds, Streams, output
from rtme.cli.output import EventPrinter
from rtme.errors import SettingsError
from rtme.settings import load_settings
from rtme.view.event_file import write_events
from rtme.view.event_table import event_table

SHOWN = 50
UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def events(
    journal: Annotated[
        Path | None,
        typer.Argument(help="The SQLite file.  [default: that of `rtme live`]", show_default=False),
    ] = None,
    streams: Streams = None,
    kinds: Kinds = None,
    since: Annotated[
        str | None,
        typer.Option(help="Sent at this time or later: 2026-11-28T09:30, or 10m ago.", show_default=False),
    ] = None,
    until: Annotated[str | None, typer.Option(help="Sent before this time.", show_default=False)] = None,
    run: Annotated[
        str | None, typer.Option(help="Only this run; the beginning of its name will do.", show_default=False)
    ] = None,
    from_seq: Annotated[
        int | None, typer.Option(help="Only from this number on.", min=0, show_default=False)
    ] = None,
    last: Annotated[
        int | None,
        typer.Option(
            help=f"Only the newest so many.  [default: {SHOWN} in a table]", min=1, show_default=False
        ),
    ] = None,
    json: JsonLines = False,
    out: Annotated[Path | None, output("Write to this .parquet, .csv or .jsonl file.")] = None,
) -> None:
    """Show what a service has sent, from its journal. Also while it runs.

    Examples:
    - `rtme events --kind interval --since 10m`
    - `rtme events --stream door --since 2026-11-28T09:00 --until 2026-11-28T10:00 -o door.parquet`
    - `rtme events /var/lib/rtme/journal-5556.sqlite --json --from-seq 1200`
    """
    if unknown := sorted(set(kinds or ()) - KINDS):
        raise SettingsError(
            f"no event is of kind {', '.join(unknown)}: choose from {', '.join(sorted(KINDS))}"
        )
    begin, end = (None if text is None else _wall_ns(text) for text in (since, until))
    in_words = not json and out is None
    with JournalReader(journal or _usual_journal()) as reader:
        found = reader.query(
            streams or None,
            kinds or None,
            begin,
            end,
            run_id=run,
            first=from_seq,
            last=SHOWN if in_words and last is None else last,
        )
        if out is not None:
            written = write_events(out, found)
            if json:
                print_json({"events": written, "file": out})
            else:
                print(f"{written} events are in {out}")
        elif json:
            _print_lines(found)
        else:
            _print_table(list(found), reader.path, said=last is not None)


def _usual_journal() -> Path:
    settings = load_settings(None)
    if settings.journal not in (None, NONE):
        return Path(settings.journal)
    bind = settings.bind or DEFAULT_ADDRESS
    path = default_journal(bind)
    if path is None:
        raise SettingsError(f"a service on {bind} has no journal of its own: name the file")
    return path


def _print_lines(found: Iterable[Stored]) -> None:
    try:
        for stored in found:
            sys.stdout.buffer.write(stored.body + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        EventPrinter.hush()


def _print_table(found: list[Stored], journal: Path, *, said: bool) -> None:
    console = results()
    try:
        console.print(event_table(found))
        if not found:
            console.print(f"no event of {journal} fits", markup=False)
        elif len(found) == SHOWN and not said:
            console.print(f"the newest {SHOWN}: more with --last N, all with --json or --output", style="dim")
    except BrokenPipeError:
        EventPrinter.hush()


def _wall_ns(text: str) -> int:
    """A moment on the wall clock: ISO 8601, local time unless it says, or how long ago."""
    if ago := re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])(?: ago)?", text.strip()):
        return time.time_ns() - int(float(ago[1]) * UNITS_S[ago[2]] * 1e9)
    try:
        return int(datetime.fromisoformat(text.strip()).timestamp() * 1e9)
    except (ValueError, OverflowError, OSError) as error:
        raise SettingsError(
            f"{text!r} is no time: write 2026-11-28T09:30, or 30s, 10m, 2h or 1d for that long ago"
        ) from error
