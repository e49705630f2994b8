"""The last features of one face, by slot."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_EMPTY = np.iinfo(np.int64).min


class FeatureRing:
    """Holds the features of the newest ``capacity`` slots; slots without a feature cost nothing to skip.

    Args:
        capacity: Slots kept, counted back from the newest one put.
        frame_size: D of the frame token.
        regions: R region tokens a slot.
        region_size: Dr of a region token.
    """

    def __init__(self, capacity: int, frame_size: int, regions: int, region_size: int) -> None:
        self._slots = np.full(capacity, _EMPTY, np.int64)
        self._frame = np.zeros((capacity, frame_size), np.float32)
        self._regions = np.zeros((capacity, regions, region_size), np.float32)

    def put(self, slot: int, frame: Floats, regions: Floats) -> None:
        """Keep the features of one slot: ``(D,)`` and ``(R, Dr)``.

        A slot older than the newest ``capacity`` slots is forgotten at once.
        """
        newest = int(self._slots.max())
        if slot <= newest - len(self._slots):
            return
        at = slot % len(self._slots)
        self._slots[at] = slot
        self._frame[at] = frame
        self._regions[at] = regions
        # A gap leaves slots behind that nothing has overwritten yet.
        self._slots[self._slots <= slot - len(self._slots)] = _EMPTY

    def next_slot(self, after: int) -> int | None:
        """The first slot above ``after`` that has a feature, or None."""
        later = self._slots[self._slots > after]
        return int(later.min()) if later.size else None

    def window(self, end_slot: int, length: int) -> tuple[Floats, Floats, Floats]:
        """The ``length`` slots that end with ``end_slot``, zero where there is no feature.

        Args:
            end_slot: Last slot of the window (inclusive).
            length: T, at most the capacity.

        Returns:
            Copies: frame ``(T, D)``, regions ``(T, R, Dr)`` and valid ``(T,)``, 1 where a slot has a feature.
        """
        if length > len(self._slots):
            raise ValueError(f"a window of {length} slots from a ring of {len(self._slots)}")
        slots = np.arange(end_slot - length + 1, end_slot + 1)
        at = slots % len(self._slots)
        held = self._slots[at] == slots
        frame, regions = self._frame[at], self._regions[at]
        frame[~held] = 0
        regions[~held] = 0
        return frame, regions, held.astype(np.float32)
