"""The whole way from pictures to a bundle that loads, on a public-domain portrait, learning next to nothing."""

import csv
import hashlib
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from skimage.data import astronaut
from typer.testing import CliRunner

from rtme.cli import app
from rtme.data.material import read
from rtme.engine.manifest import Manifest
from rtme.errors import EngineError
from rtme.model.meldae import Meldae, Probabilities
from rtme.train.export import TOLERANCE, check, crops_like, tokens_like
from rtme.train.recipe import Recipe


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces")
    picture = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2BGR)
    with (folder / "people.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "person", "split"])
        for name, split in (("a.png", "train"), ("b.png", "validation")):
            cv2.imwrite(str(folder / name), picture)
            rows.writerow([name, split, split])
    return folder


@pytest.fixture(scope="module")
def trained(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    out, work = tmp_path_factory.mktemp("engine"), tmp_path_factory.mktemp("work")
    command = ["train", str(faces), "--out", str(out), "--work", str(work), "--threads", "1", "--quick"]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return out, work


def test_the_bundle_is_whole(trained: tuple[Path, Path], faces: Path):
    out, _ = trained
    manifest = Manifest.model_validate_json((out / "manifest.json").read_text())
    for entry in (manifest.encoder, manifest.temporal):
        assert hashlib.sha256((out / entry.file).read_bytes()).hexdigest() == entry.sha256
    assert "SYNTHETIC" in manifest.summary
    assert manifest.training["people"] == {"train": 1, "validation": 1}
    assert manifest.scores["validation"]["animated portraits"]["minutes"] > 0
    assert read(faces, out / "people.csv") == read(faces)


def test_the_graphs_take_any_batch_and_answer_in_the_manifests_shapes(trained: tuple[Path, Path]):
    out, _ = trained
    manifest = Manifest.model_validate_json((out / "manifest.json").read_text())
    encoder = onnxruntime.InferenceSession(out / manifest.encoder.file)
    temporal = onnxruntime.InferenceSession(out / manifest.temporal.file)
    for count in (1, 5):
        crops = np.zeros((count, manifest.size, manifest.size, 3), np.uint8)
        frame, regions = encoder.run(["frame", "regions"], {"crops": crops})
        assert frame.shape == (count, manifest.frame_size)
        assert regions.shape == (count, manifest.regions, manifest.region_size)
        window = {
            "frame": np.repeat(frame[:, None], manifest.window, 1),
            "regions": np.repeat(regions[:, None], manifest.window, 1),
            "valid": np.ones((count, manifest.window), np.float32),
        }
        p_me, p_speaking, scores = temporal.run(["p_me", "p_speaking", "frame_scores"], window)
        assert p_me.shape == p_speaking.shape == (count,)
        assert scores.shape == (count, manifest.window)
        assert (scores >= 0).all()
        assert (scores <= 1).all()


def test_the_graphs_say_what_pytorch_says(trained: tuple[Path, Path]):
    out, work = trained
    model = Meldae(Recipe.quick().model)
    model.load_state_dict(torch.load(work / "tune.pt", weights_only=True)["module"])
    model.eval()
    assert TOLERANCE <= 1e-4
    check(model.encoder, out / "encoder.onnx", crops_like(model.config, 5))
    check(Probabilities(model.temporal).eval(), out / "temporal.onnx", tokens_like(model.config, 4))
    with torch.no_grad():
        model.encoder.class_token.neg_()
    with pytest.raises(EngineError, match="differs from PyTorch"):
        check(model.encoder, out / "encoder.onnx", crops_like(model.config, 5))
