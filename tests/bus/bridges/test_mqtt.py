import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import pytest

import rtme.bus.bridges.mqtt
from bus.bridges.broker import Broker, Listener, needs_mosquitto
from bus.bridges.certificate import certificate, needs_openssl
from bus.bridges.conftest import Service, Start, free_port, wait_until
from made_events import warning
from rtme.bus.bridges.mqtt import MqttTarget
from rtme.bus.bridges.target import UnreachableError
from rtme.events import FaceEvent, StateEvent, parse

pytestmark = needs_mosquitto


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    made: list[Broker] = []

    def broker(*lines: str) -> Broker:
        made.append(Broker(tmp_path, free_port(), *lines))
        made[-1].start()
        return made[-1]

    yield broker
    for each in made:
        each.kill()


@pytest.fixture
def broker(brokers: Callable[..., Broker]) -> Broker:
    return brokers()


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    client = Listener(broker.port)
    assert client.ready.wait(60)
    wait_until(broker.remembers_the_listener, "the listener's session on disk")
    yield client
    client.close()


def presence(listener: Listener) -> list[bytes]:
    """What was said of the bridge, in order."""
    return [body for topic, body, _ in listener.got if topic == "rtme/_bridge"]


class Relay:
    """Carries connections to a port, and can lose them so that only whoever called notices."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._callers: list[socket.socket] = []
        self._called: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def drop(self) -> None:
        for caller in self._callers:
            caller.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        for end in (*self._callers, *self._called):
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._server.accept()
                called = socket.create_connection(("127.0.0.1", self._to))
                self._callers.append(caller)
                self._called.append(called)
                for ends in ((caller, called), (called, caller)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)


def test_an_event_has_a_topic_of_its_own_and_arrives_as_it_was_sent(
    service: Service, broker: Broker, listener: Listener, start: Start
) -> None:
    bridge = start(f"mqtt://127.0.0.1:{broker.port}/lab/one", "--from", service.address)
    bridge.wait_for("delivering to mqtt://127.0.0.1")
    wait_until(lambda: any(t.endswith("/heartbeat") for t, _, _ in listener.got), "a heartbeat over MQTT")
    service.publisher.publish(StateEvent(stream="door", state="live", detail="30 frames/s"))
    service.publisher.publish(FaceEvent(stream="a/b+#", face=1, status="appeared"))
    wait_until(
        lambda: {"lab/one/door/state", "lab/one/a-b--/face"} <= {t for t, _, _ in listener.got}, "both"
    )
    bodies = {topic: (body, retained) for topic, body, retained in listener.got}
    body, retained = bodies["lab/one/door/state"]
    event = parse(body)
    assert isinstance(event, StateEvent)
    assert (event.run_id, event.state, event.detail) == (service.publisher.run_id, "live", "30 frames/s")
    assert retained, "who comes later must see what the source is doing"
    assert not bodies["lab/one/a-b--/face"][1]
    seqs = [json.loads(body)["seq"] for topic, body, _ in listener.got if topic != "lab/one/_bridge"]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


def test_the_broker_says_whether_the_bridge_is_there(
    service: Service, broker: Broker, listener: Listener, start: Start
) -> None:
    first = start(f"mqtt://127.0.0.1:{broker.port}", "--from", service.address)
    wait_until(lambda: presence(listener)[-1:] == [b"online"], "online")
    assert first.end() == 0
    wait_until(lambda: presence(listener)[-1:] == [b"offline"], "offline after a good end")
    second = start(f"mqtt://127.0.0.1:{broker.port}", "--from", service.address)
    wait_until(lambda: presence(listener)[-1:] == [b"online"], "online again")
    second.process.kill()
    wait_until(lambda: presence(listener)[-1:] == [b"offline"], "offline after a kill")


def test_a_broker_that_is_killed_and_comes_back_gets_everything(
    service: Service, broker: Broker, listener: Listener, start: Start
) -> None:
    bridge = start(f"mqtt://127.0.0.1:{broker.port}", "--from", service.address, "--kind", "warning")
    bridge.wait_for("delivering")
    wait_until(lambda: service.say("joined") or "joined" in listener.texts(), "the first event")
    broker.kill()
    sent = [f"while it was down {number}" for number in range(300)]
    for text in sent:
        service.say(text)
    bridge.wait_for("is lost")
    broker.start()
    bridge.wait_for("is back")
    wait_until(lambda: sent[-1] in listener.texts(), "the last event")
    texts = listener.texts()
    firsts = list(dict.fromkeys(text for text in texts if text.startswith("while")))
    assert firsts == sent, "all, in order"
    assert bridge.said.count("is lost") == 1
    assert bridge.end() == 0


def test_a_broker_that_starts_last_gets_everything(
    service: Service, broker: Broker, listener: Listener, start: Start
) -> None:
    broker.kill()
    bridge = start(f"mqtt://127.0.0.1:{broker.port}", "--from", service.address, "--kind", "warning")
    bridge.wait_for("is lost: connection refused")
    for number in range(20):
        service.say(f"note {number}")
    broker.start()
    wait_until(lambda: "note 19" in listener.texts(), "the last event")
    assert listener.texts() == [f"note {number}" for number in range(20)]


def test_a_wrong_password_ends_it_and_is_not_shown(
    service: Service, brokers: Callable[..., Broker], tmp_path: Path, start: Start
) -> None:
    # A password file that no password fits: the hash is of a random one.
    (tmp_path / "passwords").write_text("")
    broker = brokers("allow_anonymous false", f"password_file {tmp_path / 'passwords'}")
    bridge = start(f"mqtt://anna:s3cret%40@127.0.0.1:{broker.port}", "--from", service.address)
    assert bridge.process.wait(60) == 6
    assert "does not let the bridge in (not authorized)" in bridge.said
    assert "s3cret" not in bridge.said


def test_an_event_that_the_broker_does_not_take_is_not_called_delivered(
    service: Service, brokers: Callable[..., Broker], tmp_path: Path, start: Start
) -> None:
    (tmp_path / "rules").write_text("topic readwrite rtme/_bridge\ntopic readwrite rtme/cam/#\n")
    broker = brokers("allow_anonymous true", f"acl_file {tmp_path / 'rules'}")
    bridge = start(f"mqtt://127.0.0.1:{broker.port}", "--from", service.address)
    assert bridge.process.wait(60) == 6
    assert "does not take an event (not authorized)" in bridge.said
    later = Listener(broker.port)
    try:
        wait_until(lambda: presence(later) == [b"offline"], "what the broker keeps is true")
    finally:
        later.close()


def test_the_broker_does_not_forget_that_a_bridge_gave_up_waiting(
    broker: Broker, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = MqttTarget(f"mqtt://127.0.0.1:{broker.port}")
    target.open()
    wait_until(lambda: presence(listener) == [b"online"], "online")
    broker.hang()
    monkeypatch.setattr(rtme.bus.bridges.mqtt, "CONFIRM_S", 1.0)
    try:
        with pytest.raises(UnreachableError, match="no confirmation"):
            target.deliver([warning()])
    finally:
        broker.go_on()
    wait_until(lambda: presence(listener) == [b"online", b"offline"], "offline")


def test_a_lost_connection_is_opened_again_though_there_is_nothing_to_carry(
    service: Service, broker: Broker, listener: Listener, start: Start
) -> None:
    bridge = start(f"mqtt://127.0.0.1:{broker.port}", "--from", service.address, "--kind", "interval")
    bridge.wait_for("delivering")
    broker.kill()
    bridge.wait_for("is lost: the connection ended")
    broker.start()
    bridge.wait_for("is back")
    wait_until(lambda: presence(listener)[-1:] == [b"online"], "online")
    assert bridge.end() == 0


def test_a_broker_that_noticed_nothing_does_not_call_the_bridge_offline_later(
    service: Service, broker: Broker, listener: Listener, start: Start
) -> None:
    with Relay(broker.port) as relay:
        bridge = start(f"mqtt://127.0.0.1:{relay.port}", "--from", service.address, "--kind", "interval")
        wait_until(lambda: presence(listener) == [b"online"], "online")
        relay.drop()
        bridge.wait_for("is back")
        # At once, not when the broker misses the old connection's keepalive.
        wait_until(lambda: presence(listener) == [b"online", b"offline", b"online"], "online last")
        assert bridge.end() == 0


def test_what_is_no_broker_is_tried_again(service: Service, start: Start) -> None:
    # The service's own socket answers, but not in MQTT.
    bridge = start(f"mqtt://{service.address.removeprefix('tcp://')}", "--from", service.address)
    bridge.wait_for("is lost")
    assert bridge.end() == 0


@needs_openssl
def test_tls_and_a_password(
    service: Service, brokers: Callable[..., Broker], tmp_path: Path, start: Start
) -> None:
    cert, key = certificate(tmp_path)
    passwords = tmp_path / "passwords"
    passwords.touch(0o600)
    subprocess.run(["mosquitto_passwd", "-b", str(passwords), "anna", "s3cret@#/"], check=True)
    broker = brokers(
        f"certfile {cert}", f"keyfile {key}", "allow_anonymous false", f"password_file {passwords}"
    )
    address = f"mqtts://anna:s3cret%40%23%2F@127.0.0.1:{broker.port}"
    distrustful = start("--from", service.address, "--state", tmp_path / "one", RTME_BRIDGE_TARGET=address)
    distrustful.wait_for("is lost")
    assert "certificate" in distrustful.said
    bridge = start(
        "--from", service.address, "--ca", cert, "--state", tmp_path / "two", RTME_BRIDGE_TARGET=address
    )
    bridge.wait_for(f"delivering to mqtts://127.0.0.1:{broker.port}/rtme")
    assert bridge.end() == 0
    assert "s3cret" not in distrustful.said + bridge.said
