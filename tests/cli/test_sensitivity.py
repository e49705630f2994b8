"""``--sensitivity`` as a user types it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from tiny_engine import make_tiny_bundle

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_it_is_obeyed_and_told(rtme: Run, clip: Path, tmp_path: Path) -> None:
    points = {"low": {"on": 0.99, "off": 0.3}, "high": {"on": 0.32, "off": 0.3}}
    engine = make_tiny_bundle(tmp_path / "points", sensitivity=points).path
    told = {
        name: json.loads(rtme("analyze", clip, "--engine", engine, "--sensitivity", name, "--json").stdout)
        for name in ("low", "high")
    }
    assert {name: report["sensitivity"] for name, report in told.items()} == {"low": "low", "high": "high"}
    assert len(told["low"]["intervals"]) < len(told["high"]["intervals"])

    table = rtme("analyze", clip, "--engine", engine, "--sensitivity", "high").stdout
    assert "tiny 0.0.1, sensitivity high" in table
    live = rtme("live", clip, "--fast", "--engine", engine, "--sensitivity", "low", "--json")
    assert "engine tiny 0.0.1, sensitivity low" in live.stderr
    events = [json.loads(line) for line in live.stdout.splitlines()]
    assert {e["sensitivity"] for e in events if e["kind"] == "heartbeat"} == {"low"}
    closed = [e for e in events if e["kind"] == "interval" and e["status"] == "closed"]
    assert len(closed) == len(told["low"]["intervals"])
