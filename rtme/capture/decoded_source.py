"""What files, streams and cameras share: one decoder at a time, its stamps and its counts."""

import av
import numpy as np
from numpy.typing import NDArray

from rtme.capture.decoding import Decoder
from rtme.capture.frame import Frame
from rtme.capture.picture import picture
from rtme.capture.stamps import Stamper
from rtme.errors import SourceError

# A silent stream must be noticed within two seconds.
READ_LIMIT_S = 2.0


class DecodedSource:
    """A source that FFmpeg decodes.

    Attributes:
        name: The stream's name on the wire.
        corrupt: Packets and pictures left out so far, over all epochs, because they could not be decoded.
        frames_expected: About how many frames will come; None while unknown.
    """

    def __init__(self, name: str, label: str) -> None:
        """``label`` is how messages call it; it holds no credentials."""
        self.name = name
        self.corrupt = 0
        self.frames_expected: int | None = None
        self._label = label
        self._stamper = Stamper(name)
        self._decoder: Decoder | None = None
        self._fps: float | None = None
        self._corrupt_before = 0

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._label!r})"

    @property
    def fps(self) -> float | None:
        """Nominal frames per second, None while unknown."""
        return self._fps

    def close(self) -> None:
        """Release everything. Safe to call twice."""
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None

    def _opened(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._fps = decoder.fps
        self._corrupt_before = self.corrupt
        self._stamper.opened()

    def _picture(self, decoded: av.VideoFrame) -> NDArray[np.uint8]:
        return picture(decoded, self._decoder.pixel_aspect if self._decoder else 1.0)

    def _next(self) -> av.VideoFrame | None:
        if self._decoder is None:
            raise SourceError(f"{self._label} is not open; call open() first")
        try:
            return self._decoder.next()
        finally:
            self.corrupt = self._corrupt_before + self._decoder.corrupt


class LiveSource(DecodedSource):
    """A decoded source that time does not wait for.

    Attributes:
        live: Always True.
    """

    live = True

    def read(self) -> Frame | None:
        """The next frame, None when the other side ended the stream. Raises SourceError when it breaks."""
        failure: str | None = None
        decoded: av.VideoFrame | None = None
        try:
            decoded = self._next()
        except (av.TimeoutError, av.ExitError):
            failure = f"{self._label} has sent nothing for {READ_LIMIT_S:g} s"
        except av.FFmpegError as error:
            failure = f"{self._label} broke off ({error.strerror})"
        # Raised here, outside the handler: FFmpeg's error holds the address with its password.
        if failure is not None:
            raise SourceError(f"{failure}; check the camera and its connection")
        if decoded is None:
            return None
        stamp = self._stamper.stamp(None if decoded.time is None else float(decoded.time))
        return Frame(stamp, self._picture(decoded))
