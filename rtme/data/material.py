"""A folder of pictures and videos as training material, split by person before anything else.

Any folder works. Without a table each file is a person of its own. With ``people.csv``
(``file,person[,split]``, ``file`` relative to the folder) several files may be one person, and splits may be
fixed by hand.
"""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from rtme.errors import DataError

Split = Literal["train", "validation", "test"]
_Table = dict[str, tuple[str, Split | None]]

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
        file: Its name in the material, relative to the folder, with forward slashes; of several folders it begins with
            the folder's name.
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


def read(faces: Path | Sequence[Path], people: Path | None = None, seed: int = 0) -> list[Item]:
    """Every picture and video under one or several folders, with its person and split, in the order of their names.

    Args:
        faces: The material's folder or folders; searched with their sub-folders. The same name in two tables is the same
            person.
        people: A table ``file,person[,split]``; ``people.csv`` in each folder that has one when None. Where a table is
            given, files it does not name are left out. Of several folders, ``file`` begins with the folder's name.
        seed: For the split of people that the table does not place.

    Raises:
        DataError: A folder or table cannot be used, or one person is in two splits.
    """
    folders = [faces] if isinstance(faces, Path) else list(faces)
    given = _read_table(people) if people is not None else None
    items: list[Item] = []
    for folder, name in zip(folders, _names(folders), strict=True):
        items += _read_folder(folder, name, given, seed)
    if not items:
        raise DataError(f"no picture or video to use in {', '.join(map(str, folders))}")
    _check_people(items)
    return items


def _read_folder(folder: Path, name: str, given: _Table | None, seed: int) -> list[Item]:
    """What is in one folder; ``name`` goes before the names of its files."""
    own = folder / "people.csv"
    table = given
    if given is None and own.is_file():
        table = {f"{name}{file}": who for file, who in _read_table(own).items()}
    items = []
    for path in sorted(folder.rglob("*")):
        suffix = path.suffix.lower()
        file = f"{name}{path.relative_to(folder).as_posix()}"
        if suffix not in PICTURES | VIDEOS or (table is not None and file not in table):
            continue
        person, split = (table or {}).get(file, (file, None))
        kind: Literal["portrait", "clip"] = "portrait" if suffix in PICTURES else "clip"
        items.append(Item(path, file, kind, person, split or split_of(person, seed)))
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


def _names(folders: Sequence[Path]) -> list[str]:
    """What goes before the names of each folder's files: nothing where it is the only one."""
    for folder in folders:
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder: give a folder of portraits and videos")
    whole = [folder.resolve() for folder in folders]
    for number, folder in enumerate(whole):
        for other in whole[:number]:
            if folder.name == other.name or folder in other.parents or other in folder.parents:
                raise DataError(
                    f"{other} and {folder} have one name or are one in the other: rename one, or give what holds both"
                )
    return [f"{folder.name}/" for folder in whole] if len(whole) > 1 else [""]


def _read_table(path: Path) -> _Table:
    if not path.is_file():
        raise DataError(f"no table of people at {path}")
    table: _Table = {}
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
