"""Everything that goes on the wire.

An event is two parts: the topic ``rtme.<stream>.<kind>`` and one JSON object. The publisher fills in
``run_id``, ``seq`` and ``system_ms``; everything else is known when the event is made. What may change without a new
``SCHEMA`` stands in docs/events.md.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

SCHEMA = 1
SERVICE = "_service"
"""The stream of heartbeats, and of what is said about the service itself."""


def _open(schema: dict[str, Any]) -> None:
    """Whoever checks events by the published schema must let later fields through, as ``parse`` does."""
    schema.pop("additionalProperties", None)


# The next one must be a number for SQLite too.
MOST_SEQ = 2**63 - 1


class _Model(BaseModel):
    # Strict for whoever makes an event.
    model_config = ConfigDict(
        extra="forbid", populate_by_name=True, allow_inf_nan=False, json_schema_extra=_open
    )


class Mark(_Model):
    """One frame of the source, by every clock there is."""

    frame: int = Field(description="0-based frame index within the epoch")
    time_s: float = Field(description="seconds since the epoch's first frame, on the stream's own time")
    capture_ns: int = Field(description="monotonic clock of the service when the frame left the decoder")
    wall_ns: int = Field(description="wall clock at the same moment, nanoseconds since 1970")


class Event(_Model):
    """What every event carries."""

    schema_: Literal[1] = Field(1, alias="schema")
    run_id: str = Field("", description="one run of the service; filled in by the publisher")
    seq: int = Field(
        -1,
        lt=MOST_SEQ,
        description="rises by one with every event, with a journal across runs, else from 0; filled in by the publisher",
    )
    stream: str
    epoch: int = 0
    at: Mark | None = Field(
        None, description="the newest frame the service had seen of this stream when it decided"
    )
    algorithmic_ms: float | None = Field(None, description="waiting by design: look-ahead of the decision")
    system_ms: float | None = Field(None, description="frame left the decoder -> event handed to the socket")


class IntervalEvent(Event):
    """A micro-expression or macro-expression: begins provisional, ends closed or retracted, under one id."""

    kind: Literal["interval"] = "interval"
    id: str
    face: int
    type: Literal["me", "macro"]
    status: Literal["provisional", "confirmed", "closed", "retracted"]
    onset: Mark
    apex: Mark
    offset: Mark
    confidence: float = Field(
        ge=0, le=1, description="how often such an interval is right, where the engine is calibrated"
    )


class SpeakerEvent(Event):
    """A turn began (``end`` is null) or ended."""

    kind: Literal["speaker"] = "speaker"
    id: str
    face: int
    state: Literal["speaking", "listening"]
    start: Mark
    end: Mark | None = None
    confidence: float = Field(ge=0, le=1)


class FaceEvent(Event):
    """A face appeared, went, or may no longer (or may again) be judged."""

    kind: Literal["face"] = "face"
    face: int
    status: Literal["appeared", "judged", "not_judged", "lost"]
    reason: str | None = None


class StateEvent(Event):
    """What a source is doing."""

    kind: Literal["state"] = "state"
    state: Literal["connecting", "live", "stalled", "backoff", "ended"]
    detail: str = ""


class GapEvent(Event):
    """Something is missing from the record, why, and how much."""

    kind: Literal["gap"] = "gap"
    cause: Literal["dropped", "reconnect", "corrupt", "time_jump", "no_face", "skipped"]
    count: int = Field(description="frames (skipped: window evaluations)")
    start: Mark | None = None
    end: Mark | None = None


class WarningEvent(Event):
    """A sentence a person should read."""

    kind: Literal["warning"] = "warning"
    text: str


class TruthEvent(Event):
    """What the demo planted, so that it can be shown beside what was found. No other source sends it."""

    kind: Literal["truth"] = "truth"
    what: Literal["me", "macro", "blink", "speech", "head"]
    label: str = ""
    start: Mark
    end: Mark


class Percentiles(_Model):
    """Milliseconds over the last minute."""

    p50: float
    p95: float
    p99: float
    max: float


class StreamHealth(_Model):
    """One stream's line in the heartbeat. Counts are since the start of the run."""

    state: Literal["connecting", "live", "stalled", "backoff", "ended"]
    frames: int = Field(0, description="frames read")
    fps: float = Field(0.0, description="frames tracked in the last second")
    faces: int = 0
    drops: dict[str, int] = Field(default_factory=dict, description="cause -> frames")
    skipped: int = Field(0, description="window evaluations skipped to keep up")
    reconnects: int = 0
    pipeline_ms: Percentiles | None = Field(
        None, description="every frame: left the decoder -> its windows scored"
    )
    system_ms: Percentiles | None = Field(None, description="every event: its frame left the decoder -> sent")
    stages_ms: dict[str, Percentiles] | None = Field(
        None,
        description="stage -> time from the one before, waiting included: `tracked` (from the decoder), `encoded`, "
        "`scored`, `decided` of every frame, `sent` of every event",
    )


class JournalHealth(_Model):
    """How the file that keeps the events does."""

    state: Literal["ok", "failing"]
    last_seq: int = Field(description="number of the newest event in it; -1 when there is none")
    waiting: int = Field(0, description="events that were sent and could not be written so far")
    missing: int = Field(0, description="events of this run that it will never hold")


class HeartbeatEvent(Event):
    """Once a second, so that silence always means something is broken. Its stream is ``_service``."""

    kind: Literal["heartbeat"] = "heartbeat"
    uptime_s: float
    engine: str
    engine_note: str = Field("", description="what the engine was trained on, a sentence for people")
    backend: str | None = Field(
        None, description="what runs the engine now, for people: library, precision, device"
    )
    sensitivity: Literal["low", "normal", "high"] = Field(
        "normal", description="which of the engine's operating points is in use"
    )
    last_seq: int = Field(
        description="number of the event before this one; of an earlier run's, where a journal lets numbers go on"
    )
    journal: JournalHealth | None = Field(None, description="null when none is kept")
    replay_port: int | None = Field(
        None,
        description="where the same host gives again what was sent, and tells how things stand; null: nowhere",
    )
    preview: bool = Field(False, description="whether pictures of the sources are published (docs/events.md)")
    streams: dict[str, StreamHealth]


AnyEvent = Annotated[
    IntervalEvent
    | SpeakerEvent
    | FaceEvent
    | StateEvent
    | GapEvent
    | WarningEvent
    | TruthEvent
    | HeartbeatEvent,
    Field(discriminator="kind"),
]

_adapter: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


class UnknownEvent(BaseModel):
    """What is understood of an event that a newer service sends: a kind, value or version not known here.

    Nothing publishes it.
    """

    schema_: int = Field(alias="schema", ge=1)
    run_id: str
    seq: int = Field(lt=MOST_SEQ)
    stream: str
    kind: str = Field(min_length=1)


def topic(event: AnyEvent | UnknownEvent) -> str:
    """The ZeroMQ topic of an event."""
    return f"rtme.{event.stream}.{event.kind}"


def dump(event: AnyEvent) -> bytes:
    """One event as JSON."""
    return event.model_dump_json(by_alias=True, exclude_none=False).encode()


def parse(data: bytes | str) -> AnyEvent:
    """One event from JSON. Fields that are not known here are left out.

    Raises:
        pydantic.ValidationError: It is no event, or none that is known here.
    """
    return _adapter.validate_json(data, extra="ignore")


def read(data: bytes | str) -> AnyEvent | UnknownEvent:
    """Like :func:`parse`, but an event that only a newer service knows is told from what is no event.

    Raises:
        pydantic.ValidationError: It is no event.
    """
    try:
        return parse(data)
    except ValidationError as error:
        try:
            unknown = UnknownEvent.model_validate_json(data)
        except ValidationError:
            raise error from None
        new_words = all(flaw["type"] in ("union_tag_invalid", "literal_error") for flaw in error.errors())
        if unknown.schema_ > SCHEMA or new_words:
            return unknown
        raise


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the wire."""
    return _adapter.json_schema(by_alias=True)
