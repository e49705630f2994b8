"""How far something is, on standard error: a bar with the time left on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from rtme.cli.console import notes

EVERY_S = 30.0
"""Between two lines where no bar can be drawn."""


class Going(Protocol):
    """What a verb tells while it works."""

    def at(self, done: float, total: float | None = None, what: str = "") -> None:
        """How far it is.

        Args:
            done: Of ``total``, in any unit.
            total: None where nobody knows.
            what: Is being done. Another one begins at its own 0, and so does the same when it goes back.
        """

    def say(self, line: str, *, wrong: bool = False) -> None:
        """A line that stays."""


def tell(line: str) -> None:
    """A line about long work, with the time of day."""
    notes().log(line)


@contextmanager
def progress(what: str) -> Iterator[Going]:
    """Show how far something is while it lasts.

    Args:
        what: What is done, until :meth:`Going.at` names something else.
    """
    console = notes()
    if console.is_terminal and not console.is_dumb_terminal:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[count]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("left"),
        )
        # What is printed to standard output meanwhile is a result, and must not come out here.
        with Progress(*columns, console=console, transient=True, redirect_stdout=False) as bar:
            yield _Bar(bar, what)
    else:
        yield _Lines(console, what)


class _Bar:
    def __init__(self, bar: Progress, what: str) -> None:
        self._bar, self._what, self._done = bar, what, 0.0
        self._task: TaskID = bar.add_task(what, total=None, count="")

    def at(self, done: float, total: float | None = None, what: str = "") -> None:
        what = what or self._what
        if what != self._what or done < self._done:
            # Its speed is not that of what was before.
            self._bar.remove_task(self._task)
            self._task = self._bar.add_task(what, total=total, count="")
        self._what, self._done = what, done
        self._bar.update(self._task, completed=done, total=total, count=_count(done, total))

    def say(self, line: str, *, wrong: bool = False) -> None:
        self._bar.console.print(line, style="red" if wrong else None)


class _Lines:
    def __init__(self, console: Console, what: str) -> None:
        self._console, self._what, self._done = console, what, 0.0
        self._began = self._told = time.monotonic()

    def at(self, done: float, total: float | None = None, what: str = "") -> None:
        now = time.monotonic()
        what = what or self._what
        if what != self._what or done < self._done:
            self._began = now
        self._what, self._done = what, done
        if now - self._told >= EVERY_S:
            self._told = now
            left = _left(done, total, now - self._began)
            self._console.print(f"{self._what}: {_count(done, total)}{left}")

    def say(self, line: str, *, wrong: bool = False) -> None:
        self._console.print(line, style="red" if wrong else None)


def _count(done: float, total: float | None) -> str:
    return f"{done:.0f}" if total is None else f"{done:.0f} of {total:.0f}"


def _left(done: float, total: float | None, passed_s: float) -> str:
    if total is None or done <= 0:
        return ""
    left_s = passed_s / done * max(0.0, total - done)
    return f", about {left_s / 60:.0f} min left" if left_s > 90 else f", about {left_s:.0f} s left"
