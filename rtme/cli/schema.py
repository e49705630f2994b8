"""``rtme schema``: the contract of the wire."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from rtme import traces
from rtme.bus import protocol
from rtme.contract import asyncapi
from rtme.errors import SettingsError
from rtme.events import json_schema


class Document(StrEnum):
    """What can be printed."""

    EVENTS = "events"
    REPLAY = "replay"
    TRACES = "traces"
    ASYNCAPI = "asyncapi"


def schema(
    document: Annotated[
        Document,
        typer.Argument(
            help="JSON Schema of every event, of the replay socket's questions and answers, or of traces and previews; "
            "or AsyncAPI 3 of the events, as YAML."
        ),
    ] = Document.EVENTS,
) -> None:
    """Print the contract of the wire, made from what this release publishes."""
    match document:
        case Document.EVENTS:
            print(json.dumps(json_schema(), indent=2))
        case Document.REPLAY:
            print(json.dumps(protocol.json_schema(), indent=2))
        case Document.TRACES:
            print(json.dumps(traces.json_schema(), indent=2))
        case Document.ASYNCAPI:
            print(_yaml(asyncapi()), end="")


def _yaml(content: dict[str, object]) -> str:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise SettingsError("PyYAML is not installed, which asyncapi needs: pip install pyyaml") from error
    text: str = yaml.safe_dump(content, sort_keys=False, width=120, allow_unicode=True)
    return text
