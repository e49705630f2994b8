"""One face's scores and pose over time, put together once they are final."""

from dataclasses import dataclass

from rtme.events import Mark
from rtme.face.crop import FaceCrop, HeadPose
from rtme.spot.spotter import Final
from rtme.traces import Trace

LONGEST = 120
"""Slots after which a point is told as it is: of a face that was never judged nothing becomes final."""

POINTS = 6
"""Points that are told together: a fifth of a second at 30 a second."""


@dataclass(slots=True)
class _Point:
    """A face in one frame; the scores come later, or never."""

    mark: Mark
    pose: HeadPose
    eye_distance_px: float
    judged: bool
    score: float | None = None
    speaking: float | None = None


class Curve:
    """Collects what was seen of a face, and gives it out when its scores are known.

    Args:
        stream: Name of the source.
        epoch: Its epoch.
        face: The tracker's identity.
    """

    def __init__(self, stream: str, epoch: int, face: int) -> None:
        self._stream, self._epoch, self._face = stream, epoch, face
        self._points: dict[int, _Point] = {}

    def see(self, slot: int, crop: FaceCrop, at: Mark) -> None:
        """The face was seen. Slots rise."""
        self._points[slot] = _Point(at, crop.pose, crop.eye_distance_px, crop.invalid is None)

    def take(self, final: Final, *, last: bool = False) -> list[Trace]:
        """Take in final scores.

        Args:
            final: What the spotter settled.
            last: Nothing follows: give out everything.

        Returns:
            No trace, or one with all points that became final since the last.
        """
        for slot, score in final.score.items():
            if slot in self._points:
                self._points[slot].score = round(score, 4)
        for slot, speaking in final.speaking.items():
            if slot in self._points:
                self._points[slot].speaking = round(speaking, 4)
        final_to = max(final.to, max(self._points, default=0) - LONGEST)
        ready = [slot for slot in self._points if last or slot <= final_to]
        if not ready or (len(ready) < POINTS and not last):
            return []
        return [self._trace([self._points.pop(slot) for slot in ready])]

    def _trace(self, points: list[_Point]) -> Trace:
        return Trace(
            stream=self._stream,
            epoch=self._epoch,
            face=self._face,
            frame=[point.mark.frame for point in points],
            time_s=[point.mark.time_s for point in points],
            wall_ns=[point.mark.wall_ns for point in points],
            score=[point.score for point in points],
            speaking=[point.speaking for point in points],
            yaw=[round(point.pose.yaw, 1) for point in points],
            pitch=[round(point.pose.pitch, 1) for point in points],
            roll=[round(point.pose.roll, 1) for point in points],
            eye_distance_px=[round(point.eye_distance_px, 1) for point in points],
            judged=[point.judged for point in points],
        )
