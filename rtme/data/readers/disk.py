"""Finding label files and frames in a licensed copy, however it was unpacked."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path

import av

from rtme.data.manifest import has_content
from rtme.errors import DataError

LEVELS = 5
"""So deep label files and the folder above the subjects' are looked for."""
FRAMES = 100
"""A folder with more pictures is not looked into: listing a million frames takes minutes on a network disk."""
_PICTURES = (".jpg", ".jpeg", ".png", ".bmp")
_PICTURE = re.compile(r"(.*?)(\d+)(\.(?:jpg|jpeg|png|bmp))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Frames:
    """Numbered pictures in a folder.

    Attributes:
        folder: Where they are.
        pattern: Format of their names, such as ``img{}.jpg`` or ``006_1_{:04d}.jpg``.
        first: Lowest number.
        n_frames: Highest number minus lowest plus one.
        missing: Numbers in between without a picture, or with an empty file.
    """

    folder: Path
    pattern: str
    first: int
    n_frames: int
    missing: int = 0

    def holds(self, onset: float, offset: float) -> bool:
        """Whether label numbers onset to offset are numbers of these pictures."""
        return self.first <= onset and offset < self.first + self.n_frames


def find_file(root: Path, *patterns: str) -> Path:
    """The file that matches the first pattern with a match, nearest to the root; case does not matter.

    Raises:
        DataError: The folder or the file is not there, or several match equally well.
    """
    found = try_file(root, *patterns)
    if found is None:
        seen = [path.name for path in _walk(root) if path.suffix.lower() in (".xls", ".xlsx", ".csv")]
        raise DataError(
            f"{root}: no label file {patterns[0]}; found {', '.join(seen[:6]) or 'no spreadsheet'}: "
            "give the folder that holds it"
        )
    return found


def try_file(root: Path, *patterns: str) -> Path | None:
    """As :func:`find_file`, None when nothing matches."""
    if not root.is_dir():
        raise DataError(f"{root} is not a folder: give the folder the dataset was unpacked into")
    for pattern in patterns:
        matches: list[Path] = []
        for path in _walk(root):
            if matches and len(path.parts) > len(matches[0].parts):
                break
            # Excel leaves "~$name.xlsx" beside a file that is open.
            if fnmatch(path.name.casefold(), pattern.casefold()) and not path.name.startswith("~$"):
                matches.append(path)
        if len(matches) > 1:
            raise DataError(
                f"{root}: {' and '.join(p.name for p in matches)} both fit {pattern}: keep one of them"
            )
        if matches:
            return matches[0]
    return None


def find_folder(root: Path, child: str, *names: str) -> Path | None:
    """The folder with a subfolder like ``child``: one called as the first of ``names``, else the next, else any."""
    wanted = [name.casefold() for name in names]
    candidates: list[Path] = []
    for folder in chain((root,), _walk(root, folders=True)):
        if any(fnmatch(inner.name.casefold(), child.casefold()) for inner in subfolders(folder)):
            candidates.append(folder)
            if folder.name.casefold() in wanted[:1]:
                break
    rank = {name: at for at, name in enumerate(wanted)}
    return min(candidates, key=lambda folder: rank.get(folder.name.casefold(), len(rank)), default=None)


def subfolders(folder: Path) -> list[Path]:
    """Folders within, by name; [] when there is no such folder."""
    try:
        return sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_dir())
    except OSError:
        return []


def within(folder: Path | None, *names: str) -> Path | None:
    """A folder further down, where the case of the names does not matter."""
    for name in names:
        if folder is None:
            return None
        exact = folder / name
        alike = (inner for inner in subfolders(folder) if inner.name.casefold() == name.casefold())
        folder = exact if exact.is_dir() else next(alike, None)
    return folder


def find_frames(folder: Path | None) -> Frames | None:
    """Numbered pictures of a folder, None when there are none; of several kinds the most frequent."""
    if folder is None or not folder.is_dir():
        return None
    kinds: dict[tuple[str, str], dict[int, str]] = {}
    for entry in os.scandir(folder):
        match = _PICTURE.fullmatch(entry.name)
        if match and has_content(entry):
            kinds.setdefault((match[1], match[3]), {})[int(match[2])] = match[2]
    if not kinds:
        return None
    (before, after), numbers = max(kinds.items(), key=lambda kind: len(kind[1]))
    low, high = min(numbers), max(numbers)
    padded = [len(digits) for digits in numbers.values() if digits.startswith("0") and len(digits) > 1]
    middle = f"{{:0{min(padded)}d}}" if padded else "{}"
    literal = [part.replace("{", "{{").replace("}", "}}") for part in (before, after)]
    return Frames(
        folder, literal[0] + middle + literal[1], low, high - low + 1, high - low + 1 - len(numbers)
    )


def probe(path: Path) -> tuple[float, int]:
    """Frames per second and number of frames of a video file.

    Raises:
        DataError: It cannot be read.
    """
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            rate = stream.average_rate or stream.guessed_rate
            n_frames = stream.frames or sum(1 for packet in container.demux(stream) if packet.size)
    except (av.FFmpegError, IndexError, OSError) as error:
        raise DataError(f"{path} cannot be read as a video ({error}): get the file again") from error
    if not rate or not n_frames:
        raise DataError(f"{path} has no frames or no frame rate: get the file again")
    return float(rate), n_frames


def find_videos(root: Path, *endings: str) -> dict[str, Path]:
    """Video files below the root by their name without ending, in lower case."""
    return {path.stem.casefold(): path for path in _walk(root) if path.suffix.lower() in endings}


def _walk(root: Path, folders: bool = False) -> Iterator[Path]:
    """Files (or folders), level by level, so that what lies near the root is found before frames are listed."""
    level = [root]
    for _ in range(LEVELS):
        below: list[Path] = []
        for folder in level:
            entries = _entries(folder)
            inner = [Path(entry.path) for entry in entries if entry.is_dir()]
            below += inner
            yield from inner if folders else (Path(entry.path) for entry in entries if entry.is_file())
        level = below


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, by name; [] for a folder of frames."""
    entries: list[os.DirEntry[str]] = []
    n_pictures = 0
    try:
        for entry in os.scandir(folder):
            entries.append(entry)
            n_pictures += entry.name.lower().endswith(_PICTURES)
            if n_pictures > FRAMES:
                return []
    except OSError:
        return []
    return sorted(entries, key=lambda entry: entry.name)


def each(root: Path | None, *patterns: str) -> Iterator[tuple[Path, ...]]:
    """Folders below the root whose names match one pattern a level, as tuples from the top."""
    if root is None or not patterns:
        return
    for folder in subfolders(root):
        if re.fullmatch(patterns[0], folder.name, re.IGNORECASE):
            if len(patterns) == 1:
                yield (folder,)
            else:
                yield from ((folder, *rest) for rest in each(folder, *patterns[1:]))
