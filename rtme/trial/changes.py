"""How long after a person begins or ceases to speak the engine says so."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rtme.events import AnyEvent, SpeakerEvent
from rtme.score.interval import State
from rtme.synth.truth import UNKNOWN

_CUT_OFF_S = 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """A true change between speaking and listening.

    Attributes:
        to: What the person does from then on.
        how: "told"; "missed"; or "cut off": the clip ended within a second of it, before the engine had decided,
            or made the engine decide.
        delay_s: From the change to the newest frame that the engine had seen when it decided; None unless told.
        algorithmic_s: The part of it that the engine waits by design.
    """

    to: State
    how: Literal["told", "missed", "cut off"]
    delay_s: float | None = None
    algorithmic_s: float | None = None


def changes(truth: NDArray[np.uint8], fps: float, events: Iterable[AnyEvent]) -> list[Change]:
    """The changes of a clip, and when they were told.

    A turn that the engine begins belongs to a change into the same state if it begins, by the engine's own word, nearer
    to it than to the changes before and after, and to the clip's ends.

    Args:
        truth: ``(n,)`` 1 speaking, 0 listening, 255 unknown.
        fps: Frames per second.
        events: What the live path said.
    """
    begun = [event for event in events if isinstance(event, SpeakerEvent) and event.end is None]
    last = len(truth) - 1
    at = np.flatnonzero((truth[1:] != truth[:-1]) & (truth[1:] != UNKNOWN) & (truth[:-1] != UNKNOWN)) + 1
    edges = [0, *at.tolist(), last + 1]
    found = []
    for before, frame, after in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
        to: State = "speaking" if truth[frame] else "listening"
        low, high = (before + frame) / 2, (frame + after) / 2
        event = next((one for one in begun if one.state == to and low <= one.start.frame < high), None)
        ends = after > last and (after - frame) / fps <= _CUT_OFF_S
        if event is not None and event.at is not None and event.at.frame < last:
            delay = (event.at.frame - frame) / fps
            found.append(Change(to, "told", delay, (event.algorithmic_ms or 0.0) / 1000))
        else:
            found.append(Change(to, "cut off" if event is not None or ends else "missed"))
    return found
