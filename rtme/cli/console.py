"""Where the command writes: what was asked for on standard output, everything else on standard error."""

import json
import math
import os
from pathlib import Path
from typing import Any

from rich.console import Console

from rtme.errors import SettingsError
from rtme.whole import whole

WIDE = 200
"""Columns of a table in a pipe or a file, where nobody's window is too narrow; ``COLUMNS`` says otherwise."""


def results(*, soft_wrap: bool = False) -> Console:
    """For what was asked for: coloured on a terminal, plain in a pipe or a file.

    Args:
        soft_wrap: Leave the wrapping of lines to the terminal; not for tables.
    """
    console = Console(highlight=False, soft_wrap=soft_wrap)
    if console.is_terminal or "COLUMNS" in os.environ:
        return console
    return Console(highlight=False, soft_wrap=soft_wrap, width=WIDE)


def notes() -> Console:
    """For what is said beside a result, in plain text (``markup=True`` where it is wanted)."""
    return Console(stderr=True, highlight=False, soft_wrap=True, markup=False, log_path=False)


def print_json(content: Any) -> None:
    """Print one JSON document. A number that is none (NaN, infinity) is null, which every reader of JSON knows."""
    print(as_json(content))


def as_json(content: Any) -> str:
    """The same as text."""
    return json.dumps(_known(content), indent=2, ensure_ascii=False)


def check_folders(*files: Path | None) -> None:
    """Find out before the work, not after, that a result cannot be written.

    Raises:
        SettingsError: A file's folder does not exist, or a folder has its name.
    """
    for file in files:
        if file is None:
            continue
        if not file.parent.is_dir():
            raise SettingsError(f"cannot write {file}: the folder {file.parent} does not exist")
        if file.is_dir():
            raise SettingsError(f"cannot write {file}: it is a folder")


def write(file: Path, text: str) -> None:
    """Write a result.

    Raises:
        SettingsError: It cannot be written.
    """
    try:
        with whole(file) as draft:
            draft.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot write {file}: {error.strerror}") from error


def _known(content: Any) -> Any:
    match content:
        case float():
            return content if math.isfinite(content) else None
        case dict():
            return {name: _known(inner) for name, inner in content.items()}
        case list() | tuple():
            return [_known(inner) for inner in content]
        case Path():
            return str(content)
        case _:
            return content
