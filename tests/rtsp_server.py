"""A real RTSP camera for tests and benches. Runs under the system's Python (python3-gi and GStreamer).

    /usr/bin/python3 tests/rtsp_server.py [FILE] [--port 8554] [--user anna --password secret] [--fps 30] [--gives 12]

It encodes FILE once (H.264, no B-frames, a key frame each second; or JPEG), then sends the same access units round and
round. Frame n leaves at start + n / fps on the monotonic clock and carries exactly that presentation time,
over the seam as well: no drift, no jump, and almost no work while it serves. Without FILE it sends a test
pattern. With --gives it sends fewer frames a second than it promises, each with the time at which it leaves, or, with
--counts-frames, with the time that it would have at the rate promised.
Prints ``ready rtsp://127.0.0.1:PORT/cam`` when clients may come, and ``sending START`` (nanoseconds on the monotonic clock,
which all processes of a machine share) whenever it begins with frame 0.
"""

import argparse
import re
import signal
import sys
import threading
import time

CANNOT_RUN = 77

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstApp", "1.0")
    gi.require_version("GstRtsp", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    # GstApp gives the appsink its try_pull_sample.
    from gi.repository import GLib, Gst, GstApp, GstRtsp, GstRtspServer  # noqa: F401
except (ImportError, ValueError) as missing:
    print(f"{missing}; install what .ci/apt-packages.txt names", file=sys.stderr)
    sys.exit(CANNOT_RUN)

ELEMENTS = (
    "appsrc", "avdec_h264", "decodebin", "jpegenc", "qtdemux", "rtph264pay", "rtpjpegpay", "videotestsrc", "x264enc",
)  # fmt: skip
CODECS = {
    "h264": (
        "x264enc tune=zerolatency speed-preset=veryfast bframes=0 key-int-max={fps} bitrate=3000 ! "
        "video/x-h264,stream-format=byte-stream,alignment=au",
        "rtph264pay config-interval=0",
    ),
    "jpeg": ("jpegenc ! image/jpeg", "rtpjpegpay"),
}
"""Encoder and payloader."""


def encode(path, fps, seconds, codec):
    """Caps, and every access unit of a file (or of a test pattern), in order, as bytes."""
    if path is None:
        frames = fps * seconds
        picture = f"videotestsrc num-buffers={frames} ! video/x-raw,width=640,height=480,framerate={fps}/1"
    else:
        picture = "filesrc name=file ! decodebin"
    # No videorate: it would double or drop pictures, and tests count them.
    pipeline = Gst.parse_launch(
        f"{picture} ! videoconvert ! video/x-raw,format=I420 ! "
        f"{CODECS[codec][0].format(fps=fps)} ! "
        "appsink name=out sync=false max-buffers=0"
    )
    if path is not None:
        pipeline.get_by_name("file").set_property("location", path)
    sink = pipeline.get_by_name("out")
    pipeline.set_state(Gst.State.PLAYING)
    units = []
    caps = None
    error = None
    while error is None and not sink.is_eos():
        sample = sink.try_pull_sample(Gst.SECOND // 5)
        if sample is not None:
            buffer = sample.get_buffer()
            caps = sample.get_caps().to_string()
            units.append(buffer.extract_dup(0, buffer.get_size()))
        error = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    if error is not None or not units:
        sys.exit(f"cannot encode {path}: {error.parse_error() if error else 'no pictures in it'}")
    # The rate of the stream is what the camera promises, whatever the file's is.
    return re.sub(r"framerate=\(fraction\)\d+/\d+", f"framerate=(fraction){fps}/1", caps), units


class Camera(GstRtspServer.RTSPMediaFactory):
    """One picture stream that all clients share, as with a camera."""

    def __init__(self, caps, units, codec, fps, gives, counts_frames):
        super().__init__()
        self._caps = Gst.Caps.from_string(caps)
        self._units = units
        self._gives = gives
        self._stamps = fps if counts_frames else gives
        self.set_shared(True)
        self.set_latency(0)
        self.set_launch(
            f"( appsrc name=units is-live=true format=time block=false ! {CODECS[codec][1]} name=pay0 pt=96 )"
        )
        self.connect("media-configure", self._start)

    def _start(self, _factory, media):
        stop = threading.Event()
        source = media.get_element().get_by_name("units")
        source.set_property("caps", self._caps)
        media.connect("unprepared", lambda _media: stop.set())
        threading.Thread(target=self._send, args=(source, stop), daemon=True).start()

    def _send(self, source, stop):
        period = round(Gst.SECOND / self._stamps)
        while source.get_clock() is None or source.get_state(0)[1] != Gst.State.PLAYING:
            if stop.wait(0.002):
                return
        first = source.get_clock().get_time() - source.get_base_time()
        start = time.monotonic()
        print(f"sending {round(start * 1e9)}", flush=True)
        n = 0
        while not stop.wait(max(0.0, start + n / self._gives - time.monotonic())):
            buffer = Gst.Buffer.new_wrapped(self._units[n % len(self._units)])
            buffer.pts = first + round(n * Gst.SECOND / self._stamps)
            buffer.duration = period
            if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                return
            n += 1


def require_password(server, factory, user, password):
    """Let in only who knows the password (digest authentication, as most cameras do)."""
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    auth.add_digest(user, password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_role("viewer")
    for permission in (
        GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS,
        GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT,
    ):
        permissions.add_permission_for_role("viewer", permission, True)
    factory.set_permissions(permissions)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--codec", choices=sorted(CODECS), default="h264")
    parser.add_argument("--fps", type=int, default=30, help="frames a second that it promises")
    parser.add_argument(
        "--gives", type=float, help="frames a second that it sends; those it promises by default"
    )
    parser.add_argument("--counts-frames", action="store_true", help="take frame n for n / fps seconds old")
    parser.add_argument("--seconds", type=int, default=10, help="length of the test pattern")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="end with the program that started it"
    )
    args = parser.parse_args()
    Gst.init(None)
    absent = [name for name in ELEMENTS if Gst.ElementFactory.find(name) is None]
    if absent:
        print(
            f"GStreamer lacks {', '.join(absent)}; install what .ci/apt-packages.txt names", file=sys.stderr
        )
        sys.exit(CANNOT_RUN)
    loop = GLib.MainLoop()
    server = GstRtspServer.RTSPServer()
    server.set_address(args.host)
    server.set_service(str(args.port))
    caps, units = encode(args.file, args.fps, args.seconds, args.codec)
    camera = Camera(caps, units, args.codec, args.fps, args.gives or args.fps, args.counts_frames)
    server.get_mount_points().add_factory("/cam", camera)
    if args.user:
        require_password(server, camera, args.user, args.password)
    if server.attach(None) == 0:
        sys.exit(f"cannot listen on {args.host}:{args.port}")
    GLib.unix_signal_add(GLib.PRIORITY_HIGH, signal.SIGTERM, loop.quit)
    GLib.unix_signal_add(GLib.PRIORITY_HIGH, signal.SIGINT, loop.quit)
    if args.until_stdin_closes:
        GLib.io_add_watch(
            sys.stdin.fileno(), GLib.PRIORITY_HIGH, GLib.IOCondition.HUP, lambda *_: loop.quit()
        )
    print(f"ready rtsp://{args.host}:{server.get_bound_port()}/cam", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
