"""What happens in a clip: a timeline of movements, its state at every frame, and the truth about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rtme.synth import nuisance
from rtme.synth import speech as talk
from rtme.synth.action_units import LIMITS
from rtme.synth.chance import place
from rtme.synth.expression import Expression, Kind
from rtme.synth.motion import Motion
from rtme.synth.truth import ACTION_UNITS, Span, Truth, TruthInterval

_UNIT_LIMITS = np.array([LIMITS[unit] for unit in ACTION_UNITS], np.float32)
_CORNERS = [ACTION_UNITS.index(unit) for unit in (12, 14, 20)]
_CORNER_LIMIT = 9.0  # pixels that a corner of the mouth can be pulled outwards, all muscles together
_JAW_LIMIT = 13.0  # pixels: about as wide as a mouth opens in conversation
_BEYOND_S = 1.0  # a clip of one state is cut out of the midst of it: the mouth does not start from rest


@dataclass(frozen=True)
class Script:
    """A clip's timeline.

    Attributes:
        fps: Frames per second.
        motion: Every frame's state.
        intervals: Planted expressions, by onset.
        planted: ``(n, 13, 2)`` what the planted expressions alone move, as ``Motion.units``.
        spans: Blinks, speech turns and head movements, by start.
        speaking: ``(n,)`` uint8, as in :class:`~rtme.synth.truth.Truth`.
    """

    fps: float
    motion: Motion
    intervals: list[TruthInterval]
    planted: NDArray[np.float32]
    spans: list[Span]
    speaking: NDArray[np.uint8]

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
        return cls._planting(expressions, motion, fps, [], np.zeros(n_frames, np.uint8))

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
        large: float = 1.0,
        speech: float = 0.5,
        blink: float = 1.0,
        head: float = 1.0,
        n_me: int | None = None,
        state: Literal["speaking", "listening"] | None = None,
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
            large: Mean number of short large movements in 3.2 s at full interference.
            speech: Probability that the person speaks at some time of the clip.
            blink: Factor on the rate of blinks.
            head: Factor on the amount of head motion.
            n_me: How many micro-expressions, where there is room for them; overrides ``me_per_clip``.
            state: What the person does from before the clip until after it, overrides ``speech``; short pauses
                belong to speaking.
        """
        seconds = n_frames / fps
        motion = Motion.still(n_frames)
        if state is None:
            turns = talk.turns(rng, seconds) if rng.random() < speech else []
        else:
            turns = [(-_BEYOND_S, seconds + _BEYOND_S)] if state == "speaking" else []
        speaking = talk.speak(rng, motion, turns, fps, 0.4 + 0.6 * interference)
        spans = [Span("speech", max(0, round(a * fps)), min(n_frames - 1, round(b * fps))) for a, b in turns]
        spans += nuisance.blinks(rng, motion.lids, fps, blink * (0.3 + 0.7 * interference))
        nuisance.fidget(rng, motion.units, fps, interference)
        nuisance.gaze(rng, motion.shapes, fps, interference)
        spans += nuisance.move_head(rng, motion.pose, fps, head * interference, speaking)
        busy = np.zeros(n_frames, bool)
        for span in spans:
            busy[span.start : span.end + 1] = True

        stretches = seconds / 3.2
        # Those whose number is asked for come first, while there is room.
        counts: dict[Kind, int] = {} if n_me is None else {"me": n_me}
        counts["macro"] = int(rng.poisson(macro * interference * stretches))
        if n_me is None:
            counts["me"] = _how_many(rng, stretches, me_per_clip)
        counts["large"] = int(rng.poisson(large * interference * stretches))
        taken = np.zeros(n_frames, bool)
        found = [
            place(rng, kind, taken, busy, fps, interference) for kind, n in counts.items() for _ in range(n)
        ]
        return cls._planting([e for e in found if e is not None], motion, fps, spans, speaking)

    @classmethod
    def _planting(
        cls,
        expressions: Sequence[Expression],
        motion: Motion,
        fps: float,
        spans: list[Span],
        speaking: NDArray[np.uint8],
    ) -> "Script":
        """Expressions on top of what the face does anyway."""
        n_frames = len(motion.jaw)
        before = motion.units.copy()
        intervals = []
        for expression in expressions:
            seen = expression.seen(n_frames, fps)
            if seen is not None:
                expression.perform(motion, fps)
                intervals.append(seen)
        planted = motion.units - before
        _give_way(motion, planted)
        np.clip(motion.jaw, 0, _JAW_LIMIT, out=motion.jaw)
        np.minimum(motion.units, _UNIT_LIMITS[:, None], out=motion.units)
        intervals.sort(key=lambda interval: interval.onset)
        spans = sorted(spans, key=lambda span: span.start)
        return cls(fps, motion, intervals, planted, spans, speaking)

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


def _how_many(rng: np.random.Generator, stretches: float, mean: float | None) -> int:
    """How many micro-expressions: Poisson with a mean, or the mix of training clips."""
    if mean is not None:
        return int(rng.poisson(mean))
    return 0 if rng.random() < 0.15 else max(1, round(stretches * rng.integers(1, 5)))


def _give_way(motion: Motion, planted: NDArray[np.float32]) -> None:
    """Speech pulls the corners of the mouth only as far as a planted expression leaves room."""
    spread = np.maximum(-motion.shapes[:, 0], 0)
    other = motion.units[:, _CORNERS] - planted[:, _CORNERS]
    room = _CORNER_LIMIT - planted[:, _CORNERS].sum(1).max(1)
    share = np.clip(room / np.maximum(other.sum(1).max(1) + spread, 1e-6), 0, 1)
    motion.units[:, _CORNERS] = planted[:, _CORNERS] + other * share[:, None, None]
    motion.shapes[:, 0] = np.where(motion.shapes[:, 0] < 0, motion.shapes[:, 0] * share, motion.shapes[:, 0])
