"""Networks that fall silent, and that damage what they carry."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cut_wire import CAMERA_HOST, wire
from damaging_proxy import DamagingProxy
from live_process import is_state, service, wait_for
from rtme.events import FaceEvent, GapEvent, HeartbeatEvent
from rtsp_camera import RtspCamera
from soundness import assert_sound, beats, gaps, states


@pytest.mark.parametrize("seconds", [4, pytest.param(30, marks=pytest.mark.slow)])
def test_a_cut_without_a_farewell(
    engine: str, clip: Path, rtsp_server: Callable[..., RtspCamera], seconds: int
) -> None:
    with wire() as line:
        camera = rtsp_server(clip, inside=line.inside, host=CAMERA_HOST)
        with service(engine, camera.url) as (process, subscriber):
            seen = wait_for(subscriber, lambda event: isinstance(event, FaceEvent))
            line.cut()
            cut = time.monotonic()
            seen += wait_for(subscriber, is_state("backoff"))
            while time.monotonic() < cut + seconds:
                seen += wait_for(subscriber, lambda event: isinstance(event, HeartbeatEvent))
            line.mend()
            seen += wait_for(subscriber, lambda event: isinstance(event, FaceEvent) and event.epoch > 0)
            process.send_signal(signal.SIGINT)
            seen += wait_for(subscriber, is_state("ended"))
            assert process.wait(60) == 0
    assert_sound(seen)
    told = states(seen)
    assert told[:4] == ["connecting", "live", "stalled", "backoff"]
    assert told[-2:] == ["live", "ended"]
    # A connection that was made and broke before its first picture is an epoch that nobody saw.
    assert len({event.epoch for event in seen if isinstance(event, FaceEvent)}) == 2
    assert len(gaps(seen, "reconnect")) == 1


def test_one_packet_in_a_hundred_is_damaged(
    engine: str, clip: Path, rtsp_server: Callable[..., RtspCamera]
) -> None:
    camera = rtsp_server(clip)
    port = int(camera.url.rsplit(":", 1)[1].split("/")[0])
    with (
        DamagingProxy(port, share=0.01) as proxy,
        service(engine, camera.url.replace(str(port), str(proxy.port))) as (process, subscriber),
    ):
        seen = wait_for(subscriber, lambda event: isinstance(event, GapEvent) and event.cause == "corrupt")
        while proxy.damaged < 20 or len(gaps(seen, "corrupt")) < 3:
            seen += wait_for(subscriber, lambda event: isinstance(event, HeartbeatEvent))
        # It still sees: key frames heal.
        frames = beats(seen)[-1].streams["127-0-0-1"].frames
        seen += wait_for(
            subscriber,
            lambda event: (
                isinstance(event, HeartbeatEvent) and event.streams["127-0-0-1"].frames > frames + 30
            ),
        )
        process.send_signal(signal.SIGINT)
        seen += wait_for(subscriber, is_state("ended"))
        assert process.wait(60) == 0
    assert_sound(seen)
    assert proxy.damaged / proxy.passed == pytest.approx(0.01, rel=0.9)
    last = beats(seen)[-1].streams["127-0-0-1"]
    told = sum(gap.count for gap in gaps(seen, "corrupt"))
    assert 0 < last.drops["corrupt"] <= told
    assert any(isinstance(event, FaceEvent) and event.status == "judged" for event in seen)
