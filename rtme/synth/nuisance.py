"""Smooth chance, and the restlessness of a living face."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtme.synth.profile import ease

Floats = NDArray[np.float32]


def through(
    times: NDArray[np.floating[Any]], keys: NDArray[np.floating[Any]], values: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """A smooth path through keys, at rest at each; constant before the first and after the last."""
    place = np.clip(np.searchsorted(keys, times, side="right") - 1, 0, len(keys) - 2)
    share = ease((times - keys[place]) / (keys[place + 1] - keys[place]))
    path: NDArray[np.float64] = values[place] + (values[place + 1] - values[place]) * share
    return path


def wander(rng: np.random.Generator, n_frames: int, fps: float, hz: float) -> NDArray[np.float64]:
    """``(n_frames,)`` smooth noise of about unit size that changes ``hz`` times a second."""
    step = 1.0 / hz
    keys = np.arange(-rng.random(), n_frames / fps / step + 2) * step
    return through(np.arange(n_frames) / fps, keys, rng.standard_normal(len(keys)))


def fidget(rng: np.random.Generator, units: Floats, fps: float, amount: float) -> None:
    """The restlessness of a living face: a few muscles drift, too faint and too slow to be an expression.

    Args:
        rng: Source of chance.
        units: ``(n, 13, 2)`` changed in place.
        fps: Frames per second.
        amount: 0..1; at 1 a muscle wanders by up to half a pixel.
    """
    for muscle in rng.choice(units.shape[1], 3, replace=False):
        drift = amount * np.clip(0.25 * wander(rng, len(units), fps, 0.5), 0, 0.5)
        units[:, muscle] += drift[:, None].astype(np.float32)
