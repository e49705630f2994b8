"""What faces do beside the words: emphasis while talking, and the mouth's own business while not."""

import numpy as np
from numpy.typing import NDArray

from rtme.synth import action_units as au
from rtme.synth.chance import LARGE, amplitudes
from rtme.synth.motion import Motion
from rtme.synth.profile import ease
from rtme.synth.pulse import bump, moments, seen
from rtme.synth.truth import ACTION_UNITS, Span

Floats = NDArray[np.float32]

_BROWS = ((1, 2), (1, 2), (1, 2, 5), (1,), (2,), (4,), (4,), (1, 4), (4, 7))
_SMILES = ((12,), (6, 12), (12, 14), (14,), (12, 20))
_SLOW_S = 0.6


def emphasize(
    rng: np.random.Generator,
    motion: Motion,
    fps: float,
    speaking: NDArray[np.uint8],
    brow_rate: float,
    nod_rate: float,
) -> list[Span]:
    """Brows that go up or together on a stressed word, and small nods, both only while talking.

    What is faint and short at once looks like a micro-expression and nothing tells it from one; so emphasis is one of
    the two at most.

    Args:
        rng: Source of chance.
        motion: Units and pose are changed in place.
        fps: Frames per second.
        speaking: ``(n,)`` as in Truth.
        brow_rate: Brow movements per second of speech.
        nod_rate: Nods per second of speech.

    Returns:
        The brow movements and the nods of more than 2 degrees.
    """
    n_frames = len(motion.jaw)
    spans = []
    for now in moments(rng, n_frames / fps, brow_rate, 0.15):
        if not speaking[min(n_frames - 1, max(0, round(now * fps)))]:
            continue
        length, size = float(rng.uniform(0.1, 1.0)), float(0.5 + 7.5 * rng.beta(1.3, 2.0))
        if size < LARGE and length < _SLOW_S:
            if rng.random() < 0.5:
                length = float(rng.uniform(_SLOW_S, 1.2))
            else:
                size = float(rng.uniform(LARGE, 8))
        course, ends = bump(rng, n_frames, fps, now, length)
        if ends is None:
            continue
        _move(motion, amplitudes(rng, _BROWS[rng.integers(len(_BROWS))], size), course)
        spans.append(Span("brow", *ends, round(size, 3)))
    for now in moments(rng, n_frames / fps, nod_rate, 0.1):
        if not speaking[min(n_frames - 1, max(0, round(now * fps)))]:
            continue
        course, ends = bump(rng, n_frames, fps, now, float(rng.uniform(0.15, 0.5)))
        if ends is None:
            continue
        size = float(rng.gamma(2.0, 0.8))
        motion.pose[:, 1] -= size * course
        motion.pose[:, 0] += float(rng.normal(0, 0.3)) * size * course
        if size > 2:
            spans.append(Span("head", *ends, round(size, 3)))
    return spans


def idle_mouth(rng: np.random.Generator, motion: Motion, fps: float, rate: float) -> list[Span]:
    """The mouth moves without a word: so that speech must be told from its rhythm, not from motion.

    Args:
        rng: Source of chance.
        motion: Jaw, shapes and units are changed in place.
        fps: Frames per second.
        rate: Times a second.
    """
    n_frames = len(motion.jaw)
    spans = []
    for now in moments(rng, n_frames / fps, rate, 0.5):
        kind = rng.choice(
            ("press", "lick", "open", "smile", "chew", "pout"), p=(0.2, 0.15, 0.2, 0.25, 0.1, 0.1)
        )
        if kind == "chew":
            ends, size = _chew(rng, motion, fps, now)
        elif kind == "lick":
            ends, size = _lick(rng, motion, fps, now)
        else:
            length = float(rng.uniform(0.2, 4.0) if kind == "smile" else rng.uniform(0.2, 1.6))
            course, ends = bump(rng, n_frames, fps, now, length)
            size = float(rng.uniform(0.8, 3.0))
            if kind == "press":
                motion.shapes[:, au.PRESS] += min(size, 2.0) * course
                motion.units[:, ACTION_UNITS.index(17)] += 0.6 * size * course[:, None]
            elif kind == "open":
                size = float(rng.uniform(0.8, 8.0))
                motion.jaw[:] += size * course
            elif kind == "pout":
                motion.shapes[:, au.PUCKER] += size * course
            else:
                size = float(rng.uniform(1.0, 6.0))
                if size < LARGE and length < _SLOW_S:
                    size = LARGE + 1
                _move(motion, amplitudes(rng, _SMILES[rng.integers(len(_SMILES))], size), course)
        if ends is not None:
            spans.append(Span("mouth", *ends, round(size, 3)))
    return spans


def swallow(rng: np.random.Generator, motion: Motion, fps: float, rate: float) -> list[Span]:
    """Lips shut, the chin tightens and the throat goes up, for 0.4 to 1 s. ``motion`` is changed in place."""
    n_frames = len(motion.jaw)
    spans = []
    for now in moments(rng, n_frames / fps, rate, 1.0):
        length, size = float(rng.uniform(0.4, 1.0)), float(rng.uniform(1.0, 3.5))
        course, ends = bump(rng, n_frames, fps, now, length)
        late, _ = bump(rng, n_frames, fps, now + 0.2 * length, 0.8 * length)
        if ends is None:
            continue
        motion.shapes[:, au.PRESS] += 0.4 * size * course
        motion.shapes[:, au.THROAT] += size * late
        motion.units[:, ACTION_UNITS.index(17)] += float(rng.uniform(0.2, 0.6)) * size * course[:, None]
        motion.pose[:, 1] -= float(rng.normal(0, 0.3)) * size * late
        spans.append(Span("swallow", *ends, round(size, 3)))
    return spans


def repeat(rng: np.random.Generator, motion: Motion, fps: float, rate: float) -> list[Span]:
    """Trains: one movement three to seven times in a row, two to five times a second, faint or large."""
    n_frames = len(motion.jaw)
    times = np.arange(n_frames) / fps
    spans = []
    for now in moments(rng, n_frames / fps, rate, 1.0):
        times_in_all, hz = int(rng.integers(3, 8)), float(rng.uniform(2.0, 5.0))
        since = (times - now) * hz
        course = np.where((since > 0) & (since < times_in_all), np.sin(np.pi * since) ** 2, 0)
        course *= 1 + 0.3 * np.sin(since * 2.4)
        ends = seen(course.astype(np.float32))
        if ends is None:
            continue
        size = float(rng.uniform(0.6, 6.0))
        _move(motion, _any_units(rng, size), course.astype(np.float32))
        spans.append(Span("train", *ends, round(size, 3)))
    return spans


def step(rng: np.random.Generator, motion: Motion, fps: float, rate: float) -> list[Span]:
    """Steps: within 2 to 10 frames at 30 fps the face goes to a new place, and stays there or goes back much later."""
    n_frames = len(motion.jaw)
    times = np.arange(n_frames) / fps
    spans = []
    for now in moments(rng, n_frames / fps, rate, 0.8):
        length = float(rng.uniform(2, 10)) / 30
        stay, back = float(rng.uniform(1.0, 6.0)), float(rng.uniform(0.07, 1.5))
        course = ease((times - now) / length) * (1 - ease((times - now - length - stay) / back))
        size = float(0.5 + 5.5 * rng.beta(1.0, 1.8))
        moving = [(now, now + length), (now + length + stay, now + length + stay + back)]
        _move(motion, _any_units(rng, size), course.astype(np.float32))
        for first, last in moving:
            a, b = round(first * fps), round(last * fps)
            if a < n_frames and b >= 0:
                spans.append(Span("step", max(0, a), min(n_frames - 1, b), round(size, 3)))
    return spans


def _any_units(rng: np.random.Generator, size: float) -> dict[int, tuple[float, float]]:
    """One to four units of any part of the face; those at the same corner of the mouth may be together."""
    units = rng.choice(ACTION_UNITS, int(rng.choice((1, 1, 2, 2, 3, 4))), replace=False)
    return amplitudes(rng, tuple(int(unit) for unit in units), size)


def _move(motion: Motion, parts: dict[int, tuple[float, float]], course: Floats) -> None:
    for unit, sides in parts.items():
        motion.units[:, ACTION_UNITS.index(unit)] += np.outer(course, sides).astype(np.float32)


def _chew(
    rng: np.random.Generator, motion: Motion, fps: float, now: float
) -> tuple[tuple[int, int] | None, float]:
    """Closed lips, the jaw going round 1.2 to 2 times a second."""
    times = np.arange(len(motion.jaw)) / fps
    length, hz, size = (
        float(rng.uniform(1.0, 3.5)),
        float(rng.uniform(1.2, 2.0)),
        float(rng.uniform(0.8, 2.5)),
    )
    inside = ease((times - now) / 0.3) * (1 - ease((times - now - length) / 0.3))
    swing = 0.5 - 0.5 * np.cos(2 * np.pi * hz * (times - now))
    course = (inside * swing).astype(np.float32)
    motion.shapes[:, au.CHEEKS] += 0.6 * size * course
    motion.shapes[:, au.THROAT] -= 0.8 * size * course
    motion.shapes[:, au.PRESS] += 0.5 * size * inside * (1 - 0.5 * swing)
    motion.units[:, ACTION_UNITS.index(14), int(rng.integers(2))] += 0.5 * size * course
    return seen(inside.astype(np.float32)), size


def _lick(
    rng: np.random.Generator, motion: Motion, fps: float, now: float
) -> tuple[tuple[int, int] | None, float]:
    """The mouth opens a little, the lower lip goes in, then both lips are pressed."""
    length, size = float(rng.uniform(0.4, 1.0)), float(rng.uniform(0.8, 2.5))
    opened, first = bump(rng, len(motion.jaw), fps, now, 0.6 * length)
    pressed, second = bump(rng, len(motion.jaw), fps, now + 0.45 * length, 0.6 * length)
    motion.jaw[:] += size * opened
    motion.shapes[:, au.LOWER_LIP] -= 0.4 * size * opened
    motion.shapes[:, au.PRESS] += 0.6 * size * pressed
    if first is None or second is None:
        return first or second, size
    return (first[0], max(first[1], second[1])), size
