import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from bus.bridges.certificate import certificate, needs_openssl
from bus.bridges.conftest import PATIENCE_S, Service, Start, free_port, wait_until
from bus.bridges.web import Answer, WebServer
from made_events import warning
from rtme.bus.bridges.signature import signed
from rtme.bus.bridges.target import UnreachableError
from rtme.bus.bridges.webhook import WebhookTarget

ROOT = Path(__file__).resolve().parents[3]
Serve = Callable[..., WebServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    made: list[WebServer] = []

    def server(*answers: Answer, port: int = 0, certificate: tuple[Path, Path] | None = None) -> WebServer:
        made.append(WebServer(answers, port, certificate))
        return made[-1]

    yield server
    for each in made:
        each.close()


def texts(server: WebServer) -> list[str]:
    found = [json.loads(body) for body in server.bodies()]
    events = [event for one in found for event in (one if isinstance(one, list) else [one])]
    return [event["text"] for event in events]


def say_until_heard(service: Service, server: WebServer) -> None:
    def heard() -> bool:
        service.say("joined")
        return bool(server.got)

    wait_until(heard, "the first request")


def test_each_event_is_posted_alone_with_an_id(service: Service, serve: Serve, start: Start) -> None:
    server = serve()
    bridge = start(server.url, "--from", service.address, "--kind", "warning")
    say_until_heard(service, server)
    for number in range(5):
        service.say(f"note {number}")
    wait_until(lambda: "note 4" in texts(server), "the last event")
    assert [text for text in texts(server) if text != "joined"] == [f"note {number}" for number in range(5)]
    for headers, body in server.got:
        event = json.loads(body)
        assert headers["Content-Type"] == "application/json"
        assert headers["X-Rtme-Delivery"] == f"{event['run_id']}/{event['seq']}"
        assert "X-Rtme-Signature" not in headers
    assert bridge.end() == 0


def test_a_batch_is_an_array(service: Service, serve: Serve, start: Start) -> None:
    # While the first request fails, the others gather.
    server = serve((503, {}), (503, {}))
    bridge = start(server.url, "--from", service.address, "--kind", "warning", "--batch", "50")

    def lost() -> bool:
        service.say("joined")
        return "is lost: it answers 503" in bridge.said

    wait_until(lost, "the failure")
    for number in range(20):
        service.say(f"note {number}")
    wait_until(lambda: "note 19" in texts(server), "the last event")
    assert [text for text in texts(server) if text != "joined"] == [f"note {number}" for number in range(20)]
    sizes = [len(json.loads(body)) for body in server.bodies()]
    assert max(sizes) > 1
    assert max(sizes) <= 50
    assert server.refused[0][1] == server.bodies()[0], "the same again after a failure"


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_server_that_fails_gets_the_same_event_until_it_takes_it(
    service: Service, serve: Serve, start: Start, status: int
) -> None:
    server = serve((status, {}), (status, {}))
    bridge = start(server.url, "--from", service.address, "--kind", "warning")
    say_until_heard(service, server)
    bridge.wait_for("is back")
    assert [body for _, body in server.refused] == [server.bodies()[0]] * 2
    assert bridge.said.count("is lost") == 1


def test_a_server_that_is_away_gets_everything_when_it_is_back(
    service: Service, serve: Serve, start: Start
) -> None:
    port = free_port()
    bridge = start(f"http://127.0.0.1:{port}/hook", "--from", service.address, "--kind", "warning")

    def lost() -> bool:
        service.say("joined")
        return "is lost: connection refused" in bridge.said

    wait_until(lost, "the failure")
    sent = [f"note {number}" for number in range(100)]
    for text in sent:
        service.say(text)
    server = serve(port=port)
    wait_until(lambda: sent[-1] in texts(server), "the last event")
    assert [text for text in texts(server) if text != "joined"] == sent
    assert bridge.said.count("is lost") == bridge.said.count("is back") == 1


def test_a_refused_event_ends_it_and_the_position_stays(
    service: Service, serve: Serve, start: Start, tmp_path: Path
) -> None:
    server = serve((204, {}), (422, {}))
    state = tmp_path / "position.json"
    bridge = start(
        f"{server.url}?token=s3cret", "--from", service.address, "--kind", "warning", "--state", state
    )
    say_until_heard(service, server)
    wait_until(lambda: service.say("next") or bridge.process.poll() is not None, "the end")
    assert bridge.process.wait(60) == 6
    refused = json.loads(server.refused[0][1])
    assert f"answers 422 to event {refused['run_id']}/{refused['seq']}" in bridge.said
    assert json.loads(state.read_bytes())["seq"] < refused["seq"]
    assert "s3cret" not in bridge.said + state.read_text()


def test_a_refused_event_may_be_passed_over(service: Service, serve: Serve, start: Start) -> None:
    server = serve((400, {}), (413, {}))
    bridge = start(server.url, "--from", service.address, "--kind", "warning", "--skip-refused")
    say_until_heard(service, server)
    first = json.loads(server.refused[0][1])
    assert f"answers 400 to event {first['run_id']}/{first['seq']}: it is passed over" in bridge.said
    assert bridge.said.count("it is passed over") == 1, "the others are counted"
    assert len(server.refused) == 2
    assert bridge.end() == 0
    assert "2 events were refused and passed over" in bridge.said


@pytest.mark.parametrize("words", [[], ["--skip-refused"]])
def test_a_redirect_is_not_followed(service: Service, serve: Serve, start: Start, words: list[str]) -> None:
    other = serve()
    server = serve((307, {"Location": other.url}))
    bridge = start(server.url, "--from", service.address, *words)
    assert bridge.process.wait(PATIENCE_S) == 6
    assert "it redirects" in bridge.said
    assert other.got == []


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7),
        (None, None, None),
        ("soon", None, None),
        (formatdate(time.time() + 500, usegmt=True), 1, 500),
    ],
    ids=["seconds", "none", "nonsense", "date"],
)
def test_retry_after_is_understood(
    serve: Serve, header: str | None, least: float | None, most: float | None
) -> None:
    server = serve((429, {} if header is None else {"Retry-After": header}))
    target = WebhookTarget(server.url)
    with pytest.raises(UnreachableError, match="answers 429") as error:
        target.deliver([warning()])
    target.close()
    pause = error.value.pause_s
    if least is None or most is None:
        assert pause is None
    else:
        assert pause is not None
        assert least <= pause <= most


def test_a_server_that_asks_for_time_gets_it(service: Service, serve: Serve, start: Start) -> None:
    server = serve((503, {"Retry-After": "4"}))
    start(server.url, "--from", service.address, "--kind", "warning")
    wait_until(lambda: service.say("note") or server.refused, "the refusal")
    refused_at = time.monotonic()
    wait_until(lambda: server.got, "the second try")
    # Measured from when the test noticed the refusal, up to 0.05 s late.
    assert time.monotonic() - refused_at > 3.5


def test_the_example_receiver_accepts_what_is_signed_and_nothing_else(
    service: Service, start: Start, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    port = free_port()
    with subprocess.Popen(
        [sys.executable, str(ROOT / "examples" / "webhook_receiver.py"), str(port)],
        env={**os.environ, "RTME_BRIDGE_SECRET": "correct horse"},
        stdout=subprocess.PIPE,
        text=True,
    ) as receiver:
        try:
            url = f"http://127.0.0.1:{port}/"
            good = start(url, "--from", service.address, "--kind", "warning", "--secret-file", secret)
            assert receiver.stdout is not None
            heard = threading.Event()
            thread = threading.Thread(target=lambda: receiver.stdout.readline() and heard.set())  # type: ignore[union-attr]
            thread.start()
            wait_until(lambda: service.say("hello") or heard.is_set(), "a signed event")
            assert good.end() == 0
            bad = start(
                url, "--from", service.address, "--state", tmp_path / "bad", RTME_BRIDGE_SECRET="wrong"
            )
            assert bad.process.wait(PATIENCE_S) == 6
            assert "answers 401" in bad.said
        finally:
            receiver.kill()


def test_a_signature_covers_time_and_body() -> None:
    one = signed(b"secret", b"{}", 1700000000)
    assert one != signed(b"secret", b"{ }", 1700000000)
    assert one.split(",")[1] != signed(b"secret", b"{}", 1700000001).split(",")[1]
    assert one != signed(b"other", b"{}", 1700000000)


@needs_openssl
def test_a_certificate_is_checked(serve: Serve, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    server = serve(certificate=(cert, key))
    url = server.url.replace("http://", "https://")
    distrustful = WebhookTarget(url)
    with pytest.raises(UnreachableError, match="certificate cannot be trusted"):
        distrustful.deliver([warning()])
    distrustful.close()
    target = WebhookTarget(url, ca=cert)
    target.deliver([warning("secret")])
    target.close()
    assert texts(server) == ["secret"]
