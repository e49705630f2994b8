"""``rtme engine``: which engines there are, what one says about itself, and what it finds."""

import json
from collections.abc import Iterator
from typing import Any

import typer
from rich.table import Table

from rtme.cli.console import print_json, results
from rtme.cli.engine_build import build
from rtme.cli.engine_quantize import quantize
from rtme.cli.engine_report import report
from rtme.cli.engine_verify import verify
from rtme.cli.options import EngineName, Json
from rtme.engine.bundle import Bundle, list_bundles, load_bundle
from rtme.engine.manifest import Manifest
from rtme.errors import EngineError

app = typer.Typer(no_args_is_help=True)
app.command("report")(report)
app.command("build")(build)
app.command("verify")(verify)
app.command("quantize")(quantize)

_DRAWN = ("operating", "curve", "reliability")
"""Of the scores, what has rows of its own or is there to be drawn."""


@app.command("list")
def list_engines(as_json: Json = False) -> None:
    """List the installed engines, sound or not.

    Examples:
    - `rtme engine list`
    - `rtme engine list --json`
    """
    found = [_line(name) for name in list_bundles()]
    if as_json:
        print_json(found)
        return
    table = Table("engine", "version", "input", "what it is")
    for line in found:
        table.add_row(
            line["name"], line.get("version"), line.get("input"), line.get("summary") or line["error"]
        )
    results().print(table)


@app.command("info")
def info(engine: EngineName, as_json: Json = False) -> None:
    """Show an engine's manifest: sizes, thresholds, training and measured scores.

    Examples:
    - `rtme engine info default`
    - `rtme engine info engines/mine --json`
    """
    bundle = load_bundle(engine)
    if as_json:
        print_json(bundle.manifest.model_dump(mode="json"))
        return
    table = Table(show_header=False)
    for name, value in _facts(bundle):
        table.add_row(name, value)
    results().print(table)


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
        *_points(m),
        (
            "confidence",
            f"calibrated, {m.calibration[0][1]:.2f} to {m.calibration[-1][1]:.2f}"
            if m.calibration
            else "the highest score: not calibrated",
        ),
        ("turns", f"on {m.speaker.on}, off {m.speaker.off}, from {m.speaker.min_ms:g} ms"),
        *_tree("training", m.training),
        *_tree("scores", {name: value for name, value in m.scores.items() if name not in _DRAWN}),
    ]


def _points(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """A row for each sensitivity: its thresholds, and what it finds and raises by mistake, where that was measured."""
    low, high = manifest.sensitivity.get("low"), manifest.sensitivity.get("high")
    measured = manifest.scores.get("operating", {})
    for name, d in (("low", low), ("normal", manifest.decoder), ("high", high)):
        if d is not None:
            thresholds = f"on {d.on}, off {d.off}, {d.min_ms:g} to {d.me_max_ms:g} ms"
            yield f"sensitivity {name}", f"{thresholds}{_measured(measured.get(name))}"
    if not manifest.sensitivity:
        yield "sensitivities", "only normal: train and export the engine again to have low and high measured"


def _measured(point: dict[str, Any] | None) -> str:
    if point is None:
        return ""
    recalls = ", ".join(
        f"{p['recall']:.2f} of {p['truths']} ({kind})" for kind, p in point["planted"].items()
    )
    false = point["false_alarms"]
    return (
        f": recall {recalls}; {false['per_minute']:.1f} false alarms a minute ({false['count']} in "
        f"{false['minutes']:.1f} min of {false['in']})"
    )


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
