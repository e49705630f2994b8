"""Classical spotters find a patch of skin that moves and comes back, when it does, and nothing where nothing moves."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from moving_block import LAG, write_store
from rtme.data.store import Clip, Store
from rtme.score import Rules, iou
from rtme.train.baselines import lbp_top, mdmd
from rtme.train.baselines.peaks import Threshold, choose, contrast, spot

METHODS = pytest.mark.parametrize("method", [lbp_top, mdmd], ids=["lbp_top", "mdmd"])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return write_store(
        tmp_path_factory.mktemp("made") / "store", [(45, 55), None, (40, 49), (52, 61)], slots=100
    )


@METHODS
@pytest.mark.parametrize("input", ["motion", "rgb"])
def test_the_curve_peaks_while_the_patch_moves(method: ModuleType, input: str, tmp_path: Path) -> None:
    made = write_store(tmp_path / "store", [(30, 40), None], input=input)
    moving, still = (method.curve(made, clip) for clip in made.clips)
    assert moving.shape == (70,)
    assert 32 <= int(np.nanargmax(moving)) <= 38
    assert np.nanmax(moving) > 3 * np.nanmax(still)


@METHODS
def test_thresholds_of_some_clips_find_the_movement_of_others(method: ModuleType, store: Store) -> None:
    chosen = _choose(method, store, store.clips[:2])
    for clip in store.clips[2:]:
        (found,) = spot(store, clip, method.curve(store, clip), chosen)
        ((onset, offset),) = clip.of_type("me")
        assert iou((found.onset, found.offset), (onset, offset)) >= 0.5
        assert found.apex is not None
        assert onset < found.apex < offset
        assert found.video == clip.key
        assert found.type == "me"
    still = store.clips[1]
    assert spot(store, still, method.curve(store, still), chosen) == []


def test_flow_that_stays_is_no_micro_expression(tmp_path: Path) -> None:
    """A patch that goes and does not come back (a turn of the head, a lasting smile) has nothing to contrast with."""
    made = write_store(tmp_path / "store", [(30, 40), (5, 3000)])
    comes_back, stays = (mdmd.curve(made, clip) for clip in made.clips)
    assert np.nanmax(stays) < 0.1 * np.nanmax(comes_back)


@METHODS
def test_nothing_is_said_of_slots_without_a_crop(method: ModuleType, tmp_path: Path) -> None:
    made = write_store(tmp_path / "store", [(30, 40)])
    rows = np.load(made.folder / "000000.rows.npy", mmap_mode="r+")
    rows["valid"][34:37] = 0
    rows.flush()
    (clip,) = made.clips
    curve = method.curve(Store(made.folder), clip)
    assert np.isnan(curve[34:37]).all()
    assert np.isnan(curve[:LAG]).all()
    assert np.isfinite(curve).any()


@METHODS
def test_a_clip_too_short_to_judge_gives_nothing(method: ModuleType, tmp_path: Path) -> None:
    made = write_store(tmp_path / "store", [(1, 2)], slots=3)
    (clip,) = made.clips
    curve = method.curve(made, clip)
    assert np.isnan(curve).all()
    assert spot(made, clip, curve, Threshold(0.5, 0.0, 300)) == []


def test_contrast_by_hand() -> None:
    curve = contrast(np.array([1, 1, 5, 3, np.nan, 1], np.float32), 2)
    # 1 - 5 < 0; 1 - 3 < 0; 5 - 1 (after: unknown); 3 - (1 + 1) / 2; unknown; 1 - 3 < 0
    np.testing.assert_allclose(curve, [0, 0, 4, 2, np.nan, 0])


def test_intervals_lie_around_the_highest_peaks_in_frames_of_the_source(store: Store) -> None:
    clip = store.clips[0].model_copy(update={"fps": 60.0})
    rows = store.rows(store.clips[0])
    curve = np.zeros(100, np.float32)
    curve[[20, 23, 50]] = 2, 3, 1
    slow = Threshold(0.5, 1.0, 300)
    found = spot(store, clip, curve, slow)
    # 9 slots of 30 a second; the lower peak lies within 9 slots of the higher one.
    assert [(one.onset, one.apex, one.offset) for one in found] == [(19, 23, 27), (46, 50, 54)]
    assert rows["frame"][23] == 23
    long = spot(store, clip.model_copy(update={"fps": 10.0}), curve, slow)
    assert [one.offset - one.onset + 1 for one in long] == [5, 5]


def _choose(method: ModuleType, store: Store, clips: list[Clip]) -> Threshold:
    return choose(store, clips, [method.curve(store, clip) for clip in clips], Rules())
