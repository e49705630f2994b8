"""One stretch of a stream without interruption: its time, its grid, its frames."""

from rtme.capture.media_time import MediaClock
from rtme.clock import Stamp
from rtme.events import Mark
from rtme.live.marks import Marks, mark_of
from rtme.spot.grid import TimeGrid


class Epoch:
    """Tells the time of one epoch's frames and lays them on the engine's grid."""

    def __init__(self, number: int, *, live: bool, fps: float) -> None:
        self.number = number
        self.newest: Mark | None = None
        self._frames = Marks()
        self._clock = MediaClock(live=live)
        self._grid = TimeGrid(fps)

    def mark(self, stamp: Stamp) -> Mark:
        """The frame's mark. Call it in the order of the frames."""
        mark = mark_of(stamp, self._clock.time(stamp.pts_s, stamp.capture_ns))
        self.newest = mark
        self._frames.add(mark.frame, mark)
        return mark

    @property
    def jumped(self) -> bool:
        """Whether the stream's own time could not be believed at the newest frame."""
        return self._clock.jump_s != 0.0

    def slot(self, mark: Mark) -> int | None:
        """The frame's slot, None when another frame has it."""
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
