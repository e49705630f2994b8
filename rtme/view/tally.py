"""What was seen, as one sentence: counts, and for the demo how much of what was planted was found."""

from collections import Counter, defaultdict, deque
from dataclasses import dataclass

from rtme.events import AnyEvent, GapEvent, IntervalEvent, SpeakerEvent, TruthEvent, WarningEvent
from rtme.view.words import GAPS, TYPES

MATCH_IOU = 0.5
KEEP_LONE = 100


@dataclass(frozen=True, slots=True)
class Span:
    """Frames of one epoch, both ends inclusive."""

    epoch: int
    first: int
    last: int

    def iou(self, other: "Span") -> float:
        """Intersection over union; 0 across epochs."""
        shared = min(self.last, other.last) - max(self.first, other.first) + 1
        if self.epoch != other.epoch or shared <= 0:
            return 0.0
        return shared / ((self.last - self.first + 1) + (other.last - other.first + 1) - shared)


class Match:
    """Found against planted micro-expressions of one stream, one to one at IoU >= 0.5.

    Planted ones do not overlap, so a found one fits at most one of them and the first fit is the best.

    Attributes:
        planted: Micro-expressions that were there.
        found: Micro-expressions that were closed.
        matched: Pairs among them.
    """

    def __init__(self) -> None:
        self.planted = self.found = self.matched = 0
        # Old ones without a partner will not get one any more: the demo may run for days.
        self._lone_planted: deque[Span] = deque(maxlen=KEEP_LONE)
        self._lone_found: deque[Span] = deque(maxlen=KEEP_LONE)

    def plant(self, span: Span) -> None:
        """One that is really there."""
        self.planted += 1
        self._pair(span, self._lone_found, self._lone_planted)

    def find(self, span: Span) -> None:
        """One that the service closed."""
        self.found += 1
        self._pair(span, self._lone_planted, self._lone_found)

    def _pair(self, span: Span, others: deque[Span], own: deque[Span]) -> None:
        for other in others:
            if span.iou(other) >= MATCH_IOU:
                others.remove(other)
                self.matched += 1
                return
        own.append(span)


class Tally:
    """Counts events as they come.

    Attributes:
        closed: Closed intervals by type, ``me`` or ``macro``.
        retracted: Intervals taken back.
        turns: Turns that began, by state.
        gaps: Frames (``skipped``: windows) missing, by cause.
        warnings: Warnings.
    """

    def __init__(self) -> None:
        self.closed: Counter[str] = Counter()
        self.retracted = 0
        self.turns: Counter[str] = Counter()
        self.gaps: Counter[str] = Counter()
        self.warnings = 0
        self._matches: defaultdict[str, Match] = defaultdict(Match)

    def add(self, event: AnyEvent) -> None:
        """Count one event."""
        match event:
            case IntervalEvent(status="closed"):
                self.closed[event.type] += 1
                if event.type == "me":
                    span = Span(event.epoch, event.onset.frame, event.offset.frame)
                    self._matches[event.stream].find(span)
            case IntervalEvent(status="retracted"):
                self.retracted += 1
            case SpeakerEvent(end=None):
                self.turns[event.state] += 1
            case GapEvent():
                self.gaps[event.cause] += event.count
            case WarningEvent():
                self.warnings += 1
            case TruthEvent(what="me"):
                span = Span(event.epoch, event.start.frame, event.end.frame)
                self._matches[event.stream].plant(span)
            case _:
                pass

    @property
    def planted(self) -> int:
        """Micro-expressions that the demo planted."""
        return sum(match.planted for match in self._demo())

    @property
    def matched(self) -> int:
        """Planted micro-expressions that were found."""
        return sum(match.matched for match in self._demo())

    @property
    def false_alarms(self) -> int:
        """Micro-expressions found in the demo where none was planted."""
        return sum(match.found - match.matched for match in self._demo())

    def summary(self) -> str:
        """What was seen, in a sentence or two."""
        parts = [
            _count(self.closed["me"], TYPES["me"]),
            _count(self.closed["macro"], TYPES["macro"]),
            f"{self.retracted} taken back",
            f"{_count(self.turns.total(), 'turn')} ({self.turns['speaking']} speaking, "
            f"{self.turns['listening']} listening)",
        ]
        if self.warnings:
            parts.append(_count(self.warnings, "warning"))
        missing = ", ".join(f"{count} {GAPS[cause]}" for cause, count in sorted(self.gaps.items()))
        text = f"Seen: {', '.join(parts)}; {f'missing: {missing}' if missing else 'nothing is missing'}."
        if self.planted:
            text += (
                f" Found {self.matched} of {_count(self.planted, 'planted micro-expression')}, "
                f"{_count(self.false_alarms, 'false alarm')}; the engine learned from synthetic clips, "
                "so this says little about real faces."
            )
        return text

    def _demo(self) -> list[Match]:
        """Only where something was planted can a found one be false."""
        return [match for match in self._matches.values() if match.planted]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
