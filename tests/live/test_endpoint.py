"""``/metrics`` and ``/healthz`` of a service that runs, asked for over HTTP."""

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

import rtme
from faces import performance
from rtme.bus.curve import KeyFolder
from rtme.capture.frame import Frame
from rtme.clock import Stamp
from rtme.errors import BusError, RtmeError, SourceError
from rtme.events import HeartbeatEvent
from rtme.live.service import Live


def ask(live: Live, path: str) -> tuple[int, str]:
    assert live.metrics_address is not None
    try:
        with urlopen(live.metrics_address + path, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def healthz(live: Live) -> dict[str, Any]:
    code, body = ask(live, "/healthz")
    said: dict[str, Any] = json.loads(body)
    assert said["healthy"] == (code == 200)
    return said


def samples(live: Live) -> dict[tuple[str, ...], float]:
    """Name and values of labels, in the order of their names -> value."""
    code, text = ask(live, "/metrics")
    assert code == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


class Camera:
    """A face, for ever, until it is told to hang."""

    name = "camera"
    live = True
    corrupt = 0
    frames_expected = None
    fps = 30.0

    def __init__(self) -> None:
        self.hang, self.release = threading.Event(), threading.Event()
        self._images = list(performance(1)[0])
        self._index = 0

    def open(self) -> None:
        pass

    def read(self) -> Frame | None:
        if self.hang.is_set():
            self.release.wait(120)
            raise SourceError("released")
        time.sleep(1 / 30)
        self._index += 1
        image = self._images[self._index % len(self._images)]
        stamp = Stamp(self.name, 0, self._index, time.monotonic_ns(), time.time_ns(), self._index / 30)
        return Frame(stamp, image)

    def close(self) -> None:
        pass


def test_metrics_are_those_of_the_heartbeat(engine: str) -> None:
    with rtme.Live([Camera()], engine=engine, bind="tcp://127.0.0.1:*", metrics="127.0.0.1:*") as live:
        assert live.address is not None
        with rtme.Subscriber(live.address) as subscriber:
            wait_for(lambda: healthz(live)["healthy"] and subscriber.receive(0.1) is not None)
            wait_for(lambda: samples(live)["rtme_subscribers",] == 1)
            wait_for(lambda: ("rtme_stage_seconds", "0.99", "sent", "camera") in samples(live))
            found = samples(live)
        live.stop()
        beats = [event for event in live if isinstance(event, HeartbeatEvent)]
    last = beats[-1].streams["camera"]
    assert 0 < found["rtme_frames_read_total", "camera"] <= last.frames
    assert found["rtme_source_state", "live", "camera"] == 1
    assert (
        sum(found["rtme_source_state", state, "camera"] for state in ("connecting", "backoff", "ended")) == 0
    )
    assert found["rtme_faces", "camera"] == 1
    assert found["rtme_reconnects_total", "camera"] == 0 == found["rtme_events_unsent_total",]
    assert found["rtme_events_sent_total", "heartbeat", "_service"] >= 1
    assert found["rtme_queue_capacity", "engine"] == 32
    assert found["rtme_healthy",] == 1
    for stage in ("tracked", "encoded", "scored", "decided", "sent"):
        p50, most = (found["rtme_stage_seconds", rank, stage, "camera"] for rank in ("0.5", "1"))
        assert 0 <= p50 <= most < 60
    assert any(name == "rtme_run_info" and "tiny 0.0.1" in labels for name, *labels in found)
    assert found["process_resident_memory_bytes",] > 1e6
    with pytest.raises(OSError, match=r"refused"):
        ask(live, "/metrics")


def test_a_camera_that_is_away_is_not_well_and_its_password_is_not_told(engine: str) -> None:
    with rtme.Live(["rtsp://anna:geheim@127.0.0.1:1/cam"], engine=engine, metrics="127.0.0.1:0") as live:
        wait_for(lambda: "backoff" in "".join(healthz(live)["reasons"]))
        assert "geheim" not in ask(live, "/metrics")[1] + ask(live, "/healthz")[1]
        assert ask(live, "/else")[0] == 404
        assert ask(live, "/")[0] == 200


def test_a_stuck_supervisor_is_told(engine: str) -> None:
    with rtme.Live([Camera()], engine=engine, metrics="127.0.0.1:*") as live:
        wait_for(lambda: healthz(live)["healthy"])
        # What the supervisor waits for at its next beat; nothing else of it is touched.
        with live._accounts["camera"]._lock:
            wait_for(lambda: "supervisor" in "".join(healthz(live)["reasons"]))
            assert samples(live)["rtme_heartbeat_age_seconds",] > 3
            assert live.status().faults()
        wait_for(lambda: healthz(live)["healthy"])


def test_a_driver_that_hangs_is_told(engine: str) -> None:
    camera = Camera()
    with rtme.Live([camera], engine=engine, metrics="127.0.0.1:*") as live:
        wait_for(lambda: healthz(live)["healthy"])
        camera.hang.set()
        wait_for(lambda: "no frame" in "".join(healthz(live)["reasons"]))
        assert live.status().faults() == []
        camera.release.set()


def test_who_connects_and_says_nothing_keeps_nobody_waiting(engine: str) -> None:
    with rtme.Live([Camera()], engine=engine, metrics="127.0.0.1:*") as live:
        assert live.metrics_address is not None
        host, port = live.metrics_address.removeprefix("http://").split(":")
        silent = [socket.create_connection((host, int(port))) for _ in range(20)]
        assert ask(live, "/metrics")[0] == 200
        for one in silent:
            one.settimeout(60)
            assert one.recv(1) == b"", "hung up on"
            one.close()


def test_a_port_that_is_in_use_is_said_and_nothing_stays_open(engine: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        live = rtme.Live([Camera()], engine=engine, metrics=f"127.0.0.1:{port}")
        with pytest.raises(BusError, match=rf"metrics cannot be served on 127\.0\.0\.1:{port}.*another"):
            live.start()
        bus = rtme.Live([Camera()], engine=engine, bind=f"tcp://127.0.0.1:{port}", metrics="127.0.0.1:*")
        with pytest.raises(BusError, match="in use"):
            bus.start()
    assert "rtme-metrics" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("where", ["9464", "localhost", "http://127.0.0.1:9464", "127.0.0.1:70000", ""])
def test_what_is_no_address(engine: str, where: str) -> None:
    with pytest.raises(BusError, match="write host:port"):
        rtme.Live([Camera()], engine=engine, metrics=where).start()


def test_other_machines_are_kept_out_unless_asked_for(engine: str, tmp_path: Path) -> None:
    for where in ("0.0.0.0:0", "*:*", "[::]:0"):
        # What is said of the events does not count for metrics.
        with pytest.raises(BusError, match=r"other machines.*--metrics-insecure"):
            rtme.Live([Camera()], engine=engine, metrics=where, insecure=True).start()
    KeyFolder(tmp_path).make("desk")
    with rtme.Live(
        [Camera()],
        engine=engine,
        bind="tcp://0.0.0.0:*",
        keys=tmp_path,
        metrics="0.0.0.0:0",
        metrics_insecure=True,
    ) as live:
        assert ask(live, "/metrics")[0] == 200
        assert live.insecure is None, "the events keep their keys"


def test_ipv6(engine: str) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 on loopback")
    with rtme.Live([Camera()], engine=engine, metrics="[::1]:0") as live:
        assert ask(live, "/metrics")[0] == 200


def test_status_of_what_does_not_run(engine: str) -> None:
    with pytest.raises(RtmeError, match="nothing runs yet"):
        rtme.Live([Camera()], engine=engine).status()
