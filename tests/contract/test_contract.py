"""What programs elsewhere rely on: the rule for changes in docs/events.md, held to what was really sent.

``v1`` holds events as services sent them, each set of fields at least once; ``v1.schema.json`` the schema of that time.
Neither is ever changed to make a test pass: files are only added, and the schema is replaced at a release by a wider one.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.breaks import breaks
from contract.npm import installed, needs_npm
from rtme.contract import asyncapi
from rtme.events import AnyEvent, Event, Mark, UnknownEvent, WarningEvent, dump, json_schema, parse, read

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
EXAMPLES = {path.stem: json.loads(path.read_text()) for path in sorted((HERE / "v1").glob("*.json"))}
OLD_SCHEMA = json.loads((HERE / "v1.schema.json").read_text())
KINDS = {model.model_fields["kind"].default: model for model in get_args(get_args(AnyEvent)[0])}
# Made once: it is asked hundreds of times.
RULES = jsonschema.Draft202012Validator(json_schema())

example = pytest.mark.parametrize("stored", EXAMPLES.values(), ids=EXAMPLES)


def lost(stored: Any, now: Any, where: str = "") -> list[str]:
    """What an event held and no longer holds."""
    if isinstance(stored, dict) and isinstance(now, dict):
        return [
            flaw
            for key, value in stored.items()
            for flaw in (
                lost(value, now[key], f"{where}.{key}") if key in now else [f"{where}.{key} is gone"]
            )
        ]
    return [] if type(stored) is type(now) and stored == now else [f"{where} was {stored!r} and is {now!r}"]


@example
def test_what_was_sent_once_is_understood_for_ever(stored: dict[str, Any]) -> None:
    assert lost(stored, json.loads(dump(parse(json.dumps(stored))))) == []


@example
def test_what_was_sent_follows_the_published_schema(stored: dict[str, Any]) -> None:
    RULES.validate(stored)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_been_stored_with_a_value(kind: str) -> None:
    definitions = json_schema()["$defs"]

    def names(definition: str) -> set[str]:
        inner = json.dumps(definitions[definition])
        used = [other for other in definitions if f'"#/$defs/{other}"' in inner]
        return set(definitions[definition]["properties"]).union(*map(names, used))

    def set_in(value: Any) -> set[str]:
        if not isinstance(value, dict):
            return set()
        return {key for key, part in value.items() if part is not None}.union(*map(set_in, value.values()))

    of_kind = [set_in(one) for one in EXAMPLES.values() if one["kind"] == kind]
    of_all = set().union(*map(set_in, EXAMPLES.values())) & {*Event.model_fields, *Mark.model_fields}
    missing = names(KINDS[kind].__name__) - of_all.union(*of_kind)
    assert not missing, f"store an event that a service sent with {missing} in {HERE / 'v1'}"


def test_the_schema_takes_nothing_back() -> None:
    assert breaks(OLD_SCHEMA, json_schema()) == []


def _without(schema: Any) -> None:
    del schema["$defs"]["IntervalEvent"]["properties"]["apex"]


def _renamed(schema: Any) -> None:
    properties = schema["$defs"]["Mark"]["properties"]
    properties["seconds"] = properties.pop("time_s")


def _retyped(schema: Any) -> None:
    schema["$defs"]["GapEvent"]["properties"]["count"]["type"] = "number"


def _nullable(schema: Any) -> None:
    schema["$defs"]["WarningEvent"]["properties"]["text"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def _fewer_values(schema: Any) -> None:
    schema["$defs"]["StateEvent"]["properties"]["state"]["enum"].remove("stalled")


def _fewer_kinds(schema: Any) -> None:
    del schema["discriminator"]["mapping"]["truth"]


def _left_out(schema: Any) -> None:
    schema["$defs"]["SpeakerEvent"]["required"].remove("start")


@pytest.mark.parametrize(
    "change", [_without, _renamed, _retyped, _nullable, _fewer_values, _fewer_kinds, _left_out]
)
def test_a_change_that_takes_something_back_is_noticed(change: Callable[[Any], None]) -> None:
    changed = copy.deepcopy(OLD_SCHEMA)
    change(changed)
    assert breaks(OLD_SCHEMA, changed)


def test_what_is_added_takes_nothing_back() -> None:
    wider = copy.deepcopy(OLD_SCHEMA)
    wider["$defs"]["StateEvent"]["properties"]["state"]["enum"].append("paused")
    wider["$defs"]["StateEvent"]["properties"]["since"] = {"type": "integer", "default": 0}
    wider["$defs"]["AudioEvent"] = {"type": "object", "properties": {}}
    wider["discriminator"]["mapping"]["audio"] = "#/$defs/AudioEvent"
    assert breaks(OLD_SCHEMA, wider) == []


additions = st.dictionaries(
    st.text(min_size=1).map(lambda name: f"new_{name}"),
    st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()),
    min_size=1,
)


@given(stored=st.sampled_from(list(EXAMPLES.values())), more=additions)
def test_fields_of_a_newer_service_are_passed_over(stored: dict[str, Any], more: dict[str, Any]) -> None:
    def widened(value: Any, open_map: bool = False) -> Any:
        if not isinstance(value, dict):
            return value
        # The keys of these are no fields.
        inner = {key: widened(part, key in ("streams", "drops", "stages_ms")) for key, part in value.items()}
        return inner if open_map else {**inner, **more}

    newer = widened(stored)
    assert parse(json.dumps(newer)) == parse(json.dumps(stored))
    RULES.validate(newer)


@example
@pytest.mark.parametrize("change", [{"kind": "audio", "level": 3}, {"schema": 2, "at": "noon"}], ids=str)
def test_kinds_and_versions_of_a_newer_service_are_known_to_be_that(
    stored: dict[str, Any], change: dict[str, Any]
) -> None:
    event = read(json.dumps(stored | change))
    assert isinstance(event, UnknownEvent)
    assert (event.run_id, event.seq, event.stream) == (stored["run_id"], stored["seq"], stored["stream"])
    with pytest.raises(ValidationError):
        parse(json.dumps(stored | change))


def test_a_new_value_is_told_from_a_wrong_one() -> None:
    state = EXAMPLES["state-live"]
    assert isinstance(read(json.dumps(state | {"state": "paused"})), UnknownEvent)
    for wrong in (
        {"detail": 3},
        {"seq": "x"},
        {"schema": 0},
        {"at": "noon"},
        {"state": "paused", "at": "noon"},
    ):
        with pytest.raises(ValidationError):
            read(json.dumps(state | wrong))


def test_what_is_published_stays_strict() -> None:
    with pytest.raises(ValidationError):
        WarningEvent(stream="cam", text="note", colour="red")  # type: ignore[call-arg]


def test_the_asyncapi_document_is_current() -> None:
    assert yaml.safe_load((DOCS / "asyncapi.yaml").read_text()) == asyncapi(), "make contract"


@needs_npm
def test_the_asyncapi_document_is_one(tmp_path: Path) -> None:
    folder = installed(tmp_path, "@asyncapi/specs@6")
    rules = json.loads((folder / "@asyncapi" / "specs" / "schemas" / "3.0.0.json").read_text())
    jsonschema.validate(asyncapi(), rules)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(asyncapi() | {"channels": 3}, rules)


def test_the_asyncapi_document_describes_what_was_sent() -> None:
    document = asyncapi()
    for stored in EXAMPLES.values():
        message = document["components"]["messages"][stored["kind"]]
        jsonschema.validate(stored, {**message["payload"], "components": document["components"]})
        assert document["channels"][stored["kind"]]["address"] == f"rtme.{{stream}}.{stored['kind']}"
