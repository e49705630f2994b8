"""``rtme engine build``."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from rtme.cli.engine import app
from rtme.engine.backend import Wish
from rtme.engine.backends import open_for
from rtme.engine.nvidia import NoGpuError
from rtme.engine.trt import backend as room
from rtme.engine.trt.plans import HOME
from rtme.errors import EngineError
from tensorrt_stand_in import StandIn
from tiny_engine import make_tiny_bundle

run = CliRunner().invoke


def test_it_builds_what_live_then_runs(
    machine: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = make_tiny_bundle(tmp_path / "tiny")
    plans = tmp_path / "mine"
    monkeypatch.setenv("COLUMNS", "400")
    words = ["build", str(bundle.path), "--backend", "tensorrt", "--max-batch", "2", "--plans", str(plans)]
    result = run(app, words, catch_exceptions=False)
    assert result.exit_code == 0
    assert "in fp16, batches of 1, 2" in result.stderr
    assert result.stdout.count("written to ") == 2
    assert f"set {HOME}={plans}" in result.stdout
    with pytest.raises(
        EngineError, match=f"build it with `rtme engine build {bundle.path} --backend tensorrt`"
    ):
        open_for(bundle, Wish("tensorrt"))
    monkeypatch.setenv(HOME, str(plans))
    open_for(bundle, Wish("tensorrt")).backend.close()


def test_without_a_gpu_it_says_so_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(device: int) -> None:
        raise NoGpuError("this machine has no NVIDIA driver: install one")

    monkeypatch.setattr(room, "probe", none)
    result = run(
        app, ["build", str(make_tiny_bundle(tmp_path / "tiny").path), "--plans", str(tmp_path / "plans")]
    )
    assert isinstance(result.exception, EngineError)
    assert (
        str(result.exception)
        == "backend tensorrt cannot run here: this machine has no NVIDIA driver: install one"
    )
    assert not (tmp_path / "plans").exists()
