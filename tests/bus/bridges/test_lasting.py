"""Nothing is lost while the target, the bridge or the service is away."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.bridges.conftest import Service, Start, free_port, wait_until
from bus.bridges.web import WebServer
from rtme.bus.bridges.bridge import WAITING
from rtme.bus.publisher import SEND_HIGH_WATER

WARNINGS = ("--kind", "warning")


@pytest.fixture
def web() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.close()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Service]:
    """A service with a journal."""
    service = Service(tmp_path / "journal.db")
    yield service
    service.close()


def texts(server: WebServer) -> list[str]:
    """Of what was delivered, each once: what came twice is told by its id."""
    found = [json.loads(body) for body in server.bodies()]
    events = [event for one in found for event in (one if isinstance(one, list) else [one])]
    once = {(event["run_id"], event["seq"]): event["text"] for event in events}
    return [*once.values()]


def join(service: Service, server: WebServer) -> None:
    def heard() -> bool:
        service.say("joined")
        return bool(server.got)

    wait_until(heard, "the first request")


def notes(count: int, word: str = "note") -> list[str]:
    return [f"{word} {number}" for number in range(count)]


def without_joining(found: list[str]) -> list[str]:
    return [text for text in found if text != "joined"]


def test_a_target_that_is_away_for_long_costs_no_memory_and_no_event(kept: Service, start: Start) -> None:
    port = free_port()
    bridge = start(f"http://127.0.0.1:{port}/", "--from", kept.address, *WARNINGS, "--batch", "500")

    def lost() -> bool:
        kept.say("joined")
        return "is lost" in bridge.said

    wait_until(lost, "the failure")
    # More than the bridge, its socket and the service's socket hold together.
    sent = notes(2 * WAITING + SEND_HIGH_WATER + 3_000)
    for begin in range(0, len(sent), 1000):
        before = kept.publisher.last_seq
        for text in sent[begin : begin + 1000]:
            kept.say(text)
        wait_until(lambda least=before + 1000: kept.publisher.last_seq >= least, "a thousand sent")
    assert kept.publisher.dropped == 0
    web = WebServer(port=port)
    try:
        wait_until(lambda: web.got and sent[-1].encode() in web.bodies()[-1], "the last event")
        assert without_joining(texts(web)) == sent
    finally:
        web.close()
    assert "can no longer be had" not in bridge.said


@pytest.mark.parametrize("killed", [False, True], ids=["ended", "killed"])
def test_the_next_run_goes_on_where_this_one_stopped(
    kept: Service, web: WebServer, start: Start, killed: bool
) -> None:
    first = start(web.url, "--from", kept.address, *WARNINGS)
    join(kept, web)
    for text in notes(5, "before"):
        kept.say(text)
    wait_until(lambda: "before 4" in texts(web), "the events before")
    if killed:
        first.process.kill()
        first.process.wait(10)
    else:
        assert first.end() == 0
    for text in notes(50, "while it was away"):
        kept.say(text)
    start(web.url, "--from", kept.address, *WARNINGS)
    wait_until(lambda: "while it was away 49" in texts(web), "the last event")
    assert without_joining(texts(web)) == notes(5, "before") + notes(50, "while it was away")


def test_a_bridge_that_is_killed_while_its_target_is_away_has_lost_nothing(
    kept: Service, start: Start
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    first = start(url, "--from", kept.address, *WARNINGS)

    def lost() -> bool:
        kept.say("joined")
        return "is lost" in first.said

    wait_until(lost, "the failure")
    for text in notes(20):
        kept.say(text)
    first.process.kill()
    first.process.wait(10)
    web = WebServer(port=port)
    try:
        start(url, "--from", kept.address, *WARNINGS)
        wait_until(lambda: "note 19" in texts(web), "the last event")
        assert without_joining(texts(web)) == notes(20)
        assert "joined" in texts(web), "what it held when it was killed"
    finally:
        web.close()


def test_a_service_that_starts_again_meanwhile_has_kept_everything(
    web: WebServer, start: Start, tmp_path: Path
) -> None:
    service = Service(tmp_path / "journal.db")
    bridge = start(web.url, "--from", service.address, *WARNINGS)
    join(service, web)
    assert bridge.end() == 0
    for text in notes(10, "first run"):
        service.say(text)
    service.close()
    again = Service(tmp_path / "journal.db", service.address)
    try:
        for text in notes(10, "second run"):
            again.say(text)
        start(web.url, "--from", again.address, *WARNINGS)
        wait_until(lambda: "second run 9" in texts(web), "the last event")
        assert without_joining(texts(web)) == notes(10, "first run") + notes(10, "second run")
    finally:
        again.close()


def test_without_a_journal_another_run_is_begun_from_its_start(web: WebServer, start: Start) -> None:
    service = Service()
    bridge = start(web.url, "--from", service.address, *WARNINGS)
    join(service, web)
    for text in notes(40, "first run"):
        service.say(text)
    wait_until(lambda: "first run 39" in texts(web), "the first run")
    assert bridge.end() == 0
    service.close()
    again = Service(address=service.address)
    try:
        # Its numbers are below those that the bridge has seen.
        again.say("second run")
        start(web.url, "--from", again.address, *WARNINGS)
        wait_until(lambda: "second run" in texts(web), "the second run")
    finally:
        again.close()


def test_a_journal_that_cannot_be_read_now_is_told_and_waited_for(
    web: WebServer, start: Start, tmp_path: Path
) -> None:
    journal, away = tmp_path / "journal.db", tmp_path / "away.db"
    service = Service(journal)
    bridge = start(web.url, "--from", service.address, *WARNINGS)
    join(service, web)
    assert bridge.end() == 0
    for text in notes(10):
        service.say(text)
    service.close()
    again = Service(journal, service.address)
    try:
        journal.rename(away)
        bridge = start(web.url, "--from", again.address, *WARNINGS)
        bridge.wait_for("there is no journal")
        # Longer than another subscriber would wait.
        time.sleep(12)
        away.rename(journal)
        wait_until(lambda: "note 9" in texts(web), "the last event")
        assert without_joining(texts(web)) == notes(10)
        assert "can no longer be had" not in bridge.said
    finally:
        again.close()
