"""What ``rtme analyze`` says of one recording, as plain data."""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, Field

from rtme.events import AnyEvent, FaceEvent, GapEvent, IntervalEvent, Mark, SpeakerEvent, WarningEvent


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
    epoch: int = Field(0, description="part of the recording; frames and seconds begin anew in each")


class Turn(BaseModel):
    """Someone speaking or listening from one frame to another, inclusive."""

    state: Literal["speaking", "listening"]
    start: int
    end: int
    start_s: float
    end_s: float
    confidence: float
    face: int
    epoch: int = Field(0, description="part of the recording; frames and seconds begin anew in each")


class Gap(BaseModel):
    """A stretch that could not be judged."""

    cause: str
    count: int
    start: int | None
    end: int | None
    start_s: float | None
    end_s: float | None
    epoch: int = Field(0, description="part of the recording; frames and seconds begin anew in each")


class Unjudged(BaseModel):
    """A stretch of at least 0.3 s in which a face was there and not fit to be judged."""

    reason: str
    start_s: float
    end_s: float | None = Field(description="null: to the end")
    face: int
    epoch: int = Field(0, description="part of the recording; frames and seconds begin anew in each")


class Method(BaseModel):
    """How a recording was worked through."""

    rtme: str = Field(description="version")
    backend: str = Field(description="what ran the engine: library, precision, device")
    faces: int = Field(description="faces followed at most")
    on: float = Field(description="an interval needs a score at or above this")
    off: float = Field(description="and lasts while scores are at or above this")
    min_ms: float = Field(description="shorter intervals are left out")
    me_max_ms: float = Field(description="longer intervals are macro-expressions")
    look_ahead_ms: float = Field(description="of intervals")
    speaker_look_ahead_ms: float = Field(description="of turns")
    calibrated: bool = Field(
        description="whether confidence is a measured share, or an interval's highest score"
    )


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
    method: Method | None = Field(None, description="null where it was not told")
    intervals: list[Interval] = []
    speaker: list[Turn] = []
    gaps: list[Gap] = []
    unjudged: list[Unjudged] = []
    warnings: list[str] = []


def collect(report: Report, events: Iterable[AnyEvent]) -> Report:
    """Add what the events say to a report, in the order of their beginnings."""
    unfit: dict[tuple[int, int], Unjudged] = {}
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
                        epoch=event.epoch,
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
                        epoch=event.epoch,
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
                        epoch=event.epoch,
                    )
                )
            case FaceEvent(at=Mark() as at):
                key = event.epoch, event.face
                if key in unfit:
                    unfit.pop(key).end_s = at.time_s
                if event.status == "not_judged":
                    unfit[key] = Unjudged(
                        reason=event.reason or "",
                        start_s=at.time_s,
                        end_s=None,
                        face=event.face,
                        epoch=event.epoch,
                    )
                    report.unjudged.append(unfit[key])
            case WarningEvent():
                report.warnings.append(event.text)
            case _:
                pass
    report.intervals.sort(key=lambda interval: (interval.epoch, interval.onset, interval.face))
    report.speaker.sort(key=lambda turn: (turn.epoch, turn.start, turn.face))
    return report
