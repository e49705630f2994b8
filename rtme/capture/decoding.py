"""The video stream of one container, frame by frame. The only place that reads packets."""

import time
from collections.abc import Generator, Iterator, Mapping

import av
from av.codec.context import Flags as CodecFlags
from av.stream import Discard, Disposition

from rtme.errors import SourceError

# FFmpeg's own messages name the address with its password.
av.logging.set_level(None)

# A demuxer that fails this often without a packet in between has nothing more to give.
_HOPELESS = 50
_AGAIN_S = 0.005
# Streams exist that never send another key frame; they heal by themselves in about this many pictures.
_LONGEST_HEALING = 300


class Decoder:
    """One open container.

    Attributes:
        corrupt: Packets that could not be decoded, and pictures that were left out because they were damaged or
            built on damaged ones.
    """

    def __init__(
        self,
        target: str,
        label: str,
        *,
        live: bool,
        format: str | None = None,
        options: Mapping[str, str] | None = None,
        open_s: float | None = None,
        read_s: float | None = None,
        picture_s: float = 5.0,
    ) -> None:
        """Open it.

        Args:
            target: What FFmpeg opens.
            label: How messages call it; holds no credentials.
            live: A live stream is decoded without delay and breaks at the first read error; a file is decoded
                on all cores and read on past its errors.
            format: FFmpeg demuxer, None to find out.
            options: FFmpeg options.
            open_s: Limit for opening.
            read_s: Limit for one read.
            picture_s: Longest time (live only) that data may come without a picture.

        Raises:
            av.FFmpegError: It cannot be opened. Its text may hold credentials: do not chain it.
            SourceError: It opens, but there is no video in it.
        """
        self.corrupt = 0
        self._label = label
        self._live = live
        self._picture_s = picture_s
        self._container = av.open(
            target,
            format=format,
            options=dict(options or {}),
            timeout=(open_s, read_s),
            metadata_errors="replace",
        )
        try:
            self._stream = self._video()
        except SourceError:
            self._container.close()
            raise
        self._frames = self._decode()

    def _video(self) -> av.VideoStream:
        # Cover art of an audio file is a video stream of one picture.
        real = [s for s in self._container.streams.video if not s.disposition & Disposition.attached_pic]
        # The terminal-art demuxer takes any file named .txt for a video.
        if not real or self._container.format.name == "tty":
            raise SourceError(f"{self._label} has no video stream; give a file or stream with pictures in it")
        stream = real[0]
        if stream.codec_context is None:
            raise SourceError(
                f"{self._label} holds video of a kind that FFmpeg does not know; convert it to H.264"
            )
        for other in self._container.streams:
            if other is not stream:
                other.discard = Discard.all
        if self._live:
            # Frame threads would hold one picture back per thread, and slice threads keep their errors to themselves:
            # a damaged picture would pass for a good one.
            stream.codec_context.thread_count = 1
            stream.codec_context.flags |= CodecFlags.low_delay
        else:
            stream.thread_type = "AUTO"
        return stream

    @property
    def fps(self) -> float | None:
        """Nominal frames per second."""
        rate = self._stream.average_rate or self._stream.guessed_rate
        return float(rate) if rate else None

    @property
    def pixel_aspect(self) -> float:
        """Width of a pixel over its height; 1.0 where nothing is said, or nothing that can be true."""
        aspect = float(self._stream.sample_aspect_ratio or 1)
        return aspect if 0.25 <= aspect <= 4 else 1.0

    @property
    def frames_expected(self) -> int | None:
        """How many frames the header promises, or the duration times the rate."""
        if self._stream.frames:
            return int(self._stream.frames)
        if self._container.duration and self.fps:
            return round(float(self._container.duration / av.time_base) * self.fps)
        return None

    def next(self) -> av.VideoFrame | None:
        """The next good frame, None at the end.

        Raises:
            av.FFmpegError: A live stream broke. Its text may hold credentials: do not chain it.
            SourceError: A live stream sends data, but no picture.
        """
        return next(self._frames, None)

    def close(self) -> None:
        """Release everything."""
        self._frames.close()
        self._container.close()

    def _decode(self) -> Generator[av.VideoFrame, None, None]:
        last_picture = time.monotonic()
        # After damage, pictures are built on what is not there: they would move where nobody moved.
        healing = 0
        for packet in self._packets():
            frames = self._pictures(packet)
            if frames is None:
                self.corrupt += 1
                healing = _LONGEST_HEALING
                frames = []
            for frame in frames:
                if frame.is_corrupt:
                    healing = _LONGEST_HEALING
                elif frame.key_frame:
                    healing = 0
                if healing:
                    self.corrupt += 1
                    healing -= 1
                    continue
                yield frame
                last_picture = time.monotonic()
            if self._live and time.monotonic() - last_picture > self._picture_s:
                raise SourceError(
                    f"{self._label} sends data but no picture that can be decoded in {self._picture_s:g} s; "
                    "check the codec and the key-frame interval it is set to"
                )

    def _pictures(self, packet: av.Packet | None) -> list[av.VideoFrame] | None:
        """What a packet completes; None where it is damaged."""
        if packet is not None and packet.is_corrupt:
            return None
        try:
            pictures: list[av.VideoFrame] = self._stream.decode(packet)
        except av.FFmpegError:
            return None
        return pictures

    def _packets(self) -> Iterator[av.Packet | None]:
        failures = 0
        while failures < _HOPELESS:
            try:
                for packet in self._container.demux(self._stream):
                    failures = 0
                    yield packet
                return
            except av.BlockingIOError:
                # Cameras on macOS answer so while no picture is ready.
                time.sleep(_AGAIN_S)
            except av.FFmpegError:
                if self._live:
                    raise
                self.corrupt += 1
                failures += 1
        # What the decoder still holds.
        yield None
