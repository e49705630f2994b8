import re
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from clips import number_in, write_clip
from damaging_proxy import DamagingProxy
from rtme.capture.frame import Frame
from rtme.capture.reader import Reader, StateChange
from rtme.capture.rtsp import RtspSource
from rtme.capture.source import PermanentSourceError
from rtme.errors import SourceError

LIMIT_S = 60


def items_until(reader: Reader, done: Callable[[list], bool]) -> list:
    """Everything a reader gives until ``done`` says so."""
    items: list[Frame | StateChange] = []
    deadline = time.monotonic() + LIMIT_S
    while not done(items):
        assert time.monotonic() < deadline, [i for i in items if isinstance(i, StateChange)]
        item = reader.step(0.1)
        if item is not None:
            items.append(item)
    return items


def frames(items: list) -> list[Frame]:
    return [i for i in items if isinstance(i, Frame)]


def states(items: list) -> list[str]:
    return [i.state for i in items if isinstance(i, StateChange)]


def has_frames(n: int) -> Callable[[list], bool]:
    return lambda items: len(frames(items)) >= n


def test_every_picture_arrives_once_in_order_and_over_the_seam(rtsp_server, numbered_clip):
    source = RtspSource(rtsp_server(numbered_clip).url)
    source.open()
    got = [source.read() for _ in range(120)]
    source.close()

    numbers = [number_in(f.image) for f in got]
    assert numbers[0] is not None
    assert numbers == [(numbers[0] + i) % 90 for i in range(120)]
    assert [f.stamp.frame for f in got] == list(range(120))
    assert {f.stamp.epoch for f in got} == {0}
    pts = np.array([f.stamp.pts_s for f in got[2:]], float)
    assert np.allclose(np.diff(pts), 1 / 30, atol=1e-4), "RTP time must be even over the seam too"
    assert source.corrupt == 0
    assert source.fps == pytest.approx(30)


def test_udp_brings_pictures_in_order(rtsp_server, numbered_clip):
    source = RtspSource(rtsp_server(numbered_clip).url, "udp")
    source.open()
    got = [source.read() for _ in range(60)]
    source.close()
    # A busy machine may lose packets; what comes is still right and in order.
    numbers = [n for n in (number_in(f.image) for f in got) if n is not None]
    assert len(numbers) > 30
    assert np.all(np.diff(np.unwrap(numbers, period=90)) > 0)


def test_what_was_damaged_on_the_way_is_left_out_and_counted(rtsp_server, numbered_clip):
    camera = rtsp_server(numbered_clip)
    port = int(camera.url.rsplit(":", 1)[1].split("/")[0])
    with DamagingProxy(port, share=0.02) as proxy:
        source = RtspSource(camera.url.replace(str(port), str(proxy.port)))
        source.open()
        got = [source.read() for _ in range(60)]
        source.close()
    assert proxy.damaged > 0
    assert source.corrupt > 0
    assert None not in {number_in(f.image) for f in got}


def test_a_camera_that_goes_and_comes_back(rtsp_server, numbered_clip):
    camera = rtsp_server(numbered_clip)
    reader = Reader(RtspSource(camera.url))
    before = items_until(reader, has_frames(20))
    assert states(before) == ["connecting", "live"]

    camera.stop()
    away = items_until(reader, lambda items: states(items).count("backoff") >= 2)
    assert "nothing listens" in [i for i in away if isinstance(i, StateChange)][-1].detail

    camera.start()
    after = items_until(reader, has_frames(20))
    reader.close()
    assert states(after)[-2:] == ["connecting", "live"]
    assert {f.stamp.epoch for f in frames(after)} == {1}
    assert [f.stamp.frame for f in frames(after)] == list(range(20))


def test_a_camera_that_is_not_there_yet(rtsp_server, numbered_clip):
    camera = rtsp_server(numbered_clip)
    camera.stop()
    reader = Reader(RtspSource(camera.url))
    assert states(items_until(reader, lambda items: "backoff" in states(items))) == ["connecting", "backoff"]
    camera.start()
    after = items_until(reader, has_frames(1))
    reader.close()
    assert states(after)[-1] == "live"
    assert frames(after)[0].stamp.epoch == 0


def test_a_camera_that_falls_silent_is_stalled_before_it_is_tried_again(rtsp_server, numbered_clip):
    camera = rtsp_server(numbered_clip)
    reader = Reader(RtspSource(camera.url, timeout_s=2))
    items_until(reader, has_frames(10))
    camera.freeze()
    silent = items_until(reader, lambda items: "backoff" in states(items))
    assert states(silent) == ["stalled", "backoff"]
    camera.thaw()
    after = items_until(reader, has_frames(5))
    reader.close()
    assert frames(after)[0].stamp.epoch == 1


def test_the_right_password_opens_and_the_wrong_one_says_so(rtsp_server, numbered_clip):
    camera = rtsp_server(numbered_clip, user="anna", password="p@ss:w/rd")
    source = RtspSource(camera.url)
    source.open()
    assert source.read() is not None
    source.close()

    wrong = camera.bare_url.replace("://", "://anna:hunter2@")
    reader = Reader(RtspSource(wrong))
    *_, last = items_until(reader, lambda items: "ended" in states(items))
    assert "user name or password" in last.error
    assert "hunter2" not in last.error
    with pytest.raises(PermanentSourceError, match=re.escape("***@127.0.0.1")):
        RtspSource(camera.bare_url.replace("://", "://:@")).open()


def test_no_password_in_errors_tracebacks_names_or_on_the_terminal(rtsp_server, numbered_clip):
    camera = rtsp_server(numbered_clip, user="anna", password="right")
    port = camera.bare_url.rsplit(":", 1)[1]
    for url in (f"rtsp://anna:hunter2@127.0.0.1:{port}", "rtsp://anna:hunter2@127.0.0.1:1/x?token=hunter2"):
        source = RtspSource(url)
        with pytest.raises(SourceError) as caught:
            source.open()
        everything = "".join(traceback.format_exception(caught.value)) + repr(source) + source.name
        assert caught.value.__context__ is None
        assert "hunter2" not in everything.replace(url, "")

    script = (
        "import sys; from rtme.capture.rtsp import RtspSource\n"
        "try: RtspSource(sys.argv[1]).open()\n"
        "except Exception as e: print(e)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, f"rtsp://anna:hunter2@127.0.0.1:{port}"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    assert "refuses" in run.stdout
    assert "hunter2" not in run.stdout + run.stderr


def test_a_path_that_is_not_there(rtsp_server, numbered_clip):
    camera = rtsp_server(numbered_clip)
    with pytest.raises(SourceError, match="no such stream"):
        RtspSource(camera.url.replace("/cam", "/attic")).open()


def test_a_closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(SourceError, match=f"nothing listens at rtsp://127.0.0.1:{port}/x"):
            RtspSource(f"rtsp://127.0.0.1:{port}/x").open()


@pytest.fixture
def mute_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("scheme", ["rtsp", "http", "rtmp"])
def test_a_host_that_accepts_and_never_answers(mute_port, scheme):
    with pytest.raises(SourceError, match=r"no answer|cannot open"):
        RtspSource(f"{scheme}://127.0.0.1:{mute_port}/x", timeout_s=1).open()


def test_an_address_of_no_known_kind():
    with pytest.raises(PermanentSourceError, match="use rtsp"):
        RtspSource("pigeon://coop/1").open()


def test_a_live_http_stream_goes_the_same_way(tmp_path, numbered_clip):
    data = write_clip(tmp_path / "live.ts", frames=40, bf="0").read_bytes()

    def serve(server: socket.socket) -> None:
        peer, _ = server.accept()
        with peer:
            peer.recv(4096)
            peer.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        source = RtspSource(f"http://127.0.0.1:{server.getsockname()[1]}/live.ts")
        source.open()
        got = []
        while frame := source.read():
            got.append(number_in(frame.image))
        source.close()
        thread.join(timeout=10)
    assert got == list(range(40))
