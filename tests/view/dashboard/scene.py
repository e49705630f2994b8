"""What one source says, on today's clocks: the page shows the present."""

import time
from typing import Any

from rtme.events import (
    FaceEvent,
    GapEvent,
    IntervalEvent,
    Mark,
    SpeakerEvent,
    StateEvent,
    WarningEvent,
)
from rtme.traces import FaceSight, Shown, Sight, Trace

FPS = 30
BEGAN_S = 120.0
"""A scene has been going on for so long when it is made."""


class Scene:
    """Events and curves of one source with one face."""

    def __init__(self, stream: str = "cam", face: int = 1) -> None:
        self.stream = stream
        self.face = face
        self._began_wall_ns = time.time_ns() - round(BEGAN_S * 1e9)
        self._began_ns = time.monotonic_ns() - round(BEGAN_S * 1e9)

    def mark(self, ago_s: float = 0.0) -> Mark:
        since_ns = time.time_ns() - self._began_wall_ns - round(ago_s * 1e9)
        return Mark(
            frame=round(since_ns / 1e9 * FPS),
            time_s=since_ns / 1e9,
            capture_ns=self._began_ns + since_ns,
            wall_ns=self._began_wall_ns + since_ns,
        )

    def state(self, state: str = "live", detail: str = "") -> StateEvent:
        return StateEvent.model_validate(self._known(state=state, detail=detail))

    def appears(self) -> list[FaceEvent]:
        return [
            FaceEvent.model_validate(self._known(face=self.face, status=status))
            for status in ("appeared", "judged")
        ]

    def not_judged(self, reason: str) -> FaceEvent:
        return FaceEvent.model_validate(self._known(face=self.face, status="not_judged", reason=reason))

    def interval(
        self, name: str, status: str = "closed", *, ago_s: float = 1.0, lasts_s: float = 0.3, **known: object
    ) -> IntervalEvent:
        onset, apex, offset = (self.mark(ago_s - part * lasts_s) for part in (0.0, 0.5, 1.0))
        return IntervalEvent.model_validate(
            self._known(
                id=name,
                face=self.face,
                type="me" if lasts_s <= 0.5 else "macro",
                status=status,
                onset=onset,
                apex=apex,
                offset=offset,
                confidence=0.8,
                algorithmic_ms=333.0,
            )
            | known
        )

    def turn(
        self, name: str, state: str = "speaking", *, ago_s: float, lasts_s: float | None
    ) -> SpeakerEvent:
        end = None if lasts_s is None else self.mark(ago_s - lasts_s)
        return SpeakerEvent.model_validate(
            self._known(id=name, face=self.face, state=state, start=self.mark(ago_s), end=end, confidence=0.7)
        )

    def warning(self, text: str) -> WarningEvent:
        return WarningEvent.model_validate(self._known(text=text))

    def gap(self, count: int = 3) -> GapEvent:
        return GapEvent.model_validate(
            self._known(cause="dropped", count=count, start=self.mark(1.0), end=self.mark(0.9))
        )

    def trace(self, lasts_s: float = 10.0, ago_s: float = 0.4) -> Shown:
        """A piece of curve that ends ``ago_s`` ago."""
        count = round(lasts_s * FPS)
        marks = [self.mark(ago_s + (count - 1 - n) / FPS) for n in range(count)]
        return Shown(
            Trace(
                stream=self.stream,
                epoch=0,
                face=self.face,
                frame=[mark.frame for mark in marks],
                time_s=[mark.time_s for mark in marks],
                wall_ns=[mark.wall_ns for mark in marks],
                score=[abs((n % 60) - 30) / 30 for n in range(count)],
                speaking=[float(n // 45 % 2) for n in range(count)],
                yaw=[5.0] * count,
                pitch=[-2.0] * count,
                roll=[0.5] * count,
                eye_distance_px=[64.0] * count,
                judged=[True] * count,
            )
        )

    def sight(self, picture: bytes) -> Shown:
        """A picture of 64 by 48 pixels with one face in it."""
        now = self.mark()
        outline = [[(20.0, 10.0), (44.0, 10.0), (44.0, 38.0), (20.0, 38.0)]]
        face = FaceSight(face=self.face, box=(20, 10, 24, 28), outline=outline, judged=True)
        known: dict[str, Any] = {"frame": now.frame, "time_s": now.time_s, "wall_ns": now.wall_ns}
        return Shown(Sight(stream=self.stream, epoch=0, width=64, height=48, faces=[face], **known), picture)

    def health(self, **known: object) -> dict[str, Any]:
        """Its line of the heartbeat."""
        ranks = {"p50": 18.0, "p95": 24.0, "p99": 30.0, "max": 41.0}
        return {
            "state": "live",
            "frames": 900,
            "fps": 29.9,
            "faces": 1,
            "pipeline_ms": ranks,
            "system_ms": ranks,
        } | known

    def _known(self, **known: object) -> dict[str, object]:
        return {"stream": self.stream, "at": self.mark()} | known
