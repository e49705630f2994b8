import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rtme.events import IntervalEvent, Mark, StateEvent, dump, json_schema, parse, read, topic

DOCS = Path(__file__).resolve().parent.parent / "docs"

marks = st.builds(
    Mark,
    frame=st.integers(0, 10**9),
    time_s=st.floats(0, 1e7),
    capture_ns=st.integers(0, 2**63),
    wall_ns=st.integers(0, 2**63),
)


@given(mark=marks, confidence=st.floats(0, 1), seq=st.integers(0, 2**53))
def test_an_event_comes_back_from_json_as_it_was(mark: Mark, confidence: float, seq: int) -> None:
    event = IntervalEvent(
        stream="cam",
        seq=seq,
        at=mark,
        id="cam-0-1-e1",
        face=1,
        type="me",
        status="closed",
        onset=mark,
        apex=mark,
        offset=mark,
        confidence=confidence,
    )
    assert parse(dump(event)) == event


def test_the_wire_says_schema_and_kind() -> None:
    event = StateEvent(stream="cam", state="live")
    body = json.loads(dump(event))
    assert body["schema"] == 1
    assert body["kind"] == "state"
    assert topic(event) == "rtme.cam.state"


@pytest.mark.parametrize("kind", ["state", "of-a-newer-service"])
def test_a_number_behind_which_there_is_no_next_one_is_refused(kind: str) -> None:
    """A subscriber asks from the next number on, and a journal is in SQLite, whose numbers end there."""
    event = {"schema": 1, "run_id": "r", "stream": "cam", "kind": kind, "state": "live"}
    assert read(json.dumps({**event, "seq": 2**63 - 2})).seq == 2**63 - 2
    with pytest.raises(ValidationError):
        read(json.dumps({**event, "seq": 2**63 - 1}))


@pytest.mark.parametrize(
    "data", ["", "{}", "[]", '{"kind": "nonsense"}', '{"kind": "state", "stream": "a", "state": "odd"}']
)
def test_what_is_no_event_is_refused(data: str) -> None:
    with pytest.raises(ValidationError):
        parse(data)


def test_the_published_schema_is_current() -> None:
    assert json.loads((DOCS / "events.schema.json").read_text()) == json_schema(), "make contract"


def test_the_page_names_every_field() -> None:
    page = (DOCS / "events.md").read_text()
    definitions = json_schema()["$defs"]
    assert isinstance(definitions, dict)
    missing = {f for d in definitions.values() for f in d.get("properties", {}) if f"`{f}`" not in page}
    assert not missing
