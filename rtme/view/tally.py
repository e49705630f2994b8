"""What was seen, as one sentence: counts, and for the demo how much of what was planted was found."""

from collections import Counter, deque

from rtme.events import AnyEvent, GapEvent, IntervalEvent, Mark, SpeakerEvent, TruthEvent, WarningEvent

MATCH_IOU = 0.5
KEEP_UNMATCHED = 1000


class Match:
    """Found against planted micro-expressions of one stream in one epoch, one to one at IoU >= 0.5.

    Planted ones do not overlap, so an interval fits at most one of them and the first fit is the best.

    Attributes:
        planted: Micro-expressions that were there.
        found: Micro-expressions that were closed.
        matched: Pairs among them.
    """

    def __init__(self) -> None:
        self.planted = self.found = self.matched = 0
        # Old ones without a partner will not get one any more: the demo may run for days.
        self._waiting_planted: deque[tuple[int, int]] = deque(maxlen=KEEP_UNMATCHED)
        self._waiting_found: deque[tuple[int, int]] = deque(maxlen=KEEP_UNMATCHED)

    def plant(self, start: Mark, end: Mark) -> None:
        """One that is really there."""
        self.planted += 1
        self._pair((start.frame, end.frame), self._waiting_found, self._waiting_planted)

    def find(self, onset: Mark, offset: Mark) -> None:
        """One that the service closed."""
        self.found += 1
        self._pair((onset.frame, offset.frame), self._waiting_planted, self._waiting_found)

    def _pair(
        self, span: tuple[int, int], others: deque[tuple[int, int]], own: deque[tuple[int, int]]
    ) -> None:
        for other in others:
            if iou(span, other) >= MATCH_IOU:
                others.remove(other)
                self.matched += 1
                return
        own.append(span)


def iou(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Intersection over union of two inclusive frame ranges."""
    shared = min(one[1], other[1]) - max(one[0], other[0]) + 1
    if shared <= 0:
        return 0.0
    return shared / ((one[1] - one[0] + 1) + (other[1] - other[0] + 1) - shared)


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
        self._matches: dict[tuple[str, int], Match] = {}

    def add(self, event: AnyEvent) -> None:
        """Count one event."""
        match event:
            case IntervalEvent(status="closed"):
                self.closed[event.type] += 1
                if event.type == "me":
                    self._match(event).find(event.onset, event.offset)
            case IntervalEvent(status="retracted"):
                self.retracted += 1
            case SpeakerEvent(end=None):
                self.turns[event.state] += 1
            case GapEvent():
                self.gaps[event.cause] += event.count
            case WarningEvent():
                self.warnings += 1
            case TruthEvent(what="me"):
                self._match(event).plant(event.start, event.end)
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
            _count(self.closed["me"], "micro-expression"),
            _count(self.closed["macro"], "macro-expression"),
            f"{self.retracted} taken back",
            f"{_count(self.turns.total(), 'turn')} ({self.turns['speaking']} speaking, "
            f"{self.turns['listening']} listening)",
        ]
        if self.warnings:
            parts.append(_count(self.warnings, "warning"))
        missing = ", ".join(f"{count} {cause}" for cause, count in sorted(self.gaps.items()))
        text = f"Seen: {', '.join(parts)}; {f'missing: {missing}' if missing else 'nothing missing'}."
        if self.planted:
            text += (
                f" Found {self.matched} of {_count(self.planted, 'planted micro-expression')}, "
                f"{_count(self.false_alarms, 'false alarm')}; the engine learned from synthetic clips, "
                "so this says little about real faces."
            )
        return text

    def _match(self, event: IntervalEvent | TruthEvent) -> Match:
        return self._matches.setdefault((event.stream, event.epoch), Match())

    def _demo(self) -> list[Match]:
        """Only where something was planted can a found one be false."""
        demo = {stream for (stream, _), match in self._matches.items() if match.planted}
        return [match for (stream, _), match in self._matches.items() if stream in demo]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
