"""Exported engines: the same network, the same thresholds, the same intervals."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import rtme
from faces import performance, write_video
from made_scores import PLAN, tiny_model, tiny_recipe
from rtme.data.manifest import Manifest, Video
from rtme.data.prepare import prepare
from rtme.data.store import StorePlan
from rtme.engine.backends import open_backend
from rtme.engine.bundle import Bundle, load_bundle
from rtme.engine.manifest import DecoderSettings, SpeakerSettings
from rtme.errors import DataError, EngineError
from rtme.model.meldae import Probabilities
from rtme.train.decoder import Decoder, spot
from rtme.train.export import check, export_engine, tokens_like
from rtme.train.fused import FusedClip
from rtme.train.recipe import Recipe
from rtme.train.replay import ScoredClip, replay, score_clips

Image = NDArray[np.uint8]


def a_face(fps: int, seconds: float, away_s: tuple[float, float] | None) -> Iterator[Image]:
    """Somebody who leaves the picture for a while."""
    frames, _ = performance(seconds, fps, seed=5)
    for index, image in enumerate(frames):
        gone = away_s is not None and away_s[0] <= index / fps < away_s[1]
        yield np.full_like(image, 90) if gone else image


def lively_thresholds(clips: list[ScoredClip], recipe: Recipe, weight: float) -> tuple[float, float]:
    """Thresholds that the clips' scores cross again and again, and none of them falls on."""
    values = np.unique(np.concatenate([FusedClip(one, recipe).by_slot(weight) for one in clips]))
    values = values[values > 0]
    wide = np.flatnonzero(np.diff(values) > 1e-5)
    on, off = wide[int(0.6 * len(wide))], wide[int(0.45 * len(wide))]
    return float(values[on : on + 2].mean()), float(values[off : off + 2].mean())


VIDEOS: dict[str, tuple[int, float, tuple[float, float] | None]] = {
    "25 fps, away for a while": (25, 4.0, (1.4, 2.9)),
    "60 fps": (60, 2.0, None),
}
"""Rate, length and absence in seconds."""


@dataclass(frozen=True)
class Exported:
    """An engine, and what evaluation says of the videos."""

    videos: dict[str, Path]
    scored: dict[str, ScoredClip]
    recipe: Recipe
    decoder: Decoder
    bundle: Bundle


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("exported")
    plan = StorePlan(input="motion", size=112, fps=30, flow_lag=6)
    videos, listed = {}, []
    for number, (name, (fps, seconds, away_s)) in enumerate(VIDEOS.items()):
        videos[name] = write_video(folder / f"{number}.mp4", a_face(fps, seconds, away_s), fps)
        listed.append(
            Video(
                dataset="made",
                subject="astronaut",
                video=name,
                fps=fps,
                n_frames=round(seconds * fps),
                file=str(videos[name]),
            )
        )
    store = prepare(Manifest(videos=tuple(listed)), folder / "store", plan, workers=1)
    recipe = tiny_recipe(model__size=112, model__patch=28)
    model = tiny_model(recipe, seed=3)
    scored = score_clips(store, store.clips, model, recipe)
    on, off = lively_thresholds(scored, recipe, 0.2)
    normal = DecoderSettings(on=on, off=off, me_weight=0.2, min_ms=33, merge_ms=34)
    decoder = Decoder(
        intervals=normal,
        sensitivity={"high": normal.model_copy(update={"on": off})},
        calibration=((0.9 * on, 0.2), (1.2 * on, 0.7)),
        speaker=SpeakerSettings(on=0.51, off=0.49, min_ms=100),
    )
    bundle = export_engine(model, recipe, plan, decoder, {"people": 1}, {"f1": 0.25}, folder / "engine")
    return Exported(videos, {one.clip.video: one for one in scored}, recipe, decoder, bundle)


@pytest.mark.parametrize("sensitivity", ["normal", pytest.param("high", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", VIDEOS)
def test_an_exported_engine_finds_what_evaluation_finds(
    exported: Exported, name: str, sensitivity: str
) -> None:
    scored, recipe, decoder = exported.scored[name], exported.recipe, exported.decoder
    if sensitivity == "high":
        decoder = decoder.model_copy(update={"intervals": decoder.sensitivity["high"]})
    faces = {(window.face, window.first) for window in scored.windows}
    assert len(faces) == (1 if VIDEOS[name][2] is None else 2)

    live = rtme.analyze(
        exported.videos[name], engine=str(exported.bundle.path), sensitivity=sensitivity
    ).report()
    evaluated = spot(scored, decoder, recipe)
    assert [(i.type, i.onset, i.apex, i.offset) for i in live.intervals] == [
        ("me" if i.type == "me" else "macro", i.onset, i.apex, i.offset) for i in evaluated
    ]
    told = [i.score for i in evaluated if i.score is not None]
    np.testing.assert_allclose([i.confidence for i in live.intervals], told, atol=1.01e-4)
    assert len(told) == len(live.intervals) >= 2
    turns = replay(scored, recipe, decoder.intervals, decoder.speaker).speaker
    assert [(t.state, t.start, t.end) for t in live.speaker] == [(t.state, t.start, t.end) for t in turns]


def test_an_engine_for_rgb_says_what_the_network_says_and_the_network_is_left_as_it_was(
    tmp_path: Path,
) -> None:
    recipe = tiny_recipe(model__input="rgb", model__frame_token="class", model__join="readout")
    model = tiny_model(recipe).train()
    plan = StorePlan(input="rgb", size=recipe.model.size, fps=30, flow_lag=6)
    bundle = export_engine(model, recipe, plan, Decoder(), {}, {}, tmp_path)
    assert model.training
    assert bundle.manifest.flow_lag == 0
    for graph in (bundle.encoder_path, bundle.temporal_path):
        assert b".py" not in graph.read_bytes(), "an engine tells no path of who made it"
    backend = open_backend(load_bundle(bundle.path))
    frame, regions, valid = tokens_like(recipe.model, 4)
    told = backend.score(frame.numpy(), regions.numpy(), valid.numpy())
    with torch.inference_mode():
        p_me, p_speaking, frames = Probabilities(model.eval().temporal)(frame, regions, valid)
    np.testing.assert_allclose(told.p_me, p_me, atol=1e-4)
    np.testing.assert_allclose(told.p_speaking, p_speaking, atol=1e-4)
    np.testing.assert_allclose(told.frame_scores, frames, atol=1e-4)


def test_the_manifest_has_the_thresholds_and_how_the_engine_came_about(exported: Exported) -> None:
    manifest, recipe, decoder = exported.bundle.manifest, exported.recipe, exported.decoder
    assert (manifest.name, manifest.version, manifest.licence) == (
        recipe.name,
        recipe.version,
        recipe.licence,
    )
    assert (manifest.decoder, manifest.speaker) == (decoder.intervals, decoder.speaker)
    assert (manifest.sensitivity, manifest.calibration) == (decoder.sensitivity, decoder.calibration)
    assert (manifest.fps, manifest.flow_lag, manifest.hop, manifest.look_ahead) == (30, 6, 3, 5)
    assert manifest.training["people"] == 1
    assert manifest.training["recipe"]["seed"] == recipe.seed
    assert manifest.scores == {"f1": 0.25}


def test_a_graph_that_says_something_else_is_refused(exported: Exported) -> None:
    other = tiny_model(exported.recipe, seed=2)
    with pytest.raises(EngineError, match="differs from PyTorch by"):
        check(
            Probabilities(other.temporal).eval(),
            exported.bundle.temporal_path,
            tokens_like(exported.recipe.model, 3),
        )


def test_an_engine_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    recipe = tiny_recipe()
    with pytest.raises(DataError, match=r"cannot be written to .*file"):
        export_engine(tiny_model(recipe), recipe, PLAN, Decoder(), {}, {}, tmp_path / "file" / "engine")


def test_an_engine_that_fails_leaves_the_one_that_was_there(
    exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = exported.bundle.path
    monkeypatch.setattr("rtme.train.export.TOLERANCE", -1.0)
    with pytest.raises(EngineError):
        export_engine(tiny_model(exported.recipe, seed=2), exported.recipe, PLAN, Decoder(), {}, {}, folder)
    assert load_bundle(folder) == exported.bundle
