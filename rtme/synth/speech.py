"""Speaking and listening: turns, phrases, syllables of co-articulated visemes, breath, and what that moves."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rtme.synth import action_units as au
from rtme.synth.motion import Motion
from rtme.synth.truth import ACTION_UNITS
from rtme.synth.visemes import (
    BREATH,
    CONSONANT_SHARE,
    CONSONANTS,
    REST,
    VOWEL_SHARE,
    VOWELS,
    Viseme,
    blend,
)

Doubles = NDArray[np.float64]

_MUSCLES = (10, 12, 14, 15, 20)
"""Units that a speaker has a habit of moving along. They move as far as micro-expressions do, but again and again."""

_MOST = np.array((9.0, 4.0, 2.5, 3.0, 2.0, 2.0))
_LEAST = np.array((0.0, -4.0, 0.0, -1.5, 0.0, 0.0))
"""How far each of ``ARTICULATORS`` goes, pixels."""


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
    """Move the mouth through the sounds of each turn.

    Args:
        rng: Source of chance.
        motion: Jaw, shapes and units are changed in place.
        turns_s: Speaking turns in seconds.
        fps: Frames per second.
        energy: How far the mouth moves, 1 for a clear speaker; speakers from mumbling to shouting vary around it.

    Returns:
        ``(n,)`` uint8: 1 in the turns.
    """
    times = np.arange(len(motion.jaw)) / fps
    speaking = np.zeros(len(times), np.uint8)
    speaker = _Speaker.random(rng, energy)
    for start, end in turns_s:
        turn = slice(max(0, round(start * fps)), round(end * fps) + 1)
        speaking[turn] = 1
        here = times[turn]
        if not here.size:
            continue
        path = speaker.say(rng, here, start, end)
        motion.jaw[turn] += path[:, 0]
        motion.shapes[turn, : au.PRESS + 1] += path[:, 1:5]
        # The soft tissue follows late: a cheek is drawn down by where the jaw was a moment ago.
        drag = np.zeros_like(path[:, 0]) if len(path) < 2 else _late(path[:, 0], 0.05 * fps)
        motion.shapes[turn, au.CHEEKS] += speaker.cheeks * drag
        motion.units[turn, ACTION_UNITS.index(17)] += path[:, 5:6]
        for muscle, loading in speaker.muscles.items():
            pulled = np.clip(path / _MOST @ loading, 0, 1) * 2.5
            motion.units[turn, muscle] += pulled[:, None].astype(np.float32)
    return speaking


@dataclass(frozen=True, slots=True)
class _Speaker:
    """One person's way of talking.

    Attributes:
        rate: Syllables per second.
        effort: Factor of each of ``ARTICULATORS``.
        reach: See :func:`~rtme.synth.visemes.blend`.
        cheeks: Pixels that the cheeks go down with a pixel of jaw.
        muscles: Column in ``Motion.units`` -> how much of each articulator's range it goes along with.
    """

    rate: float
    effort: Doubles
    reach: float
    cheeks: float
    muscles: dict[int, Doubles] = field(default_factory=dict)

    @classmethod
    def random(cls, rng: np.random.Generator, energy: float) -> "_Speaker":
        # From 0.2 (mumbling) to 1.9 (shouting).
        loud = energy * float(np.exp(rng.normal(-0.1, 0.45)))
        effort = np.clip(loud, 0.2, 1.9) * np.exp(rng.normal(0, 0.25, 6))
        # Loudness is in the jaw; lips move nearly as far in quiet speech.
        effort[1:] **= 0.6
        columns = rng.choice(_MUSCLES, int(rng.integers(1, 4)), replace=False)
        muscles = {ACTION_UNITS.index(int(unit)): rng.normal(0, 0.35, 6) for unit in columns}
        return cls(
            rate=float(rng.uniform(3.2, 6.8)),
            effort=effort,
            reach=float(rng.uniform(0.8, 1.5)),
            cheeks=float(rng.uniform(0.1, 0.35)),
            muscles=muscles,
        )

    def say(self, rng: np.random.Generator, times: Doubles, start: float, end: float) -> Doubles:
        """``(n, 6)`` paths of the articulators during one turn."""
        sounds = _Sounds()
        sounds.add(REST, start - 0.25, 0.2)
        now = start
        while now < end - 0.12:
            now = self._phrase(rng, sounds, now, min(end, now + float(rng.uniform(0.6, 2.6))))
            if now < end - 0.5:
                pause = float(rng.uniform(0.1, 0.45))
                breathes = pause > 0.2 and rng.random() < 0.5
                sounds.add(BREATH if breathes else REST, now + pause / 2, pause, 0.5 + rng.random())
                now += pause
        sounds.add(REST, max(end, now) + 0.05, 0.12)
        sounds.add(REST, max(end, now) + 0.3, 0.4)
        centres, lengths, targets, grips = sounds.table()
        path = blend(times, centres, lengths, targets * self.effort, grips, reach=self.reach)
        path = np.clip(path, _LEAST, _MOST)
        # At the turn's ends the mouth comes from rest and goes back to it.
        rim = np.clip(np.minimum(times - start, end - times) / 0.12 + 0.15, 0, 1)
        shown: Doubles = path * rim[:, None]
        return shown

    def _phrase(self, rng: np.random.Generator, sounds: "_Sounds", start: float, end: float) -> float:
        """Syllables of 1/8 to 1/3 s; stressed ones are longer and larger, and the voice sinks at the end."""
        now = start
        swell = float(rng.uniform(0.8, 1.25))
        while now < end - 0.08:
            length = 1 / float(np.clip(rng.normal(self.rate, 1.0), 2.8, 8))
            stress = float(np.exp(rng.normal(0, 0.3)))
            length *= 0.8 + 0.25 * stress
            sunk = swell * (1 - 0.3 * (now - start) / max(0.6, end - start))
            vowel = VOWELS[rng.choice(len(VOWELS), p=VOWEL_SHARE)]
            onset = rng.random()
            before = 1 if onset < 0.78 else 2 if onset < 0.9 else 0
            after = int(rng.random() < 0.3)
            parts = [0.32 / max(before, 1)] * before + [0.46] + [0.3] * after
            scale = length / sum(parts)
            for place, part in enumerate(parts):
                span = part * scale
                if place == before:
                    sounds.add(vowel, now + span / 2, span, sunk * stress)
                else:
                    consonant = CONSONANTS[rng.choice(len(CONSONANTS), p=CONSONANT_SHARE)]
                    sounds.add(consonant, now + span / 2, span, sunk)
                now += span
        return now


@dataclass(slots=True)
class _Sounds:
    """A sequence of sounds, growing."""

    rows: list[tuple[float, float, float, Viseme]] = field(default_factory=list)

    def add(self, viseme: Viseme, centre: float, length: float, size: float = 1.0) -> None:
        self.rows.append((centre, length, size, viseme))

    def table(self) -> tuple[Doubles, Doubles, Doubles, Doubles]:
        centres, lengths, sizes, visemes = zip(*self.rows, strict=True)
        targets = np.array([v.targets for v in visemes]) * np.array(sizes)[:, None]
        return np.array(centres), np.array(lengths), targets, np.array([v.grip for v in visemes])


def _late(path: Doubles, frames: float) -> Doubles:
    """The path as something heavy follows it: smoothed over so many frames and late by them."""
    reach = max(1, round(3 * frames))
    kernel = np.exp(-np.arange(reach + 1) / max(frames, 0.3))
    padded = np.concatenate([np.full(reach, path[0]), path])
    late: Doubles = np.convolve(padded, kernel / kernel.sum(), "valid")
    return late
