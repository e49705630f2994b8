"""Everything between the features of one face and its intervals and turns."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rtme.spot.fusion import ScoreFusion, Scores
from rtme.spot.intervals import UNKNOWN_SLOTS, IntervalDecoder
from rtme.spot.ring import FeatureRing, Floats
from rtme.spot.rules import SpotterRules
from rtme.spot.speaker import SpeakerDecoder
from rtme.spot.updates import IntervalUpdate, SpeakerUpdate, Update


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What the temporal part is to score: one item of its batch.

    Attributes:
        start: First slot.
        end: Last slot (inclusive).
        frame: ``(T, D)`` float32: frame token and measures.
        regions: ``(T, R, Dr)`` float32.
        valid: ``(T,)`` float32, 1 where a slot has a feature.
    """

    start: int
    end: int
    frame: Floats
    regions: Floats
    valid: Floats


@dataclass(frozen=True, slots=True)
class Final:
    """Scores that have become final.

    Attributes:
        to: The last slot of which nothing will be known any more that is not known now.
        score: Slot -> what the interval decoder got, 0..1. Slots of which nothing is known are not in it.
        speaking: Slot -> probability of speaking, likewise.
    """

    to: int
    score: dict[int, float]
    speaking: dict[int, float]


class Spotter:
    """One face in one epoch: features in, windows to score out; scores in, intervals and turns out.

    For each slot of the stream: ``push`` the features if the face can be judged, then ``advance``; ``take``
    or ``skip`` each window that this gave; then ``decide``. At the end: ``drain``; ``take`` or ``skip`` each
    window; ``finish``.

    Windows end at multiples of ``hop``, and what is decided about a slot rests only on windows that end up to
    ``look_ahead`` slots after it. So events are the same however the calls are spread, and whether the stream
    is played or analysed.

    Turns are decided likewise, with a look-ahead of their own.

    Args:
        rules: The engine's numbers.
        keep_scores: Keep final scores for ``take_final``, which must then be called now and then.
    """

    def __init__(self, rules: SpotterRules, *, keep_scores: bool = False) -> None:
        self._rules = rules
        self._ring = FeatureRing(rules.window, rules.token_size, rules.regions, rules.region_size)
        self._scores = ScoreFusion(rules.window, rules.look_ahead)
        speaker_look_ahead = min(max(rules.speaker.look_ahead, rules.hop - 1), rules.window - 1)
        self._speaking = ScoreFusion(rules.window, speaker_look_ahead)
        self._intervals = IntervalDecoder(rules.interval, rules.fps, rules.look_ahead)
        self._turns = SpeakerDecoder(rules.speaker, rules.fps, speaker_look_ahead)
        self._first: int | None = None
        self._reached = -1
        self._due: list[Window] = []
        self._unscored: set[int] = set()
        self._keep_scores = keep_scores
        self._final = Final(-1, {}, {})

    @property
    def delay_ms(self) -> float:
        """Algorithmic delay of intervals: how long after a slot its score is final."""
        return self._scores.look_ahead * 1000 / self._rules.fps

    @property
    def speaker_delay_ms(self) -> float:
        """Algorithmic delay of turns."""
        return self._speaking.look_ahead * 1000 / self._rules.fps

    @property
    def apex(self) -> int | None:
        """Slot of the highest score so far of the interval that is open."""
        return self._intervals.apex

    def push(self, slot: int, frame: Floats, regions: Floats) -> None:
        """Keep the features of a crop, ``(D,)`` and ``(R, Dr)``, before ``advance(slot)``."""
        if self._first is None:
            self._first = slot
            self._reached = slot - 1
        # Windows that end before this slot must not miss what the ring is about to forget.
        self._cut(slot - 1)
        self._ring.put(slot, frame, regions)

    def advance(self, slot: int) -> list[Window]:
        """Say that the stream has reached ``slot``, whether the face was seen or not.

        Returns:
            The windows due since the last call; ``take`` or ``skip`` each: nothing later is decided before
            that. Windows without any feature are left out, so a gap of any length costs nothing.
        """
        if self._first is not None:
            self._cut(slot)
        due, self._due = self._due, []
        return due

    def take(self, window: Window, p_me: float, p_speaking: Floats, frame_scores: Floats) -> list[Update]:
        """Give the temporal part's scores of a window: a number and twice ``(T,)``; 0..1, NaN is unknown.

        Returns:
            What this decides, as ``decide`` does.
        """
        self.skip(window)
        known = known_slots(window.valid, (self._first or 0) - window.start)
        score = slot_scores(frame_scores, p_me, self._rules.me_weight)
        speaking = np.clip(np.asarray(p_speaking, np.float64), 0, 1)
        extra = window.end % self._rules.hop != 0
        self._scores.add(window.end, np.where(known, score, np.nan), extra=extra)
        self._speaking.add(window.end, np.where(known, speaking, np.nan), extra=extra)
        return self.decide()

    def skip(self, window: Window) -> None:
        """Leave a window unscored, to keep up; slots that no other window covers in time are unknown."""
        self._unscored.discard(window.end)

    def decide(self) -> list[Update]:
        """What is known by now, in the order of being decided. Call it once for each slot reached."""
        settled = min(self._reached, min(self._unscored, default=self._reached + 1) - 1)
        return self._decode(settled - self._scores.look_ahead, settled - self._speaking.look_ahead)

    def drain(self) -> list[Window]:
        """The stream has ended: the windows still to be scored, the last one ending with the last slot."""
        due = self.advance(self._reached)
        if self._first is not None and self._reached % self._rules.hop:
            due += self._window(self._reached)
        return due

    def take_final(self) -> Final:
        """The scores that have become final since the last call."""
        final, self._final = self._final, Final(self._final.to, {}, {})
        return final

    def finish(self) -> list[Update]:
        """Decide everything up to the last slot, and end what is open. The spotter is not used after this."""
        self._unscored.clear()
        updates = self._decode(self._reached, self._reached)
        updates += self._intervals.finish()
        updates += self._turns.finish()
        return _in_order([replace(update, decided=min(update.decided, self._reached)) for update in updates])

    def _cut(self, slot: int) -> None:
        """Cut the windows that end up to ``slot``."""
        hop, length = self._rules.hop, self._rules.window
        end = -(-(self._reached + 1) // hop) * hop
        while end <= slot:
            known = self._ring.next_slot(end - length)
            if known is None:
                break
            if known > end:
                end = -(-known // hop) * hop
                continue
            self._due += self._window(end)
            self._unscored.add(end)
            end += hop
        self._reached = max(self._reached, slot)

    def _window(self, end: int) -> list[Window]:
        frame, regions, valid = self._ring.window(end, self._rules.window)
        return [Window(end - len(valid) + 1, end, frame, regions, valid)] if valid.any() else []

    def _decode(self, scores_to: int, speaking_to: int) -> list[Update]:
        intervals: list[IntervalUpdate] = []
        for start, scores in self._scores.final(scores_to):
            intervals += self._intervals.push(start, scores)
            self._keep(self._final.score, start, scores)
        intervals += self._intervals.push(scores_to + 1, [])
        turns: list[SpeakerUpdate] = []
        for start, scores in self._speaking.final(speaking_to):
            turns += self._turns.push(start, scores)
            self._keep(self._final.speaking, start, scores)
        turns += self._turns.push(speaking_to + 1, [])
        self._final = replace(self._final, to=min(scores_to, speaking_to))
        return _in_order([*intervals, *turns])

    def _keep(self, kept: dict[int, float], start: int, scores: Scores) -> None:
        if self._keep_scores:
            kept.update(enumerate(scores.tolist(), start))


def known_slots(valid: Floats, first: int) -> NDArray[np.bool_]:
    """The slots of which a window says something: those near a feature, and none before the face's first.

    Args:
        valid: ``(T,)`` 1 where a slot has a feature.
        first: Place in the window of the face's first feature ever; may lie before the window.
    """
    near = np.convolve(valid, np.ones(2 * UNKNOWN_SLOTS + 1, np.float32))
    known = near[UNKNOWN_SLOTS : UNKNOWN_SLOTS + len(valid)] > 0.5
    return np.asarray(known & (np.arange(len(valid)) >= first))


def slot_scores(frame_scores: Floats, p_me: float, me_weight: float) -> Scores:
    """A window's score of each of its slots, ``frame^(1-w) * p_me^w``: ``(T,)`` 0..1, NaN stays unknown."""
    frame = np.clip(np.asarray(frame_scores, np.float64), 0, 1)
    score: Scores = frame ** (1 - me_weight) * np.clip(np.float64(p_me), 0, 1) ** me_weight
    return score


def _in_order(updates: list[Update]) -> list[Update]:
    return sorted(updates, key=lambda update: update.decided)
