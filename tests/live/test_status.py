"""What is called well and what is not, without a service."""

from dataclasses import replace
from typing import Any

import pytest

from rtme.bus.publisher import PublisherStatus
from rtme.events import HeartbeatEvent, StreamHealth
from rtme.live.endpoint import health
from rtme.live.status import ServiceStatus

PUBLISHER = PublisherStatus(None, 0, 10_000, 0.0, {}, 0, 0)


def status(*states: str, **known: Any) -> ServiceStatus:
    streams = {f"s{n}": StreamHealth(state=state) for n, state in enumerate(states)}  # type: ignore[arg-type]
    beat = HeartbeatEvent(stream="_service", uptime_s=9.0, engine="tiny 1", last_seq=3, streams=streams)
    well = ServiceStatus("run", beat, 0.4, None, 0.0, 0, 32, PUBLISHER, dict.fromkeys(streams, 0.0), {})
    return replace(well, **known)


def test_all_live_or_ended_naturally_is_well() -> None:
    assert health(status("live", "live", "ended"))["healthy"]
    assert health(status("ended"))["healthy"]


@pytest.mark.parametrize("state", ["connecting", "stalled", "backoff"])
def test_one_source_that_is_not_live_is_enough(state: str) -> None:
    said = health(status("live", state))
    assert not said["healthy"]
    assert said["reasons"] == [f"s1 is not live: {state}"]
    assert said["sources"] == {"s0": "live", "s1": state}
    assert status("live", state).faults() == [], "a restart brings no camera back"


def test_a_source_that_failed_is_named_with_its_reason() -> None:
    assert status("ended", errors={"s0": "a wrong password"}).blind() == ["s0 has ended: a wrong password"]


def test_a_live_source_without_frames_is_not_watched() -> None:
    assert "no frame went all the way for 12 s" in status("live", idle_s={"s0": 12.0}).blind()[0]
    assert status("ended", idle_s={"s0": 4000.0}).blind() == []


@pytest.mark.parametrize(
    ("known", "word"),
    [
        ({"beat_age_s": 12.0}, "supervisor"),
        ({"engine_failure": "ValueError: x"}, "engine has stopped: ValueError: x"),
        ({"engine_busy_s": 31.0}, "31 s"),
        ({"publisher": replace(PUBLISHER, failure="OSError: y")}, "publisher has stopped: OSError: y"),
        ({"publisher": replace(PUBLISHER, behind_s=8.0)}, "waited 8 s"),
    ],
)
def test_a_stuck_service_says_which_part(known: dict[str, Any], word: str) -> None:
    (fault,) = status("live", **known).faults()
    assert word in fault
    assert not health(status("live", **known))["healthy"]
