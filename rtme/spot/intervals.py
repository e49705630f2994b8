"""From one score a slot to micro- and macro-expression intervals."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtme.spot.calibration import calibrated
from rtme.spot.rules import IntervalRules, slots_at_least, slots_at_most
from rtme.spot.updates import IntervalUpdate, Status

UNKNOWN_SLOTS = 3
"""Slots without a score that an interval bridges (100 ms at 30 fps: a dropped frame or a quick occlusion)."""


@dataclass(slots=True)
class _Run:
    """Slots at or above ``off`` and what is bridged between; an interval once it has reached ``on``."""

    onset: int
    offset: int
    apex: int
    peak: float
    low: int = 0
    unknown: int = 0
    id: int | None = None
    confirmed: bool = False

    def add(self, slot: int, score: float) -> None:
        self.offset = slot
        if score > self.peak:
            self.apex, self.peak = slot, score
        self.low = self.unknown = 0


class IntervalDecoder:
    """Hysteresis with a minimum and a maximum duration.

    A run is a stretch of slots at or above ``off``; dips up to ``merge_ms`` and up to ``UNKNOWN_SLOTS`` slots
    without a score do not end it. A run that reaches ``on`` is an interval: its onset is the run's first slot
    (so it is traced back to before the crossing), its offset the last slot at or above ``off``, its apex the
    slot of the highest score. Durations count onset and offset.

    Its confidence follows from the highest score alone, through the rules' calibration. So it never falls while the
    interval is open, and it means the same whatever ``on`` and ``off`` are.

    ``decided`` is the slot that settled an update plus ``look_ahead``: what the stream must have reached for
    that slot's score to be final. So updates do not depend on how the scores were cut into pushes.

    Args:
        rules: Thresholds and durations.
        fps: Slots per second.
        look_ahead: Slots after a slot before its score is final.
    """

    def __init__(self, rules: IntervalRules, fps: float, look_ahead: int = 0) -> None:
        self._rules = rules
        self._look_ahead = look_ahead
        self._min_slots = slots_at_least(rules.min_ms, fps)
        self._me_max_slots = slots_at_most(rules.me_max_ms, fps)
        self._merge_slots = slots_at_most(rules.merge_ms, fps)
        self._next: int | None = None
        self._run: _Run | None = None
        self._ids = 0

    @property
    def apex(self) -> int | None:
        """Slot of the highest score so far of the interval that is open."""
        return self._run.apex if self._run is not None and self._run.id is not None else None

    def push(
        self, start_slot: int, scores: Sequence[float] | NDArray[np.floating[Any]]
    ) -> list[IntervalUpdate]:
        """Decode the scores of slots ``start_slot, start_slot + 1, …``.

        Args:
            start_slot: After the last slot pushed; slots left out between have no score.
            scores: ``(n,)`` in 0..1, NaN where nothing is known.

        Raises:
            ValueError: ``start_slot`` was pushed before.
        """
        updates: list[IntervalUpdate] = []
        if self._next is not None:
            if start_slot < self._next:
                raise ValueError(f"slot {start_slot} was decoded before: {self._next} is next")
            # However long the gap is, its first slots end whatever was open.
            for slot in range(self._next, min(start_slot, self._next + UNKNOWN_SLOTS + 1)):
                updates += self._step(slot, math.nan)
        for slot, score in enumerate(scores, start_slot):
            updates += self._step(slot, float(score))
        self._next = start_slot + len(scores)
        return updates

    def finish(self) -> list[IntervalUpdate]:
        """Close or retract what is open: no more scores come."""
        return [] if self._next is None else list(self._end(self._next - 1))

    def _step(self, slot: int, score: float) -> Iterator[IntervalUpdate]:
        if score >= self._rules.off:
            yield from self._extend(slot, score)
        elif self._run is not None:
            if math.isnan(score):
                self._run.unknown += 1
            else:
                self._run.low += 1
            if self._run.low > self._merge_slots or self._run.unknown > UNKNOWN_SLOTS:
                yield from self._end(slot)

    def _extend(self, slot: int, score: float) -> Iterator[IntervalUpdate]:
        if self._run is None:
            self._run = _Run(onset=slot, offset=slot, apex=slot, peak=score)
        run = self._run
        run.add(slot, score)
        if run.id is None and score >= self._rules.on:
            self._ids += 1
            run.id = self._ids
            yield self._update(run, run.id, "provisional", slot)
        if run.id is not None and not run.confirmed and slot - run.onset + 1 >= self._min_slots:
            run.confirmed = True
            yield self._update(run, run.id, "confirmed", slot)

    def _end(self, slot: int) -> Iterator[IntervalUpdate]:
        run, self._run = self._run, None
        if run is not None and run.id is not None:
            yield self._update(run, run.id, "closed" if run.confirmed else "retracted", slot)

    def _update(self, run: _Run, interval: int, status: Status, slot: int) -> IntervalUpdate:
        return IntervalUpdate(
            id=interval,
            status=status,
            type="macro" if run.offset - run.onset + 1 > self._me_max_slots else "me",
            onset=run.onset,
            apex=run.apex,
            offset=run.offset,
            confidence=calibrated(min(1.0, run.peak), self._rules.calibration),
            decided=slot + self._look_ahead,
        )
