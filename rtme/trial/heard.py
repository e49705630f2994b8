"""What a backend says of footage, and how far that is from what another says."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from rtme.engine.backend import Backend, Features, Floats, Scorer, WindowScores
from rtme.events import AnyEvent
from rtme.live.stream_run import StreamRun
from rtme.trial.tracked import Clip
from rtme.view.report import Interval, Report, collect

QUANTITIES = ("features", "p_me", "p_speaking", "frame_scores")
"""What is compared: numbers of the encoder, without bounds, then probabilities."""

PROBABILITIES = QUANTITIES[1:]


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything that a backend says.

    Attributes:
        numbers: Each of :data:`QUANTITIES` in one row, in the order in which the footage asks for them.
        intervals: Of each clip, at normal sensitivity.
        crops: Faces that were encoded.
        windows: That were scored.
        ms_per_crop: Median, crops coming one frame at a time as in the live path.
        ms_per_window: Median.
    """

    numbers: dict[str, NDArray[np.float32]]
    intervals: list[list[Interval]]
    crops: int
    windows: int
    ms_per_crop: float
    ms_per_window: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Between two answers: the largest, and the mean over all numbers. NaN where only one of them is a number."""

    largest: float
    mean: float


def listen(backend: Backend, clips: Sequence[Clip]) -> Heard:
    """Send footage through an engine and its spotter.

    Raises:
        EngineError: The backend fails.
    """
    scorer = _Listener(backend)
    found, features, encode_ms = [], [], []
    for clip in clips:
        run = StreamRun("footage", 0, scorer)
        events: list[AnyEvent] = []
        for item in clip:
            crops = [crop.crop for crop in item.crops if crop.crop is not None]
            told: Features | None = None
            if crops:
                before = time.perf_counter()
                told = backend.encode(np.stack(crops))
                encode_ms += [1000 * (time.perf_counter() - before) / len(crops)] * len(crops)
                features += [told.frame.ravel(), told.regions.ravel()]
            events += run.push(item, told, behind=False)
        events += run.finish()
        empty = Report(source="", fps=None, frames=len(clip), engine="", engine_note="")
        found.append(collect(empty, events).intervals)
    said = scorer.scores
    return Heard(
        {
            "features": _row(features),
            "p_me": _row([each.p_me for each in said]),
            "p_speaking": _row([each.p_speaking for each in said]),
            "frame_scores": _row([each.frame_scores for each in said]),
        },
        found,
        len(encode_ms),
        len(scorer.ms),
        median(encode_ms or [0.0]),
        median(scorer.ms or [0.0]),
    )


def differences(one: Heard, other: Heard) -> dict[str, Difference]:
    """How far apart two backends are, by quantity."""
    return {name: _difference(one.numbers[name], other.numbers[name]) for name in QUANTITIES}


def worst(found: dict[str, Difference]) -> float:
    """The largest difference of a probability; NaN where one is not a number."""
    return float(np.max([found[name].largest for name in PROBABILITIES]))


class _Listener:
    """A backend that remembers what it said of windows, and how long it took."""

    def __init__(self, backend: Scorer) -> None:
        self.manifest = backend.manifest
        self.scores: list[WindowScores] = []
        self.ms: list[float] = []
        self._backend = backend

    def score(self, frame: Floats, regions: Floats, valid: Floats) -> WindowScores:
        before = time.perf_counter()
        found = self._backend.score(frame, regions, valid)
        self.ms += [1000 * (time.perf_counter() - before) / len(valid)] * len(valid)
        self.scores.append(found)
        return found


def _row(parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate([part.ravel() for part in parts]) if parts else np.zeros(0, np.float32)


def _difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> Difference:
    if one.size == 0:
        return Difference(0.0, 0.0)
    apart = np.abs(one.astype(np.float64) - other)
    apart[np.isnan(one) & np.isnan(other)] = 0.0
    return Difference(float(apart.max()), float(apart.mean()))
