"""How the commands print events."""

import os
import sys

from rich.console import Console

from rtme.events import AnyEvent, HeartbeatEvent, dump
from rtme.view.terminal import render


class EventPrinter:
    """Prints events to standard output: coloured on a terminal, plain lines when piped, or JSON lines.

    Args:
        json: One line of JSON an event, heartbeats too.
        heartbeats: Show heartbeats to people as well.
    """

    def __init__(self, *, json: bool, heartbeats: bool = False) -> None:
        self._json = json
        self._heartbeats = heartbeats
        self._console = Console(highlight=False, soft_wrap=True)

    def show(self, event: AnyEvent) -> bool:
        """Print an event; False when it is not one to be shown.

        Raises:
            BrokenPipeError: Whoever read (``| head``) has enough; call :meth:`hush` and leave.
        """
        if self._json:
            _write(dump(event).decode())
        elif isinstance(event, HeartbeatEvent) and not self._heartbeats:
            return False
        elif self._console.is_terminal:
            self._console.print(render(event))
        else:
            _write(render(event).plain)
        return True

    @staticmethod
    def hush() -> None:
        """Write nothing more: the interpreter must not write to a broken pipe at its end either."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
