"""What quantising an engine changes in what it finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from rtme.engine.backend import Wish
from rtme.engine.backends import open_for
from rtme.engine.bundle import Bundle, write_bundle
from rtme.engine.quantize import quantize_bundle
from rtme.errors import EngineError
from rtme.trial.heard import Difference, Heard, differences, listen
from rtme.trial.kept import Kept, compare
from rtme.trial.tracked import Clip

MOST_CHANGED = 0.1
"""Part of the intervals that may be lost or gained."""

_PEOPLE = "people.csv"


@dataclass(frozen=True, slots=True)
class Quantized:
    """An engine before and after, both with onnxruntime.

    Attributes:
        before: What it said.
        after: What its int8 form says.
        apart: Differences by quantity.
        intervals: What became of the intervals.
        part: Of the intervals before, how many were lost or gained, whichever are more.
        written: The new engine, None where too much changed.
    """

    before: Heard
    after: Heard
    apart: dict[str, Difference]
    intervals: Kept
    part: float
    written: Bundle | None


def quantize(bundle: Bundle, clips: Sequence[Clip], folder: Path, *, force: bool = False) -> Quantized:
    """Quantise an engine, measure what that changes, and write it where that is little.

    Args:
        bundle: The engine.
        clips: Footage, tracked for it.
        folder: Of the new engine.
        force: Write it however much changed.

    Raises:
        EngineError: It cannot be quantised, or the folder is the engine's own or cannot be written.
    """
    if folder.resolve() == bundle.path.resolve():
        raise EngineError(f"{folder} is the engine that is quantised: give another folder for the new one")
    with TemporaryDirectory(prefix="rtme-quantize-") as scratch:
        tried = quantize_bundle(bundle, Path(scratch))
        before, after = (_heard(each, clips) for each in (bundle, tried))
        kept = compare(before.intervals, after.intervals)
        part = max(len(kept.lost), len(kept.gained)) / max(1, sum(map(len, before.intervals)))
        written = _copy(tried, bundle.path, folder) if force or part <= MOST_CHANGED else None
    return Quantized(before, after, differences(before, after), kept, part, written)


def _copy(tried: Bundle, old: Path, folder: Path) -> Bundle:
    try:
        written = write_bundle(
            folder,
            tried.manifest.model_dump(mode="json", exclude={"encoder", "temporal"}),
            encoder=tried.encoder_path.read_bytes(),
            temporal=tried.temporal_path.read_bytes(),
        )
        if (old / _PEOPLE).is_file():
            # Whom it was trained on stays true, and a report card asks for it.
            copyfile(old / _PEOPLE, folder / _PEOPLE)
    except OSError as error:
        raise EngineError(f"{folder} cannot be written: {error.strerror}") from error
    return written


def _heard(bundle: Bundle, clips: Sequence[Clip]) -> Heard:
    backend = open_for(bundle, Wish("onnxruntime")).backend
    try:
        return listen(backend, clips)
    finally:
        backend.close()
