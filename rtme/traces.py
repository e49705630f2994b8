"""What goes out beside the events, for whoever watches: scores over time, and pictures where they were asked for.

Nothing here is numbered, kept or sent again: who misses some of it misses a piece of a curve, never an event. The topics
``rtme-trace.<stream>`` and ``rtme-preview.<stream>`` do not begin with ``rtme.``, so who listens to events gets none of it.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

TRACE = "rtme-trace."
PREVIEW = "rtme-preview."


_FINITE = ConfigDict(populate_by_name=True, allow_inf_nan=False)


class _Model(BaseModel):
    model_config = _FINITE

    schema_: Literal[1] = Field(1, alias="schema")
    run_id: str = Field("", description="one run of the service; filled in by the publisher")
    stream: str
    epoch: int


class Trace(_Model):
    """What the service saw of one face over a few frames, once it is final; lists of the same length, oldest first."""

    kind: Literal["trace"] = "trace"
    face: int
    frame: list[int] = Field(description="0-based frame index within the epoch")
    time_s: list[float] = Field(description="seconds since the epoch's first frame, on the stream's own time")
    wall_ns: list[int] = Field(
        description="wall clock when the frame left the decoder, nanoseconds since 1970"
    )
    score: list[float | None] = Field(
        description="of a micro-expression, 0..1, as the interval decoder gets it; null where nothing is known"
    )
    speaking: list[float | None] = Field(description="probability that the person speaks, likewise")
    yaw: list[float] = Field(description="head pose, degrees; positive to the person's own left")
    pitch: list[float] = Field(description="positive: up")
    roll: list[float] = Field(description="positive: towards the person's own right shoulder")
    eye_distance_px: list[float] = Field(description="outer eye corners, in pixels of the source")
    judged: list[bool] = Field(description="whether the face was fit to be judged; a face event says why not")

    @model_validator(mode="after")
    def _of_one_length(self) -> Self:
        lengths = {len(value) for value in vars(self).values() if isinstance(value, list)}
        if len(lengths) > 1:
            raise ValueError(f"lists of different lengths: {sorted(lengths)}")
        return self


class FaceSight(BaseModel):
    """Where one face is in a picture, in pixels of the source."""

    model_config = _FINITE

    face: int
    box: tuple[float, float, float, float] = Field(description="x, y, width, height")
    outline: list[list[tuple[float, float]]] = Field(
        description="oval, eyes, brows and lips, as lines of points"
    )
    judged: bool


class Sight(_Model):
    """Where the faces of one frame are. On the wire a JPEG of the frame follows as a third part."""

    kind: Literal["sight"] = "sight"
    frame: int
    time_s: float
    wall_ns: int
    width: int = Field(description="of the source's picture, pixels; the JPEG may be smaller")
    height: int
    faces: list[FaceSight]


@dataclass(frozen=True, slots=True)
class Shown:
    """A trace, or a sight with the JPEG of its frame, if there is one."""

    message: Trace | Sight
    picture: bytes | None = None

    @property
    def topic(self) -> str:
        """Its ZeroMQ topic."""
        return (TRACE if isinstance(self.message, Trace) else PREVIEW) + self.message.stream

    def parts(self) -> list[bytes]:
        """Its message on the wire."""
        head = [self.topic.encode(), self.message.model_dump_json(by_alias=True).encode()]
        return head if self.picture is None else [*head, self.picture]


_adapter: TypeAdapter[Trace | Sight] = TypeAdapter(Annotated[Trace | Sight, Field(discriminator="kind")])


def read_parts(parts: list[bytes]) -> Shown:
    """One message of the wire.

    Raises:
        ValueError: It is none.
    """
    if len(parts) not in (2, 3):
        raise ValueError(f"a message of {len(parts)} parts")
    shown = Shown(_adapter.validate_json(parts[1]), parts[2] if len(parts) == 3 else None)
    if parts[0] != shown.topic.encode():
        raise ValueError("the topic does not fit")
    return shown


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the second part."""
    return _adapter.json_schema(by_alias=True)
