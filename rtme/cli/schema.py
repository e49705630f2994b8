"""``rtme schema``: the contract of the wire."""

from enum import StrEnum
from typing import Annotated

import typer

from rtme.cli.console import print_json
from rtme.cli.options import Json
from rtme.errors import SettingsError


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
    as_json: Json = False,
) -> None:
    """Print the contract of the wire. It is made from what this release publishes.

    The schemas are JSON anyway; `--json` is for AsyncAPI, which is YAML else.

    Examples:
    - `rtme schema`
    - `rtme schema replay`
    - `rtme schema asyncapi > asyncapi.yaml`
    - `rtme schema asyncapi --json`
    """
    from rtme import traces
    from rtme.bus import protocol
    from rtme.contract import asyncapi
    from rtme.events import json_schema

    match document:
        case Document.EVENTS:
            print_json(json_schema())
        case Document.REPLAY:
            print_json(protocol.json_schema())
        case Document.TRACES:
            print_json(traces.json_schema())
        case Document.ASYNCAPI if as_json:
            print_json(asyncapi())
        case Document.ASYNCAPI:
            print(_yaml(asyncapi()), end="")


def _yaml(content: dict[str, object]) -> str:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise SettingsError(
            "PyYAML is not installed, which asyncapi needs: pip install pyyaml, or say --json"
        ) from error
    text: str = yaml.safe_dump(content, sort_keys=False, width=120, allow_unicode=True)
    return text
