"""The frames of an annotation as words: ``10-13-15 (333-533 ms) confidence 0.830``.

Onset, apex (where there is one) and offset as frames, then the times that they were written with. As long as an annotation
still has these times nobody has moved it and the frames are exact, whatever its frame rate; otherwise its times count.
"""

import re
from dataclasses import dataclass

_WORDS = re.compile(
    r"([0-9]{1,10})(?:-([0-9]{1,10}))?-([0-9]{1,10}) \(([0-9]{1,15})-([0-9]{1,15}) ms\)"
    r"(?: confidence ([01]\.[0-9]{1,18}))?"
)


@dataclass(frozen=True, slots=True)
class Label:
    """Frames and times in milliseconds, and how sure the finder was."""

    first: int
    apex: int | None
    last: int
    edges_ms: tuple[int, int]
    confidence: float | None = None

    def __str__(self) -> str:
        apex = "" if self.apex is None else f"-{self.apex}"
        sure = "" if self.confidence is None else f" confidence {self.confidence:.3f}"
        return f"{self.first}{apex}-{self.last} ({self.edges_ms[0]}-{self.edges_ms[1]} ms){sure}"


def find_label(text: str) -> Label | None:
    """The label in a text, None where there is none."""
    found = _WORDS.search(text)
    if found is None:
        return None
    first, apex, last, begin, end, sure = found.groups()
    return Label(
        int(first),
        None if apex is None else int(apex),
        int(last),
        (int(begin), int(end)),
        None if sure is None else min(1.0, float(sure)),
    )
