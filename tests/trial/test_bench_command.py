import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bench(engine: str, tmp_path: Path) -> Run:
    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "rtme", "bench", "inject", *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, "RTME_ENGINE": engine, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )

    return run


def test_a_page_a_report_and_a_picture(bench: Run, calm_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the picture needs matplotlib: pip install 'rtme[bench]'")
    done = bench(calm_file, "--every", 1.5, "--pixels", 2, 3, "-o", "report.json", "--picture", "line.png")
    assert done.returncode == 0, done.stderr
    for words in (
        "recall",
        "precision",
        "F1",
        "false alarms a minute",
        "upper face",
        "synthetic",
        "look there",
    ):
        assert words in done.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["kind"] == "recorded"
    assert report["pixels"] == [2.0, 3.0]
    assert len(report["truth"]) == report["planted"]["truths"] > 0
    assert (tmp_path / "line.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["line.png", "report.json"]


def test_json(bench: Run, calm_file: Path) -> None:
    done = bench(calm_file, "--every", 1.5, "--json", "--minutes", 0.2)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["planted"]["truths"] > 0


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["nowhere.mp4"], ["nowhere.mp4"]),
        (["demo"], ["of its own"]),
        (["97"], ["97"]),
        (["clip.mp4", "--every", "0.2"], ["every is 0.2"]),
        (["clip.mp4", "--pixels", "3", "1"], ["pixels are 3 to 1"]),
        (["clip.mp4", "--engine", "warp"], ["warp"]),
        (["clip.mp4", "-o", "no/such/out.json"], ["no/such"]),
        (["clip.mp4", "--minutes", "0"], ["minutes"]),
    ],
)
def test_what_goes_wrong_ends_in_a_sentence(bench: Run, words: list[str], parts: list[str]) -> None:
    done = bench(*words)
    assert done.returncode not in (0, None)
    assert "Traceback" not in done.stderr
    assert all(part in done.stderr for part in parts), done.stderr
