"""Which face is which over time: by place, size and motion. Nobody is recognised."""

from dataclasses import dataclass

Box = tuple[float, float, float, float]
"""x, y, width, height in pixels."""


@dataclass(slots=True)
class _Known:
    face: int
    x: float
    y: float
    size: float
    slot: int
    vx: float = 0.0
    vy: float = 0.0


class Identities:
    """Gives each face a number from 1 up and keeps it through crossings and short losses.

    A face is expected where its velocity carries it. Each found face goes to the nearest expectation, nearest
    pairs first; what is too far from all is new.

    Args:
        fps: Slots per second.
        keep_s: How long a lost face is waited for, in seconds.
    """

    def __init__(self, fps: float, keep_s: float = 1.0) -> None:
        self._keep = keep_s * fps
        self._known: list[_Known] = []
        self._next = 1

    def match(self, boxes: list[Box], slot: int) -> list[int]:
        """The number of each box, in order. Slots rise from call to call."""
        self._known = [known for known in self._known if slot - known.slot <= self._keep]
        pairs = sorted(
            (cost, i, j)
            for i, box in enumerate(boxes)
            for j, known in enumerate(self._known)
            if (cost := _distance(box, known, slot)) is not None
        )
        found: dict[int, _Known] = {}
        taken: set[int] = set()
        for _, i, j in pairs:
            if i not in found and j not in taken:
                taken.add(j)
                found[i] = self._known[j]
        return [self._see(found.get(i), box, slot) for i, box in enumerate(boxes)]

    def forget(self) -> None:
        """Forget every face; their numbers are never used again."""
        self._known = []

    def alive(self) -> set[int]:
        """Numbers of the faces seen or waited for."""
        return {known.face for known in self._known}

    def _see(self, known: _Known | None, box: Box, slot: int) -> int:
        x, y, size = _place(box)
        if known is None:
            known = _Known(self._next, x, y, size, slot)
            self._next += 1
            self._known.append(known)
            return known.face
        steps = slot - known.slot
        known.vx += 0.4 * ((x - known.x) / steps - known.vx)
        known.vy += 0.4 * ((y - known.y) / steps - known.vy)
        known.x, known.y, known.size, known.slot = x, y, size, slot
        return known.face


def _place(box: Box) -> tuple[float, float, float]:
    """Middle and size of a box."""
    x, y, width, height = box
    return x + width / 2, y + height / 2, max(width, height, 1.0)


def _distance(box: Box, known: _Known, slot: int) -> float | None:
    """How far a box is from where a face is expected, in face sizes; None when it cannot be that face."""
    x, y, size = _place(box)
    ratio = max(size / known.size, known.size / size)
    steps = slot - known.slot
    ahead = (1 - 0.9**steps) / (
        1 - 0.9
    )  # unseen faces are taken to slow down, so none flies out of the picture
    away: float = ((x - known.x - known.vx * ahead) ** 2 + (y - known.y - known.vy * ahead) ** 2) ** 0.5
    away /= max(size, known.size)
    reach = min(0.5 + 0.05 * (steps - 1), 1.0)  # the longer unseen, the less sure of its place
    return None if ratio > 1.8 or away > reach else away + 0.5 * (ratio - 1)
