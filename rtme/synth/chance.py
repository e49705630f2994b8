"""Expressions by chance: which, how strong, how long, and where there is room for them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rtme.synth.action_units import LIMITS, MIDLINE, largest_displacement
from rtme.synth.expression import Expression, Kind
from rtme.synth.hand import Hand
from rtme.synth.profile import random_profile
from rtme.synth.truth import ACTION_UNITS

GAP = 4
"""Frames that are free between two planted expressions."""

LARGE = 3.4
"""Pixels from which a short movement is too large to be a micro-expression (those go to 3.2)."""

_TOGETHER = (
    (1, 2), (1, 4), (4, 7), (6, 12), (12, 14), (15, 17), (9, 10), (10, 14), (1, 2, 5), (1, 2, 4), (4, 17), (2, 12)
)  # fmt: skip
_BIG = ((1, 2), (1,), (2,), (4,), (6, 12), (12,), (14,), (15,), (15, 17), (20,), (2, 12), (12, 20), (4, 9))
_TRIES = 20


def place(
    rng: np.random.Generator,
    kind: Kind,
    taken: NDArray[np.bool_],
    busy: NDArray[np.bool_],
    fps: float,
    interference: float,
    hands: Sequence[Hand] = (),
) -> Expression | None:
    """An expression where none is yet, GAP frames from others and wholly inside the clip.

    Args:
        rng: Source of chance.
        kind: What it is to be.
        taken: ``(n,)`` frames in which a planted expression moves; this one's are added.
        busy: ``(n,)`` frames with blinks, speech or head movements.
        fps: Frames per second.
        interference: Probability that a micro-expression does not care whether a frame is busy.
        hands: What covers the face; expressions happen where they are to be seen.

    Returns:
        The expression, None when no room was found.
    """
    n_frames = len(taken)
    frame_s = 1 / fps
    avoid = kind == "me" and rng.random() > interference
    for attempt in range(_TRIES):
        drawn = _draw(rng, kind, frame_s)
        room = (n_frames - 2) * frame_s - drawn.profile.end_s
        if room <= 0:
            continue
        drawn = drawn.starting(frame_s + float(rng.uniform(0, room)))
        course = drawn.profile.at(np.arange(n_frames) / fps)
        if kind == "me":
            # Where the apex falls between two frames, the larger of them still shows what was drawn.
            drawn = drawn.stronger(1 / float(course.max()))
        seen = drawn.seen(n_frames, fps)
        if seen is None or seen.onset == seen.offset:
            continue
        if kind == "me" and (seen.offset - seen.onset) * frame_s > 0.5:
            continue
        moving = np.flatnonzero(course > 0.01)
        first, last = int(moving[0]), int(moving[-1])
        if taken[max(0, first - GAP) : last + GAP + 1].any():
            continue
        if any(hand.covers(tuple(drawn.units), first, last) for hand in hands):
            continue
        if avoid and attempt < _TRIES // 2 and busy[first : last + 1].any():
            continue
        taken[first : last + 1] = True
        return drawn
    return None


def _draw(rng: np.random.Generator, kind: Kind, frame_s: float) -> Expression:
    """An expression that begins at 0."""
    if kind == "me":
        profile = random_profile(rng, 0.0, max(2 * frame_s, float(rng.triangular(0.04, 0.3, 0.5))))
        units = (int(rng.choice(ACTION_UNITS)),) if rng.random() < 0.55 else _one_of(rng, _TOGETHER)
        # Faint ones are the most frequent.
        return Expression(kind, amplitudes(rng, units, float(0.6 + 2.6 * rng.beta(1.2, 1.8))), profile)
    if kind == "macro":
        profile = random_profile(
            rng, 0.0, float(rng.uniform(0.6, 1.6) if rng.random() < 0.6 else rng.uniform(1.6, 4))
        )
        return Expression(kind, amplitudes(rng, _large_units(rng), float(rng.uniform(2.5, 9))), profile)
    profile = random_profile(rng, 0.0, float(rng.uniform(2, 25)) / 30)
    size = float(rng.uniform(LARGE, 12))
    chance = rng.random()
    if chance < 0.2:
        return Expression(kind, {}, profile, (size, 0.0))
    if chance < 0.35:
        return Expression(kind, {}, profile, (0.0, min(size, 7.0)))
    drawn = Expression(kind, amplitudes(rng, _large_units(rng), size), profile)
    if drawn.pixels < LARGE:  # no face can move these units farther
        return Expression(kind, amplitudes(rng, _one_of(rng, _BIG), size), profile)
    if rng.random() < 0.2:
        return replace(drawn, mouth=(float(rng.uniform(1, size)), 0.0))
    return drawn


def _large_units(rng: np.random.Generator) -> tuple[int, ...]:
    """Units that go together, or any two to four of both halves of the face."""
    if rng.random() < 0.65:
        return _one_of(rng, _BIG)
    upper = rng.choice((1, 2, 4, 6, 9), int(rng.integers(1, 3)), replace=False)
    lower = rng.choice((12, 14, 15, 17, 20), int(rng.integers(1, 3)), replace=False)
    return (*(int(unit) for unit in upper), *(int(unit) for unit in lower))


def _one_of(rng: np.random.Generator, choices: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    return choices[rng.integers(len(choices))]


def amplitudes(
    rng: np.random.Generator, units: tuple[int, ...], size: float
) -> dict[int, tuple[float, float]]:
    """Pixels of each unit on each side, so that together they move as far as ``size``, or as far as a face can."""
    sides = _sides(rng)
    parts = {}
    for unit in units:
        share = 1.0 if unit == units[0] else float(rng.uniform(0.5, 1.0))
        a, b = (1.0, 1.0) if unit in MIDLINE else sides
        parts[unit] = (share * a, share * b)
    grow = min(size / largest_displacement(parts), *(LIMITS[unit] / max(p) for unit, p in parts.items()))
    return {unit: (grow * a, grow * b) for unit, (a, b) in parts.items()}


def _sides(rng: np.random.Generator) -> tuple[float, float]:
    """Share of each side; the stronger has 1, and at times the other does not move at all."""
    weaker = 0.0 if rng.random() < 0.15 else float(rng.uniform(0.5, 1.0))
    return (1.0, weaker) if rng.random() < 0.5 else (weaker, 1.0)
