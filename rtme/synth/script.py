"""What happens in a clip: a timeline of movements, its state at every frame, and the truth about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rtme.synth import nuisance
from rtme.synth.action_units import LIMITS, MIDLINE, SHAPES, largest_displacement
from rtme.synth.profile import Profile, random_profile, visible
from rtme.synth.speech import speak
from rtme.synth.speech import turns as speech_turns
from rtme.synth.truth import ACTION_UNITS, Span, Truth, TruthInterval

Floats = NDArray[np.float32]

GAP = 4
"""Frames that are free between two planted expressions."""

_PAIRS = (
    (1, 2),
    (1, 4),
    (4, 7),
    (6, 12),
    (12, 14),
    (15, 17),
    (9, 10),
    (10, 14),
    (1, 2, 5),
    (1, 2, 4),
    (4, 17),
    (2, 12),
)
_BIG = (1, 2, 4, 6, 9, 12, 14, 15, 17, 20)
"""Units that can move far."""

_UNIT_LIMITS = np.array([LIMITS[unit] for unit in ACTION_UNITS], np.float32)
_JAW_LIMIT = 13.0  # pixels: about as wide as a mouth opens in conversation


@dataclass(frozen=True, slots=True)
class Expression:
    """One planted movement.

    Attributes:
        type: As in :class:`~rtme.synth.truth.TruthInterval`.
        units: FACS unit -> (pixels on the left of the picture, pixels on the right).
        profile: Time course.
        mouth: Opening of the jaw and pucker of the lips that go with it, pixels ("large" only).
    """

    type: Literal["me", "macro", "large"]
    units: dict[int, tuple[float, float]]
    profile: Profile
    mouth: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Motion:
    """The state of a face at every frame of a clip; n frames.

    Attributes:
        units: ``(n, 13, 2)`` pixels per action unit and side.
        shapes: ``(n, 5)`` pixels per shape of ``action_units.SHAPES``.
        jaw: ``(n,)`` opening of the mouth, pixels.
        lids: ``(n, 2)`` closure of each eye, 0..1.
        pose: ``(n, 6)`` yaw, pitch, roll (degrees), shift x and y (canonical pixels), log of scale.
    """

    units: Floats
    shapes: Floats
    jaw: Floats
    lids: Floats
    pose: Floats

    @classmethod
    def still(cls, n_frames: int) -> "Motion":
        """Nothing moves."""
        return cls(
            np.zeros((n_frames, len(ACTION_UNITS), 2), np.float32),
            np.zeros((n_frames, len(SHAPES)), np.float32),
            np.zeros(n_frames, np.float32),
            np.zeros((n_frames, 2), np.float32),
            np.zeros((n_frames, 6), np.float32),
        )


@dataclass(frozen=True)
class Script:
    """A clip's timeline.

    Attributes:
        fps: Frames per second.
        motion: Every frame's state.
        intervals: Planted expressions, by onset.
        spans: Blinks, speech turns and head movements, by start.
        speaking: ``(n,)`` uint8, as in :class:`~rtme.synth.truth.Truth`.
    """

    fps: float
    motion: Motion
    intervals: list[TruthInterval]
    spans: list[Span] = field(default_factory=list)
    speaking: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))

    @property
    def n_frames(self) -> int:
        """Length in frames."""
        return len(self.motion.jaw)

    @classmethod
    def of(cls, expressions: Sequence[Expression], *, n_frames: int, fps: float = 30.0) -> "Script":
        """A clip in which exactly these movements happen and nothing else.

        A movement that would never be visible is left out.
        """
        motion = Motion.still(n_frames)
        return cls(fps, motion, _plant(motion, expressions, fps), [], np.zeros(n_frames, np.uint8))

    @classmethod
    def random(
        cls,
        rng: np.random.Generator,
        n_frames: int = 96,
        fps: float = 30.0,
        *,
        interference: float = 0.5,
        me_per_clip: float | None = None,
        macro: float = 0.3,
        large: float = 0.5,
        speech: float = 0.5,
        blink: float = 1.0,
        head: float = 1.0,
    ) -> "Script":
        """A clip in which things happen by chance.

        Args:
            rng: The same generator state gives the same clip.
            n_frames: Length.
            fps: Frames per second; durations are drawn in seconds.
            interference: 0..1, how much blinks, speech, head motion and large movements there are, and
                how often a micro-expression coincides with them.
            me_per_clip: Mean number of micro-expressions; None for the mix of training clips, in which 15 %
                have none and the others 1 to 4 in each 3.2 s.
            macro: Mean number of macro-expressions in 3.2 s at full interference.
            large: Mean number of short large movements in 1.6 s at full interference.
            speech: Probability that the person speaks at some time of the clip.
            blink: Factor on the rate of blinks.
            head: Factor on the amount of head motion.
        """
        seconds = n_frames / fps
        motion = Motion.still(n_frames)
        turns = speech_turns(rng, seconds) if rng.random() < speech else []
        speaking = speak(rng, motion, turns, fps, 0.4 + 0.6 * interference)
        spans = [Span("speech", round(a * fps), min(n_frames - 1, round(b * fps))) for a, b in turns]
        spans += nuisance.blinks(rng, motion.lids, fps, blink * (0.3 + 0.7 * interference))
        nuisance.fidget(rng, motion.units, fps, interference)
        nuisance.gaze(rng, motion.shapes, fps, interference)
        spans += nuisance.move_head(rng, motion.pose, fps, head * interference, speaking)

        stretches = seconds / 3.2
        if me_per_clip is None:
            n_me = 0 if rng.random() < 0.15 else max(1, round(stretches * rng.choice((1, 2, 3, 4))))
        else:
            n_me = int(rng.poisson(me_per_clip))
        wanted: list[Literal["me", "macro", "large"]] = ["macro"] * int(
            rng.poisson(macro * interference * stretches)
        )
        wanted += ["me"] * n_me
        wanted += ["large"] * int(rng.poisson(2 * large * interference * stretches))
        busy = np.zeros(n_frames, bool)
        for span in spans:
            busy[span.start : span.end + 1] = True
        taken = np.zeros(n_frames, bool)
        expressions: list[Expression] = []
        for kind in wanted:
            planned = _place(rng, kind, taken, busy, fps, interference)
            if planned is not None:
                expressions.append(planned)
        intervals = _plant(motion, expressions, fps)
        np.clip(motion.jaw, 0, _JAW_LIMIT, out=motion.jaw)
        np.minimum(motion.units, _UNIT_LIMITS[:, None], out=motion.units)
        return cls(fps, motion, intervals, sorted(spans, key=lambda s: s.start), speaking)

    def truth(self, person: str, base: Literal["portrait", "clip"] = "portrait") -> Truth:
        """Everything known of this clip when this person performs it."""
        return Truth(
            person=person,
            base=base,
            fps=self.fps,
            n_frames=self.n_frames,
            intervals=list(self.intervals),
            spans=list(self.spans),
            action_units=self.motion.units.max(2),
            speaking=self.speaking.copy(),
        )


def _plant(motion: Motion, expressions: Sequence[Expression], fps: float) -> list[TruthInterval]:
    """Add movements to the motion and say where they are to be seen."""
    times = np.arange(len(motion.jaw)) / fps
    intervals = []
    for expression in expressions:
        course = expression.profile.at(times)
        peak = max(*expression.mouth, largest_displacement(expression.units) if expression.units else 0.0)
        seen = visible(course * peak)
        if seen is None:
            continue
        for unit, sides in expression.units.items():
            motion.units[:, ACTION_UNITS.index(unit)] += np.outer(course, sides).astype(np.float32)
        motion.jaw[:] += np.float32(expression.mouth[0]) * course.astype(np.float32)
        motion.shapes[:, 0] += np.float32(expression.mouth[1]) * course.astype(np.float32)
        onset, apex, offset = seen
        units = tuple(sorted(expression.units))
        intervals.append(
            TruthInterval(expression.type, onset, apex, offset, units, float(peak * course[apex]))
        )
    return sorted(intervals, key=lambda i: i.onset)


def _place(
    rng: np.random.Generator,
    kind: Literal["me", "macro", "large"],
    taken: NDArray[np.bool_],
    busy: NDArray[np.bool_],
    fps: float,
    interference: float,
) -> Expression | None:
    """A movement where none is yet, GAP frames from others and wholly inside the clip; None without room."""
    n_frames = len(taken)
    if kind == "me":
        seconds = max(2 / fps, float(rng.triangular(0.04, 0.3, 0.5)))
    elif kind == "macro":
        seconds = float(rng.uniform(0.6, 2.2))
    else:
        seconds = float(rng.uniform(4, 25)) / 30
    if (seconds * 1.4 + 2 / fps) * fps >= n_frames:
        return None
    avoid = kind == "me" and rng.random() > interference
    for attempt in range(20):
        profile = random_profile(rng, 0.0, seconds)
        room = n_frames / fps - 2 / fps - profile.end_s
        if room <= 0:
            return None
        profile = profile.later(1 / fps + float(rng.uniform(0, room)))
        course = profile.at(np.arange(n_frames) / fps)
        moved = np.flatnonzero(course > 0.01)
        # Two frames at most belong to a micro-expression of 40 ms, however they fall between frames.
        seen = visible(course * 1.25)
        if seen is None or seen[2] == seen[0] or (kind == "me" and (seen[2] - seen[0]) / fps > 0.5):
            continue
        first, last = int(moved[0]), int(moved[-1])
        if taken[max(0, first - GAP) : last + GAP + 1].any():
            continue
        if avoid and attempt < 12 and busy[first : last + 1].any():
            continue
        taken[first : last + 1] = True
        units, mouth = _amplitudes(rng, kind)
        if kind == "me":
            # Short movements whose apex falls between frames keep the amplitude that was drawn.
            top = float(course.max())
            units = {u: (a / top, b / top) for u, (a, b) in units.items()}
        return Expression(kind, units, profile, mouth)
    return None


def _amplitudes(
    rng: np.random.Generator, kind: Literal["me", "macro", "large"]
) -> tuple[dict[int, tuple[float, float]], tuple[float, float]]:
    """Which units move how far on each side, and the mouth with them."""
    units: tuple[int, ...]
    if kind == "me":
        # Faint ones are the most frequent.
        size = float(0.6 + 2.6 * rng.beta(1.2, 1.8))
        units = (int(rng.choice(ACTION_UNITS)),) if rng.random() < 0.55 else _PAIRS[rng.integers(len(_PAIRS))]
    elif kind == "macro":
        size = float(rng.uniform(3, 8))
        units = (int(rng.choice(_BIG)),) if rng.random() < 0.4 else _PAIRS[rng.integers(len(_PAIRS))]
    else:
        size = float(rng.uniform(4, 11))
        if rng.random() < 0.45:
            jaw = rng.random() < 0.6
            return {}, (size, 0.0) if jaw else (0.0, min(size, 7.0))
        units = (
            (1, 2)
            if rng.random() < 0.35
            else tuple(int(u) for u in rng.choice(_BIG, rng.integers(1, 3), replace=False))
        )
    sides = _sides(rng)
    result = {}
    for place, unit in enumerate(units):
        share = 1.0 if place == 0 else float(rng.uniform(0.5, 1.0))
        a, b = (1.0, 1.0) if unit in MIDLINE else sides
        result[unit] = (share * a, share * b)
    # Together they move as far as was drawn, unless a face cannot.
    grow = min(
        size / largest_displacement(result), *(LIMITS[unit] / max(pair) for unit, pair in result.items())
    )
    return {unit: (grow * a, grow * b) for unit, (a, b) in result.items()}, (0.0, 0.0)


def _sides(rng: np.random.Generator) -> tuple[float, float]:
    """Share of each side; the stronger has 1."""
    chance = rng.random()
    weaker = 0.0 if chance < 0.15 else float(rng.uniform(0.5, 1.0))
    return (1.0, weaker) if rng.random() < 0.5 else (weaker, 1.0)
