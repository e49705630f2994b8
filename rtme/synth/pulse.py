"""Small tools for things that happen now and then."""

import numpy as np
from numpy.typing import NDArray

from rtme.synth.profile import random_profile

Floats = NDArray[np.float32]


def moments(rng: np.random.Generator, seconds: float, rate: float, apart_s: float = 0.3) -> list[float]:
    """Times at which something begins, by chance ``rate`` times a second, some of them before the clip's start."""
    result: list[float] = []
    if rate <= 0:
        return result
    now = -0.5 + float(rng.exponential(1 / rate))
    while now < seconds:
        result.append(now)
        now += apart_s + float(rng.exponential(1 / rate))
    return result


def bump(
    rng: np.random.Generator, n_frames: int, fps: float, start_s: float, length_s: float
) -> tuple[Floats, tuple[int, int] | None]:
    """One movement that goes and comes back.

    Returns:
        ``(n_frames,)`` share of its apex at each frame, and the first and last frame in which it is seen; None when in
        none.
    """
    course = random_profile(rng, start_s, length_s).at(np.arange(n_frames) / fps).astype(np.float32)
    return course, seen(course)


def seen(course: Floats, least: float = 0.1) -> tuple[int, int] | None:
    """First and last frame of what exceeds ``least``, None where nothing does."""
    frames = np.flatnonzero(np.abs(course) > least)
    return (int(frames[0]), int(frames[-1])) if frames.size else None
