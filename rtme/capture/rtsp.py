"""RTSP and every other live address that FFmpeg opens."""

from typing import Literal

import av

from rtme.capture.decoded_source import READ_LIMIT_S, LiveSource
from rtme.capture.decoding import Decoder
from rtme.capture.descriptors import no_descriptor
from rtme.capture.source import PermanentSourceError
from rtme.capture.urls import redact, safe_name
from rtme.errors import SourceError

Transport = Literal["tcp", "udp"]


class RtspSource(LiveSource):
    """A live stream from the network (``rtsp://``; also ``rtmp://``, ``http://``, ``udp://``, ``srt://``).

    Nothing waits here that need not: no frame threads in the decoder, a short probe. What cannot be avoided:
    FFmpeg takes an RTSP picture for complete when the next one begins, one frame later. ``capture_ns``
    is taken after that.
    """

    def __init__(
        self, url: str, transport: Transport = "tcp", timeout_s: float = 5.0, name: str | None = None
    ) -> None:
        """Nothing is opened yet.

        Args:
            url: The address; credentials as ``user:password@``, percent-encoded where they hold ``@ : /``.
            transport: How RTSP carries the pictures: TCP loses none, UDP never waits for what is lost.
            timeout_s: Limit for connecting, and for data without a picture. A read has two seconds.
            name: Stream name; None takes the host's.
        """
        super().__init__(name or safe_name(url), redact(url))
        self._url = url
        self._transport = transport
        self._timeout_s = timeout_s

    def open(self) -> None:
        """Connect.

        Raises:
            SourceError: Nothing comes; it may later.
            PermanentSourceError: Trying again is no use.
        """
        self.close()
        failure: SourceError | None = None
        try:
            decoder = Decoder(
                self._url,
                self._label,
                live=True,
                options=_options(self._url, self._transport, self._timeout_s),
                open_s=self._timeout_s,
                read_s=READ_LIMIT_S,
                picture_s=self._timeout_s,
            )
        except av.FFmpegError as error:
            failure = self._explain(error)
        # Raised here, outside the handler: FFmpeg's error holds the address with its password.
        if failure is not None:
            raise failure
        self._opened(decoder)

    def _explain(self, error: av.FFmpegError) -> SourceError:
        where = self._label
        if (lack := no_descriptor(error)) is not None:
            return SourceError(f"cannot open {where}: {lack}")
        if isinstance(error, av.HTTPUnauthorizedError | av.HTTPForbiddenError):
            return PermanentSourceError(
                f"{where} refuses the user name or password (401/403); write them as "
                "rtsp://user:password@host, with @ : / in them as %40 %3A %2F"
            )
        if isinstance(error, av.ProtocolNotFoundError | av.DemuxerNotFoundError):
            return PermanentSourceError(
                f"FFmpeg cannot open this kind of address: {where}; use rtsp, rtmp, http, udp or srt"
            )
        if isinstance(error, av.ConnectionRefusedError):
            return SourceError(f"nothing listens at {where} (connection refused); check host and port")
        if isinstance(error, av.HTTPNotFoundError):
            return SourceError(f"{where} answers, but has no such stream (404); check the path")
        if isinstance(error, av.TimeoutError | av.ExitError):
            return SourceError(
                f"no answer from {where} within {self._timeout_s:g} s; check the address and the network"
            )
        return SourceError(f"cannot open {where} ({error.strerror}); check the address and the network")


def _options(url: str, transport: Transport, timeout_s: float) -> dict[str, str]:
    limit_us = str(round(timeout_s * 1e6))
    # The probe stops as soon as size and codec are known. What it read is kept ("nobuffer" would throw away
    # the key frame and decode grey until the next), so an epoch begins with a burst of up to this long.
    options = {"analyzeduration": "500000", "fpsprobesize": "0"}
    if not url.lower().startswith(("rtsp://", "rtsps://")):
        return options | {"rw_timeout": limit_us}
    return options | {
        "rtsp_transport": transport,
        "allowed_media_types": "video",
        "timeout": limit_us,
        # How long UDP packets are waited for that come out of order.
        "max_delay": "100000",
        "buffer_size": "1048576",
    }
