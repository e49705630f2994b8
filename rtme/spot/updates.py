"""What the spotter says, in slots of the engine's time grid. ``live`` turns slots into frames and times."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["provisional", "confirmed", "closed", "retracted"]


@dataclass(frozen=True, slots=True)
class IntervalUpdate:
    """One step in the life of an interval.

    Attributes:
        id: Same number from provisional to closed or retracted; from 1 up.
        status: provisional -> confirmed -> closed, or retracted.
        type: "me" up to the maximum duration, "macro" beyond it. May change until closed.
        onset: First slot of the interval.
        apex: Slot of the highest score so far.
        offset: Last slot so far (inclusive).
        confidence: Probability of being right where the engine is calibrated, else its highest score; 0..1.
        decided: Slot the stream had reached when this was decided.
    """

    id: int
    status: Status
    type: Literal["me", "macro"]
    onset: int
    apex: int
    offset: int
    confidence: float
    decided: int


@dataclass(frozen=True, slots=True)
class SpeakerUpdate:
    """A turn that began (``end`` is None) or ended.

    Attributes:
        id: Same number for the beginning and the end of a turn; from 1 up.
        state: "speaking" or "listening".
        start: First slot of the turn.
        end: Last slot (inclusive), None while it goes on.
        confidence: Mean probability of the state over the turn so far, 0..1.
        decided: Slot the stream had reached when this was decided.
    """

    id: int
    state: Literal["speaking", "listening"]
    start: int
    end: int | None
    confidence: float
    decided: int


Update = IntervalUpdate | SpeakerUpdate
