"""A backend that outlives its own: when it is lost, another takes over with the very call that failed."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rtme.engine.backend import Backend, Features, Floats, WindowScores, Wish
from rtme.engine.backends import ON_CPU, open_for
from rtme.engine.bundle import Bundle
from rtme.errors import BackendLostError, EngineError

T = TypeVar("T")


class LastingBackend:
    """Runs an engine on one backend for as long as it works, and on the CPU from then on.

    Features that were computed before stay good: they are the caller's, and all backends give the same ones to within their
    precision.

    Args:
        bundle: The engine.
        wish: How it is to be run. Whoever names a CPU backend has nothing to fall back on but the others.

    Attributes:
        manifest: The engine's.
        why: In a sentence, how the backend came to be this one.
        on_lost: Called with a sentence for people when another backend takes over.

    Raises:
        EngineError: No backend works at all.
    """

    def __init__(self, bundle: Bundle, wish: Wish) -> None:
        opened = open_for(bundle, wish)
        self._bundle, self._wish = bundle, wish
        self._backend: Backend = opened.backend
        self.manifest = bundle.manifest
        self.why = opened.why
        self.on_lost: Callable[[str], None] = lambda sentence: None

    @property
    def name(self) -> str:
        """Of the backend that runs now."""
        return self._backend.name

    @property
    def label(self) -> str:
        """Of the backend that runs now."""
        return self._backend.label

    def encode(self, crops: NDArray[np.uint8]) -> Features:
        """Run the encoder once over ``(N, size, size, 3)`` uint8 crops."""
        return self._run(lambda backend: backend.encode(crops))

    def score(self, frame: Floats, regions: Floats, valid: Floats) -> WindowScores:
        """Run the temporal part over ``(B, T, D + M)``, ``(B, T, R, Dr)`` and ``(B, T)``."""
        return self._run(lambda backend: backend.score(frame, regions, valid))

    def close(self) -> None:
        """Release everything. Safe to call twice."""
        self._backend.close()

    def _run(self, call: Callable[[Backend], T]) -> T:
        try:
            return call(self._backend)
        except BackendLostError as error:
            self._replace(error)
        return call(self._backend)

    def _replace(self, error: BackendLostError) -> None:
        lost = self._backend
        for name in ON_CPU:
            if name == lost.name:
                continue
            try:
                # Its precision may be one that only the lost backend knows.
                opened = open_for(self._bundle, replace(self._wish, backend=name, precision=None))
            except EngineError:
                continue
            self._backend = opened.backend
            self.why = f"{lost.name} was lost: {error}"
            self.on_lost(f"the engine goes on with {opened.backend.label}: {lost.label} was lost ({error})")
            # What is lost may not even be able to let go.
            with suppress(EngineError):
                lost.close()
            return
        raise error
