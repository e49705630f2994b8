"""What a file says of its recording as a whole, in one line of JSON: for forms that have no place of their own for it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rtme.annotations.recording import MAX_FRAME, Recording, Span
from rtme.annotations.tiers import Tier

MARK = "rtme"
"""What the line stands under."""


@dataclass(frozen=True, slots=True)
class Facts:
    """As in :class:`Recording`."""

    source: str = ""
    fps: float | None = None
    n_frames: int | None = None
    engine: str = ""
    engine_note: str = ""


def as_line(recording: Recording) -> str:
    """The facts as JSON that may stand anywhere: without line breaks, and without the arrow of WebVTT."""
    line = json.dumps(
        {
            "source": recording.source,
            "fps": recording.fps,
            "frames": recording.n_frames,
            "engine": recording.engine,
            "engine_note": recording.engine_note,
        }
    )
    return line.replace(">", "\\u003e")


def from_line(line: str) -> Facts:
    """Facts of a line; what is missing or damaged there is not known."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return Facts()
    if not isinstance(said, Mapping):
        return Facts()
    frames = _number(said.get("frames"))
    fps = _number(said.get("fps"))
    return Facts(
        _text(said.get("source")),
        fps if fps is not None and 0.01 <= fps <= 1_000_000 else None,
        int(frames) if frames is not None and 0 <= frames <= MAX_FRAME else None,
        _text(said.get("engine")),
        _text(said.get("engine_note")),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Contents:
    """A file as it was read: facts, and either tiers, which have times, or spans, which have frames."""

    facts: Facts
    tiers: tuple[Tier, ...] | None = None
    spans: tuple[Span, ...] = ()

    def with_source(self, source: str) -> "Contents":
        """With this source where the file names none."""
        return self if self.facts.source else replace(self, facts=replace(self.facts, source=source))
