"""That a command ends when it is done, whatever hangs."""

import atexit
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import typer

from rtme.errors import RtmeError


@contextmanager
def not_held_up(hangs: Callable[[], bool]) -> Iterator[None]:
    """Let the process end although a thread hangs in a driver or library, which would be waited for when it is unloaded.

    Args:
        hangs: Asked at the end, whether there is such a thread.
    """
    code = 0
    try:
        yield
    except typer.Exit as leaving:
        code = leaving.exit_code
        raise
    except RtmeError as error:
        code = error.exit_code
        raise
    finally:
        if hangs():
            atexit.register(_leave, code)


def _leave(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
