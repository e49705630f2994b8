"""What the service says of sources, from their beginning to their end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rtme.capture.source import Source
from rtme.errors import SourceError
from rtme.events import (
    HeartbeatEvent,
    IntervalEvent,
    Mark,
    SpeakerEvent,
    StateEvent,
    StreamHealth,
    WarningEvent,
)
from rtme.live.service import Live
from rtme.score.interval import State
from rtme.settings import Settings


@dataclass(frozen=True, slots=True)
class Found:
    """An interval that was closed.

    Attributes:
        epoch: Of its frames.
        face: Number of the face.
        type: "me" or "macro".
        onset: First frame.
        offset: Last frame.
        confidence: 0..1.
        told: Newest frame when it was first told of, provisionally.
        decided: Newest frame when it was closed.
        look_ahead_ms: What the engine waits by design.
        system_ms: From the newest frame leaving the decoder to the closed event leaving the service.
    """

    epoch: int
    face: int
    type: str
    onset: Mark
    offset: Mark
    confidence: float
    told: Mark
    decided: Mark
    look_ahead_ms: float
    system_ms: float


@dataclass(frozen=True, slots=True)
class Turn:
    """Speaking or listening from one frame to another, inclusive."""

    epoch: int
    state: State
    start: Mark
    end: Mark


@dataclass(slots=True)
class Seen:
    """What was said of one source.

    Attributes:
        found: Closed intervals.
        turns: Turns of speaking and listening.
        warnings: Sentences for people.
        health: The last heartbeat's.
        trouble: What its connection last suffered from, "" for nothing.
        error: Why it ended, None where it ended well.
    """

    found: list[Found] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    health: StreamHealth | None = None
    trouble: str = ""
    error: str | None = None
    _told: dict[str, Mark] = field(default_factory=dict)

    def hear(self, event: object) -> None:
        """Take in one event of this source."""
        match event:
            case IntervalEvent(at=Mark() as at):
                told = self._told.setdefault(event.id, at)
                if event.status == "closed":
                    self.found.append(_found(event, told, at))
            case SpeakerEvent(end=Mark() as end):
                self.turns.append(Turn(event.epoch, event.state, event.start, end))
            case WarningEvent():
                self.warnings.append(event.text)
            case StateEvent(state="backoff" | "stalled"):
                self.trouble = event.detail
            case _:
                pass

    def state(self, epoch: int, frame: int) -> State | None:
        """What the engine says the person does in a frame, None where it does not say."""
        for turn in self.turns:
            if turn.epoch == epoch and turn.start.frame <= frame <= turn.end.frame:
                return turn.state
        return None


def _found(event: IntervalEvent, told: Mark, decided: Mark) -> Found:
    return Found(
        event.epoch,
        event.face,
        event.type,
        event.onset,
        event.offset,
        event.confidence,
        told,
        decided,
        event.algorithmic_ms or 0.0,
        event.system_ms or 0.0,
    )


def watch(
    sources: Sequence[Source], settings: Settings, tick: Callable[[Live], None]
) -> tuple[list[Seen], str]:
    """Run the service over sources until each has ended, or ``tick`` stops it.

    Args:
        sources: Their names must be unlike each other and fit for the wire.
        settings: Of the service; nothing is published.
        tick: Called at each event, so once a second at least.

    Returns:
        What was said of each source, and the engine's name and version.

    Raises:
        SourceError: A recording cannot be opened or read.
        RtmeError: The service failed.
    """
    seen = {source.name: Seen() for source in sources}
    live = Live(
        sources, settings=settings.model_copy(update={"bind": None, "journal": None, "source": []}), fast=True
    )
    with live:
        for event in live:
            if isinstance(event, HeartbeatEvent):
                for name, health in event.streams.items():
                    seen[name].health = health
            elif event.stream in seen:
                seen[event.stream].hear(event)
            tick(live)
    for source in sources:
        seen[source.name].error = live.errors.get(source.name)
        if not source.live and seen[source.name].error:
            raise SourceError(str(seen[source.name].error))
    manifest = live.manifest
    return list(seen.values()), f"{manifest.name} {manifest.version}: {manifest.summary}"
