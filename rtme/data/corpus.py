"""The corpus: clips with known truth as the engine sees them, in arrays on disk.

A row is one slot of the time grid and every clip has the same number of rows, so clip ``i`` owns rows
``i * slots`` to ``(i + 1) * slots``. The arrays are memory-mapped; ``clips.jsonl`` gets a line when a clip is
complete, which is what a build that was stopped goes on from.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from rtme.data.material import Split
from rtme.errors import DataError
from rtme.synth.truth import ACTION_UNITS


class CorpusPlan(BaseModel):
    """What a corpus holds. Two corpora of one plan, material and seed are equal."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 0
    input: Literal["rgb", "motion"] = "motion"
    size: int = Field(112, gt=0)
    fps: float = Field(30.0, gt=0)
    flow_lag: int = Field(6, ge=0)
    slots: int = Field(96, gt=0, description="slots per clip")
    splits: tuple[Split, ...] = ("train", "validation")
    portrait_clips: int = Field(1500, ge=0, description="clips of animated portraits of training people")
    real_clips: int = Field(300, ge=0, description="clips made from real clips of training people")
    held_repeats: int = Field(3, ge=0, description="clips of each validation portrait")


class Planted(BaseModel):
    """A planted expression in slots of its clip, inclusive."""

    type: Literal["me", "macro", "large"]
    onset: int
    apex: int
    offset: int
    action_units: tuple[int, ...]
    pixels: float


class Clip(BaseModel):
    """One clip of the corpus."""

    index: int
    file: str
    person: str
    split: Split
    base: Literal["portrait", "clip"]
    planted: bool = Field(description="False: the real clip as it is; what it holds is not known")
    source_fps: float
    slots: int = Field(description="slots up to its last frame; the rest of its rows is empty")
    intervals: list[Planted]


_COLUMNS: dict[str, tuple[str, tuple[int, ...]]] = {
    "valid": ("uint8", ()),
    "motion": ("float16", (len(ACTION_UNITS),)),
    "speaking": ("uint8", ()),
    "me": ("uint8", ()),
}


class Corpus:
    """A corpus on disk.

    Args:
        folder: Where it is.

    Attributes:
        plan: What it was made to hold.
        clips: Those that are complete, by index.
        crops: ``(N, size, size, 3)`` uint8 engine inputs.
        valid: ``(N,)`` 1 where the slot has a crop.
        motion: ``(N, 13)`` float16 displacement of each action unit since the crop the flow compares with, in
            pixels at 112; columns as ``ACTION_UNITS``.
        speaking: ``(N,)`` 1 speaking, 0 listening, 255 unknown.
        me: ``(N,)`` 1 inside a micro-expression.

    Raises:
        DataError: There is no corpus in the folder.
    """

    def __init__(self, folder: Path, mode: Literal["r", "r+"] = "r") -> None:
        if not (folder / "plan.json").is_file():
            raise DataError(f"no corpus in {folder}")
        self.folder = folder
        self.plan = CorpusPlan.model_validate_json((folder / "plan.json").read_text())
        self.clips = [Clip.model_validate_json(line) for line in _lines(folder / "clips.jsonl")]
        self.clips.sort(key=lambda clip: clip.index)
        self.crops: NDArray[np.uint8] = np.load(folder / "crops.npy", mmap_mode=mode)
        self.valid: NDArray[np.uint8] = np.load(folder / "valid.npy", mmap_mode=mode)
        self.motion: NDArray[np.float16] = np.load(folder / "motion.npy", mmap_mode=mode)
        self.speaking: NDArray[np.uint8] = np.load(folder / "speaking.npy", mmap_mode=mode)
        self.me: NDArray[np.uint8] = np.load(folder / "me.npy", mmap_mode=mode)

    def rows(self, clip: Clip) -> slice:
        """The rows of a clip."""
        return slice(clip.index * self.plan.slots, (clip.index + 1) * self.plan.slots)

    def of(self, *splits: Split) -> list[Clip]:
        """The complete clips of some splits."""
        return [clip for clip in self.clips if clip.split in splits]

    def record(self, clip: Clip) -> None:
        """Note that a clip's rows are complete."""
        self.clips.append(clip)
        with (self.folder / "clips.jsonl").open("a", encoding="utf-8") as file:
            file.write(clip.model_dump_json() + "\n")


def create(folder: Path, plan: CorpusPlan, clips: int, jobs: str) -> Corpus:
    """Open the corpus in a folder to be filled, or begin it.

    Args:
        folder: Where it is or shall be.
        plan: What it holds.
        clips: How many clips.
        jobs: A fingerprint of everything else that decides what is in it.

    Raises:
        DataError: There is one for another plan or other material.
    """
    wanted = hashlib.sha256(f"{plan.model_dump_json()}{clips}{jobs}".encode()).hexdigest()
    mark = folder / "fingerprint"
    if mark.is_file():
        if mark.read_text() != wanted:
            raise DataError(
                f"{folder} holds a corpus of another plan or material: remove it or give another --work"
            )
        done = folder / "clips.jsonl"
        done.write_text("".join(_lines(done)), encoding="utf-8")
        return Corpus(folder, "r+")
    folder.mkdir(parents=True, exist_ok=True)
    rows = clips * plan.slots
    shapes = {"crops": ("uint8", (plan.size, plan.size, 3)), **_COLUMNS}
    for name, (dtype, shape) in shapes.items():
        new_array(folder / f"{name}.npy", dtype, (rows, *shape))
    (folder / "clips.jsonl").touch()
    (folder / "plan.json").write_text(plan.model_dump_json(indent=2))
    mark.write_text(wanted)
    return Corpus(folder, "r+")


def new_array(path: Path, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """A memory-mapped ``.npy`` file of zeros, to be filled."""
    array: NDArray[Any] = np.lib.format.open_memmap(path, "w+", dtype, shape)  # type: ignore[no-untyped-call]
    return array


def _lines(path: Path) -> list[str]:
    """The whole lines of a file; what a stop left half-written has no line end and is not one."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    whole = [line for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return [line for line in whole if _is_json(line)]


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except json.JSONDecodeError:
        return False
    return True
