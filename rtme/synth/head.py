"""What heads do: breathing, tremor, sway, the unrest of a talker, nods, shakes, turns, tilts, leans and starts."""

import numpy as np
from numpy.typing import NDArray

from rtme.synth.nuisance import wander
from rtme.synth.profile import ease
from rtme.synth.truth import Span

Floats = NDArray[np.float32]

MOST = (25.0, 18.0, 15.0)
"""Degrees of yaw, pitch and roll up to which a picture can be turned without looking torn."""

_FOLDS_DEG = 17.0  # pitch beyond which the picture under the chin folds over

_KINDS = ("nod", "shake", "turn", "tilt", "lean", "start")
_SHARES = (0.3, 0.13, 0.25, 0.12, 0.1, 0.1)


def move_head(
    rng: np.random.Generator, pose: Floats, fps: float, amount: float, speaking: NDArray[np.uint8]
) -> list[Span]:
    """Everything a head does. ``pose`` is changed in place.

    Args:
        rng: Source of chance.
        pose: ``(n, 6)`` as in Motion.
        fps: Frames per second.
        amount: 0 and more, how much of it.
        speaking: ``(n,)`` as in Truth; talkers move more, and all the time.

    Returns:
        The nods, shakes, turns, tilts, leans and starts.
    """
    n_frames = len(pose)
    times = np.arange(n_frames) / fps
    lively = amount * (1 + 0.8 * speaking.mean()) * float(rng.uniform(0.5, 1.5))
    for column, size, hz in (
        (0, 2.5, 0.4), (1, 1.5, 0.4), (2, 1.2, 0.35), (3, 2.0, 0.3), (4, 1.5, 0.3), (5, 0.015, 0.25),
        (0, 0.8, 1.2), (1, 0.7, 1.2), (3, 0.10, 8.0), (4, 0.10, 8.0), (2, 0.05, 6.0),
    ):  # fmt: skip
        pose[:, column] += lively * size * wander(rng, n_frames, fps, hz)
    _talk(rng, pose, fps, min(1.0, amount), speaking)
    breath = 0.4 * np.sin(2 * np.pi * (rng.uniform(0.2, 0.33) * times + rng.random()))
    pose[:, 4] += min(1.0, 0.3 + amount) * breath
    spans = []
    # Some of what happens began before the clip.
    now = -1.0 + float(rng.exponential(2.2 / max(amount, 1e-6)))
    while now < times[-1] - 0.3:
        kind = str(rng.choice(_KINDS, p=_SHARES))
        length, size = _gesture(rng, pose, times, now, kind, max(0.3, amount))
        first, last = max(0, int(now * fps)), min(n_frames - 1, int((now + length) * fps))
        if last >= first:
            spans.append(Span("head", first, last, round(size, 2)))
        now += length + 0.2 + float(rng.exponential(2.2 / max(amount, 1e-6)))
    _bound(pose)
    return spans


def _bound(pose: Floats) -> None:
    """Poses go to what can be shown softly: a head that stops dead at a limit is none."""
    most = np.array(MOST, np.float32)
    pose[:, :3] = most * np.tanh(pose[:, :3] / most)
    # It is slow there by now (a tenth of the speed that was asked for), so that nothing is seen of the stop.
    pose[:, 1] = np.clip(pose[:, 1], -_FOLDS_DEG, _FOLDS_DEG)
    pose[:, 5] = np.clip(pose[:, 5], -0.25, 0.25)


def _talk(
    rng: np.random.Generator, pose: Floats, fps: float, amount: float, speaking: NDArray[np.uint8]
) -> None:
    """Small irregular motion in the rhythm of syllables and words, as long as somebody talks."""
    if not speaking.any() or not amount:
        return
    # Half a second to come in and go out: the unrest begins with the voice, not with a jerk.
    reach = max(1, round(0.4 * fps))
    share = np.convolve(speaking, np.hanning(2 * reach + 1)[: len(speaking)], "same")
    share = share / max(float(share.max()), 1e-6)
    unrest = amount * float(rng.uniform(0.4, 1.6))
    for column, size, hz in (
        (0, 1.0, 2.5),
        (1, 1.3, 2.5),
        (2, 0.8, 2.0),
        (1, 0.5, 5.0),
        (3, 0.5, 2.5),
        (4, 0.6, 3.0),
    ):
        pose[:, column] += unrest * size * share * wander(rng, len(pose), fps, hz)


def _gesture(
    rng: np.random.Generator, pose: Floats, times: NDArray[np.float64], now: float, kind: str, amount: float
) -> tuple[float, float]:
    """One gesture. Its length in seconds, and its size in degrees (of a lean, in per cent of scale)."""
    sign = float(rng.choice((-1, 1)))
    if kind in ("nod", "shake"):
        cycles, hz = int(rng.integers(1, 5)), float(rng.uniform(1.0, 4.0))
        length = cycles / hz
        inside = np.clip((times - now) / length, 0, 1)
        swing = np.sin(2 * np.pi * cycles * inside) * np.sin(np.pi * inside)
        size = amount * float(rng.uniform(2, 10)) * min(1.0, 2.2 / hz)
        pose[:, 1 if kind == "nod" else 0] += sign * size * swing
        pose[:, 2] += float(rng.normal(0, 0.15)) * size * swing
        return length, size
    if kind == "start":
        # The head jerks and comes back more slowly, as at a sound.
        rise, fall = float(rng.uniform(0.07, 0.2)), float(rng.uniform(0.3, 1.0))
        there = ease((times - now) / rise) * (1 - ease((times - now - rise) / fall))
        size = amount * float(rng.uniform(2, 8))
        pose[:, :3] += there[:, None] * size * rng.normal(0, 0.6, 3)
        pose[:, 3:5] += there[:, None] * 0.3 * size * rng.normal(0, 0.6, 2)
        return rise + fall, size
    length = float(rng.uniform(0.7, 4.0))
    go, back = (float(rng.uniform(0.15, 0.45)) * length for _ in range(2))
    there = ease((times - now) / go) * (1 - ease((times - now - length + back) / back))
    if kind == "turn":
        size = amount * float(rng.uniform(4, 26))
        pose[:, 0] += sign * size * there
        pose[:, 1] += float(rng.normal(0, 0.3)) * size * there
        pose[:, 2] += float(rng.normal(0, 0.15)) * size * there
    elif kind == "tilt":
        size = amount * float(rng.uniform(3, 15))
        pose[:, 2] += sign * size * there
        pose[:, 1] += float(rng.normal(0, 0.2)) * size * there
    else:
        size = amount * float(rng.uniform(4, 20))
        pose[:, 5] += sign * size / 100 * there
        pose[:, 1] += float(rng.normal(0, 0.2)) * size * there
        pose[:, 3:5] += there[:, None] * 0.25 * size * rng.normal(0, 1, 2)
    return length, size
