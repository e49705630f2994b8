"""Windows to learn from, on a small corpus whose every row is known."""

from pathlib import Path

import numpy as np
import pytest
import torch

from rtme.data.corpus import Clip, Corpus, CorpusPlan, Planted, create
from rtme.model.config import ModelConfig
from rtme.train import evaluate
from rtme.train.evaluate import Answer, ScoredClip
from rtme.train.recipe import Recipe
from rtme.train.windows import WindowBatch, WindowSampler

SLOTS = 96
ME = (40, 49)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Three clips; the middle one holds an ME, speaks in its second half, and is sampled at 15 fps."""
    corpus = create(tmp_path / "corpus", CorpusPlan(size=4, slots=SLOTS), 3, "")
    corpus.valid[:] = 1
    corpus.valid[SLOTS : 2 * SLOTS : 2] = 0
    corpus.me[SLOTS + ME[0] : SLOTS + ME[1] + 1] = 1
    corpus.speaking[SLOTS + SLOTS // 2 : 2 * SLOTS] = 1
    corpus.speaking[2 * SLOTS :] = 255
    for index in range(3):
        planted = (
            [Planted(type="me", onset=40, apex=44, offset=49, action_units=(1,), pixels=1)]
            if index == 1
            else []
        )
        corpus.record(
            Clip(
                index=index,
                file="a.png",
                person="Ann",
                split="train",
                base="portrait",
                planted=True,
                source_fps=30,
                slots=SLOTS,
                intervals=planted,
            )
        )
    return Corpus(tmp_path / "corpus")


def draw(corpus: Corpus, count: int = 400, seed: int = 1) -> WindowBatch:
    sampler = WindowSampler(corpus, corpus.of("train"), Recipe())
    return sampler.draw(count, torch.Generator().manual_seed(seed))


def slots_of(batch: WindowBatch) -> np.ndarray:
    """Slots of each window within its clip; below 0 where the window begins before it."""
    last = batch.rows[:, -1:] % SLOTS
    return last + np.arange(1 - batch.rows.shape[1], 1)


def test_windows_are_runs_of_slots_of_one_clip(corpus: Corpus):
    batch = draw(corpus)
    slots = slots_of(batch)
    inside = slots >= 0
    assert (~inside).any(), "some windows begin before their clip, as at the start of a stream"
    assert (batch.rows[inside] % SLOTS == slots[inside]).all()
    assert not batch.valid.numpy()[~inside].any()
    assert not batch.target.numpy()[~inside].any()
    assert not batch.weight.numpy()[~inside].any()


def test_targets_are_the_corpus_at_those_slots(corpus: Corpus):
    batch = draw(corpus)
    slots = slots_of(batch)
    second = batch.rows[:, -1] // SLOTS == 1
    expected = second[:, None] & (slots >= ME[0]) & (slots <= ME[1])
    assert (batch.target.numpy() == expected).all()
    assert 0.3 < batch.me.numpy().mean() < 0.8


def test_slots_far_from_any_crop_are_not_asked_about(corpus: Corpus):
    batch = draw(corpus)
    valid, weight = batch.valid.numpy() > 0, batch.weight.numpy() > 0
    for row in range(len(valid)):
        crops = np.flatnonzero(valid[row])
        for slot in np.flatnonzero(weight[row]):
            assert np.abs(crops - slot).min() <= 3


def test_slots_near_the_end_matter_least(corpus: Corpus):
    weight = draw(corpus).weight.numpy().max(0)
    assert weight[-1] == pytest.approx(1 / 11)
    assert (weight[:-11] == 1).all()


def test_a_clip_whose_speaker_is_unknown_teaches_nothing_of_speaking(corpus: Corpus):
    batch = draw(corpus)
    clip = batch.rows[:, -1] // SLOTS
    assert not batch.speaking_weight.numpy()[clip == 2].any()
    assert (batch.speaking.numpy()[clip == 0] == 0).all()
    middle = slots_of(batch)[:, 16]
    told = (clip == 1) & (batch.speaking_weight.numpy() > 0)
    assert (batch.speaking.numpy()[told & (middle > SLOTS // 2 + 10)] > 0.8).all()
    assert (batch.speaking.numpy()[told & (middle < SLOTS // 2 - 10)] < 0.2).all()


def test_the_same_random_numbers_draw_the_same_windows(corpus: Corpus):
    assert (draw(corpus, seed=5).rows == draw(corpus, seed=5).rows).all()
    assert (draw(corpus, seed=5).rows != draw(corpus, seed=6).rows).any()


def scored(truth: tuple[int, int] | None, peak: tuple[int, int], slots: int = 90) -> ScoredClip:
    """A clip whose windows score exactly the slots of ``peak``."""
    recipe = Recipe()
    window = recipe.model.window
    curve = np.full(slots + window, 0.05, np.float32)
    curve[window + peak[0] : window + peak[1] + 1] = 0.95
    answers = {end: Answer(0.9, 0.1, curve[end + 1 : end + 1 + window]) for end in range(slots)}
    intervals = []
    if truth is not None:
        intervals = [
            Planted(type="me", onset=truth[0], apex=truth[0], offset=truth[1], action_units=(1,), pixels=1)
        ]
    clip = Clip(
        index=0,
        file="a.png",
        person="Ann",
        split="validation",
        base="portrait",
        planted=True,
        source_fps=30,
        slots=slots,
        intervals=intervals,
    )
    return ScoredClip(clip, np.ones(slots, bool), answers)


def test_scored_windows_go_through_the_live_decoder():
    recipe = Recipe(model=ModelConfig())
    rules = evaluate.rules_of(recipe)
    assert evaluate.spot(scored(None, (40, 49)), rules) == [(40, 49)]
    assert evaluate.spot(scored(None, (40, 70)), rules) == [], "half a second and more is no ME"
    total = evaluate.measure([scored((40, 49), (41, 49)), scored(None, (20, 26))], rules)
    assert (total.matched, total.truths, total.found) == (1, 1, 2)


def test_thresholds_are_chosen_so_that_what_is_there_is_found():
    recipe = Recipe()
    clips = [scored((40, 49), (40, 49)), scored((20, 24), (20, 24))]
    assert evaluate.measure(clips, evaluate.choose(clips, recipe)).f1 == 1
