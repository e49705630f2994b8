"""Sources for speed benches: a file played as a camera would send it, and a source whose pictures are counted."""

import time
from pathlib import Path

import av

from rtme.capture.decoding import Decoder
from rtme.capture.frame import Frame
from rtme.capture.picture import picture
from rtme.capture.source import Source
from rtme.capture.stamps import Stamper
from rtme.errors import SourceError
from rtme.trial.speed import barcode


class LoopedFile:
    """A file round and round, decoded in real time: picture n is due at start + n / fps.

    Time does not wait for whoever reads it: a picture that is late comes at once, as from a network, and may be dropped.

    Attributes:
        began_ns: Monotonic time at which picture 0 was due; None before.
    """

    live = True
    corrupt = 0
    frames_expected = None

    def __init__(self, path: Path, name: str, delay_s: float = 0.0) -> None:
        """Nothing is opened yet; ``delay_s`` keeps several of them from sending at the same instant."""
        self.name = name
        self.began_ns: int | None = None
        self._path = path
        self._delay_s = delay_s
        self._stamper = Stamper(name)
        self._decoder: Decoder | None = None
        self._fps: float | None = None
        self._next = 0

    @property
    def fps(self) -> float | None:
        """Frames per second."""
        return self._fps

    def open(self) -> None:
        """Begin with picture 0."""
        self._decoder = self._opened()
        self._fps = self._decoder.fps or 30.0
        self._stamper.opened()
        self._next = 0
        self.began_ns = time.monotonic_ns() + round(self._delay_s * 1e9)

    def read(self) -> Frame | None:
        """The next picture, once it is due."""
        if self._decoder is None or self._fps is None or self.began_ns is None:
            raise SourceError(f"{self._path.name} is not open: call open() first")
        seconds = self._next / self._fps
        time.sleep(max(0.0, self.began_ns / 1e9 + seconds - time.monotonic()))
        decoded = self._decoder.next()
        if decoded is None:
            self._decoder.close()
            self._decoder = self._opened()
            decoded = self._decoder.next()
        if decoded is None:
            raise SourceError(f"no picture in {self._path.name} can be decoded")
        self._next += 1
        stamp = self._stamper.stamp(seconds)
        return Frame(stamp, picture(decoded, self._decoder.pixel_aspect))

    def close(self) -> None:
        """Release the file. Safe to call twice."""
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None

    def _opened(self) -> Decoder:
        # As a live stream is decoded: without frame threads, which would hold pictures back.
        try:
            return Decoder(f"file:{self._path}", self._path.name, live=True)
        except av.FFmpegError as error:
            raise SourceError(f"{self._path.name} cannot be opened ({error.strerror})") from error


class Counted:
    """Any source, with the number read that is painted into each of its pictures.

    Attributes:
        lost: Pictures that never left the decoder, by the holes in their numbers.
        unreadable: Pictures whose number could not be read.
        frames: Epoch, frame, number and ``capture_ns`` of each picture, where they are kept. Numbers go on rising
            over the seam of a clip that is played round and round.
    """

    def __init__(self, source: Source, n_frames: int, *, keep: bool) -> None:
        """``n_frames`` is the length of the clip; ``keep`` keeps all numbers, which for hours is much."""
        self.source = source
        self.name, self.live = source.name, source.live
        self.lost = 0
        self.unreadable = 0
        self.frames: list[tuple[int, int, int, int]] = []
        self._n_frames = n_frames
        self._keep = keep
        self._last: tuple[int, int] | None = None

    @property
    def corrupt(self) -> int:
        """As the source has it."""
        return self.source.corrupt

    @property
    def frames_expected(self) -> int | None:
        """As the source has it."""
        return self.source.frames_expected

    @property
    def fps(self) -> float | None:
        """As the source has it."""
        return self.source.fps

    def open(self) -> None:
        """Connect."""
        self.source.open()

    def read(self) -> Frame | None:
        """The next picture, its number noted."""
        frame = self.source.read()
        if frame is not None:
            self._note(frame)
        return frame

    def close(self) -> None:
        """Release the source."""
        self.source.close()

    def _note(self, frame: Frame) -> None:
        shown = barcode.read(frame.image)
        if shown is None or shown >= self._n_frames:
            self.unreadable += 1
            return
        epoch, number = frame.stamp.epoch, shown
        if self._last is not None and self._last[0] == epoch:
            step = (shown - self._last[1]) % self._n_frames
            number = self._last[1] + step
            self.lost += max(0, step - 1)
        self._last = epoch, number
        if self._keep:
            self.frames.append((epoch, frame.stamp.frame, number, frame.stamp.capture_ns))
