"""Prepared clips through the live path."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from made_scores import made_store, score_all, scored_as, scored_noise, tiny_model, tiny_recipe
from rtme.engine.manifest import DecoderSettings
from rtme.face.measures import MEASURES
from rtme.model.meldae import Probabilities
from rtme.train.decoder import Decoder, spot
from rtme.train.fused import FusedClip
from rtme.train.replay import replay, score_clips

RECIPE = tiny_recipe()


def test_a_window_is_scored_with_its_own_crops_and_nothing_where_there_is_none(tmp_path: Path) -> None:
    store = made_store(tmp_path, [({}, [(1, True, 10), (1, False, 3), (1, True, 8)])])
    (scored,) = score_all(store, RECIPE)
    # Hop 3: windows end at slots 0, 3 ... 18; the last slot, 20, has one of its own at the end.
    assert [window.end for window in scored.windows] == [0, 3, 6, 9, 12, 15, 18, 20]
    window = scored.windows[-2]
    assert window.valid.tolist() == [1] * 7 + [0] * 3 + [1] * 6
    model = tiny_model(RECIPE)
    crops = np.where(window.valid[:, None, None, None] > 0, store.crops(scored.clip)[3:19], 0)
    with torch.inference_mode():
        frame, regions = model.encoder(torch.from_numpy(crops.astype(np.uint8)))
        p_me, p_speaking, frames = Probabilities(model.temporal)(
            torch.cat([frame, torch.zeros(len(frame), MEASURES)], 1)[None],
            regions[None],
            torch.from_numpy(window.valid[None]),
        )
    assert abs(window.p_me - float(p_me)) < 1e-6
    np.testing.assert_allclose(window.p_speaking, p_speaking[0].numpy(), atol=1e-6)
    np.testing.assert_allclose(window.frames, frames[0].numpy(), atol=1e-6)


def test_a_cache_of_features_gives_the_same_scores(tmp_path: Path) -> None:
    clips = [({}, [(1, True, 40)]), ({}, [(0, False, 5), (1, True, 300)])]
    store = made_store(tmp_path, clips)
    model = tiny_model(RECIPE)
    with torch.inference_mode():
        told = [model.encoder(torch.from_numpy(np.array(store.crops(clip)))) for clip in store.clips]

    class Cache:
        frame = torch.cat([frame for frame, _ in told]).numpy()
        regions = torch.cat([regions for _, regions in told]).numpy()

    encoded = score_clips(store, store.clips, model, RECIPE)
    cached = score_clips(store, store.clips, model, RECIPE, Cache())  # type: ignore[arg-type]
    for one, other in zip(encoded, cached, strict=True):
        assert [window.end for window in one.windows] == [window.end for window in other.windows]
        for a, b in zip(one.windows, other.windows, strict=True):
            np.testing.assert_allclose(a.frames, b.frames, atol=1e-5)


def test_a_clip_without_a_face_has_no_window(tmp_path: Path) -> None:
    (scored,) = score_all(made_store(tmp_path, [({}, [(0, False, 50)])]), RECIPE)
    assert scored.windows == []
    assert scored.p_me == 0
    assert scored.p_speaking is None
    assert spot(scored, Decoder(), RECIPE) == []


def test_intervals_are_told_in_frames_of_the_source(tmp_path: Path) -> None:
    # 60 frames a second: slot s shows frame 2 s.
    store = made_store(tmp_path, [({"state": "speaking"}, [(1, True, 90)])], frames_per_slot=2)
    curve = np.zeros(90)
    curve[30:38] = [0.6, 0.7, 0.9, 0.8, 0.7, 0.6, 0.6, 0.6]
    (found,) = spot(scored_as(score_all(store, RECIPE)[0], curve), Decoder(), RECIPE)
    assert (found.onset, found.apex, found.offset, found.type) == (60, 64, 74, "me")
    assert (found.video, found.state) == ("made/s0/v0", "speaking")
    assert found.score is not None
    assert abs(found.score - 0.9) < 1e-4


def test_a_face_that_is_lost_ends_its_interval_and_comes_back_as_another(tmp_path: Path) -> None:
    parts = [(1, True, 40), (0, False, 45), (2, True, 40)]
    (scored,) = score_all(made_store(tmp_path, [({}, parts)]), RECIPE)
    assert {(window.face, window.first) for window in scored.windows} == {(1, 0), (2, 85)}
    found = spot(scored_as(scored, np.full(125, 0.8)), Decoder(), RECIPE)
    # Three unknown slots are bridged, and windows of a lost face still speak of them.
    assert [(one.onset, one.type) for one in found] == [(0, "mae"), (85, "mae")]
    assert 39 <= found[0].offset <= 42
    assert found[1].offset == 124


def test_a_clip_is_as_sure_as_its_surest_window(tmp_path: Path) -> None:
    (scored,) = score_all(made_store(tmp_path, [({}, [(1, True, 60)])]), RECIPE)
    curve = np.full(60, 0.1)
    curve[50] = 0.9
    assert abs(scored_as(scored, curve).p_me - 0.9) < 1e-6
    told = scored_noise(scored, 1)
    said = np.concatenate([window.p_speaking[window.valid > 0] for window in told.windows])
    assert told.p_speaking == pytest.approx(said.mean(), abs=1e-6)


parts = st.lists(
    st.tuples(st.sampled_from([0, 1, 1, 1, 2]), st.booleans() | st.just(True), st.integers(1, 50)),
    min_size=1,
    max_size=6,
)
decoders = st.builds(
    lambda on, share, weight, least, merge: DecoderSettings(
        on=on, off=on * share, me_weight=weight, min_ms=least, merge_ms=merge
    ),
    st.floats(0.2, 0.9),
    st.floats(0.3, 1.0),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.sampled_from([33.0, 66.0, 100.0]),
    st.sampled_from([0.0, 34.0, 100.0]),
)


@settings(max_examples=30)
@given(parts, decoders, st.integers(0, 2**16), st.integers(1, 2), st.floats(0, 0.4))
# The tracker may know a face again that the live path has already parted with.
@example([(1, True, 40), (0, False, 31), (1, True, 40)], DecoderSettings(), 3, 1, 0.0)
def test_fused_clips_give_what_the_live_path_gives(
    parts: list[tuple[int, bool, int]], decoder: DecoderSettings, seed: int, frames_per_slot: int, lost: float
) -> None:
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        store = made_store(Path(folder), [({}, parts)], frames_per_slot)
        (blank,) = score_clips(store, store.clips, MODEL, RECIPE)
        # Some slots get no frame, as from a slow source.
        rows = np.array(blank.rows)
        rows["frame"][rng.random(len(rows)) < lost] = -1
        for name in ("face", "valid"):
            rows[name][rows["frame"] < 0] = 0
        np.load(Path(folder) / "000000.rows.npy", mmap_mode="r+")[:] = rows
        (blank,) = score_clips(store, store.clips, MODEL, RECIPE)
        scored = scored_noise(blank, seed)
        live = [
            (one.type, one.onset, one.offset, one.confidence)
            for one in replay(scored, RECIPE, decoder).intervals
        ]
        fused = [
            (one.type, one.onset, one.offset, round(one.confidence, 4))
            for one in FusedClip(scored, RECIPE).spot(decoder)
        ]
    assert sorted(fused) == sorted(live)


MODEL = tiny_model(RECIPE)
