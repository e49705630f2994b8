"""What is asked of the replay socket, and what it answers."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.json_schema import models_json_schema

from rtme.bus.standing import Standing

MOST_EVENTS = 1_000
"""Events in one reply, at most."""
MOST_REPLY_BYTES = 1 << 20
"""Bytes of all events in one reply, at most; a single event is given whatever its size."""
MOST_REQUEST_BYTES = 4_096

Id = Annotated[int | Annotated[str, Field(max_length=200)] | None, Field(union_mode="left_to_right")]

Why = Literal["retention", "memory", "not_journalled"]
"""Why events cannot be given; docs/events.md says what each means."""


class _Request(BaseModel):
    # Strict: "5" is no number, so that a client's mistake shows where it is made.
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    id: Id = Field(None, description="anything short; the reply carries it back")


class ReplayRequest(_Request):
    """Asks for events from a number on."""

    request: Literal["replay"] = "replay"
    from_: int = Field(alias="from", ge=0, lt=2**63, description="number of the first event that is wanted")
    limit: int = Field(
        MOST_EVENTS, ge=1, lt=2**63, description=f"events at most; more than {MOST_EVENTS} are never given"
    )


class SnapshotRequest(_Request):
    """Asks how things stand now."""

    request: Literal["snapshot"] = "snapshot"


Request = Annotated[ReplayRequest | SnapshotRequest, Field(discriminator="request")]


class _Reply(BaseModel):
    # A newer service may say more.
    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    schema_: Literal[1] = Field(1, alias="schema")
    id: Id = Field(None, description="of the request")
    run_id: str = Field(description="the run that answers")
    first_seq: int = Field(description="number of this run's first event: numbers below are of earlier runs")
    last_seq: int = Field(description="number of the newest event; -1 before the first of all")
    oldest: int = Field(description="number of the oldest event that can be given; last_seq + 1: none can")
    journal: bool = Field(
        description="whether older events come from a journal; else the newest are kept in memory alone"
    )


class Gone(BaseModel):
    """Events that were asked for and cannot be given."""

    model_config = ConfigDict(extra="ignore")

    first: int
    last: int = Field(description="inclusive")
    why: Why = Field(
        description="`retention`: removed from the journal by age or size; `memory`: there is no journal, and the memory "
        "holds newer ones only; `not_journalled`: the journal could not be written when they were sent"
    )


class ReplayReply(_Reply):
    """Events in order. They are the parts of the message after this one, each as it was published."""

    reply: Literal["replay"] = "replay"
    from_: int = Field(alias="from")
    events: int = Field(description="how many there are: the parts after this one")
    next: int = Field(description="where to go on; last_seq + 1 when nothing is left")
    gone: list[Gone] = Field(description="what is missing among `from` to `next`, and why")


class SnapshotReply(_Reply):
    """How things stand; with the events from ``standing.seq`` + 1 on, all that is to be known."""

    reply: Literal["snapshot"] = "snapshot"
    standing: Standing


class ErrorReply(_Reply):
    """The request could not be answered."""

    reply: Literal["error"] = "error"
    code: Literal["bad_request", "future", "unavailable"] = Field(
        description="`bad_request`: it is no request; `future`: `from` is beyond what was sent; `unavailable`: not now, as "
        "the journal cannot be read, or was not written so far yet; ask again later"
    )
    error: str = Field(description="what is wrong, for people")


Reply = Annotated[ReplayReply | SnapshotReply | ErrorReply, Field(discriminator="reply")]

_requests: TypeAdapter[Request] = TypeAdapter(Request)
_replies: TypeAdapter[Reply] = TypeAdapter(Reply)


def parse_request(data: bytes) -> Request:
    """One request. Raises ValueError, with a sentence for its author, when it is none."""
    try:
        return _requests.validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"] if part not in ("replay", "snapshot"))
        raise ValueError(
            f"{place + ': ' if place else ''}{first['msg']}: "
            'ask {"request": "replay", "from": 0, "limit": 100} or {"request": "snapshot"}'
        ) from error


def parse_reply(data: bytes) -> Reply:
    """One reply's first part. Raises pydantic.ValidationError when it is none."""
    return _replies.validate_json(data, extra="ignore")


def dump(message: Request | Reply) -> bytes:
    """A request, or a reply's first part, as JSON."""
    return message.model_dump_json(by_alias=True).encode()


def json_schema() -> dict[str, object]:
    """The JSON Schema of requests and replies."""
    models = (ReplayRequest, SnapshotRequest, ReplayReply, SnapshotReply, ErrorReply)
    definitions = models_json_schema([(model, "validation") for model in models], by_alias=True)[1]
    return {
        "$defs": definitions["$defs"],
        "oneOf": [{"$ref": f"#/$defs/{model.__name__}"} for model in models],
    }
