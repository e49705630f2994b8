"""``rtme engine``: which engines there are, what one says about itself, and what it finds."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from rtme.cli.engine_report import report
from rtme.engine.bundle import Bundle, list_bundles, load_bundle
from rtme.errors import EngineError

app = typer.Typer(help="Look at engine bundles.", no_args_is_help=True)
app.command("report")(report)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_engines(as_json: Json = False) -> None:
    """List the installed engines, sound or not."""
    found = [_line(name) for name in list_bundles()]
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = Table("engine", "version", "input", "what it is")
    for line in found:
        table.add_row(
            line["name"], line.get("version"), line.get("input"), line.get("summary") or line["error"]
        )
    Console().print(table)


@app.command("info")
def info(
    engine: Annotated[str, typer.Argument(help="Name or folder of an engine bundle.")], as_json: Json = False
) -> None:
    """Show an engine's manifest: sizes, thresholds, training and measured scores."""
    bundle = load_bundle(engine)
    if as_json:
        print(bundle.manifest.model_dump_json(indent=2))
        return
    table = Table(show_header=False)
    for name, value in _facts(bundle):
        table.add_row(name, value)
    Console().print(table)


def _line(name: str) -> dict[str, str]:
    try:
        manifest = load_bundle(name).manifest
    except EngineError as error:
        return {"name": name, "error": str(error)}
    return {
        "name": name,
        "version": manifest.version,
        "input": manifest.input,
        "licence": manifest.licence,
        "summary": manifest.summary,
    }


def _facts(bundle: Bundle) -> list[tuple[str, str]]:
    m = bundle.manifest
    slot_ms = 1000 / m.fps
    megabytes = sum(path.stat().st_size for path in (bundle.encoder_path, bundle.temporal_path)) / 1e6
    return [
        ("engine", f"{m.name} {m.version}"),
        ("what it is", m.summary),
        ("licence", m.licence),
        ("folder", str(bundle.path)),
        ("graphs", f"{megabytes:.1f} MB"),
        ("input", f"{m.input}, {m.size}×{m.size} pixels, {m.fps:g} slots a second"),
        ("window", f"{m.window} slots ({m.window * slot_ms:.0f} ms), every {m.hop}"),
        ("look-ahead", f"{m.look_ahead} slots ({m.look_ahead * slot_ms:.0f} ms)"),
        (
            "intervals",
            f"on {m.decoder.on}, off {m.decoder.off}, {m.decoder.min_ms:g} to {m.decoder.me_max_ms:g} ms",
        ),
        ("turns", f"on {m.speaker.on}, off {m.speaker.off}, from {m.speaker.min_ms:g} ms"),
        *_tree("training", m.training),
        *_tree("scores", m.scores),
    ]


def _tree(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """What a manifest tells freely, a row for each leaf; a dictionary without dictionaries in it is one row."""
    if not isinstance(value, dict):
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return
    leaves = {key: inner for key, inner in value.items() if not isinstance(inner, dict)}
    if leaves:
        yield name, ", ".join(f"{key} {inner}" for key, inner in leaves.items())
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _tree(f"{name}: {key}", inner)
