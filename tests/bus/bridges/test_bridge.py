"""What holds for every target."""

import itertools
import json
import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import zmq

from bus.bridges.conftest import PATIENCE_S, Service, Start, wait_until
from made_events import join, warning
from rtme.bus.bridges.bridge import WAITING, Bridge
from rtme.bus.bridges.jsonl import LinesTarget
from rtme.bus.bridges.position import Position, identity
from rtme.bus.bridges.targets import open_target
from rtme.bus.publisher import Publisher
from rtme.bus.subscriber import Subscriber
from rtme.errors import BusError
from rtme.events import dump, parse


def test_lines_are_events_at_once_and_in_order(service: Service, start: Start) -> None:
    bridge = start("-", "--from", service.address, out=subprocess.PIPE)
    out = bridge.process.stdout
    assert out is not None
    lines = [out.readline() for _ in range(3)]
    service.say("now")
    while b'"now"' not in lines[-1]:
        lines.append(out.readline())
    seqs = [parse(line).seq for line in lines]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert bridge.end() == 0


def test_kinds_and_streams_are_chosen(service: Service, start: Start) -> None:
    bridge = start(
        "jsonl", "--from", service.address, "--stream", "door", "--kind", "warning", out=subprocess.PIPE
    )
    bridge.wait_for("delivering")
    over = threading.Event()

    def speak() -> None:
        while not over.wait(0.05):
            service.say("wrong", stream="desk")
            service.say("right", stream="door")

    speaker = threading.Thread(target=speak)
    speaker.start()
    assert bridge.process.stdout is not None
    lines = [json.loads(bridge.process.stdout.readline()) for _ in range(3)]
    over.set()
    speaker.join(10)
    assert {(line["stream"], line["text"]) for line in lines} == {("door", "right")}


def test_a_reader_that_leaves_ends_it_quietly(service: Service, start: Start) -> None:
    bridge = start("-", "--from", service.address, out=subprocess.PIPE)
    assert bridge.process.stdout is not None
    assert bridge.process.stdout.readline()
    os.close(bridge.process.stdout.fileno())
    assert bridge.process.wait(PATIENCE_S) == 0
    bridge.process.stdout = None
    assert bridge.said == "delivering to standard output\n"


def test_a_full_disk_leaves_no_half_line(service: Service, start: Start) -> None:
    with Path("/dev/full").open("wb") as full:
        bridge = start("-", "--from", service.address, out=full.fileno())
        bridge.wait_for("standard output is lost: it cannot be written (No space left on device)")
        assert bridge.end() == 0
    assert "not delivered any more" in bridge.said


def test_it_says_when_there_is_no_service(start: Start) -> None:
    bridge = start("-", "--from", "tcp://127.0.0.1:1")
    bridge.wait_for("no service at tcp://127.0.0.1:1 yet")
    assert bridge.end() == 0


def test_what_cannot_be_carried_is_said(start: Start) -> None:
    with zmq.Context() as context, context.socket(zmq.PUB) as service:
        port = service.bind_to_random_port("tcp://127.0.0.1")
        bridge = start("-", "--from", f"tcp://127.0.0.1:{port}", out=subprocess.PIPE)
        numbers = itertools.count()

        def send(kind: bytes) -> None:
            body = dump(warning().model_copy(update={"run_id": "run", "seq": next(numbers)}))
            service.send_multipart([b"rtme.cam." + kind, body.replace(b'"warning"', b'"%b"' % kind)])

        def told() -> bool:
            send(b"audio")
            service.send_multipart([b"rtme.cam.warning", b"no event"])
            return "update rtme here" in bridge.said and "were no events" in bridge.said

        wait_until(told, "both")
        send(b"audio")
        send(b"warning")
        assert bridge.process.stdout is not None
        assert bridge.process.stdout.readline(), "what came before has been read"
        assert bridge.said.count("update rtme here") == 1, "not each time"
        assert bridge.end() == 0
        assert bridge.said.count("update rtme here") == 2, "what was not told yet is, at the end"


def test_while_the_target_is_away_only_so_much_is_read() -> None:
    end, begin = os.pipe()
    lines: list[str] = []
    with Publisher("tcp://127.0.0.1:*") as publisher, Subscriber(publisher.address) as events:
        join(publisher, events)
        first = publisher.last_seq + 1
        # Nobody reads the pipe, so the target is stuck when it is full.
        bridge = Bridge(events, LinesTarget(begin), Position(None, ""), lines.append)

        def run() -> None:
            with suppress(BrokenPipeError):
                bridge.run()

        thread = threading.Thread(target=run)
        thread.start()
        for number in range(5 * WAITING):
            publisher.publish(warning(f"{number} {'x' * 1000}"))
            if number % 500 == 0:
                time.sleep(0.05)
        wait_until(lambda: events.last_seq >= first + WAITING, "as many as it may hold")
        before = -1
        while before != events.last_seq:
            before = events.last_seq
            time.sleep(1.0)
        assert events.last_seq < first + 2 * WAITING
        bridge.stop()
        os.close(end)
        thread.join(PATIENCE_S)
        os.close(begin)
        assert not thread.is_alive()


def test_a_position_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "position.json"
    name = identity("mqtt://host", "tcp://127.0.0.1:5556")
    first = Position(path, name)
    assert first.start is None
    first.move("run", 41)
    with pytest.raises(BusError, match="another bridge is using"):
        Position(path, name)
    first.close()
    second = Position(path, name)
    assert (second.run_id, second.start) == ("run", 42)
    second.close()
    with pytest.raises(BusError, match="another target"):
        Position(path, identity("mqtt://host", "tcp://127.0.0.1:5557"))


@pytest.mark.parametrize("text", [b"", b"{", b'{"seq": 1}', b"\xff"])
def test_a_damaged_position_is_not_guessed_at(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "position.json"
    path.write_bytes(text)
    with pytest.raises(BusError, match="holds no bridge's position"):
        Position(path, "name")


def test_a_position_that_cannot_be_written_ends_it(service: Service, start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    bridge = start("-", "--from", service.address, "--state", tmp_path / "file" / "position.json")
    assert bridge.process.wait(PATIENCE_S) == 6
    assert "cannot hold the bridge's position" in bridge.said


def test_two_bridges_with_other_filters_have_positions_of_their_own(
    service: Service, start: Start, tmp_path: Path
) -> None:
    # Nothing listens there: both keep on trying.
    for kind in ("interval", "speaker"):
        start("mqtt://127.0.0.1:1", "--from", service.address, "--kind", kind).wait_for("is lost")
    third = start("mqtt://127.0.0.1:1", "--from", service.address, "--kind", "speaker")
    assert third.process.wait(PATIENCE_S) == 6
    assert "another bridge is using" in third.said


@pytest.mark.parametrize(
    ("address", "options", "words"),
    [
        ("amqp://anna:s3cret@host", {}, "there is no bridge to 'amqp'"),
        ("elsewhere", {}, "there is no bridge to"),
        ("anna:s3cret@broker/lab", {}, "an address without a scheme: name mqtt://host"),
        ("anna:s3cret@broker://lab", {}, "an address without a scheme: name mqtt://host"),
        ("mqtt://", {}, "write mqtt://host"),
        ("mqtt://anna:s3cret@host:port", {}, "write mqtt://host"),
        ("mqtt://anna:s3cret@host/a/#", {}, "write mqtt://host"),
        ("mqtt://host/a%2B", {}, "no \\+ or # in the prefix"),
        ("http://", {}, "write https://host"),
        ("https://anna:s3cret@host:port/x", {}, "write https://host"),
        ("mqtt://host", {"batch": 3}, "--batch is for web servers"),
        ("-", {"secret": b"x", "skip_refused": True}, "--secret-file, --skip-refused"),
        ("http://host", {"ca": Path("x")}, "--ca is for"),
    ],
)
def test_what_is_no_target_is_one_sentence(address: str, options: dict[str, object], words: str) -> None:
    with pytest.raises(BusError, match=words) as error:
        open_target(address, **options)  # type: ignore[arg-type]
    assert "s3cret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_target_is_named_without_its_secrets() -> None:
    for address in (
        "mqtt://anna:s3cret@host/lab",
        "mqtts://anna:s3cret@host",
        "https://anna:s3cret@host/services/s3cret?token=s3cret",
    ):
        target = open_target(address)
        assert "s3cret" not in target.name
        assert "host" in target.name


def test_two_tokens_are_two_targets() -> None:
    assert open_target("https://host/a?t=1").key != open_target("https://host/a?t=2").key
    assert open_target("mqtt://anna:old@host").key == open_target("mqtt://anna:new@host").key


def test_the_signal_of_a_service_manager_ends_it_well(service: Service, start: Start) -> None:
    bridge = start("-", "--from", service.address)
    bridge.wait_for("delivering")
    bridge.process.send_signal(signal.SIGTERM)
    assert bridge.process.wait(PATIENCE_S) == 0
