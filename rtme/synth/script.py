"""What happens in a clip: a timeline of movements, its state at every frame, and the truth about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rtme.synth import eyes, gestures, nuisance
from rtme.synth import speech as talk
from rtme.synth.action_units import LIMITS
from rtme.synth.chance import place
from rtme.synth.expression import Expression, Kind
from rtme.synth.hand import Hand
from rtme.synth.head import move_head
from rtme.synth.mix import Mix
from rtme.synth.motion import Motion
from rtme.synth.pulse import moments
from rtme.synth.truth import ACTION_UNITS, Span, Truth, TruthInterval

_UNIT_LIMITS = np.array([LIMITS[unit] for unit in ACTION_UNITS], np.float32)
_CORNERS = [ACTION_UNITS.index(unit) for unit in (12, 14, 20)]
_CORNER_LIMIT = 9.0  # pixels that a corner of the mouth can be pulled outwards, all muscles together
_JAW_LIMIT = 13.0  # pixels: about as wide as a mouth opens in conversation
_EVEN = Mix()
_BEYOND_S = 1.0  # a clip of one state is cut out of the midst of it: the mouth does not start from rest


@dataclass(frozen=True)
class Script:
    """A clip's timeline.

    Attributes:
        fps: Frames per second.
        motion: Every frame's state.
        intervals: Planted expressions, by onset.
        planted: ``(n, 13, 2)`` what the planted expressions alone move, as ``Motion.units``.
        spans: What else happens, by start.
        speaking: ``(n,)`` uint8, as in :class:`~rtme.synth.truth.Truth`.
        hands: Hands that come before the face.
    """

    fps: float
    motion: Motion
    intervals: list[TruthInterval]
    planted: NDArray[np.float32]
    spans: list[Span]
    speaking: NDArray[np.uint8]
    hands: tuple[Hand, ...] = ()

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
        mix: Mix = _EVEN,
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
            mix: How much there is of each thing, beside the factors above.
        """
        seconds = n_frames / fps
        motion = Motion.still(n_frames)
        if state is None:
            turns = talk.turns(rng, seconds) if rng.random() < speech else []
        else:
            turns = [(-_BEYOND_S, seconds + _BEYOND_S)] if state == "speaking" else []
        speaking = talk.speak(rng, motion, turns, fps, 0.4 + 0.6 * interference)
        spans = [Span("speech", max(0, round(a * fps)), min(n_frames - 1, round(b * fps))) for a, b in turns]
        spans += eyes.blinks(rng, motion.lids, fps, mix.blink * blink * (0.3 + 0.7 * interference))
        nuisance.fidget(rng, motion.units, fps, interference)
        spans += eyes.gaze(rng, motion, fps, min(1.0, mix.gaze * interference))
        spans += eyes.squint(rng, motion, fps, 0.12 * mix.lids * interference)
        spans += gestures.emphasize(
            rng, motion, fps, speaking, 0.8 * mix.brow * interference, 1.2 * mix.head * head * interference
        )
        spans += gestures.idle_mouth(rng, motion, fps, 0.16 * mix.mouth * interference)
        spans += gestures.swallow(rng, motion, fps, 0.06 * mix.swallow * interference)
        spans += gestures.repeat(rng, motion, fps, 0.06 * mix.train * interference)
        spans += gestures.step(rng, motion, fps, 0.15 * mix.step * interference)
        spans += move_head(rng, motion.pose, fps, mix.head * head * interference, speaking)
        hands = _hands(rng, n_frames, fps, 0.04 * mix.hand * interference)
        busy = np.zeros(n_frames, bool)
        for span in [*spans, *(hand.span for hand in hands)]:
            busy[span.start : span.end + 1] = True

        stretches = seconds / 3.2
        # Those whose number is asked for come first, while there is room.
        counts: dict[Kind, int] = {} if n_me is None else {"me": n_me}
        counts["macro"] = int(rng.poisson(mix.macro * macro * interference * stretches))
        if n_me is None:
            counts["me"] = _how_many(rng, stretches, me_per_clip)
        counts["large"] = int(rng.poisson(mix.large * large * interference * stretches))
        taken = np.zeros(n_frames, bool)
        found = [
            place(rng, kind, taken, busy, fps, interference, hands if n_me is None else ())
            for kind, n in counts.items()
            for _ in range(n)
        ]
        planted = [each for each in found if each is not None]
        if n_me is not None:
            # Those that were asked for stay, and a hand that would cover one does not come.
            hands = tuple(hand for hand in hands if not _covers(hand, planted, n_frames, fps))
        spans += [hand.span for hand in hands]
        return cls._planting(planted, motion, fps, spans, speaking, hands)

    @classmethod
    def _planting(
        cls,
        expressions: Sequence[Expression],
        motion: Motion,
        fps: float,
        spans: list[Span],
        speaking: NDArray[np.uint8],
        hands: tuple[Hand, ...] = (),
    ) -> "Script":
        """Expressions on top of what the face does anyway."""
        n_frames = len(motion.jaw)
        alone = Motion.still(n_frames)
        intervals = []
        # The faint ones come last: what room they need is known when all else is there.
        for expression in sorted(expressions, key=lambda each: each.type == "me"):
            seen = expression.seen(n_frames, fps)
            if seen is not None:
                if expression.type == "me":
                    _make_room(motion, expression)
                expression.perform(motion, fps)
                expression.perform(alone, fps)
                intervals.append(seen)
        planted = np.minimum(alone.units, _UNIT_LIMITS[:, None])
        _give_way(motion, planted)
        np.clip(motion.jaw, 0, _JAW_LIMIT, out=motion.jaw)
        np.minimum(motion.units, _UNIT_LIMITS[:, None], out=motion.units)
        intervals.sort(key=lambda interval: interval.onset)
        spans = sorted(spans, key=lambda span: span.start)
        return cls(fps, motion, intervals, planted, spans, speaking, hands)

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


def _make_room(motion: Motion, expression: Expression) -> None:
    """A muscle that is drawn as far as it goes would hide a micro-expression of its own."""
    for unit, sides in expression.units.items():
        column = ACTION_UNITS.index(unit)
        room = np.maximum(LIMITS[unit] - np.array(sides, np.float32), 0)
        np.minimum(motion.units[:, column], room, out=motion.units[:, column])


def _covers(hand: Hand, expressions: Sequence[Expression], n_frames: int, fps: float) -> bool:
    """Whether a hand hides any expression in any of its frames."""
    for expression in expressions:
        seen = expression.seen(n_frames, fps)
        if seen is not None and hand.covers(seen.action_units, seen.onset - 1, seen.offset + 1):
            return True
    return False


def _hands(rng: np.random.Generator, n_frames: int, fps: float, rate: float) -> tuple[Hand, ...]:
    found = [Hand.random(rng, n_frames, fps, now) for now in moments(rng, n_frames / fps, rate, 3.0)]
    return tuple(hand for hand in found if hand is not None)


def _give_way(motion: Motion, planted: NDArray[np.float32]) -> None:
    """Speech pulls the corners of the mouth only as far as a planted expression leaves room."""
    spread = np.maximum(-motion.shapes[:, 0], 0)
    other = motion.units[:, _CORNERS] - planted[:, _CORNERS]
    room = _CORNER_LIMIT - planted[:, _CORNERS].sum(1).max(1)
    share = np.clip(room / np.maximum(other.sum(1).max(1) + spread, 1e-6), 0, 1)
    motion.units[:, _CORNERS] = planted[:, _CORNERS] + other * share[:, None, None]
    motion.shapes[:, 0] = np.where(motion.shapes[:, 0] < 0, motion.shapes[:, 0] * share, motion.shapes[:, 0])
