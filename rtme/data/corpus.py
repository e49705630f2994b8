"""A synthetic corpus in one file: which faces, how much of everything, and where the store goes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator

from rtme.data.explained import complaint
from rtme.data.synth_plan import SynthPlan
from rtme.errors import SettingsError


class _Places(BaseModel):
    faces: tuple[Path, ...] = Field(
        min_length=1, description="folder of portraits and real videos, or a list of folders"
    )
    out: Path = Field(description="folder of the store; the same again goes on where it was stopped")
    people: Path | None = Field(
        None,
        description="table file,person[,split]; when not given, people.csv in each folder that has one, and elsewhere each "
        "file is a person; of several folders, file begins with the folder's name",
    )

    @field_validator("faces", mode="before")
    @classmethod
    def _one_alone(cls, faces: object) -> object:
        return (faces,) if isinstance(faces, str | Path) else faces


class Corpus(SynthPlan, _Places):
    """Everything that decides what `rtme synth` makes. Paths are relative to where the command is run."""

    @property
    def plan(self) -> SynthPlan:
        """What the store shall hold, wherever it is and whatever it is made of."""
        return SynthPlan(**{name: getattr(self, name) for name in SynthPlan.model_fields})


def load(file: Path | None, said: Mapping[str, Any], spare: Mapping[str, Any] | None = None) -> Corpus:
    """A corpus from a file, from what the command line says, or from both.

    Args:
        file: YAML with what differs from the defaults; None for no file.
        said: Settings that go before those of the file, named with dots: ``{"store.fps": 60}``.
        spare: Settings for where neither says anything.

    Raises:
        SettingsError: The file cannot be read, or a setting is unknown, missing or does not fit.
    """
    where = str(file) if file is not None else "rtme synth"
    content = {**(spare or {}), **(_read(file) if file is not None else {})}
    for name, value in said.items():
        part, _, last = name.rpartition(".")
        if part:
            content[part] = {**_section(content.get(part), part, where), last: value}
        else:
            content[last] = value
    store = content.get("store")
    if isinstance(store, dict) and isinstance(fps := store.get("fps"), int | float) and fps < 1000:
        # The flow looks back the same time, a fifth of a second, at every rate.
        content["store"] = {"flow_lag": max(1, round(fps / 5)), **store}
    try:
        return Corpus.model_validate(content)
    except ValidationError as error:
        raise SettingsError(
            f"{where}: {complaint(error, Corpus)}; `rtme synth --show` explains every setting"
        ) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        content: object = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be read ({error.strerror}): give a folder of faces or a YAML file"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not YAML: {' '.join(str(error).split())}") from error
    return _section(content, "the file", str(file))


def _section(content: object, name: str, where: str) -> dict[str, Any]:
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{where}: {name} is {content!r}: write settings as `name: value`")
    return content
