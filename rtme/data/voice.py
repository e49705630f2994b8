"""When someone speaks, by the energy of the sound beside the picture."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from rtme.errors import DataError

UNKNOWN = 255

_STEP_S = 0.02
# Loud and quiet must differ by this much, or nobody can tell speech from silence by energy.
_MIN_RANGE_DB = 15.0
# Where between quiet and loud speech begins: low enough for the weak ends of words.
_LEVEL = 0.4
# Pauses this short belong to the sentence: closed consonants and breaths.
_CLOSE_S = 0.4


def speaking(path: Path, fps: float, frames: int) -> NDArray[np.uint8]:
    """Speaker state of every frame of a video.

    Args:
        path: A video file.
        fps: Frames per second of the answer.
        frames: Length of the answer.

    Returns:
        ``(frames,)``: 1 speaking, 0 listening, 255 where there is no sound or it does not tell.
    """
    energy = _energy_db(path)
    unknown = np.full(frames, UNKNOWN, np.uint8)
    if energy.size < 10:
        return unknown
    quiet, loud = np.percentile(energy, (10, 95))
    if loud - quiet < _MIN_RANGE_DB:
        return unknown
    voiced = energy > quiet + _LEVEL * (loud - quiet)
    starts = np.flatnonzero(np.diff(voiced.astype(np.int8), prepend=0, append=0) == 1)
    stops = np.flatnonzero(np.diff(voiced.astype(np.int8), prepend=0, append=0) == -1)
    for stop, start in zip(stops[:-1], starts[1:], strict=True):
        if (start - stop) * _STEP_S <= _CLOSE_S:
            voiced[stop:start] = True
    steps = np.minimum((np.arange(frames) / fps / _STEP_S).astype(int), voiced.size - 1)
    state: NDArray[np.uint8] = voiced[steps].astype(np.uint8)
    return state


def _energy_db(path: Path) -> NDArray[np.float64]:
    """Loudness in steps of 20 ms, in decibels of an arbitrary reference; empty without sound."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                return np.zeros(0)
            rate = container.streams.audio[0].rate
            mono = av.AudioResampler("flt", "mono", rate)
            parts = [
                piece.to_ndarray().ravel()
                for frame in container.decode(audio=0)
                for piece in mono.resample(frame)
            ]
    except av.FFmpegError as error:
        raise DataError(f"cannot read the sound of {path}: {error}") from error
    sound = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    step = max(1, int(rate * _STEP_S))
    steps = sound[: sound.size // step * step].reshape(-1, step).astype(np.float64)
    level: NDArray[np.float64] = 20 * np.log10(np.sqrt((steps**2).mean(1)) + 1e-6)
    return level
