"""What every backend can do."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rtme.engine.manifest import Manifest

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Features:
    """What the encoder says of N crops: frame tokens ``(N, D)`` and region tokens ``(N, R, Dr)``, float32."""

    frame: Floats
    regions: Floats


@dataclass(frozen=True, slots=True)
class WindowScores:
    """What the temporal part says of B windows, each in 0..1.

    Attributes:
        p_me: ``(B,)`` the window holds a micro-expression.
        p_speaking: ``(B, T)`` the person speaks at the slot.
        frame_scores: ``(B, T)`` the slot belongs to a micro-expression.
    """

    p_me: Floats
    p_speaking: Floats
    frame_scores: Floats


class Scorer(Protocol):
    """All that spotting needs of an engine: its numbers, and answers to windows."""

    manifest: Manifest

    def score(self, frame: Floats, regions: Floats, valid: Floats) -> WindowScores:
        """Run the temporal part over ``(B, T, D + M)``, ``(B, T, R, Dr)`` and ``(B, T)`` (1 where a slot has a frame)."""


class Backend(Scorer, Protocol):
    """Runs the two graphs of a bundle. Used by one thread at a time."""

    name: str

    def encode(self, crops: NDArray[np.uint8]) -> Features:
        """Run the encoder once over ``(N, size, size, 3)`` uint8 crops."""

    def close(self) -> None:
        """Release everything. Safe to call twice."""
