"""What stands on the timeline: intervals, turns, what was planted, and what happened to faces and sources."""

from collections import Counter
from typing import Any

from rtme.events import (
    AnyEvent,
    FaceEvent,
    GapEvent,
    IntervalEvent,
    Mark,
    SpeakerEvent,
    StateEvent,
    TruthEvent,
    WarningEvent,
)

MOST = 20_000
"""Marks of one stream that are kept; the oldest go."""
MOST_SHOWN = 1_500
"""More than these are told as a count for each of ``DENSE`` parts of the time."""
DENSE = 300

MarkJson = dict[str, Any]


def ms(wall_ns: int) -> float:
    """Milliseconds since 1970, as the browser counts."""
    return round(wall_ns / 1e6, 1)


def run_of(event: AnyEvent) -> str:
    """The run that sent an event, in short."""
    return event.run_id[:8]


def mark_of(event: AnyEvent, time: float) -> MarkJson | None:
    """An event as it stands on the timeline; None for one that does not.

    Args:
        event: Of any kind.
        time: When it was decided, milliseconds since 1970.

    Returns:
        ``start`` and ``end`` (milliseconds; null: not over yet), ``key``, by which a newer one takes an older one's
        place, and what is said of it.
    """
    run = run_of(event)
    own = f"{run}/{event.seq}"
    known: MarkJson = {
        "kind": event.kind,
        "stream": event.stream,
        "run": run,
        "epoch": event.epoch,
        "seq": event.seq,
    }
    match event:
        case IntervalEvent():
            return known | {
                "key": f"{run}/{event.epoch}/i{event.id}",
                "id": event.id,
                "face": event.face,
                "type": event.type,
                "status": event.status,
                "start": ms(event.onset.wall_ns),
                "apex": ms(event.apex.wall_ns),
                "end": ms(event.offset.wall_ns),
                "frames": [event.onset.frame, event.apex.frame, event.offset.frame],
                "confidence": round(event.confidence, 3),
            }
        case SpeakerEvent():
            return known | {
                "key": f"{run}/{event.epoch}/s{event.id}",
                "id": event.id,
                "face": event.face,
                "state": event.state,
                "start": ms(event.start.wall_ns),
                "end": None if event.end is None else ms(event.end.wall_ns),
                "confidence": round(event.confidence, 3),
            }
        case FaceEvent():
            said = {"key": own, "face": event.face, "status": event.status, "reason": event.reason}
            return known | said | {"start": time, "end": time}
        case StateEvent():
            return known | {
                "key": own,
                "state": event.state,
                "detail": event.detail,
                "start": time,
                "end": time,
            }
        case GapEvent():
            said = {"key": own, "cause": event.cause, "count": event.count}
            return known | said | {"start": _or(event.start, time), "end": _or(event.end, time)}
        case TruthEvent():
            said = {"key": own, "what": event.what, "label": event.label}
            return known | said | {"start": ms(event.start.wall_ns), "end": ms(event.end.wall_ns)}
        case WarningEvent():
            return known | {"key": own, "text": event.text, "start": time, "end": time}
        case _:
            return None


def _or(mark: Mark | None, time: float) -> float:
    return time if mark is None else ms(mark.wall_ns)


class Marks:
    """The marks of one stream, bounded, the newest word about each."""

    def __init__(self) -> None:
        self._marks: dict[str, MarkJson] = {}
        self._retracted: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._marks)

    def put(self, mark: MarkJson) -> None:
        """Take one in. A retracted interval was none."""
        key = mark["key"]
        before = self._marks.get(key)
        if key in self._retracted or (before is not None and before["seq"] > mark["seq"]):
            return
        if mark.get("status") == "retracted":
            self._marks.pop(key, None)
            # Earlier words about it may be fetched only after this one was heard.
            self._retracted[key] = None
            if len(self._retracted) > MOST:
                del self._retracted[next(iter(self._retracted))]
            return
        self._marks[key] = mark
        if len(self._marks) > MOST:
            oldest = sorted(self._marks.values(), key=lambda one: float(one["start"]))[: MOST // 10]
            for one in oldest:
                del self._marks[one["key"]]

    def leave_open(self, run: str, time: float) -> None:
        """A run is over: nothing of it that is open will be closed any more."""
        for mark in self._marks.values():
            if mark["run"] != run or mark.get("left"):
                continue
            if mark["end"] is None:
                mark["end"] = max(time, mark["start"])
                mark["left"] = True
            elif mark["kind"] == "interval" and mark["status"] != "closed":
                mark["left"] = True

    def between(self, start: float, end: float) -> MarkJson:
        """What there is of a time: ``marks``, and ``dense`` where there are too many to tell them one by one."""
        found = [
            mark
            for mark in self._marks.values()
            if mark["start"] <= end and (mark["end"] is None or mark["end"] >= start)
        ]
        if len(found) <= MOST_SHOWN:
            return {"marks": found, "dense": None}
        counts: Counter[tuple[int, int]] = Counter()
        for mark in found:
            if mark["kind"] == "interval":
                counts[mark["face"], int((mark["start"] - start) / (end - start) * DENSE)] += 1
        width = (end - start) / DENSE
        rare = [mark for mark in found if mark["kind"] == "state" or mark["end"] is None][-MOST_SHOWN:]
        return {
            "marks": rare,
            "dense": [
                [round(start + part * width, 1), count, face]
                for (face, part), count in sorted(counts.items())
            ],
            "width": width,
        }
