"""Prepared material: what the engine would have seen of each clip, slot by slot, with what is true of it.

A store is a folder. ``plan.json`` says what was prepared, ``clips.jsonl`` has a line for each complete clip, and
each clip has two arrays, ``<index>.crops.npy`` and ``<index>.rows.npy``, that are memory-mapped when read. Datasets
(:mod:`rtme.data.prepare`) and synthetic clips (:mod:`rtme.data.make`) end in the same store, so that everything after
it is written once.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rtme.data.manifest import Person, State
from rtme.data.material import Split
from rtme.errors import DataError
from rtme.face.measures import MEASURES
from rtme.synth.truth import ACTION_UNITS, What

UNKNOWN = 255
"""Speaker state that nobody knows."""

NO_FACE, NO_FRAME = 0, -1

ROW = np.dtype(
    [
        ("frame", np.int32),
        ("face", np.int32),
        ("valid", np.uint8),
        ("speaking", np.uint8),
        ("label", np.uint8),
        ("motion", np.float16, (len(ACTION_UNITS),)),
        ("measures", np.float16, (MEASURES,)),
    ]
)
"""One slot of the time grid.

* ``frame``: the source's frame that fell on the slot, ``NO_FRAME`` when none did.
* ``face``: the tracker's number of the face, ``NO_FACE`` when none was seen.
* ``valid``: 1 where there is a crop, that is, the face may be judged.
* ``speaking``: 1 speaking, 0 listening, 255 unknown.
* ``label``: bits of ``LABELS`` that are true of the picture on the slot; a frame that shows the one before again has
  the one before's.
* ``motion``: displacement of each unit of ``ACTION_UNITS`` since the crop that the flow compares with (of rgb crops,
  which compare with none: from rest), in pixels at 112; zero where it is not known (``Clip.units_known``).
* ``measures``: what the landmarks see (:mod:`rtme.face.measures`); zero where there is no face.
"""

LABELS = {"me": 1, "mae": 2, "large": 4, "blink": 8}
"""Bits of ``label``: micro- and macro-expressions, short large movements that are neither, and blinks."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StorePlan(_Model):
    """How clips were turned into crops; the engine that is trained on them sees live frames the same way."""

    input: Literal["rgb", "motion"] = Field(
        "motion", description="what the engine eats: colour, or gray with optical flow"
    )
    size: int = Field(112, ge=32, description="crop edge in pixels")
    fps: float = Field(30.0, gt=0, allow_inf_nan=False, description="slots per second")
    flow_lag: int = Field(6, ge=0, description="slots back that the flow compares with; unused for rgb")


class Labelled(_Model):
    """One expression of a clip, in the source's frames: 0-based, inclusive."""

    type: Literal["me", "mae", "large"]
    onset: int
    apex: int | None = None
    offset: int
    emotion: str | None = None
    au: tuple[str, ...] = ()
    pixels: float | None = Field(None, description="largest displacement at 112 pixels, of planted ones")
    sides: tuple[tuple[float, float], ...] = Field(
        (), description="of each unit, pixels on the left and on the right of the picture, of planted ones"
    )


class Happening(_Model):
    """Something that happened besides expressions, in the source's frames: 0-based, inclusive; of synthetic clips."""

    what: What
    start: int
    end: int
    size: float = Field(0.0, description="pixels at 112, degrees or a share, as rtme.synth.truth.Span says")


class Conditions(_Model):
    """Under which a synthetic clip was taken and lost frames."""

    eye_px: float = Field(0.0, description="distance of the outer eye corners in the picture; 0: not known")
    noise: float = Field(0.0, description="sigma of added noise, gray levels")
    blur: float = Field(0.0, description="sigma of added blur, pixels")
    codec: str = Field("", description="with which it was compressed at the end; empty: not at all")
    kbps: int = Field(0, description="bit rate of that in kbit/s, of jpeg the quality")
    dropped: float = Field(0.0, description="share of frames that are lost")
    doubled: float = Field(0.0, description="share of frames that show the one before again")
    mirrored: bool = False
    backwards: bool = False
    rate: float = Field(1.0, description="playback against the source's own rate")
    scale: float = Field(1.0, description="size against the source's own")


class Clip(_Model):
    """One clip of a store."""

    index: int = Field(ge=0, description="number of its files, and its place among the clips")
    dataset: str
    subject: str
    video: str
    fps: float = Field(gt=0, description="frames per second of the source")
    n_frames: int = Field(gt=0, description="length of the source in frames")
    slots: int = Field(gt=0, description="rows")
    intervals: tuple[Labelled, ...] = ()
    spans: tuple[Happening, ...] = Field((), description="what else happened, of synthetic clips")
    conditions: Conditions | None = Field(None, description="of synthetic clips")
    state: State | None = Field(None, description="of the whole clip, where it is one")
    split: Split | None = Field(None, description="fixed beforehand; None: folds decide")
    base: Literal["video", "portrait", "clip"] = Field(
        "video",
        description="a dataset's video, an animated portrait, or a real clip with something planted in it",
    )
    labelled: bool = Field(True, description="False: what it holds is not known (a real clip as it is)")
    units_known: bool = Field(False, description="whether the rows' motion is known")

    @property
    def person(self) -> Person:
        """Who is seen."""
        return self.dataset, self.subject

    @property
    def key(self) -> str:
        """Its name among all clips, ``dataset/subject/video``."""
        return f"{self.dataset}/{self.subject}/{self.video}"

    def of_type(self, kind: Literal["me", "mae", "large"]) -> list[tuple[int, int]]:
        """Onset and offset frames of the expressions of one type."""
        return [(one.onset, one.offset) for one in self.intervals if one.type == kind]


class Store:
    """A store on disk.

    Rows of all clips, one clip after the other in the order of their index, have a number too: clip ``c`` owns the
    rows ``first(c)`` to ``first(c) + c.slots``. Caches of features are arrays over these.

    Args:
        folder: Where it is.

    Attributes:
        folder: Where it is.
        plan: How it was prepared.
        clips: Those that are complete, by index.

    Raises:
        DataError: There is no store in the folder, or its tables cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            text = (folder / "plan.json").read_text(encoding="utf-8")
            self.plan = StorePlan.model_validate(json.loads(text)["plan"])
            self.clips = sorted(_clips(folder), key=lambda clip: clip.index)
        except OSError as error:
            raise DataError(
                f"{folder} holds no prepared material ({error.strerror}): make it with `rtme data prepare` or `rtme synth`"
            ) from error
        except (ValidationError, ValueError, KeyError) as error:
            raise DataError(
                f"{folder / 'plan.json'} is of another version or damaged ({str(error).splitlines()[0]}): "
                f"remove {folder} and prepare it again"
            ) from error
        self._first: dict[int, int] = {}
        rows = 0
        for clip in self.clips:
            self._first[clip.index] = rows
            rows += clip.slots
        self.n_rows = rows
        self._open: dict[Path, NDArray[Any]] = {}

    @property
    def fingerprint(self) -> str:
        """Of everything in it but the pixels, which follow from it: 16 hexadecimal digits."""
        lines = [self.plan.model_dump_json(), *(clip.model_dump_json() for clip in self.clips)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    def first(self, clip: Clip) -> int:
        """Number of a clip's first row among all rows."""
        return self._first[clip.index]

    def crops(self, clip: Clip) -> NDArray[np.uint8]:
        """``(slots, size, size, 3)`` engine inputs; undefined where a row is not valid."""
        return self._array(clip, "crops")

    def rows(self, clip: Clip) -> NDArray[Any]:
        """``(slots,)`` of ``ROW``."""
        return self._array(clip, "rows")

    def _array(self, clip: Clip, what: str) -> NDArray[Any]:
        path = array_path(self.folder, clip.index, what)
        found = self._open.get(path)
        if found is None:
            try:
                found = self._open[path] = np.load(path, mmap_mode="r")
            except (OSError, EOFError, ValueError) as error:
                raise DataError(f"{path} cannot be read ({error}): {self._remedy(clip)}") from error
            if len(found) != clip.slots:
                raise DataError(f"{path} has {len(found)} rows, not {clip.slots}: {self._remedy(clip)}")
        return found

    def _remedy(self, clip: Clip) -> str:
        return f"remove the line of {clip.key} from {self.folder / 'clips.jsonl'} and prepare again"

    def __getstate__(self) -> dict[str, Any]:
        # Worker processes map the files themselves.
        return {**self.__dict__, "_open": {}}


class StoreWriter:
    """Fills a store, or goes on filling it. Used by one process; workers write arrays by :func:`new_arrays`.

    Args:
        folder: Where it is or shall be.
        plan: How clips are prepared.
        source: Fingerprint of everything else that decides what is in it.

    Attributes:
        done: Clips that are complete already, by index.

    Raises:
        DataError: The folder holds a store of another plan or source, or cannot be written.
    """

    def __init__(self, folder: Path, plan: StorePlan, source: str) -> None:
        self.folder = folder
        self.done: dict[int, Clip] = {}
        wanted = json.dumps({"plan": plan.model_dump(mode="json"), "source": source}, indent=2)
        mark = folder / "plan.json"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if mark.is_file():
                if mark.read_text(encoding="utf-8") != wanted:
                    raise DataError(
                        f"{folder} holds material that was prepared from something else or in another way: "
                        "remove it or give another folder"
                    )
                self.done = {clip.index: clip for clip in _clips(folder)}
                lines = whole_lines(folder / "clips.jsonl")
                (folder / "clips.jsonl").write_text("".join(lines), encoding="utf-8")
            else:
                (folder / "clips.jsonl").touch()
                mark.write_text(wanted, encoding="utf-8")
        except OSError as error:
            raise DataError(f"{folder} cannot be written: {error.strerror}") from error

    def record(self, clip: Clip) -> None:
        """Note that a clip's arrays are complete."""
        self.done[clip.index] = clip
        try:
            with (self.folder / "clips.jsonl").open("a", encoding="utf-8") as file:
                file.write(clip.model_dump_json() + "\n")
        except OSError as error:
            raise DataError(f"{self.folder / 'clips.jsonl'} cannot be written: {error.strerror}") from error


def new_arrays(folder: Path, index: int, slots: int, size: int) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Memory-mapped crops and rows of one clip, to be filled; an earlier attempt's are overwritten.

    Raises:
        DataError: They cannot be written.
    """
    try:
        crops = new_array(array_path(folder, index, "crops"), np.dtype(np.uint8), (slots, size, size, 3))
        rows = new_array(array_path(folder, index, "rows"), ROW, (slots,))
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror}") from error
    rows["frame"] = NO_FRAME
    rows["speaking"] = UNKNOWN
    return crops, rows


def new_array(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """A memory-mapped ``.npy`` file of zeros, to be filled.

    Raises:
        OSError: There is no room for it, or it cannot be written.
    """
    array: NDArray[Any] = np.lib.format.open_memmap(path, "w+", dtype, shape)  # type: ignore[no-untyped-call]
    # A map is written to without any room being taken; on a full disk that ends the process instead of raising.
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def array_path(folder: Path, index: int, what: str) -> Path:
    """Where an array of a clip lies."""
    return folder / f"{index:06d}.{what}.npy"


def _clips(folder: Path) -> list[Clip]:
    path = folder / "clips.jsonl"
    clips = []
    for number, line in enumerate(whole_lines(path), 1):
        try:
            clips.append(Clip.model_validate_json(line))
        except ValidationError as error:
            raise DataError(
                f"{path}, line {number} is of another version or damaged ({error.errors()[0]['msg']}): remove it and "
                "prepare again"
            ) from error
    return clips


def whole_lines(path: Path) -> list[str]:
    """The lines of a file; what a stop left half-written has no line end and is not one."""
    text = path.read_text(encoding="utf-8")
    return [line for line in text.splitlines(keepends=True) if line.endswith("\n")]
