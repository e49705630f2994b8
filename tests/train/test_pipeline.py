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
from rtme.data.corpus import Corpus
from rtme.data.material import read
from rtme.engine.manifest import Manifest
from rtme.errors import DataError
from rtme.model.config import ModelConfig
from rtme.model.meldae import Meldae, Probabilities
from rtme.train.export import TOLERANCE, check, crops_like, tokens_like


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


def test_the_corpus_says_what_the_crops_show(trained: tuple[Path, Path]):
    corpus = Corpus(trained[1] / "corpus")
    assert {clip.split for clip in corpus.clips} == {"train", "validation"}
    for clip in corpus.clips:
        rows = corpus.rows(clip)
        valid = corpus.valid[rows] > 0
        assert valid.mean() > 0.6
        assert corpus.crops[rows][valid].std() > 0
        inside = np.zeros(corpus.plan.slots, np.uint8)
        for planted in clip.intervals:
            assert 0 <= planted.onset <= planted.apex <= planted.offset < corpus.plan.slots
            if planted.type == "me":
                inside[planted.onset : planted.offset + 1] = 1
        assert (corpus.me[rows] == inside).all()
        assert not corpus.motion[rows][~valid].any()


def test_a_second_run_goes_on_instead_of_starting_anew(trained: tuple[Path, Path], faces: Path):
    out, work = trained
    made = (work / "corpus" / "clips.jsonl").read_bytes()
    command = ["train", str(faces), "--out", str(out), "--work", str(work), "--threads", "1", "--quick"]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0
    assert "done already" in result.output
    assert (work / "corpus" / "clips.jsonl").read_bytes() == made


def test_nobody_to_train_on_is_said(faces: Path, tmp_path: Path):
    table = tmp_path / "people.csv"
    table.write_text("file,person,split\na.png,Ann,test\n")
    command = ["train", str(faces), "--out", str(tmp_path / "out"), "--people", str(table), "--quick"]
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, DataError)
    assert not (tmp_path / "out").exists()


def test_the_default_engine_says_what_pytorch_says(tmp_path: Path):
    """ONNX equals PyTorch at the size that ships, on shapes the export has not seen."""
    from rtme.train.export import export

    torch.manual_seed(0)
    model = Meldae(ModelConfig()).eval()
    export(model, tmp_path)
    assert TOLERANCE <= 1e-4
    check(model.encoder, tmp_path / "encoder.onnx", crops_like(model.config, 1))
    check(Probabilities(model.temporal).eval(), tmp_path / "temporal.onnx", tokens_like(model.config, 4))
