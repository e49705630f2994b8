"""What an encoder says of a store, kept on disk."""

import errno
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

import stores
from rtme.data.store import Store
from rtme.errors import DataError
from rtme.model.config import ModelConfig
from rtme.model.encoder import Encoder
from rtme.train import features
from rtme.train.augment import mirror
from rtme.train.features import encode

CONFIG = ModelConfig(size=32, patch=16, dim=16, depth=1, heads=2)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    clips = [stores.clip(0, "ann", slots=10), stores.clip(1, "ben", slots=7), stores.clip(2, "cy", slots=300)]
    made = stores.store(tmp_path / "store", clips)
    np.load(made.folder / "000001.rows.npy", mmap_mode="r+")["valid"][3] = 0
    return Store(made.folder)


def encoder(seed: int = 0) -> Encoder:
    torch.manual_seed(seed)
    return Encoder(CONFIG).eval()


def no_one(line: str) -> None:
    """Nobody listens."""


def test_each_row_has_the_features_of_its_crop(store: Store, tmp_path: Path):
    kept = encode(store, encoder(), tmp_path / "features", no_one, mirrored=True)
    assert kept.mirrored is not None
    assert kept.frame.dtype == kept.regions.dtype == np.float32
    for clip in store.clips:
        rows = slice(store.first(clip), store.first(clip) + clip.slots)
        for cache, crops in (
            (kept, store.crops(clip)),
            (kept.mirrored, mirror(store.crops(clip), store.plan.input)),
        ):
            with torch.no_grad():
                frame, regions = encoder()(torch.from_numpy(np.array(crops)))
            seen = store.rows(clip)["valid"] > 0
            np.testing.assert_allclose(cache.frame[rows][seen], frame[seen], atol=5e-3)
            np.testing.assert_allclose(cache.regions[rows][seen], regions[seen], atol=5e-3)
            assert not cache.frame[rows][~seen].any()
    assert not (kept.frame == kept.mirrored.frame).all()


def test_nothing_is_encoded_twice_and_nothing_stale_is_used(store: Store, tmp_path: Path):
    told: list[str] = []
    first = encode(store, encoder(), tmp_path / "features", told.append)
    told.clear()
    again = encode(store, encoder(), tmp_path / "features", told.append)
    assert told == []
    assert (again.frame == first.frame).all()
    other = encode(store, encoder(1), tmp_path / "features", told.append)
    assert "belongs to another encoder or other clips" in told[0]
    assert (other.frame != first.frame).any()
    heads = Encoder(CONFIG.model_copy(update={"heads": 4})).eval()
    heads.load_state_dict(encoder().state_dict())
    assert (encode(store, heads, tmp_path / "features", no_one).frame != first.frame).any(), "same weights"


def test_what_only_the_temporal_part_reads_changes_no_features(store: Store, tmp_path: Path):
    encode(store, encoder(), tmp_path / "features", no_one)
    told: list[str] = []
    wider = Encoder(CONFIG.model_copy(update={"lstm_hidden": 7, "window": 9}))
    wider.load_state_dict(encoder().state_dict())
    encode(store, wider, tmp_path / "features", told.append)
    assert told == []


def test_a_stopped_run_goes_on_after_the_last_complete_clip(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = encode(store, encoder(), tmp_path / "whole", no_one)
    monkeypatch.setattr(features, "_TELL_EVERY_S", 0.0)

    class Stop(Exception):
        pass

    def stop(line: str) -> None:
        if "2 of 3 clips" in line:
            raise Stop

    with pytest.raises(Stop):
        encode(store, encoder(), tmp_path / "features", stop)
    told: list[str] = []
    resumed = encode(store, encoder(), tmp_path / "features", told.append)
    assert told[0] == "encoding crops: 2 of 3 clips are done already"
    assert (resumed.frame == whole.frame).all()
    assert (resumed.regions == whole.regions).all()


def test_features_travel_to_other_processes_by_name(store: Store, tmp_path: Path):
    kept = encode(store, encoder(), tmp_path / "features", no_one, mirrored=True)
    packed = pickle.dumps(kept)
    assert len(packed) < 2000
    there = pickle.loads(packed)
    assert (there.frame == kept.frame).all()
    assert there.mirrored is not None


def test_a_full_disk_is_said(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("rtme.data.store.os.posix_fallocate", full)
    with pytest.raises(DataError, match=r"cannot hold the features.*No space left.*make room"):
        encode(store, encoder(), tmp_path / "features", no_one)


def test_damaged_features_are_said(store: Store, tmp_path: Path):
    encode(store, encoder(), tmp_path / "features", no_one)
    [folder] = (tmp_path / "features").iterdir()
    assert json.loads((folder / "progress.json").read_text())["clips"] == 3
    (folder / "frame.npy").write_bytes(b"")
    with pytest.raises(DataError, match=r"features in .* cannot be read"):
        encode(store, encoder(), tmp_path / "features", no_one)
