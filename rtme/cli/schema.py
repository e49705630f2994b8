"""``rtme schema``: the contract of the wire."""

import json
from typing import Annotated

import typer

from rtme.contract import asyncapi, json_schema
from rtme.errors import SettingsError


def schema(
    as_asyncapi: Annotated[
        bool, typer.Option("--asyncapi", help="An AsyncAPI 3 document, as YAML, instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of every event, made from what this release publishes."""
    if not as_asyncapi:
        print(json.dumps(json_schema(), indent=2))
        return
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise SettingsError("PyYAML is not installed, which --asyncapi needs: pip install pyyaml") from error
    print(yaml.safe_dump(asyncapi(), sort_keys=False, width=120, allow_unicode=True), end="")
