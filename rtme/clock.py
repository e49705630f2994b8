"""When a frame was: the one stamp that travels from the decoder to the event."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stamp:
    """The times of one frame, taken once and never changed.

    Attributes:
        stream: Name of the source.
        epoch: Rises by one at each reconnect; nothing is compared across epochs.
        frame: 0-based index of the frame within its epoch, in the order the decoder gave them.
        capture_ns: ``time.monotonic_ns()`` when the frame left the decoder.
        wall_ns: ``time.time_ns()`` at the same moment.
        pts_s: The stream's own presentation time in seconds, or None where it has none.
    """

    stream: str
    epoch: int
    frame: int
    capture_ns: int
    wall_ns: int
    pts_s: float | None = None
