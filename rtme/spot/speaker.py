"""From the probability of speaking to turns of speaking and listening."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rtme.spot.rules import SpeakerRules, slots_at_least
from rtme.spot.updates import SpeakerUpdate

State = Literal["speaking", "listening"]


@dataclass(slots=True)
class _Stretch:
    """Slots in one state: a turn once it has lasted long enough."""

    state: State
    start: int
    total: float = 0.0
    count: int = 0
    id: int = 0

    def add(self, p_speaking: float) -> None:
        self.total += p_speaking if self.state == "speaking" else 1 - p_speaking
        self.count += 1

    def take_back(self, other: "_Stretch") -> None:
        """Add the slots of a change that did not last."""
        self.total += other.count - other.total
        self.count += other.count

    @property
    def confidence(self) -> float:
        return min(1.0, max(0.0, self.total / self.count))


class SpeakerDecoder:
    """Hysteresis, and a change must last ``min_ms`` to count.

    At or above ``on`` the person speaks, below ``off`` listens, between the two the state stays. A turn
    begins with the first slot of its state and ends with the slot before the next turn. Unknown slots are
    bridged for ``min_ms``; more of them end the turn at its last known slot. Its confidence is the mean
    probability of its state. ``decided`` is the slot that settled an update plus ``look_ahead``, as for
    intervals.

    Args:
        rules: Thresholds and duration.
        fps: Slots per second.
        look_ahead: Slots after a slot before its probability is final.
    """

    def __init__(self, rules: SpeakerRules, fps: float, look_ahead: int = 0) -> None:
        self._rules = rules
        self._look_ahead = look_ahead
        self._min_slots = slots_at_least(rules.min_ms, fps)
        self._next: int | None = None
        self._turn: _Stretch | None = None
        self._change: _Stretch | None = None
        self._known = 0
        self._unknown = 0
        self._ids = 0

    def push(
        self, start_slot: int, p_speaking: Sequence[float] | NDArray[np.floating[Any]]
    ) -> list[SpeakerUpdate]:
        """Decode the probabilities of slots ``start_slot, start_slot + 1, …``.

        Args:
            start_slot: After the last slot pushed; slots left out between are unknown.
            p_speaking: ``(n,)`` in 0..1, NaN where nothing is known.

        Raises:
            ValueError: ``start_slot`` was pushed before.
        """
        updates: list[SpeakerUpdate] = []
        if self._next is not None:
            if start_slot < self._next:
                raise ValueError(f"slot {start_slot} was decoded before: {self._next} is next")
            # However long the gap is, its first slots end the turn.
            for slot in range(self._next, min(start_slot, self._next + self._min_slots + 1)):
                updates += self._step(slot, math.nan)
        for slot, p in enumerate(p_speaking, start_slot):
            updates += self._step(slot, float(p))
        self._next = start_slot + len(p_speaking)
        return updates

    def finish(self) -> list[SpeakerUpdate]:
        """End the turn that is open: no more probabilities come."""
        return [] if self._next is None else list(self._lose(self._next - 1))

    def _step(self, slot: int, p: float) -> Iterator[SpeakerUpdate]:
        if math.isnan(p):
            self._unknown += 1
            if self._unknown > self._min_slots:
                yield from self._lose(slot)
            return
        self._known, self._unknown = slot, 0
        state = self._state(p)
        if state is None:
            return
        if self._turn is not None and state == self._turn.state:
            if self._change is not None:
                self._turn.take_back(self._change)
                self._change = None
            self._turn.add(p)
            return
        if self._change is None or self._change.state != state:
            self._change = _Stretch(state, slot)
        self._change.add(p)
        if slot - self._change.start + 1 >= self._min_slots:
            yield from self._begin(self._change, slot)

    def _state(self, p: float) -> State | None:
        if p >= self._rules.on:
            return "speaking"
        if p < self._rules.off:
            return "listening"
        now = self._change or self._turn
        return now.state if now else None

    def _begin(self, turn: _Stretch, slot: int) -> Iterator[SpeakerUpdate]:
        if self._turn is not None:
            yield self._update(self._turn, slot, turn.start - 1)
        self._ids += 1
        turn.id = self._ids
        self._turn, self._change = turn, None
        yield self._update(turn, slot, None)

    def _lose(self, slot: int) -> Iterator[SpeakerUpdate]:
        turn, change = self._turn, self._change
        self._turn = self._change = None
        if turn is not None:
            if change is not None:
                turn.take_back(change)
            yield self._update(turn, slot, self._known)

    def _update(self, turn: _Stretch, slot: int, end: int | None) -> SpeakerUpdate:
        return SpeakerUpdate(
            id=turn.id,
            state=turn.state,
            start=turn.start,
            end=end,
            confidence=turn.confidence,
            decided=slot + self._look_ahead,
        )
