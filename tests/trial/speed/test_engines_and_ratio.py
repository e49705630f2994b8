import json

import pytest

from rtme.engine.bundle import load_bundle
from rtme.settings import Settings
from rtme.trial.speed.engines import engines
from rtme.trial.speed.flops import ceiling_gflops, encoder_gflop
from rtme.trial.speed.ratio import ratio
from rtme.trial.speed.spread import Often
from rtme.trial.speed.tables import tables

ONCE = Often(1, 1)


def test_operations_of_the_tiny_encoder_are_those_of_its_two_products(engine: str) -> None:
    pytest.importorskip("onnx")
    gflop = encoder_gflop(load_bundle(engine))
    assert gflop == pytest.approx((2 * 2 * 4 + 2 * 2 * 3 * 2) / 1e9)


def test_the_machine_has_a_ceiling() -> None:
    assert ceiling_gflops(1) > 0


def test_engines(engine: str) -> None:
    result = engines(engine, batches=(1, 2), round_s=0.01, often=ONCE)
    rows = [row for row in result["rows"] if row["backend"] == "onnxruntime"]
    assert [row["batch"] for row in rows if row["precision"] == "fp32"] == [1, 2]
    assert all(row["drift"] < 1e-4 for row in rows if row["precision"] == "fp32")
    assert all(row["ms_per_crop"]["median"] > 0 < row["crops_per_second"]["median"] for row in rows)
    # What cannot run here says why.
    assert all(one["why"] for one in result["left_out"])
    assert len(tables("engines", json.loads(json.dumps(result)))[0].rows) == len(result["rows"])


def test_the_plain_window_encodes_more_and_says_the_same(engine: str) -> None:
    result = ratio(settings=Settings(engine=engine), seconds=2.0, often=ONCE)
    ways = result["ways"]
    assert result["frames"] == 60
    assert ways["floor"]["encoder_runs"] == 0 < ways["rtme"]["encoder_runs"] < ways["plain"]["encoder_runs"]
    assert result["encoder_runs_ratio"] == pytest.approx(
        ways["plain"]["encoder_runs"] / ways["rtme"]["encoder_runs"], abs=0.01
    )
    assert result["largest_difference"] < 1e-4
    assert [table.title for table in tables("ratio", json.loads(json.dumps(result)))]
