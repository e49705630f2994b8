"""One stretch of a stream without interruption: its grid and its frames."""

from rtme.events import Mark
from rtme.live.marks import Marks
from rtme.spot.grid import TimeGrid


class Epoch:
    """Lays one epoch's frames on the engine's grid."""

    def __init__(self, number: int, fps: float) -> None:
        self.number = number
        self.newest: Mark | None = None
        self._frames = Marks()
        self._grid = TimeGrid(fps)

    def place(self, mark: Mark) -> int | None:
        """The frame's slot, None when another frame has it. Call it in the order of the frames."""
        self.newest = mark
        self._frames.add(mark.frame, mark)
        return self._grid.place(mark.time_s)

    def mark_of_frame(self, frame: int, fps: float | None) -> Mark:
        """The mark of a frame that may have been dropped: reckoned from its nearest neighbour then."""
        near = self._frames.at_or_before(frame)
        away_s = (frame - near.frame) / fps if fps else 0.0
        away_ns = round(away_s * 1e9)
        return Mark(
            frame=frame,
            time_s=round(near.time_s + away_s, 6),
            capture_ns=near.capture_ns + away_ns,
            wall_ns=near.wall_ns + away_ns,
        )
