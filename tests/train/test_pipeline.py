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
from rtme.data.corpus import Corpus, CorpusPlan
from rtme.data.make import make
from rtme.data.material import read
from rtme.engine.manifest import Manifest
from rtme.errors import DataError, EngineError
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


def test_a_stopped_build_makes_only_what_is_missing(trained: tuple[Path, Path], faces: Path):
    folder, plan = trained[1] / "corpus", Recipe.quick().corpus
    before = Corpus(folder)
    last = before.clips[-1]
    crops = np.array(before.crops[before.rows(last)])
    lines = (folder / "clips.jsonl").read_text().splitlines(keepends=True)
    kept = [line for line in lines if f'"index":{last.index},' not in line]
    (folder / "clips.jsonl").write_text("".join(kept) + '{"index":')
    Corpus(folder, "r+").crops[before.rows(last)] = 7

    told: list[str] = []
    after = make(read(faces), folder, plan, 1, told.append)
    assert told[0] == f"corpus: {len(kept)} of {len(lines)} clips are there"
    assert after.clips == before.clips
    assert (
        after.crops[after.rows(last)][after.valid[after.rows(last)] > 0]
        == crops[after.valid[after.rows(last)] > 0]
    ).all()


def test_a_corpus_of_another_plan_is_not_touched(trained: tuple[Path, Path], faces: Path):
    plan = Recipe.quick().corpus.model_copy(update={"seed": 99})
    with pytest.raises(DataError, match="another plan"):
        make(read(faces), trained[1] / "corpus", plan, 1, print)


def test_workers_make_the_same_corpus_as_one_process(faces: Path, tmp_path: Path):
    plan = CorpusPlan(portrait_clips=2, real_clips=0, held_repeats=1, slots=16)
    one = make(read(faces), tmp_path / "one", plan, 1, lambda _: None)
    two = make(read(faces), tmp_path / "two", plan, 2, lambda _: None)
    assert sorted(clip.index for clip in two.clips) == [0, 1, 2]
    assert one.clips == two.clips
    valid = one.valid[:] > 0
    assert (valid == (two.valid[:] > 0)).all()
    assert (one.crops[valid] == two.crops[valid]).all()
    assert (one.motion[:] == two.motion[:]).all()


def test_nobody_to_train_on_is_said(faces: Path, tmp_path: Path):
    table = tmp_path / "people.csv"
    table.write_text("file,person,split\na.png,Ann,test\n")
    command = ["train", str(faces), "--out", str(tmp_path / "out"), "--people", str(table), "--quick"]
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, DataError)
    assert not (tmp_path / "out").exists()


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
