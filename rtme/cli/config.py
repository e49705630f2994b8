"""``rtme config``: the settings of a run, and where each comes from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from rtme.bus.address import DEFAULT_ADDRESS
from rtme.bus.journal_path import NONE, default_journal
from rtme.capture.urls import redact
from rtme.cli.console import notes, print_json, results
from rtme.cli.options import (
    Backend,
    Bind,
    Engine,
    Faces,
    InsecureBind,
    InsecureMetrics,
    Journal,
    Json,
    Keys,
    LogFormat,
    Metrics,
    NoJournal,
    Precision,
    Preview,
    Replay,
    Sensitivity,
    Threads,
    Transport,
)
from rtme.errors import JournalError
from rtme.settings import Origin, Settings, load_settings, origins, strange_variables, variable_of

app = typer.Typer(no_args_is_help=True)


@app.command("show")
def show(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="A cameras.toml, as for `rtme live`.", show_default=False)
    ] = None,
    bind: Bind = None,
    engine: Engine = None,
    sensitivity: Sensitivity = None,
    faces: Faces = None,
    threads: Threads = None,
    backend: Backend = None,
    precision: Precision = None,
    transport: Transport = None,
    journal: Journal = None,
    no_journal: NoJournal = False,
    replay: Replay = None,
    keys: Keys = None,
    metrics: Metrics = None,
    metrics_insecure: InsecureMetrics = False,
    preview: Preview = False,
    log_format: LogFormat = None,
    insecure: InsecureBind = False,
    as_json: Json = False,
) -> None:
    """Show the settings that `rtme live` would have with the same words, and where each comes from.

    Flags go before the environment (`RTME_*`), that before the file, that before the defaults. Passwords in addresses are
    not shown.

    Examples:
    - `rtme config show`
    - `rtme config show cameras.toml --sensitivity high`
    - `rtme config show cameras.toml --json`
    """
    # Typer has it from the environment too, which is to be told from a flag.
    source = ctx.get_parameter_source("keys")
    flags: dict[str, Any] = {
        "bind": bind,
        "engine": engine,
        "sensitivity": sensitivity,
        "faces": faces,
        "threads": threads,
        "backend": backend,
        "precision": precision,
        "transport": transport,
        "journal": NONE if no_journal else journal,
        "replay": replay,
        "keys": keys if source is not None and source.name == "COMMANDLINE" else None,
        "metrics": metrics,
        "metrics_insecure": metrics_insecure or None,
        "preview": preview or None,
        "log_format": log_format,
        "insecure": insecure or None,
    }
    settings, found = _as_live_has_them(load_settings(file, **flags)), origins(file, **flags)
    if no_journal:
        found["journal"] = Origin("flag", "--no-journal")
    strange = strange_variables()
    if as_json:
        print_json(_record(settings, found, strange))
        return
    _show(settings, found)
    for sentence in strange:
        notes().print(f"rtme: {sentence}", style="yellow")


@app.command("schema")
def schema(as_json: Json = False) -> None:
    """Print the JSON Schema of a cameras.toml, for editors that check one. It is JSON with and without `--json`.

    Examples:
    - `rtme config schema > cameras.schema.json`
    """
    print_json(Settings.model_json_schema())


def _as_live_has_them(settings: Settings) -> Settings:
    """What is not said for a service that publishes."""
    bind = settings.bind or DEFAULT_ADDRESS
    try:
        journal = settings.journal or default_journal(bind)
    except JournalError:  # the service would say so and go on without
        journal = None
    return settings.model_copy(update={"bind": bind, "journal": None if journal is None else str(journal)})


def _record(settings: Settings, found: Mapping[str, Origin], strange: list[str]) -> dict[str, Any]:
    values = _without_secrets(settings.model_dump(mode="json"))
    return {
        "settings": {
            name: {
                "value": values[name],
                "from": origin.layer,
                "where": origin.where or None,
                "variable": variable_of(name),
                "meaning": Settings.model_fields[name].description,
            }
            for name, origin in found.items()
        },
        "strange_variables": strange,
    }


def _without_secrets(value: Any) -> Any:
    match value:
        case str():
            return redact(value)
        case list():
            return [_without_secrets(one) for one in value]
        case dict():
            return {name: _without_secrets(one) for name, one in value.items()}
        case _:
            return value


def _show(settings: Settings, found: Mapping[str, Origin]) -> None:
    table = Table("setting", "value", "from", box=None)
    values = _without_secrets(settings.model_dump(mode="json", exclude={"source"}))
    for name, value in values.items():
        style = "dim" if found[name].layer == "default" else "bold"
        table.add_row(name, Text("not set" if value is None else str(value)), str(found[name]), style=style)
    for number, source in enumerate(_without_secrets(settings.model_dump(mode="json"))["source"], 1):
        said = ", ".join(f"{name} {value}" for name, value in source.items() if value is not None)
        table.add_row(f"source {number}", Text(said), str(found["source"]), style="bold")
    results().print(table)
