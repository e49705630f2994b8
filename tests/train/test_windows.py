"""Windows to learn from, on small stores whose every slot is known."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import stores
from rtme.data.store import LABELS, NO_FRAME, Clip, Store, new_arrays
from rtme.errors import DataError
from rtme.train import augment
from rtme.train.recipe import load
from rtme.train.windows import EpochSampler, Windows, targets

SLOTS = 96
ME = (40, 49)
PLAIN: dict[str, object] = {"model.size": 32, "augment.hold_out": 0.0}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Ann listens; Ben has an ME, speaks in his second half, and is seen in every second slot; of Cy nothing is known.

    Each crop's pixels are the number of its slot.
    """
    clips = [
        stores.clip(0, "ann", slots=SLOTS, state="listening"),
        stores.clip(1, "ben", slots=SLOTS, me=[ME]),
        stores.clip(2, "cy", slots=20),
    ]
    made = stores.store(tmp_path / "store", clips)
    for clip in clips:
        crops, rows = new_arrays(made.folder, clip.index, clip.slots, 32)
        crops[:] = np.arange(clip.slots)[:, None, None, None]
        rows["frame"], rows["valid"] = np.arange(clip.slots), 1
        if clip.subject == "ann":
            rows["speaking"] = 0
        if clip.subject == "ben":
            rows["valid"][::2], rows["frame"][::2] = 0, NO_FRAME
            rows["speaking"] = np.arange(SLOTS) >= SLOTS // 2
            rows["label"][ME[0] : ME[1] + 1] = LABELS["me"]
    return Store(made.folder)


def windows(store: Store, clips: list[Clip] | None = None, seed: int = 1, **changes: object) -> Windows:
    recipe = load("quick").with_changes({**PLAIN, **{k.replace("__", "."): v for k, v in changes.items()}})
    return Windows(store, store.clips if clips is None else clips, recipe, 400, seed)


def several(drawn: Windows, count: int = 400) -> dict[str, np.ndarray]:
    items = [drawn[number] for number in range(count)]
    return {name: np.stack([item[name].numpy() for item in items]) for name in items[0]}


def slots_of(batch: dict[str, np.ndarray]) -> np.ndarray:
    """Slots of each window within its clip, below 0 where it begins before it; pixels tell which they are."""
    last = batch["crops"][:, -1, 0, 0, 0].astype(int)
    return last[:, None] + np.arange(1 - batch["crops"].shape[1], 1)


def test_a_window_by_hand(store: Store):
    """Ben's slots 20 to 51: every second one has a crop, the ME is slots 40 to 49, he speaks from slot 48."""
    ben = windows(store, [store.clips[1]])
    found = next(item for item in map(ben.__getitem__, range(2000)) if item["crops"][-1, 0, 0, 0] == 51)
    slots = np.arange(20, 52)
    assert found["valid"].tolist() == (slots % 2).tolist()
    assert found["target"].tolist() == ((slots >= 40) & (slots <= 49)).tolist()
    # With a look-ahead of 10, slot 41 is the first that a later window scores as well.
    np.testing.assert_allclose(found["weight"], [1] * 22 + [k / 11 for k in range(10, 0, -1)], rtol=1e-6)
    assert (found["me"], found["me_weight"]) == (1, 1), "five of its ten slots were seen: enough"
    assert found["speaking"].tolist() == (slots >= 48).tolist()
    # What matters live, where there is a crop.
    np.testing.assert_allclose(found["speaking_weight"], found["weight"] * (slots % 2), rtol=1e-6)


def test_windows_are_runs_of_slots_of_one_clip(store: Store):
    batch = several(windows(store))
    slots = slots_of(batch)
    inside = slots >= 0
    assert (~inside).any(), "some windows begin before their clip, as at the start of a stream"
    assert (batch["crops"][:, :, 0, 0, 0][inside] == slots[inside]).all()
    for name in ("valid", "target", "weight"):
        assert not batch[name][~inside].any()


def test_every_part_of_the_material_is_drawn(store: Store):
    only_ann = several(windows(store, [store.clips[0]]), 1500)
    assert set(slots_of(only_ann)[:, -1]) > set(range(3, SLOTS - 3))
    assert not only_ann["me"].any()
    assert 0.4 < several(windows(store))["me"].mean() < 0.8
    assert several(windows(store, augment__me_share=1.0))["target"].any(1).all()


def test_slots_far_from_any_crop_are_not_asked_about(store: Store):
    batch = several(windows(store, augment__hold_out=1.0))
    assert batch["valid"].mean() < 0.8
    for valid, weight, slots in zip(batch["valid"], batch["weight"], slots_of(batch), strict=True):
        crops = np.flatnonzero(valid)
        near = [bool(len(crops)) and np.abs(crops - slot).min() <= 3 for slot in range(32)]
        assert ((weight > 0) == (near & (slots >= 0))).all()


def test_a_clip_whose_speaker_is_unknown_teaches_nothing_of_speaking(store: Store):
    cy, ann = several(windows(store, [store.clips[2]])), several(windows(store, [store.clips[0]]))
    assert not cy["speaking_weight"].any()
    assert not ann["speaking"].any()
    asked = ann["speaking_weight"] > 0
    assert (asked == (ann["valid"] > 0)).all()
    assert asked.mean() > 0.5


def test_an_expression_that_was_mostly_lost_says_neither_yes_nor_no(store: Store):
    rows = np.load(store.folder / "000001.rows.npy", mmap_mode="r+")
    rows["valid"][42 : ME[1] + 1] = 0
    batch = several(windows(store, [store.clips[1]], augment__me_share=1.0))
    whole = batch["target"].sum(1) == 10
    assert whole.any()
    assert not batch["me_weight"][whole].any(), "one of ten slots was seen"


def test_macro_expressions_are_found_where_the_recipe_says_so(store: Store):
    rows = store.rows(store.clips[1]).copy()
    rows["label"][60:80] = LABELS["mae"]
    rows["label"][85:90] = LABELS["large"] | LABELS["blink"]
    only, both = targets(rows, "me"), targets(rows, "me+mae")
    assert np.flatnonzero(only).tolist() == list(range(40, 50))
    assert np.flatnonzero(both).tolist() == [*range(40, 50), *range(60, 80)]


def test_a_macro_expression_is_located_and_is_no_micro_expression(store: Store):
    rows = np.load(store.folder / "000001.rows.npy", mmap_mode="r+")
    rows["label"][60:80] = LABELS["mae"]
    batch = several(windows(store, [store.clips[1]], data__locate="me+mae"))
    slots = slots_of(batch)
    held = {
        name: ((slots >= first) & (slots <= last)).any(1)
        for name, first, last in (("me", *ME), ("mae", 60, 79))
    }
    assert batch["target"][held["mae"] & ~held["me"]].any(1).all()
    asked = batch["me_weight"] > 0
    assert (batch["me"][asked] == held["me"][asked]).all()
    assert not batch["me"][held["mae"] & ~held["me"]].any()
    assert (held["mae"] & ~held["me"]).any(), "some windows hold the macro-expression alone"


def test_a_micro_expression_does_not_drown_in_macro_expressions(store: Store):
    rows = np.load(store.folder / "000001.rows.npy", mmap_mode="r+")
    rows["label"][:] = 0
    # One micro-expression and, far from it, six macro-expressions.
    rows["label"][:4] = LABELS["me"]
    for first in range(48, SLOTS, 8):
        rows["label"][first : first + 5] = LABELS["mae"]
    changes: dict[str, object] = {"data__locate": "me+mae", "augment__me_share": 1.0}
    slots = slots_of(several(windows(store, [store.clips[1]], **changes)))
    assert 0.4 < (slots[:, 0] < 4).mean() < 0.6


def test_a_slot_without_a_frame_lies_in_what_its_neighbours_lie_in(store: Store):
    rows = store.rows(store.clips[1]).copy()
    rows["label"][rows["frame"] == NO_FRAME] = 0
    # Frames 41 to 49 are seen, 39 and 51 are outside, so slots 40 and 50 are not known to be inside.
    assert np.flatnonzero(targets(rows, "me")).tolist() == list(range(41, 50))


@pytest.mark.parametrize("changes", [{}, {"augment__hold_out": 1.0, "augment__stretch": 0.3}])
def test_a_window_follows_from_seed_and_number_alone(store: Store, changes: dict[str, object]):
    drawn = windows(store, **changes)
    forward = [drawn[n] for n in range(20)]
    elsewhere = pickle.loads(pickle.dumps(windows(store, **changes)))
    for n in reversed(range(20)):
        again = elsewhere[n]
        assert all(torch.equal(forward[n][name], again[name]) for name in again)
    other = windows(store, seed=2, **changes)
    assert any(not torch.equal(forward[n]["crops"], other[n]["crops"]) for n in range(20))


def test_time_is_stretched_with_its_labels(store: Store):
    batch = several(windows(store, [store.clips[1]], augment__stretch=0.3, augment__me_share=1.0))
    pixels = batch["crops"][:, :, 0, 0, 0].astype(int)
    inside = slots_of(batch)[:, :1] >= 12  # even at the quickest pace such a window begins in the clip
    steps = (pixels[:, -1] - pixels[:, 0])[inside[:, 0]]
    assert steps.min() < 26
    assert steps.max() > 36
    in_me = (pixels >= ME[0]) & (pixels <= ME[1])
    assert (batch["target"][inside[:, 0]] == in_me[inside[:, 0]]).all(), "a label stays with its crop"
    whole = batch["target"].sum(1)
    assert whole.max() > 11, "some expressions last longer than the 10 slots that they have"


def test_what_is_measured_on_does_not_vary(store: Store):
    changes = {"augment.stretch": 0.3, "augment.hold_out": 1.0, "augment.flip": 1.0, "model.size": 32}
    recipe = load("quick").with_changes({**changes, "encoder.pretrain_steps": 1})
    plain = Windows(store, [store.clips[0]], recipe, 50, 1, vary=False)
    batch = several(plain, 50)
    slots = slots_of(batch)
    assert (batch["valid"] == (slots >= 0)).all()
    assert (np.diff(batch["crops"][:, :, 0, 0, 0].astype(int))[slots[:, 1:] > 0] == 1).all()


def test_crops_are_varied_as_the_recipe_says(store: Store):
    changes = {"augment__light": 0.5, "augment__jitter": 8.0, "encoder__freeze": False}
    lit = several(windows(store, [store.clips[0]], **changes), 50)["crops"]
    assert (lit[..., 1:] == several(windows(store, [store.clips[0]]), 50)["crops"][..., 1:]).all()
    assert (lit[..., 0] != lit[..., 1]).mean() > 0.5, "light touches gray, not flow"


def test_a_mirror_swaps_sides_and_turns_flow():
    crops = np.zeros((1, 2, 4, 3), np.uint8)
    crops[0, :, 0] = (9, 138, 100)  # at the left edge: flow 10 to the right, 28 upwards
    crops[0, :, 1:] = (5, 128, 128)
    seen = augment.mirror(crops, "motion")
    assert seen[0, 0].tolist() == [[5, 128, 128]] * 3 + [[9, 118, 100]]
    assert augment.mirror(crops, "rgb")[0, 0].tolist() == [[5, 128, 128]] * 3 + [[9, 138, 100]]


def test_light_leaves_flow_alone_and_jitter_moves_all_channels():
    crops = np.zeros((1, 3, 3, 3), np.uint8)
    crops[0, 1, 1] = (118, 140, 150)
    assert augment.light(crops, "motion", 1.5, 10)[0, 1, 1].tolist() == [123, 140, 150]
    assert augment.light(crops, "rgb", 1.5, 10)[0, 1, 1].tolist() == [123, 156, 171]
    moved = augment.jitter(crops, 1, -1)
    assert moved[0, 0, 2].tolist() == [118, 140, 150]
    assert moved.sum() == crops.sum()


@given(seed=st.integers(0, 2**32), numbers=st.lists(st.integers(0, 2**40), min_size=1, max_size=5))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_drawn_is_within_bounds(store: Store, seed: int, numbers: list[int]):
    drawn = windows(store, seed=seed, augment__hold_out=0.5, augment__stretch=0.5)
    for number in numbers:
        item = drawn[number]
        for name in ("valid", "target", "weight", "me", "me_weight", "speaking", "speaking_weight"):
            assert ((item[name] >= 0) & (item[name] <= 1)).all(), name
        assert (item["me"] == 0) or bool((item["target"] * item["valid"]).any())
        assert item["crops"].shape == (32, 32, 32, 3)


@given(steps=st.integers(1, 5), batch=st.integers(1, 5), devices=st.integers(1, 4), epochs=st.integers(1, 4))
def test_no_number_comes_twice_and_each_step_is_whole(steps: int, batch: int, devices: int, epochs: int):
    seen = []
    for epoch in range(epochs):
        ranks = []
        for rank in range(devices):
            sampler = EpochSampler(steps, batch, rank, devices)
            sampler.set_epoch(epoch)
            ranks.append(list(sampler))
            assert len(ranks[-1]) == len(sampler)
        for step in range(steps):
            seen += sorted(n for one in ranks for n in one[step * batch : (step + 1) * batch])
    assert seen == list(range(steps * batch * devices * epochs))


def test_nothing_to_draw_from_is_said(store: Store, tmp_path: Path):
    with pytest.raises(DataError, match="no clip of"):
        windows(store, [])
    blind = stores.store(tmp_path / "blind", [stores.clip(0, "dee")], faceless=[0])
    with pytest.raises(DataError, match=r"no face .* made/dee"):
        windows(blind)
