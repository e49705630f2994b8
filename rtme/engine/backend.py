"""What every backend can do."""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from rtme.engine.manifest import Manifest

Floats = NDArray[np.float32]

Precision = Literal["fp32", "bf16", "fp16", "int8"]
"""What a backend computes in; answers are float32 whatever it is."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How an engine is to be run.

    Attributes:
        backend: Name of one, or ``auto``.
        precision: None leaves it to the backend, which then keeps every interval (see ``docs/performance.md``).
        threads: Of the encoder on a CPU, 1 or more.
        device: Number of the GPU.
        max_batch: Crops and windows that are run at once, at most; more are run one batch after the other.
    """

    backend: str = "auto"
    precision: Precision | None = None
    threads: int = 1
    device: int = 0
    max_batch: int = 16


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
    """Runs the two graphs of a bundle. Used by one thread at a time, whichever opened it.

    Both calls take any number of items, none included. What they return is the caller's to keep. A NaN that a graph gives
    is passed on: the spotter takes it as no knowledge. Both raise :class:`rtme.errors.BackendLostError` where the same
    call on another backend may well work (out of memory, a lost device), and another ``EngineError`` where it would not.
    """

    @property
    def name(self) -> str:
        """As :data:`rtme.engine.backends.BACKENDS` has it."""

    @property
    def label(self) -> str:
        """For people: library and version, precision, and on what, as ``onnxruntime 1.23.2, fp32, CPU, 1 thread``."""

    def encode(self, crops: NDArray[np.uint8]) -> Features:
        """Run the encoder once over ``(N, size, size, 3)`` uint8 crops."""

    def close(self) -> None:
        """Release everything. Safe to call twice."""
