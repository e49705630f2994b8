"""The one manifest: every labelled interval of every dataset, and where the frames of each video lie.

Two tables: ``manifest.csv``, one row an interval, and ``manifest.videos.csv`` beside it, one row a video, those without
any interval too. Frames are 0-based and inclusive. ``manifest.repairs.json``, where there is one, says how labels were
repaired, for the figures that rest on them.
"""

import csv
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TextIO, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from rtme.errors import DataError
from rtme.whole import whole

Type = Literal["me", "mae"]
State = Literal["speaking", "listening"]
Key = tuple[str, str, str]
"""(dataset, subject, video): what names a video, since two datasets may use the same names."""
Person = tuple[str, str]
"""(dataset, subject)."""


MOST_FRAMES = 10_000_000
"""In one video: four days at 30 a second. What claims more is a slip of the pen, and would fill the memory."""
_LITERAL = r"(?:[^{}]|\{\{|\}\})*"
_PICTURE_NAME = re.compile(rf"{_LITERAL}\{{(?::0?\d{{1,2}}d)?\}}{_LITERAL}", re.DOTALL)


def to_frame(label: int, first: int = 1) -> int:
    """Turn a dataset's frame number into ours, which begin at 0.

    Args:
        label: Frame number as the label file has it.
        first: The number that the same numbering gives to the first frame of the video: 1 for whole videos, the
            number in the first file's name for clips cut out of a longer recording.
    """
    return label - first


def has_content(entry: os.DirEntry[str]) -> bool:
    """Whether a file is there and not empty: interrupted copies leave empty files, moved ones dangling links."""
    try:
        return entry.stat().st_size > 0
    except FileNotFoundError:
        return False


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Span(_Row):
    """Something else that is known of part of a video, first to last frame inclusive."""

    what: Literal["speaking", "listening", "blink"]
    onset: int = Field(ge=0)
    offset: int = Field(ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.onset > self.offset:
            raise ValueError(
                f"the span begins at {self.onset} and ends at {self.offset}: swap or correct them"
            )
        return self

    def __str__(self) -> str:
        return f"{self.what}:{self.onset}-{self.offset}"


class Interval(_Row):
    """One labelled expression.

    Attributes:
        dataset: Short name of the dataset, which keeps equal subject names of two datasets apart.
        subject: The person, as text (``006`` is not ``6``).
        video: Name of the video or clip, unique for the subject.
        onset: First frame.
        apex: Frame of the strongest movement, None when the labels do not say.
        offset: Last frame.
        type: Micro- ("me") or macro-expression ("mae").
        emotion: As the dataset names it, in lower case.
        au: FACS units as coded, such as ``4``, ``R12``, ``14A``; ``12/14`` when the coder left two possible.
        state: Whether the person was speaking or listening.
        fps: Frames per second of the video.
        n_frames: Length of the video, None when its frames were not found.
        origin: File, sheet and row the label comes from.
    """

    dataset: str = Field(min_length=1)
    subject: str = Field(min_length=1)
    video: str = Field(min_length=1)
    onset: int = Field(ge=0)
    apex: int | None = None
    offset: int = Field(ge=0)
    type: Type
    emotion: str | None = None
    au: tuple[Annotated[str, Field(pattern=r"^[^+\s]+$")], ...] = ()
    state: State | None = None
    fps: float = Field(gt=0, allow_inf_nan=False)
    n_frames: int | None = Field(None, gt=0)
    origin: str = ""

    @field_validator("au", mode="before")
    @classmethod
    def _split_units(cls, value: Any) -> Any:
        return tuple(value.split("+")) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.onset > self.offset:
            raise ValueError(f"onset {self.onset} comes after offset {self.offset}: swap or correct them")
        if self.apex is not None and not self.onset <= self.apex <= self.offset:
            raise ValueError(
                f"apex {self.apex} is outside of {self.onset} to {self.offset}: correct it, or leave it empty"
            )
        if self.n_frames is not None and self.offset >= self.n_frames:
            raise ValueError(
                f"offset {self.offset} is beyond the video's end ({self.n_frames} frames): "
                "shorten the interval, or complete the video's frames"
            )
        return self

    @property
    def key(self) -> Key:
        """Which video this is in."""
        return self.dataset, self.subject, self.video

    @property
    def person(self) -> Person:
        """Who is seen."""
        return self.dataset, self.subject


class Video(_Row):
    """One video or clip: a folder of numbered pictures, or a video file.

    Attributes:
        n_frames: Last number minus first number plus one for pictures, dropped ones included; None if not found.
        folder: Where the pictures are, empty for a video file.
        pattern: Format of a picture's name, such as ``img{}.jpg`` or ``006_1_{:04d}.jpg``.
        first: Number of the first picture.
        file: The video file, empty for pictures.
        depth_folder: Where the depth maps are (CAS(ME)^3), with the same numbers; may be empty.
        depth_pattern: Format of a depth map's name.
        spans: Turns of speaking and listening, and blinks.
    """

    dataset: str = Field(min_length=1)
    subject: str = Field(min_length=1)
    video: str = Field(min_length=1)
    fps: float = Field(gt=0, allow_inf_nan=False)
    n_frames: int | None = Field(None, gt=0, le=MOST_FRAMES)
    folder: str = ""
    pattern: str = ""
    first: int = 1
    file: str = ""
    depth_folder: str = ""
    depth_pattern: str = ""
    spans: tuple[Span, ...] = ()

    @field_validator("spans", mode="before")
    @classmethod
    def _split_spans(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        parts = [re.fullmatch(r"(\w+):(\d+)-(\d+)", word) for word in value.split()]
        if None in parts:
            raise ValueError(f"spans are '{value}': write them as speaking:0-120 blink:40-44")
        return tuple(
            {"what": part[1], "onset": int(part[2]), "offset": int(part[3])} for part in parts if part
        )

    @field_validator("pattern", "depth_pattern")
    @classmethod
    def _takes_one_number(cls, pattern: str) -> str:
        if pattern and _PICTURE_NAME.fullmatch(pattern) is None:
            raise ValueError(
                f"pattern '{pattern}' has no one place for a number: write it as img{{:04d}}.jpg"
            )
        return pattern

    @model_validator(mode="after")
    def _spans_within(self) -> Self:
        for span in self.spans:
            if self.n_frames is not None and span.offset >= self.n_frames:
                raise ValueError(
                    f"span {span} is beyond the video's end ({self.n_frames} frames): shorten it"
                )
        return self

    @property
    def key(self) -> Key:
        """Name of this video among all."""
        return self.dataset, self.subject, self.video

    @property
    def person(self) -> Person:
        """Who is seen."""
        return self.dataset, self.subject

    def pictures(self) -> list[Path]:
        """The picture of each frame; a dropped or empty one is replaced by the last good one before it.

        Raises:
            DataError: The frames are in a video file, or the folder has none of them.
        """
        if not self.pattern or self.n_frames is None:
            raise DataError(f"{'/'.join(self.key)} has no folder of pictures in the manifest")
        folder = Path(self.folder)
        try:
            good = {entry.name for entry in os.scandir(folder) if has_content(entry)}
        except (OSError, ValueError) as error:  # ValueError: a character that no file name can have
            raise DataError(f"{folder} cannot be read: {error}; has the dataset moved?") from error
        names = [self.pattern.format(self.first + index) for index in range(self.n_frames)]
        last = next((name for name in names if name in good), None)
        if last is None:
            raise DataError(f"{folder} has no picture {self.pattern}: has the dataset moved?")
        paths = []
        for name in names:
            last = name if name in good else last
            paths.append(folder / last)
        return paths


class Policy(_Row):
    """How the labels of one dataset were repaired.

    Attributes:
        choices: What was done with each kind of fault.
        repairs: How many rows had which fault.
    """

    choices: dict[str, str]
    repairs: dict[str, int]

    def __str__(self) -> str:
        kinds = ", ".join(f"{what} {count}" for what, count in self.repairs.items())
        by = " ".join(f"{key}={value}" for key, value in self.choices.items())
        return f"{sum(self.repairs.values())} repaired rows{f' ({kinds})' if kinds else ''}, by {by}"


@dataclass(frozen=True)
class Manifest:
    """Intervals and videos of one or more datasets, and how the labels of each were repaired, where that is known."""

    intervals: tuple[Interval, ...] = ()
    videos: tuple[Video, ...] = ()
    policies: Mapping[str, Policy] = field(default_factory=dict)

    def check(self, where: str = "the manifest") -> None:
        """Look at what no single row can show.

        Raises:
            DataError: An interval or a video is there twice, or an interval has no video or another length or rate.
        """
        videos: dict[Key, Video] = {}
        for video in self.videos:
            if video.key in videos:
                raise DataError(
                    f"{where}: video {'/'.join(video.key)} is there twice: give each its own name, or each dataset its own"
                )
            videos[video.key] = video
        seen: dict[tuple[object, ...], str] = {}
        for number, interval in enumerate(self.intervals, start=2):
            row = f"{where}, row {number}" + (f" ({interval.origin})" if interval.origin else "")
            same = (interval.key, interval.onset, interval.offset, interval.type)
            if same in seen:
                raise DataError(f"{row}: the same interval as in row {seen[same]}: delete one of them")
            seen[same] = str(number)
            found = videos.get(interval.key)
            if found is None:
                raise DataError(
                    f"{row}: video {'/'.join(interval.key)} is not in the table of videos: add it there"
                )
            if (found.fps, found.n_frames) != (interval.fps, interval.n_frames):
                raise DataError(
                    f"{row}: {interval.n_frames} frames at {interval.fps:g} a second, but the table of videos has "
                    f"{found.n_frames} at {found.fps:g}: correct one of them"
                )

    def save(self, path: Path) -> None:
        """Write ``path``, and the table of videos and the repairs beside it.

        Raises:
            DataError: A file cannot be written, or the manifest does not pass :meth:`check`.
        """
        self.check(path.name)
        _write(path, Interval, self.intervals)
        _write(videos_path(path), Video, self.videos)
        _write_whole(
            policies_path(path),
            lambda stream: stream.write(_POLICIES.dump_json(dict(self.policies), indent=2).decode()),
        )


def load(path: Path) -> Manifest:
    """Read a manifest and the table of videos beside it.

    Raises:
        DataError: A file is missing, a column is, or a row is wrong; with file, row and what to do.
    """
    manifest = Manifest(tuple(_read(path, Interval)), tuple(_read(videos_path(path), Video)), policies(path))
    manifest.check(path.name)
    return manifest


def merge(manifests: Iterable[Manifest]) -> Manifest:
    """Put datasets together. Equal subject names stay apart, because the dataset is part of a subject's name.

    Raises:
        DataError: The same video is in two of them.
    """
    parts = list(manifests)
    merged = Manifest(
        tuple(interval for part in parts for interval in part.intervals),
        tuple(video for part in parts for video in part.videos),
        {name: policy for part in parts for name, policy in part.policies.items()},
    )
    merged.check("the merged manifest")
    return merged


def videos_path(path: Path) -> Path:
    """Where the table of videos of a manifest lies."""
    return path.with_name(f"{path.stem}.videos{path.suffix}")


def policies_path(path: Path) -> Path:
    """Where the repairs of a manifest are told."""
    return path.with_name(f"{path.stem}.repairs.json")


def policies(path: Path) -> dict[str, Policy]:
    """How the labels of each dataset in a manifest were repaired; empty where that is not told.

    Raises:
        DataError: What tells it cannot be read.
    """
    place = policies_path(path)
    try:
        return _POLICIES.validate_json(place.read_bytes()) if place.is_file() else {}
    except (OSError, ValidationError) as error:
        raise DataError(f"{place} cannot be read: remove it, or write the manifest again") from error


def sentence(error: ValidationError) -> str:
    """What is wrong with a row, in words for people."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] in ("missing", "string_too_short"):
        return f"{name} is empty: fill it in"
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    return f"{name} is {first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}"


_POLICIES = TypeAdapter(dict[str, Policy])
_R = TypeVar("_R", Interval, Video)


def _write(path: Path, model: type[BaseModel], rows: Sequence[Interval] | Sequence[Video]) -> None:
    def content(stream: TextIO) -> None:
        writer = csv.DictWriter(stream, list(model.model_fields))
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row} for row in rows)

    _write_whole(path, content)


def _write_whole(path: Path, content: Callable[[TextIO], object]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as draft, draft.open("w", newline="", encoding="utf-8") as stream:
            content(stream)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ("+" if value and isinstance(value[0], str) else " ").join(map(str, value))
    return repr(value) if isinstance(value, float) else str(value)


def _read(path: Path, model: type[_R]) -> Iterator[_R]:
    wanted = list(model.model_fields)
    for number, row in table(path, wanted, optional=("origin",)):
        try:
            yield model.model_validate(row)
        except ValidationError as error:
            raise DataError(f"{path}, row {number}: {sentence(error)}") from error


def table(
    path: Path, columns: Iterable[str], optional: Iterable[str] = ()
) -> list[tuple[int, Mapping[str, str]]]:
    """Rows of a CSV file with their numbers (the header is row 1); empty cells are left out.

    Raises:
        DataError: The file cannot be read or lacks a column.
    """
    try:
        # Excel begins its CSV files with a byte-order mark.
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            found = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = found
            missing = set(columns) - set(optional) - set(found)
            if missing:
                raise DataError(
                    f"{path}: no column {', '.join(sorted(missing))}; found {', '.join(found) or 'nothing'}"
                )
            known = {*columns, *optional}
            return [
                (
                    reader.line_num,
                    {
                        name: cell.strip()
                        for name, cell in row.items()
                        if name in known and cell and cell.strip()
                    },
                )
                for row in reader
                if any(isinstance(cell, str) and cell.strip() for cell in row.values())
            ]
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: save it as 'CSV UTF-8'") from error
    except csv.Error as error:
        raise DataError(f"{path} is not a CSV file ({error}): save it as 'CSV UTF-8'") from error
