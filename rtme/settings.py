"""All settings of a run: from flags, then the environment (``RTME_*``), then a TOML file, then defaults."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import SettingsError as UnreadableError

from rtme.capture.urls import redact
from rtme.engine.backend import Precision
from rtme.errors import SettingsError
from rtme.spot.rules import Sensitivity

PREFIX = "RTME_"

OTHER_VARIABLES: Mapping[str, str] = {
    "RTME_BRIDGE_SECRET": "the secret that `rtme bridge` signs requests with",
    "RTME_BRIDGE_TARGET": "the target of `rtme bridge`, where its address holds a password",
    "RTME_DASHBOARD_TOKEN": "the word that `rtme dashboard` asks for, where it is not made up anew",
    "RTME_PLANS": "folder of TensorRT plans",
}
"""What the environment may say beside the settings, and what it means."""


class SourceSettings(BaseModel):
    """One ``[[source]]`` of a cameras file."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(min_length=1, description="camera number, /dev path, stream URL, file, or `demo`")
    name: str | None = Field(
        None,
        pattern="^[A-Za-z0-9_-]+$",
        description="the stream's name on the wire; no dots, they part the topic",
    )
    faces: int | None = Field(None, ge=1, le=16)
    transport: Literal["tcp", "udp"] | None = None


class Settings(BaseSettings):
    """Everything a run can be told."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid")

    engine: str = Field("default", description="name or folder of an engine bundle")
    backend: str = Field("auto", description="what runs the engine's graphs")
    precision: Precision | None = Field(
        None, description="what it computes in: fp32, bf16, fp16 or int8; none leaves it to the backend"
    )
    device: int = Field(0, ge=0, description="number of the GPU")
    max_batch: int = Field(16, ge=1, le=256, description="crops and windows that are run at once, at most")
    batch_wait_ms: float | None = Field(
        None,
        ge=0,
        le=50,
        description="how long frames wait for those of other sources; none: 2 on a GPU, 0 on a CPU, where it gains nothing",
    )
    sensitivity: Sensitivity = Field(
        "normal", description="which of the engine's operating points: low, normal or high"
    )
    threads: int = Field(1, ge=1, le=64, description="threads of the encoder")
    faces: int = Field(1, ge=1, le=16, description="faces followed per source")
    workers: int | None = Field(
        None,
        ge=0,
        le=64,
        description="processes that read and track the sources; 0: this one; none: chosen by sources and cores",
    )
    bind: str | None = Field(None, description="ZeroMQ address to publish on; none publishes nothing")
    replay: str | None = Field(
        None,
        description="ZeroMQ address that gives again what was sent; `none` has none. Not said: the port after `bind`'s",
    )
    keys: Path | None = Field(
        None,
        description="folder of keys; none: rtme's own where other machines can reach `bind`, else none are used",
    )
    insecure: bool = Field(
        False, description="allow a bind that others on the network can reach without keys"
    )
    journal: str | None = Field(
        None,
        min_length=1,
        description="SQLite file that keeps every event; `none` keeps none. Not said: `rtme live` has one in the user's "
        "state folder, rtme.Live has none",
    )
    journal_days: float = Field(30, ge=0, description="events older than this are removed; 0 keeps all")
    journal_mb: float = Field(
        1_000, ge=0, description="megabytes of events at most, the oldest go; 0 sets no limit"
    )
    metrics: str | None = Field(
        None, description="host:port that serves /metrics and /healthz over HTTP; none serves nothing"
    )
    metrics_insecure: bool = Field(
        False,
        description="allow `metrics` on an address that others on the network can read; there is no password",
    )
    log_format: Literal["text", "json"] = Field("text", description="how the log is written on stderr")
    preview: bool = Field(
        False, description="publish pictures of the sources, with the faces' outlines, for whoever watches"
    )
    preview_fps: float = Field(10, ge=0.1, le=60, description="pictures a second of each source, at most")
    transport: Literal["tcp", "udp"] = Field("tcp", description="how RTSP packets travel")
    task_file: Path | None = Field(None, description="MediaPipe .task model, for mediapipe 0.10.30 and newer")
    source: list[SourceSettings] = Field(default_factory=list, description="sources of a cameras file")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags before environment before file."""
        given = init_settings.init_kwargs if isinstance(init_settings, InitSettingsSource) else {}
        file = given.pop("_from_file", {})
        return init_settings, env_settings, InitSettingsSource(settings_cls, file)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the value of a setting comes from.

    Attributes:
        layer: Flags go before the environment, that before the file, that before the default.
        where: The flag, the variable or the file; empty for a default.
    """

    layer: Literal["default", "file", "environment", "flag"]
    where: str = ""

    def __str__(self) -> str:
        return f"{self.layer} {self.where}".rstrip()


def load_settings(file: Path | None = None, **flags: Any) -> Settings:
    """Put the settings together.

    Args:
        file: A TOML file with the fields of :class:`Settings`; ``[[source]]`` tables name cameras.
        **flags: What the command line says; None means "not said".

    Raises:
        SettingsError: The file cannot be read, or a value does not fit.
    """
    from_file = _read(file)
    try:
        return Settings(**(_said(flags) | {"_from_file": from_file}))
    except ValidationError as error:
        sentence = _complaint(error, file)
    except UnreadableError as error:
        sentence = f"the environment ({PREFIX}*): {error}; give lists as JSON"
    raise SettingsError(sentence)


def origins(file: Path | None = None, **flags: Any) -> dict[str, Origin]:
    """Where :func:`load_settings` has each setting from, by its name.

    Args:
        file: As there.
        **flags: As there.

    Raises:
        SettingsError: The file cannot be read.
    """
    layers: list[tuple[Mapping[str, Any], Any]] = [
        (_said(flags), lambda name: Origin("flag", f"--{name.replace('_', '-')}")),
        (EnvSettingsSource(Settings)(), lambda name: Origin("environment", variable_of(name))),
        (_read(file), lambda name: Origin("file", str(file))),
    ]
    return {
        name: next((origin(name) for layer, origin in layers if name in layer), Origin("default"))
        for name in Settings.model_fields
    }


def variable_of(setting: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{setting.upper()}"


def strange_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """A sentence for each ``RTME_*`` variable that nothing reads, with the nearest one that is read."""
    known = {*map(variable_of, Settings.model_fields), *OTHER_VARIABLES}
    return [
        f"nothing reads the environment variable {name}{_nearest(name.upper(), known)}"
        for name in sorted(environment)
        if name.upper().startswith(PREFIX) and name.upper() not in known
    ]


def _nearest(name: str, known: set[str]) -> str:
    near = get_close_matches(name, sorted(known), 1)
    return (
        f": did you mean {near[0]}?" if near else f": `rtme config show` has those of {PREFIX}* that are read"
    )


def _read(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read the settings file {file}: {error.strerror}") from error
    except ValueError as error:  # no TOML, no text, or a number with thousands of digits
        raise SettingsError(f"{file} is not valid TOML: {error}") from error


def _said(flags: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flags.items() if value is not None}


def _complaint(error: ValidationError, file: Path | None) -> str:
    """What is wrong with settings: first a name that none has, since what it was meant for is missing then."""
    errors = error.errors()
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
    where = ".".join(str(part) for part in first["loc"])
    # A URL may hold a password, wherever it stands by mistake; and the error itself holds it too.
    value = "" if "url" in first["loc"] else f" (got {redact(repr(first['input']))})"
    place = f" in {file}" if file else ""
    if first["type"] == "extra_forbidden":
        known = SourceSettings if len(first["loc"]) > 1 else Settings
        near = get_close_matches(str(first["loc"][-1]), known.model_fields, 1)
        return f"there is no setting `{where}`{place}{value}" + (
            f": did you mean `{near[0]}`?" if near else ""
        )
    return f"setting `{where}`{place}: {first['msg']}{value}"
