"""JSON as ``rtme analyze`` writes it; what a person marked has no confidence there, and not always an apex."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from rtme.annotations.facts import Contents, Facts
from rtme.annotations.recording import EXPRESSIONS, STATES, Recording, Span, check_fps, untangled
from rtme.errors import DataError


class _Interval(BaseModel):
    type: Literal["me", "macro"]
    onset: int
    apex: int | None = None
    offset: int
    onset_s: float | None = None
    apex_s: float | None = None
    offset_s: float | None = None
    confidence: float | None = None
    face: int = 1


class _Turn(BaseModel):
    state: Literal["speaking", "listening"]
    start: int
    end: int
    start_s: float | None = None
    end_s: float | None = None
    confidence: float | None = None
    face: int = 1


class _Report(BaseModel):
    source: str = ""
    fps: float | None = None
    frames: int | None = None
    engine: str = ""
    engine_note: str = ""
    intervals: list[_Interval]
    speaker: list[_Turn] = []


_file: TypeAdapter[_Report | list[_Report]] = TypeAdapter(_Report | list[_Report])


def write(path: Path, recordings: list[Recording]) -> None:
    """Write recordings: one as an object, several as a list. A last frame's time is that of its beginning."""
    found = [_report(one) for one in recordings]
    content = found[0] if len(found) == 1 else found
    path.write_bytes(_file.dump_json(content, indent=2) + b"\n")


def read(path: Path) -> list[Contents]:
    """Read what ``rtme analyze -o found.json`` or :func:`write` wrote.

    Raises:
        DataError: It is something else, or a value cannot be.
    """
    try:
        content = _file.validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        flaw = error.errors()[0]
        place = ".".join(str(part) for part in flaw["loc"] if not str(part).startswith(("_", "list[")))
        raise DataError(
            f"{path} is not what `rtme analyze -o found.json` writes: {f'{place}: ' if place else ''}{flaw['msg']}"
        ) from error
    try:
        return [_contents(one) for one in (content if isinstance(content, list) else [content])]
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def contents_of(report: Mapping[str, Any]) -> Contents:
    """What a report says, as it would be read from a file.

    Raises:
        DataError: A value cannot be.
    """
    return _contents(_Report.model_validate(report))


def _contents(report: _Report) -> Contents:
    fps = report.fps
    if fps is not None:
        check_fps(fps)
    facts = Facts(report.source, fps, report.frames, report.engine, report.engine_note)
    spans = [
        Span(
            "me" if one.type == "me" else "mae",
            one.onset,
            one.offset,
            one.face,
            one.apex,
            one.confidence,
            _times(one.onset_s, one.apex_s, one.offset_s, fps),
        )
        for one in report.intervals
    ]
    spans += [
        Span(
            one.state,
            one.start,
            one.end,
            one.face,
            None,
            one.confidence,
            _times(one.start_s, None, one.end_s, fps),
        )
        for one in report.speaker
    ]
    return Contents(facts, spans=untangled(spans))


def _times(
    first_s: float | None, apex_s: float | None, last_s: float | None, fps: float | None
) -> tuple[int, int | None, int] | None:
    """The stream's own times, which are those of its pictures also where its rate varies."""
    if first_s is None or last_s is None or fps is None or not 0 <= first_s <= last_s < 1e9:
        return None
    begin, end = round(1000 * first_s), round(1000 * (last_s + 1 / fps))
    apex = None if apex_s is None or not first_s <= apex_s <= last_s else round(1000 * apex_s)
    return begin, apex, max(begin + 1, end)


def _report(recording: Recording) -> _Report:
    fps = recording.fps
    return _Report(
        source=recording.source,
        fps=fps,
        frames=recording.n_frames,
        engine=recording.engine,
        engine_note=recording.engine_note,
        intervals=[
            _Interval(
                type="me" if span.kind == "me" else "macro",
                onset=span.first,
                apex=span.apex,
                offset=span.last,
                onset_s=_begin_s(span, fps),
                apex_s=None if span.apex is None else _apex_s(span, span.apex, fps),
                offset_s=_last_s(span, fps),
                confidence=span.confidence,
                face=span.face,
            )
            for span in recording.of(*EXPRESSIONS)
        ],
        speaker=[
            _Turn(
                state="speaking" if span.kind == "speaking" else "listening",
                start=span.first,
                end=span.last,
                start_s=_begin_s(span, fps),
                end_s=_last_s(span, fps),
                confidence=span.confidence,
                face=span.face,
            )
            for span in recording.of(*STATES)
        ],
    )


def _begin_s(span: Span, fps: float) -> float:
    return span.times_ms[0] / 1000 if span.times_ms else span.first / fps


def _apex_s(span: Span, apex: int, fps: float) -> float:
    known = span.times_ms[1] if span.times_ms else None
    return apex / fps if known is None else known / 1000


def _last_s(span: Span, fps: float) -> float:
    if span.times_ms is None:
        return span.last / fps
    return max(span.times_ms[0] / 1000, span.times_ms[2] / 1000 - 1 / fps)
