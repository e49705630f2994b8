"""What all backends share: two graphs, one for crops and one for windows."""

from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from rtme.engine.backend import Features, Floats, WindowScores
from rtme.engine.manifest import Manifest
from rtme.errors import EngineError

Arrays = dict[str, NDArray[Any]]


class Graph(Protocol):
    """One of them, ready to run."""

    def run(self, batch: Arrays) -> dict[str, Floats]:
        """Answers to any number of items, by the names of its outputs."""


G = TypeVar("G", bound=Graph)


class TwoGraphs(Generic[G]):
    """A :class:`rtme.engine.backend.Backend` over two graphs. Who derives from it opens them, and gives the names."""

    name: str
    label: str
    manifest: Manifest
    _encoder: G | None
    _temporal: G | None

    def encode(self, crops: NDArray[np.uint8]) -> Features:
        """Run the encoder once over ``(N, size, size, 3)`` uint8 crops."""
        found = _opened(self._encoder).run({"crops": crops})
        return Features(found["frame"], found["regions"])

    def score(self, frame: Floats, regions: Floats, valid: Floats) -> WindowScores:
        """Run the temporal part over ``(B, T, D + M)``, ``(B, T, R, Dr)`` and ``(B, T)``."""
        found = _opened(self._temporal).run({"frame": frame, "regions": regions, "valid": valid})
        return WindowScores(found["p_me"], found["p_speaking"], found["frame_scores"])

    def close(self) -> None:
        """Release the graphs. Safe to call twice."""
        self._encoder = self._temporal = None


def _opened(graph: G | None) -> G:
    if graph is None:
        raise EngineError("this engine was closed: open it again")
    return graph
