"""A folder of pictures and videos as training material, split by person before anything else.

Any folder works. Without a table each file is a person of its own. With ``people.csv``
(``file,person[,split]``, ``file`` relative to the folder) several files may be one person, and splits may be
fixed by hand.
"""

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from rtme.errors import DataError

Split = Literal["train", "validation", "test"]

PICTURES = frozenset({".jpg", ".jpeg", ".png"})
VIDEOS = frozenset({".mp4", ".mkv", ".avi", ".mpg", ".mpeg", ".mov", ".webm", ".gif"})

# Of every hundred people, by the hash of their name, these many are kept away from training.
_TEST_PERCENT = 20
_VALIDATION_PERCENT = 9


@dataclass(frozen=True, slots=True)
class Item:
    """One file of the material.

    Attributes:
        path: Where it is.
        file: Its name in the material, relative to the folder, with forward slashes.
        kind: A portrait to animate, or a real clip.
        person: Who is seen.
        split: What this person may be used for.
    """

    path: Path
    file: str
    kind: Literal["portrait", "clip"]
    person: str
    split: Split


def split_of(person: str, seed: int = 0) -> Split:
    """The split of a person by a hash of the name: the same on every machine, whoever else is there."""
    bucket = int(hashlib.sha256(f"{seed}:{person}".encode()).hexdigest(), 16) % 100
    if bucket < _TEST_PERCENT:
        return "test"
    return "validation" if bucket < _TEST_PERCENT + _VALIDATION_PERCENT else "train"


def read(folder: Path, people: Path | None = None, seed: int = 0) -> list[Item]:
    """Every picture and video under a folder, with its person and split, in the order of their names.

    Args:
        folder: The material; searched with its sub-folders.
        people: A table ``file,person[,split]``; ``people.csv`` in the folder when None and there is one.
            Where a table is given, files it does not name are left out.
        seed: For the split of people that the table does not place.

    Raises:
        DataError: The folder or table cannot be used, or one person is in two splits.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: give a folder of portraits and videos")
    if people is None and (folder / "people.csv").is_file():
        people = folder / "people.csv"
    table = _read_table(people) if people is not None else None
    items = []
    for path in sorted(folder.rglob("*")):
        suffix = path.suffix.lower()
        file = path.relative_to(folder).as_posix()
        if suffix not in PICTURES | VIDEOS or (table is not None and file not in table):
            continue
        person, split = (table or {}).get(file, (file, None))
        kind: Literal["portrait", "clip"] = "portrait" if suffix in PICTURES else "clip"
        items.append(Item(path, file, kind, person, split or split_of(person, seed)))
    if not items:
        raise DataError(f"no picture or video to use in {folder}")
    _check_people(items)
    return items


def write_table(items: list[Item], path: Path) -> None:
    """Write who is who and who is split where, so that a training can be repeated and checked.

    Raises:
        DataError: It cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["file", "person", "split"])
            writer.writerows((item.file, item.person, item.split) for item in items)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error


def _read_table(path: Path) -> dict[str, tuple[str, Split | None]]:
    if not path.is_file():
        raise DataError(f"no table of people at {path}")
    table: dict[str, tuple[str, Split | None]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name, person, split = (row.get(key) or "" for key in ("file", "person", "split"))
            if not name or not person:
                raise DataError(f"{path}: every row needs a file and a person, not {row}")
            if split and split not in get_args(Split):
                raise DataError(f"{path}: split of {name} is {split!r}; use train, validation or test")
            table[name] = (person, split or None)  # type: ignore[assignment]
    return table


def _check_people(items: list[Item]) -> None:
    splits: dict[str, Split] = {}
    for item in items:
        known = splits.setdefault(item.person, item.split)
        if known != item.split:
            raise DataError(f"{item.person} is in {known} and in {item.split}: a person has one split")
