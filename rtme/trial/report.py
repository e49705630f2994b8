"""A report card on disk: ``REPORT.md``, its pictures and ``report.json``."""

import json
from pathlib import Path

from rtme.errors import DataError
from rtme.trial.card import Card
from rtme.trial.card_page import page
from rtme.trial.card_pictures import draw

PAGE, FIGURES = "REPORT.md", "report.json"


def check_folder(folder: Path) -> None:
    """Find out before the work, not after it, whether a card can be written.

    Raises:
        DataError: It cannot.
    """
    probe = folder / f".{FIGURES}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise DataError(
            f"nothing can be written into {folder} ({error.strerror}): give --out another folder"
        ) from error


def write(card: Card, folder: Path) -> Path:
    """Write a card, what was there before replaced.

    Args:
        card: All figures.
        folder: It exists.

    Returns:
        The page.

    Raises:
        DataError: It cannot be written.
    """
    try:
        pictures = draw(card, folder)
        (folder / FIGURES).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (folder / PAGE).write_text(page(card, pictures), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror}") from error
    return folder / PAGE
