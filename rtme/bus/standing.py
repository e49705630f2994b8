"""How things stand: what somebody who comes late must know of what was said before."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from rtme.events import AnyEvent, FaceEvent, IntervalEvent, Mark, SpeakerEvent, StateEvent, UnknownEvent


class StreamStanding(BaseModel):
    """One stream now. What is known of each thing is the newest event about it, as it was sent."""

    model_config = ConfigDict(extra="ignore")

    epoch: int = Field(description="the newest epoch that anything was said about")
    state: StateEvent | None = Field(None, description="what the source is doing; null before it was said")
    faces: dict[int, FaceEvent] = Field(default_factory=dict, description="faces that are there, by number")
    intervals: dict[str, IntervalEvent] = Field(
        default_factory=dict, description="intervals neither closed nor retracted yet, by id"
    )
    turns: dict[str, SpeakerEvent] = Field(
        default_factory=dict, description="speaker turns that have not ended yet, by id"
    )

    def fold(self, event: AnyEvent) -> None:
        """Account for one event of this stream."""
        if event.epoch > self.epoch:
            self._forget()
            self.epoch = event.epoch
        if isinstance(event, StateEvent) and event.state == "ended":
            self._forget()
            self.state = event
            return
        # What an older epoch left open was forgotten with it; the events of its end may still come.
        if event.epoch < self.epoch:
            return
        ended = self.state is not None and self.state.state == "ended"
        match event:
            case StateEvent():
                self.state = event
            case FaceEvent(status="lost"):
                self.faces.pop(event.face, None)
            case IntervalEvent(status="closed" | "retracted"):
                self.intervals.pop(event.id, None)
            case SpeakerEvent(end=Mark()):
                self.turns.pop(event.id, None)
            case _ if ended:
                pass
            case FaceEvent():
                self.faces[event.face] = event
            case IntervalEvent():
                self.intervals[event.id] = event
            case SpeakerEvent():
                self.turns[event.id] = event
            case _:
                pass

    def _forget(self) -> None:
        self.faces.clear()
        self.intervals.clear()
        self.turns.clear()


class Standing(BaseModel):
    """The state that the events of a service add up to, true up to and with number ``seq``.

    Folding every event gives the same as folding the later ones into what an earlier moment's standing was. What
    it holds already is passed over, so a snapshot and a stream of events may overlap.

    Example:
        >>> standing = Standing()
        >>> for event in events:
        ...     standing.fold(event)
        >>> standing.streams["cam"].turns
    """

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    schema_: Literal[1] = Field(1, alias="schema")
    run_id: str = Field("", description="the run that it is of")
    seq: int = Field(-1, description="number of the newest event that it holds; -1 before the first")
    streams: dict[str, StreamStanding] = Field(default_factory=dict, description="by name")

    def fold(self, event: AnyEvent | UnknownEvent) -> None:
        """Account for the next event. Another run begins with nothing."""
        if event.run_id != self.run_id:
            self.run_id = event.run_id
            self.streams.clear()
        elif event.seq <= self.seq:
            return
        self.seq = event.seq
        if isinstance(event, UnknownEvent):
            return
        stream = self.streams.get(event.stream)
        if stream is None:
            if not isinstance(event, StateEvent | FaceEvent | IntervalEvent | SpeakerEvent):
                return
            stream = self.streams[event.stream] = StreamStanding(epoch=event.epoch)
        stream.fold(event)

    def events(self) -> list[AnyEvent]:
        """The events that it holds, in the order of their numbers."""
        found: list[AnyEvent] = []
        for one in self.streams.values():
            found += [one.state] if one.state is not None else []
            found += [*one.faces.values(), *one.intervals.values(), *one.turns.values()]
        return sorted(found, key=lambda event: event.seq)

    def snapshot(self) -> Self:
        """A copy that later folding does not change."""
        streams = {
            name: StreamStanding.model_construct(
                epoch=one.epoch,
                state=one.state,
                faces=dict(one.faces),
                intervals=dict(one.intervals),
                turns=dict(one.turns),
            )
            for name, one in self.streams.items()
        }
        return self.model_copy(update={"streams": streams})
