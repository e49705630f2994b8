"""One run at a time in a folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rtme.errors import DataError


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep a folder, which is made where there is none: two runs would write the same files.

    Raises:
        DataError: Another run has it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataError(f"another run fills {folder}: let it end, or give another folder") from error
        yield
    finally:
        os.close(handle)
