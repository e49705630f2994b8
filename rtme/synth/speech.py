"""Speaking and listening: turns, phrases, syllables, and what they do to jaw, lips and cheeks."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rtme.synth.motion import Motion
from rtme.synth.nuisance import through
from rtme.synth.truth import ACTION_UNITS

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_MUSCLES = (10, 12, 14, 15, 17, 20)
"""Units that speech uses besides the jaw. They move as far as micro-expressions do, but again and again."""


def turns(rng: np.random.Generator, seconds: float) -> list[tuple[float, float]]:
    """Speaking turns within a clip, start and end in seconds; at least one."""
    result: list[tuple[float, float]] = []
    now = 0.0 if rng.random() < 0.4 else float(rng.uniform(0.2, 0.6)) * min(seconds, 5.0)
    while now < seconds - 0.5:
        length = float(rng.gamma(3.0, 0.8)) + 0.5
        result.append((now, min(now + length, seconds)))
        now += length + float(rng.gamma(2.0, 1.0)) + 0.6
    return result or [(0.0, seconds)]


def speak(
    rng: np.random.Generator, motion: Motion, turns_s: list[tuple[float, float]], fps: float, energy: float
) -> NDArray[np.uint8]:
    """Move the mouth through syllables in each turn.

    Args:
        rng: Source of chance.
        motion: Jaw, shapes and units are changed in place.
        turns_s: Speaking turns in seconds.
        fps: Frames per second.
        energy: How far the mouth opens, 1 for a lively speaker.

    Returns:
        ``(n,)`` uint8: 1 in the turns.
    """
    times = np.arange(len(motion.jaw)) / fps
    speaking = np.zeros(len(times), np.uint8)
    rate = float(rng.uniform(3.5, 6.5))
    habit = energy * float(rng.uniform(0.6, 1.4))
    muscles = [ACTION_UNITS.index(int(unit)) for unit in rng.choice(_MUSCLES, 3, replace=False)]
    mouth: list[tuple[Floats, Callable[[int], Doubles], float]] = [
        (motion.jaw[:, None], lambda n: rng.gamma(3.0, 1.2, n), 9.0),
        (motion.shapes[:, 0:1], lambda n: rng.normal(0, 1.5, n), 4.0),
        (motion.shapes[:, 1:2], lambda n: rng.uniform(0, 1.2, n), 2.5),
        (motion.shapes[:, 2:3], lambda n: rng.uniform(0, 1.8, n), 3.0),
    ]
    for muscle in muscles:
        mouth.append((motion.units[:, muscle], lambda n: rng.exponential(0.6, n), 2.5))
    for start, end in turns_s:
        turn = slice(max(0, round(start * fps)), round(end * fps) + 1)
        speaking[turn] = 1
        keys, levels, syllable = _beats(rng, start, end, rate)
        for target, draw, most in mouth:
            heights = np.clip(habit * draw(int(syllable[-1]) + 1), -most, most)
            target[turn] += through(times[turn], keys, levels * heights[syllable])[:, None].astype(np.float32)
    return speaking


def _beats(
    rng: np.random.Generator, start: float, end: float, rate: float
) -> tuple[Doubles, Doubles, NDArray[np.int64]]:
    """The rhythm of a turn: syllables of 1/7 to 1/3 s in phrases of 0.6 to 2.5 s with short pauses between.

    Returns:
        Times of the keys in seconds; how open the mouth is at each (1 in the middle of a syllable, less between
        two, 0 in a pause); and the number of the syllable that each belongs to.
    """
    keys = [(start, 0.0, 0)]
    now, phrase_end, syllable = start, start + float(rng.uniform(0.6, 2.5)), 0
    while True:
        length = 1 / float(np.clip(rng.normal(rate, 0.9), 3, 7))
        if now + length > end - 0.05:
            break
        closed = 0.0 if rng.random() < 0.35 else float(rng.uniform(0.1, 0.5))
        keys += [(now + length / 2, 1.0, syllable), (now + length, closed, syllable)]
        now += length
        syllable += 1
        if now > phrase_end and now + 0.6 < end:
            keys.append((now + 0.08, 0.0, syllable))
            now += 0.08 + float(rng.uniform(0.1, 0.4))
            keys.append((now, 0.0, syllable))
            phrase_end = now + float(rng.uniform(0.6, 2.5))
    keys.append((max(end, now + 0.05), 0.0, syllable))
    times, levels, numbers = zip(*keys, strict=True)
    return np.array(times), np.array(levels), np.array(numbers)
