"""Settings in words: every one of a model with what it means, and what is wrong with one that does not fit."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError


def explained(settings: BaseModel) -> str:
    """Every setting as YAML that gives the same settings, each with what it means as a comment."""
    return "\n".join(_lines(settings, "")) + "\n"


def complaint(error: ValidationError, model: type[BaseModel]) -> str:
    """The first thing that is wrong with settings: which one, its value, what would fit and what it means.

    Args:
        error: What validation said.
        model: Of which settings.
    """
    first = error.errors()[0]
    path = first["loc"]
    name = ".".join(map(str, path))
    if first["type"] == "extra_forbidden":
        return f"no setting {name}{_like(str(path[-1]), _part(model, path[:-1]))}"
    meaning = _meaning(model, path)
    if first["type"] == "missing":
        return f"{name} is missing{meaning}"
    said = first["msg"].removeprefix("Value error, ").replace("Input should be", "it should be")
    return f"{name} is {_short(first['input'])}: {said}{meaning}" if name else said


def _lines(part: BaseModel, indent: str) -> Iterator[str]:
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        meaning = f"  # {field.description}" if field.description else ""
        if isinstance(value, BaseModel):
            yield f"{indent}{name}:{f'  # {_first_line(value)}' if _first_line(value) else ''}"
            yield from _lines(value, indent + "  ")
            continue
        written = yaml.safe_dump(
            part.model_dump(mode="json")[name],
            default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000,
        )  # fmt: skip
        yield f"{indent}{name}: {written.removesuffix(chr(10)).removesuffix(chr(10) + '...')}{meaning}"


def _first_line(part: BaseModel) -> str:
    return (type(part).__doc__ or "").partition("\n")[0]


def _part(model: type[BaseModel], path: Sequence[int | str]) -> type[BaseModel] | None:
    """The model of a part of the settings; None where it is none, such as inside a list."""
    for step in path:
        field = model.model_fields.get(str(step))
        if (
            field is None
            or not isinstance(field.annotation, type)
            or not issubclass(field.annotation, BaseModel)
        ):
            return None
        model = field.annotation
    return model


def _meaning(model: type[BaseModel], path: Sequence[int | str]) -> str:
    """Of the innermost setting on a path that says what it means."""
    for length in range(len(path), 0, -1):
        part = _part(model, path[: length - 1])
        field = part.model_fields.get(str(path[length - 1])) if part else None
        if field is not None and field.description:
            return f" ({field.description})"
    return ""


def _like(name: str, model: type[BaseModel] | None) -> str:
    near = get_close_matches(name, list(model.model_fields), 1) if model else []
    return f": did you mean {near[0]}?" if near else ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."
