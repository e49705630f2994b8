"""What is asked of the replay socket, by a client that is broken, newer or none of ours."""

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from fuzzing import as_json, fuzzed, given_inputs, json_values, mutated, spoiled
from made_events import warning
from rtme.events import dump

protocol = pytest.importorskip("rtme.bus.protocol", reason="this version has no replay socket")
replay = pytest.importorskip("rtme.bus.replay", reason="this version has no replay socket")

REQUESTS = [{"request": "replay", "from": 3, "limit": 5, "id": "a"}, {"request": "snapshot", "id": 1}]
requests = spoiled(REQUESTS).map(as_json) | mutated([as_json(each) for each in REQUESTS])
requests |= json_values.map(as_json) | st.binary(max_size=50)


@fuzzed(0.1)
@given(request=requests)
def test_a_request_is_one_or_refused(request: bytes) -> None:
    given_inputs["replay: requests"] += 1
    with suppress(ValueError):
        known = protocol.parse_request(request)
        assert protocol.parse_request(protocol.dump(known)) == known


class Asker:
    """A service's replay socket with ten events, and a bare socket that asks it."""

    def __init__(self, address: str, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        self._socket = context.socket(zmq.DEALER)
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.RCVTIMEO, 60_000)
        self._socket.connect(address)

    def ask(self, parts: list[bytes]) -> dict[str, object]:
        """Send this; what came back. One question at a time, as the contract has it."""
        self._socket.send_multipart(parts)
        answer = self._socket.recv_multipart()
        # A REQ socket has an empty part before its request, and wants it back.
        head = answer[1] if parts[0] == b"" else answer[0]
        reply: dict[str, object] = json.loads(head, parse_constant=pytest.fail)
        return reply

    def close(self) -> None:
        self._socket.close(0)


@pytest.fixture(scope="module")
def asker() -> Iterator[Asker]:
    server = replay.ReplayServer("tcp://127.0.0.1:*", "run")
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    for seq in range(10):
        event = warning().model_copy(update={"run_id": "run", "seq": seq})
        server.note(event, dump(event))
    client = Asker(server.address, context)
    yield client
    client.close()
    context.term()
    server.close()


# Who sends more is hung up on, and what was sent after it is lost.
short = requests.filter(lambda request: len(request) <= protocol.MOST_REQUEST_BYTES)
framed = short.map(lambda request: [b"", request]) | st.lists(short | st.just(b""), min_size=1, max_size=4)


@fuzzed(0.005)
@given(several=st.lists(framed, min_size=5, max_size=20))
def test_whatever_is_asked_the_next_good_request_is_answered(
    asker: Asker, several: list[list[bytes]]
) -> None:
    given_inputs["replay: through a socket"] += len(several)
    for parts in several:
        assert asker.ask(parts)["reply"] in ("replay", "snapshot", "error")
    good = asker.ask([b"", as_json({"request": "replay", "from": 0, "id": "good"})])
    assert (good["reply"], good["id"], good["events"], good["next"]) == ("replay", "good", 10, 10)
