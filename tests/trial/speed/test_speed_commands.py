import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def bench(folder: Path, engine: str, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rtme", "bench", *map(str, words)],
        cwd=folder,
        env={**os.environ, "RTME_ENGINE": engine, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def test_tables_json_and_a_picture(engine: str, tmp_path: Path) -> None:
    done = bench(
        tmp_path, engine, "ratio", "--seconds", 1.5, "--runs", 1, 1, "-o", "r.json", "--picture", "r.png"
    )
    assert done.returncode == 0, done.stderr
    for words in ("plain sliding window", "floor", "encoder runs"):
        assert words in done.stdout
    assert "Python" in done.stderr
    written = json.loads((tmp_path / "r.json").read_text())
    assert written["bench"] == "ratio"
    assert written["machine"]["packages"]["numpy"]
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["latency", "--engine", "warp", "--runs", 1, 1], ["warp"]),
        (["ratio", "-o", "no/such/out.json"], ["no/such"]),
        (["memory", "--runs", 3, 1], ["runs are 3 to 1"]),
        (["engines", "--engine", "warp"], ["warp"]),
        (["throughput", "--streams", 0], ["streams"]),
    ],
)
def test_what_goes_wrong_ends_in_a_sentence(
    engine: str, words: list[object], parts: list[str], tmp_path: Path
) -> None:
    done = bench(tmp_path, engine, *words)
    assert done.returncode not in (0, None)
    assert "Traceback" not in done.stderr
    assert all(part in done.stderr for part in parts), done.stderr
