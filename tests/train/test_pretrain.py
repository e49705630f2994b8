"""Pretraining, on a tiny store in which a patch of flow grows with the displacement of one action unit."""

from pathlib import Path

import numpy as np
import pytest
import torch

import stores
from rtme.data.store import Clip, Store
from rtme.errors import DataError, SettingsError
from rtme.synth.truth import ACTION_UNITS
from rtme.train.modules import compress, unit_figures
from rtme.train.pretrain import Crops, Pretrained, pretrain
from rtme.train.recipe import Recipe, load

SLOTS = 80


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Units move in slots 40 to 79 by 0 to 4 pixels, and the flow of a patch says how far."""
    clips = [stores.clip(i, f"p{i}", slots=SLOTS, units_known=i != 2, state="speaking") for i in range(4)]
    made = stores.store(tmp_path_factory.mktemp("pretrain") / "store", clips)
    for clip in clips:
        crops = np.load(made.folder / f"{clip.index:06d}.crops.npy", mmap_mode="r+")
        rows = np.load(made.folder / f"{clip.index:06d}.rows.npy", mmap_mode="r+")
        moved = np.maximum(np.arange(SLOTS) - 39, 0) / 10
        crops[:], rows["valid"][::8] = 128, 0
        crops[:, 8:24, 8:24, 2] = (128 + 20 * moved)[:, None, None]
        rows["motion"][:, 3] = moved
    return Store(made.folder)


def recipe(**changes: object) -> Recipe:
    few = {"model.size": 32, "encoder.pretrain_steps": 40, "encoder.pretrain_batch": 16}
    return load("quick").with_changes({**few, **{f"encoder.{k}": v for k, v in changes.items()}})


def learn(store: Store, folder: Path, of: Recipe, train: list[Clip] | None = None) -> Pretrained:
    clips = store.clips[:3] if train is None else train
    return pretrain(store, clips, store.clips[3:], of, folder, lambda line: None, "cpu")


def test_an_encoder_learns_how_far_units_have_moved(store: Store, tmp_path: Path):
    few, many = (
        learn(store, tmp_path / str(steps), recipe(pretrain_steps=steps, pretrain_rate=3e-3))
        for steps in (1, 40)
    )
    assert set(many.figures) == {"r2", "r2_faint", "auc"}
    assert many.figures["r2"] > max(0.5, few.figures["r2"])
    assert many.figures["auc"] > 0.9
    assert many.seconds > 0
    assert not many.encoder.training


def test_it_goes_on_where_it_was_stopped_and_not_from_another_recipe(store: Store, tmp_path: Path):
    first = learn(store, tmp_path, recipe())
    again = learn(store, tmp_path, recipe())
    assert again.figures == first.figures
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.encoder.state_dict().values(), again.encoder.state_dict().values(), strict=True)
    )
    with pytest.raises(SettingsError, match=r"encoder\.pretrain_rate is 0\.001 there and 0\.002 here"):
        learn(store, tmp_path, recipe(pretrain_rate=2e-3))


def test_crops_are_valid_half_of_them_moving_and_of_clips_whose_units_are_known(store: Store):
    drawn = Crops(store, store.clips, None, seed=3)
    items = [drawn[number] for number in range(300)]
    moved = np.array([float(item["motion"].abs().max()) for item in items])
    assert (moved[::2] > 0.25).all()
    assert (moved[1::2] <= 0.25).all()
    assert len(drawn) == 3 * (SLOTS - SLOTS // 8)
    for item in items:
        patch = item["crops"][8:24, 8:24, 2]
        other = item["crops"][8:24, 8:24, 2].flip(1)
        expected = int(128 + 20 * float(item["motion"][3]))
        assert (patch == other).all()
        assert abs(int(patch[0, 0]) - expected) <= 1
        assert item["speaking"] == 1
    assert all(torch.equal(drawn[7][name], items[7][name]) for name in items[7])


def test_validation_crops_are_spread_evenly(store: Store):
    held = Crops(store, store.clips[3:], 10)
    slots = [float(held[number]["motion"][3]) for number in range(len(held))]
    assert 10 <= len(held) <= 12
    assert slots == sorted(slots)
    assert slots[-1] > 3


def test_figures_by_hand():
    """One unit of three crops: 0, 2 and 4 pixels; the first two are faint, the last two have moved."""
    truth = np.zeros((3, len(ACTION_UNITS)), np.float32)
    truth[:, 0] = np.arcsinh([0, 2, 4])
    assert unit_figures(truth, truth) == {"r2": 1.0, "r2_faint": 1.0, "auc": 1.0}
    flat = np.broadcast_to(truth.mean(0), truth.shape)
    assert unit_figures(flat, truth)["r2"] == pytest.approx(0, abs=1e-6)
    assert unit_figures(truth[::-1], truth)["auc"] == 0
    nothing = unit_figures(flat, np.zeros_like(truth))
    assert np.isnan([nothing["r2"], nothing["r2_faint"]]).all(), "there is nothing to explain"
    np.testing.assert_allclose(compress(torch.tensor([0.1, 100.0])), [0.0998, 5.2983], atol=1e-4)


def test_material_without_units_is_said(store: Store, tmp_path: Path):
    with pytest.raises(DataError, match=r"how far its action units moved.*encoder\.pretrain_steps to 0"):
        learn(store, tmp_path, recipe(), train=[store.clips[2]])
