"""The contract as documents for other programs, made from the models."""

import inspect
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter

from rtme.events import SCHEMA, AnyEvent


def asyncapi() -> dict[str, Any]:
    """The wire as an AsyncAPI 3 document: one channel for each kind of event."""
    kinds = {model.model_fields["kind"].default: model for model in get_args(get_args(AnyEvent)[0])}
    schemas = TypeAdapter(AnyEvent).json_schema(ref_template="#/components/schemas/{model}")["$defs"]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "rtme",
            "version": str(SCHEMA),
            "description": "Micro-expressions and speaker state, live. Every message on the ZeroMQ PUB socket has two "
            "parts: the channel's address as the topic, then one JSON object. Fields, kinds and values that are not known "
            "here are to be passed over; docs/events.md has the rule.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:5556",
                "protocol": "zeromq",
                "description": "Where `rtme live` publishes unless told otherwise",
            }
        },
        "channels": {kind: _channel(kind) for kind in kinds},
        "operations": {
            f"send_{kind}": {"action": "send", "channel": {"$ref": f"#/channels/{kind}"}} for kind in kinds
        },
        "components": {
            "messages": {kind: _message(kind, model) for kind, model in kinds.items()},
            "schemas": schemas,
        },
    }


def _channel(kind: str) -> dict[str, Any]:
    return {
        "address": f"rtme.{{stream}}.{kind}",
        "parameters": {
            "stream": {"description": "The source's name; `_service` for what is about the service itself"}
        },
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"}},
    }


def _message(kind: str, model: type[BaseModel]) -> dict[str, Any]:
    return {
        "name": kind,
        "summary": inspect.getdoc(model),
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }
