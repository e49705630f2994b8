"""What ``rtme analyze`` says of one recording, as plain data."""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, Field

from rtme.events import AnyEvent, GapEvent, IntervalEvent, Mark, SpeakerEvent, WarningEvent


class Interval(BaseModel):
    """A closed interval. Frames are 0-based and inclusive, counted in the source."""

    type: Literal["me", "macro"]
    onset: int
    apex: int
    offset: int
    onset_s: float
    apex_s: float
    offset_s: float
    confidence: float
    face: int


class Turn(BaseModel):
    """Someone speaking or listening from one frame to another, inclusive."""

    state: Literal["speaking", "listening"]
    start: int
    end: int
    start_s: float
    end_s: float
    confidence: float
    face: int


class Gap(BaseModel):
    """A stretch that could not be judged."""

    cause: str
    count: int
    start: int | None
    end: int | None
    start_s: float | None
    end_s: float | None


class Report(BaseModel):
    """Everything found in one recording."""

    source: str
    fps: float | None = Field(description="nominal frames per second of the source")
    frames: int = Field(description="frames read")
    engine: str
    engine_note: str = Field(description="what the engine learned from")
    sensitivity: Literal["low", "normal", "high"] = Field(
        "normal", description="which of the engine's operating points was used"
    )
    intervals: list[Interval] = []
    speaker: list[Turn] = []
    gaps: list[Gap] = []
    warnings: list[str] = []


def collect(report: Report, events: Iterable[AnyEvent]) -> Report:
    """Add what the events say to a report, in the order of their beginnings."""
    for event in events:
        match event:
            case IntervalEvent(status="closed"):
                report.intervals.append(
                    Interval(
                        type=event.type,
                        onset=event.onset.frame,
                        apex=event.apex.frame,
                        offset=event.offset.frame,
                        onset_s=event.onset.time_s,
                        apex_s=event.apex.time_s,
                        offset_s=event.offset.time_s,
                        confidence=event.confidence,
                        face=event.face,
                    )
                )
            case SpeakerEvent(end=Mark() as end):
                report.speaker.append(
                    Turn(
                        state=event.state,
                        start=event.start.frame,
                        end=end.frame,
                        start_s=event.start.time_s,
                        end_s=end.time_s,
                        confidence=event.confidence,
                        face=event.face,
                    )
                )
            case GapEvent():
                report.gaps.append(
                    Gap(
                        cause=event.cause,
                        count=event.count,
                        start=event.start.frame if event.start else None,
                        end=event.end.frame if event.end else None,
                        start_s=event.start.time_s if event.start else None,
                        end_s=event.end.time_s if event.end else None,
                    )
                )
            case WarningEvent():
                report.warnings.append(event.text)
            case _:
                pass
    report.intervals.sort(key=lambda interval: (interval.onset, interval.face))
    report.speaker.sort(key=lambda turn: (turn.start, turn.face))
    return report
