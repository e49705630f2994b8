"""Events as lines of JSON."""

import os
from collections.abc import Sequence

from rtme.bus.bridges.target import UnreachableError
from rtme.events import AnyEvent, dump


class LinesTarget:
    """Writes one line an event to a file descriptor, standard output by default."""

    name = "standard output"
    key = "jsonl"
    most = 100

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._rest = b""

    def open(self) -> None:
        """Nothing to connect to."""

    def deliver(self, events: Sequence[AnyEvent]) -> None:
        """Write the events; after a failure in the middle of a line, only what was left of them.

        Raises:
            BrokenPipeError: Whoever read has left.
            UnreachableError: It cannot be written now, as on a full disk.
        """
        self._rest = self._rest or b"".join(dump(event) + b"\n" for event in events)
        try:
            while self._rest:
                self._rest = self._rest[os.write(self._descriptor, self._rest) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise UnreachableError(f"it cannot be written ({error.strerror})") from error

    def check(self) -> None:
        """Nothing that could be lost."""

    def close(self) -> None:
        """Nothing to release."""
