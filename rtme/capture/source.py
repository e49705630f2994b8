"""What every source of frames can do."""

from typing import Literal, Protocol, runtime_checkable

from rtme.capture.frame import Frame
from rtme.errors import SourceError


class Source(Protocol):
    """A place that frames come from. No threads inside; the caller drives it.

    Attributes:
        name: The stream's name on the wire; holds no credentials.
        live: True where time does not wait (cameras, RTSP, demo): late frames are dropped.
            False for files: every frame is delivered.
    """

    name: str
    live: bool

    @property
    def corrupt(self) -> int:
        """Pictures that could not be decoded so far, over all epochs; they were left out."""

    @property
    def frames_expected(self) -> int | None:
        """How many frames there will be, None while unknown. For progress bars."""

    @property
    def fps(self) -> float | None:
        """Nominal frames per second, None while unknown. For people; never used to tell time."""

    def open(self) -> None:
        """Connect. Raises SourceError with a sentence for people; may be called again after close()."""

    def read(self) -> Frame | None:
        """The next frame, or None at the end of the stream.

        Returns within the source's own time limit. Raises SourceError when the stream breaks.
        ``stamp.epoch`` counts the calls of open() that succeeded, from 0.
        """

    def close(self) -> None:
        """Release everything. Safe to call twice."""


@runtime_checkable
class StagedSource(Protocol):
    """A source that knows what really happens in it: the demo."""

    def truth_until(
        self, frame: int
    ) -> list[tuple[Literal["me", "macro", "blink", "speech", "head"], str, int, int]]:
        """What ended by this frame and was not told before: what, label, first and last frame (inclusive)."""


class PermanentSourceError(SourceError):
    """A source that will not open however often it is tried: a wrong password, no such camera."""
