"""Video files."""

import time
from collections.abc import Callable
from pathlib import Path

import av

from rtme.capture.decoded_source import DecodedSource
from rtme.capture.decoding import Decoder
from rtme.capture.descriptors import no_descriptor
from rtme.capture.frame import Frame
from rtme.capture.urls import printable, safe_name
from rtme.errors import SourceError

_FALLBACK_FPS = 25.0
# A file played at its own pace never keeps its reader waiting longer than this for one frame.
_LONGEST_PAUSE_S = 2.0


class FileSource(DecodedSource):
    """Any file that FFmpeg opens. Delivers every frame that can be decoded, in the order of presentation.

    Attributes:
        live: Always False: a file never drops a frame.
        paced: Deliver each frame when its time has come, as a camera would, instead of as fast as it goes.
    """

    live = False

    def __init__(
        self,
        path: str | Path,
        name: str | None = None,
        *,
        paced: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Nothing is opened yet.

        Args:
            path: The file.
            name: Stream name; None takes the file's stem.
            paced: See the class.
            clock: Seconds on a clock that never goes back.
            sleep: Waits so many seconds of that clock.
        """
        super().__init__(name or safe_name(str(path)), printable(str(path)))
        self.path = Path(path)
        self.paced = paced
        self._clock = clock
        self._sleep = sleep
        self._last_pts: float | None = None
        self._zero: float | None = None

    def open(self) -> None:
        """Open the file. Raises SourceError when it is none, or has no video."""
        self.close()
        self._check()
        try:
            # The prefix keeps FFmpeg from taking a name such as "a:b.mp4" for an address.
            decoder = Decoder(f"file:{self.path}", self._label, live=False)
        except av.FFmpegError as error:
            if (lack := no_descriptor(error)) is not None:
                raise SourceError(f"cannot open {self._label}: {lack}") from error
            raise SourceError(
                f"{self._label} is not a video that FFmpeg can open ({error.strerror}); "
                "check that the file is complete and plays elsewhere"
            ) from error
        self._opened(decoder)
        self.frames_expected = decoder.frames_expected
        self._last_pts = None
        self._zero = None

    def read(self) -> Frame | None:
        """The next frame, None at the end. A bad picture is left out and counted in ``corrupt``.

        Raises:
            SourceError: There is a video stream, but no picture in it can be decoded.
        """
        decoded = self._next()
        if decoded is None:
            if self._last_pts is None:
                raise SourceError(
                    f"no picture in {self._label} can be decoded; the file is damaged or cut off too early"
                )
            return None
        pts = self._pts(decoded)
        if self.paced:
            self._wait_for(pts)
        stamp = self._stamper.stamp(pts)
        return Frame(stamp, self._picture(decoded))

    def _check(self) -> None:
        if self.path.is_dir():
            raise SourceError(f"{self._label} is a folder; give a video file in it, or {self._label}/*.mp4")
        if not self.path.exists():
            raise SourceError(f"there is no file {self._label}; check the path")
        if self.path.is_file() and self.path.stat().st_size == 0:
            raise SourceError(f"{self._label} is empty (0 bytes); copy or record it again")

    def _pts(self, decoded: av.VideoFrame) -> float:
        """Presentation time in seconds; where it is missing or goes back, a frame's time after the last."""
        pts = None if decoded.time is None else float(decoded.time)
        if self._last_pts is None:
            pts = 0.0 if pts is None else pts
        elif pts is None or pts <= self._last_pts:
            pts = self._last_pts + 1 / (self.fps or _FALLBACK_FPS)
        self._last_pts = pts
        return pts

    def _wait_for(self, pts: float) -> None:
        now = self._clock()
        if self._zero is None:
            self._zero = now - pts
        wait = self._zero + pts - now
        if wait > _LONGEST_PAUSE_S:
            self._zero -= wait - _LONGEST_PAUSE_S
            wait = _LONGEST_PAUSE_S
        if wait > 0:
            self._sleep(wait)
