"""A video file that is written frame by frame beside the sound of another."""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from rtme.errors import SettingsError

Image = NDArray[np.uint8]

CODECS = {".mp4": "libx264", ".m4v": "libx264", ".mov": "libx264", ".mkv": "libx264", ".webm": "libvpx-vp9"}
"""Video by the ending of the name: containers that keep the time of each frame."""
_OPTIONS = {
    # Without B-frames what is written keeps the times it was given, also in the eyes of simple players.
    "libx264": {"crf": "19", "preset": "veryfast", "bf": "0"},
    "libvpx-vp9": {"crf": "30", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"},
    # FFmpeg built without x264.
    "mpeg4": {"qscale": "3", "bf": "0"},
}
# Of what a player needs to be told about the colours: those of television in HD.
_BT709 = 1
_LIMITED_RANGE = 1


class VideoFile:
    """The pictures of a recording written again, with all its sound copied as it is.

    What is written stands under the name with ``.part`` behind it until :meth:`finish`; whoever leaves without that leaves
    nothing. Subtitles, chapters and metadata are left out, but for the languages of the sound.

    Args:
        source: The recording.
        path: The new file.
        comment: Stands in the file's metadata.

    Raises:
        SettingsError: The ending is none of :data:`CODECS`, the container cannot hold the sound, the path cannot be written,
            or it is the recording itself. Every method may raise it when the disk is full.
    """

    def __init__(self, source: Path, path: Path, comment: str = "") -> None:
        check(source, path)
        self._path = path
        self._draft = _draft(path)
        self._comment = comment
        self._waiting: av.Packet | None = None
        self._last_pts: int | None = None
        self._done = False
        try:
            self._source = _recording(source)
        except av.FFmpegError as error:
            raise SettingsError(f"cannot read {source} again ({error.strerror})") from error
        try:
            self._video = _picture_stream(self._source)
            self._target = self._open()
        except BaseException:
            self._source.close()
            raise
        self._stream: av.VideoStream | None = None
        self._sound = self._packets()
        self._next_sound = next(self._sound, None)

    def write(self, image: Image, time_s: float) -> None:
        """Add a picture.

        Args:
            image: ``(height, width, 3)`` uint8 RGB; an odd side is made even, and another size than the first's the first's.
            time_s: When the recording shows it, in its own seconds (``pts``), rising.
        """
        with self._failing():
            if self._stream is None:
                self._stream = self._new_stream(image)
            time_base = self._time_base
            pts = round(Fraction(time_s) / time_base)
            if self._last_pts is not None:
                pts = max(pts, self._last_pts + 1)
            self._last_pts = pts
            frame = av.VideoFrame.from_ndarray(_even(image), format="rgb24")
            frame = frame.reformat(
                self._stream.width,
                self._stream.height,
                "yuv420p",
                dst_colorspace=_BT709,
                dst_color_range=_LIMITED_RANGE,
            )
            frame.colorspace = _BT709
            frame.color_range = _LIMITED_RANGE
            frame.pts, frame.time_base = pts, time_base
            for packet in self._stream.encode(frame):
                self._mux(packet)

    def finish(self) -> None:
        """Write what is left and give the file its name.

        Raises:
            SettingsError: There was no picture, or see the class.
        """
        if self._stream is None:
            raise SettingsError(f"nothing was written to {self._path}: there was no picture")
        with self._failing():
            for packet in self._stream.encode(None):
                self._mux(packet)
            self._write_waiting(None)
            while self._next_sound is not None:
                self._write_sound()
            self._target.close()
            self._draft.replace(self._path)
        self._done = True

    def close(self) -> None:
        """Release everything; what was not finished is removed. Safe to call twice."""
        self._source.close()
        with suppress(av.FFmpegError, OSError):
            self._target.close()
        if not self._done:
            with suppress(OSError):
                self._draft.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _failing(self) -> "_Failing":
        return _Failing(self._path)

    @property
    def _time_base(self) -> Fraction:
        return Fraction(self._video.time_base or Fraction(1, 90_000))

    def _open(self) -> av.container.OutputContainer:
        form = _form(self._path)
        # A movie's own clock would round the beginning of each track to a millisecond.
        options = {"movie_timescale": "90000"} if form in ("mp4", "mov") else {}
        with self._failing():
            target = av.open(f"file:{self._draft}", "w", format=form, options=options)
        try:
            self._copies: dict[int, av.AudioStream] = {}
            self._map_sound(target)
            if self._comment:
                target.metadata["comment"] = self._comment
        except BaseException:
            with suppress(av.FFmpegError, OSError):
                target.close()
            with suppress(OSError):
                self._draft.unlink()
            raise
        return target

    def _map_sound(self, target: av.container.OutputContainer) -> None:
        _check_sound(self._source, target, self._path)
        for stream in self._source.streams.audio:
            self._copies[stream.index] = target.add_stream_from_template(stream)
            if language := stream.metadata.get("language"):
                self._copies[stream.index].metadata["language"] = language

    def _new_stream(self, image: Image) -> av.VideoStream:
        codec = CODECS[self._path.suffix.lower()]
        if codec not in av.codecs_available:
            codec = "mpeg4"
        stream = self._target.add_stream(codec, rate=self._video.average_rate, options=_OPTIONS[codec])
        height, width = _even(image).shape[:2]
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = self._time_base
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        return stream

    def _mux(self, packet: av.Packet) -> None:
        """Packets wait for the next one, which says how long each is shown."""
        self._write_waiting(packet)
        self._waiting = packet

    def _write_waiting(self, following: av.Packet | None) -> None:
        packet, self._waiting = self._waiting, None
        if packet is None:
            return
        time_base = packet.time_base
        if following is not None:
            packet.duration = following.pts - packet.pts
        else:
            packet.duration = round(self._last_duration(packet.pts * time_base) / time_base)
        # What belongs together stands together, so that a player need not search.
        while self._next_sound is not None and _time(self._next_sound) <= packet.pts * time_base:
            self._write_sound()
        self._target.mux(packet)

    def _last_duration(self, pts_s: Fraction) -> Fraction:
        stream = self._video
        usual = 1 / Fraction(stream.average_rate or 25)
        if stream.duration is None or stream.time_base is None:
            return usual
        left = (stream.start_time or 0) * stream.time_base + stream.duration * stream.time_base - pts_s
        return Fraction(left) if 0 < left < 10 else usual

    def _packets(self) -> Iterator[av.Packet]:
        if self._copies:
            for packet in self._source.demux([self._source.streams[index] for index in self._copies]):
                if packet.size and packet.dts is not None:
                    yield packet

    def _write_sound(self) -> None:
        packet = self._next_sound
        assert packet is not None
        packet.stream = self._copies[packet.stream.index]
        self._target.mux(packet)
        self._next_sound = next(self._sound, None)


def check(source: Path, path: Path) -> None:
    """Say, before the work begins, why a recording's copy cannot be written there.

    A recording that cannot be read is not complained of: whoever reads it does.

    Raises:
        SettingsError: See :class:`VideoFile`.
    """
    if path.suffix.lower() not in CODECS:
        raise SettingsError(f"cannot write {path}: the name of a video must end in {', '.join(CODECS)}")
    if path.is_dir():
        raise SettingsError(f"cannot write {path}: it is a folder")
    if not path.parent.is_dir():
        raise SettingsError(f"cannot write {path}: the folder {path.parent} does not exist")
    if path.exists() and source.exists() and path.samefile(source):
        raise SettingsError(f"{path} is the recording itself: name another file, it would be lost")
    draft = _draft(path)
    try:
        draft.open("ab").close()
        draft.unlink()
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        recording = _recording(source)
    except (av.FFmpegError, OSError):
        return
    with recording, av.open(BytesIO(), "w", format=_form(path)) as target:
        _check_sound(recording, target, path)


def _check_sound(
    recording: av.container.InputContainer, target: av.container.OutputContainer, path: Path
) -> None:
    for stream in recording.streams.audio:
        codec = stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"
        if codec not in target.supported_codecs:
            raise SettingsError(
                f"cannot write {path}: {path.suffix} cannot hold the sound of this recording ({codec}); "
                "name a file that ends in .mkv"
            )


class _Failing:
    """Whatever goes wrong while a file is written, in one sentence."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, av.FFmpegError | OSError):
            why = error.strerror or error
            raise SettingsError(f"cannot write {self._path}: {why}; nothing of it was left behind") from error


def _draft(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _form(path: Path) -> str:
    """FFmpeg's name of a container: that of the draft says nothing of it."""
    ending = path.suffix.lower()
    return {".mkv": "matroska", ".m4v": "mp4"}.get(ending, ending[1:])


def _recording(path: Path) -> av.container.InputContainer:
    return av.open(f"file:{path}", metadata_errors="ignore")


def _picture_stream(container: av.container.InputContainer) -> av.VideoStream:
    """The same stream that :class:`rtme.capture.file.FileSource` reads."""
    return next(s for s in container.streams.video if not s.disposition & Disposition.attached_pic)


def _time(packet: av.Packet) -> Fraction:
    return Fraction(packet.dts * packet.time_base)


def _even(image: Image) -> Image:
    """With its last row and column repeated where the number of them is odd: codecs halve both."""
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(image)
