"""What the tracker thread hands to the engine thread."""

from dataclasses import dataclass

from rtme.events import Mark
from rtme.face.crop import FaceCrop


@dataclass(frozen=True, slots=True)
class Tracked:
    """One frame on the engine's time grid and the faces in it; ``tracked_ns`` (monotonic) is when they were found."""

    stream: str
    epoch: int
    slot: int
    mark: Mark
    live: bool
    crops: list[FaceCrop]
    tracked_ns: int = 0


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """No frame of this stream follows. ``error`` says why when it was not the natural end."""

    stream: str
    epoch: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """The stream broke: what is open ends here, whenever it comes back."""

    stream: str


Message = Tracked | EpochEnd | StreamEnd
