"""Every choice of the model: what it changes, and that its bundle says what PyTorch says and gives its encoder back."""

from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor

from rtme.data.store import StorePlan
from rtme.engine.backends import open_backend
from rtme.engine.bundle import load_bundle
from rtme.model.config import ModelConfig
from rtme.model.halves import round_to_halves
from rtme.model.meldae import Meldae, Probabilities
from rtme.model.weights import load_encoder
from rtme.train.decoder import Decoder
from rtme.train.export import TOLERANCE, crops_like, export_engine, tokens_like
from rtme.train.recipe import Recipe

TINY = ModelConfig(
    size=32,
    dim=8,
    depth=1,
    heads=2,
    window=12,
    queries=3,
    query_dim=8,
    query_heads=2,
    lstm_hidden=6,
    lstm_layers=1,
    context=4,
)


def with_choices(**choices: object) -> ModelConfig:
    return ModelConfig.model_validate(TINY.model_dump() | choices)


def model_of(**choices: object) -> Meldae:
    torch.manual_seed(0)
    return Meldae(with_choices(**choices)).eval()


def window(config: ModelConfig) -> tuple[Tensor, Tensor, Tensor]:
    frame, regions, _ = tokens_like(config, 3)
    return frame, regions, torch.ones(3, config.window)


# Every value of every choice but the defaults; the second leaves the graph's regions without use, as does the third.
COMBINATIONS = [
    {
        "input": "rgb",
        "pixels": "half",
        "norm_eps": 1e-6,
        "frame_token": "class",
        "pooling": "grid",
        "cells": 3,
        "lstm": False,
        "join": "readout",
    },
    {"enhancer": False, "frame_token": "class"},
    {"regional": False},
]


def each(combinations: list[dict[str, object]], slow: int = 0) -> pytest.MarkDecorator:
    """Each combination; the last ones of them are left to the slow tests."""
    names = ["-".join(f"{name}={value}" for name, value in choices.items()) for choices in combinations]
    first_slow = len(combinations) - slow
    values = [
        pytest.param(choices, id=name, marks=pytest.mark.slow if place >= first_slow else ())
        for place, (name, choices) in enumerate(zip(names, combinations, strict=True))
    ]
    return pytest.mark.parametrize("choices", values)


# Exporting takes seconds, so the third choice rides along with the first.
@each([COMBINATIONS[0] | COMBINATIONS[2], COMBINATIONS[1]], slow=1)
def test_a_bundle_says_what_the_model_says(choices: dict[str, object], tmp_path: Path):
    model = model_of(**choices)
    round_to_halves(model)  # as every fitted model is
    recipe = Recipe(model=model.config, encoder={"pretrain_steps": 1})
    plan = StorePlan(input=model.config.input, size=model.config.size)
    bundle = export_engine(model, recipe, plan, Decoder(), {}, {}, tmp_path / "engine")
    backend = open_backend(bundle, "onnxruntime")
    (crops,) = crops_like(model.config, 5)
    told = backend.encode(crops.numpy())
    with torch.inference_mode():
        frame, regions = model.encoder(crops)
    torch.testing.assert_close(torch.from_numpy(told.frame), frame, atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(torch.from_numpy(told.regions), regions, atol=TOLERANCE, rtol=0)
    again = load_encoder(model.config, str(bundle.path)).state_dict()
    torch.testing.assert_close(again, model.encoder.state_dict(), atol=0, rtol=0)
    tokens = tokens_like(model.config, 5)
    scores = backend.score(*(part.numpy() for part in tokens))
    with torch.inference_mode():
        p_me, p_speaking, frames = Probabilities(model.temporal)(*tokens)
    torch.testing.assert_close(torch.from_numpy(scores.p_me), p_me, atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(torch.from_numpy(scores.p_speaking), p_speaking, atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(torch.from_numpy(scores.frame_scores), frames, atol=TOLERANCE, rtol=0)


@each(COMBINATIONS)
def test_every_part_learns(choices: dict[str, object]):
    model = model_of(**choices)
    crops = torch.randint(0, 256, (2, 12, 32, 32, 3), dtype=torch.uint8)
    valid = torch.ones(2, 12)
    valid[:, 0] = 0
    output = model(crops, torch.randn(2, 12, model.config.measured), valid)
    (output.me.sum() + output.speaking.sum() + output.frames.square().sum()).backward()
    still = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert still == []


@each(COMBINATIONS)
def test_what_stands_in_invalid_slots_is_ignored(choices: dict[str, object]):
    model = model_of(**choices)
    frame, regions, valid = tokens_like(model.config, 3)
    before = model.temporal(frame, regions, valid)
    frame[valid == 0] = torch.nan
    regions[valid == 0] = torch.nan
    for a, b in zip(before, model.temporal(frame, regions, valid), strict=True):
        torch.testing.assert_close(a, b)


def test_the_class_token_stands_in_front_of_the_summary():
    both, alone = model_of().encoder, model_of(frame_token="class").encoder
    alone.load_state_dict(
        {name: value for name, value in both.state_dict().items() if not name.startswith("summary.")}
    )
    (crops,) = crops_like(TINY, 2)
    torch.testing.assert_close(both(crops)[0][:, : TINY.dim], alone(crops)[0])


def test_without_lstm_and_enhancer_a_frame_is_read_alone():
    model = model_of(lstm=False, enhancer=False)
    frame, regions, valid = window(model.config)
    before = model.temporal(frame, regions, valid).frames
    frame[:, -1] = -frame[:, -1]
    after = model.temporal(frame, regions, valid).frames
    torch.testing.assert_close(before[:, :-1], after[:, :-1])
    assert (before[:, -1] != after[:, -1]).all()


@pytest.mark.parametrize("choices", [{"enhancer": False}, {"regional": False}])
def test_without_enhancer_or_regional_features_regions_say_nothing(choices: dict[str, object]):
    model = model_of(**choices)
    frame, regions, valid = window(model.config)
    for a, b in zip(
        model.temporal(frame, regions, valid), model.temporal(frame, -regions, valid), strict=True
    ):
        torch.testing.assert_close(a, b)


def test_queries_without_regional_features_look_at_the_frames():
    # Without the BiLSTM only the queries can carry the last frame to the first.
    model = model_of(lstm=False, regional=False)
    frame, regions, valid = window(model.config)
    before = model.temporal(frame, regions, valid).frames
    frame[:, -1] = -frame[:, -1]
    after = model.temporal(frame, regions, valid).frames
    assert (before[:, 0] != after[:, 0]).all()


@pytest.mark.parametrize(("join", "same"), [("broadcast", True), ("readout", False)])
def test_a_readout_joins_something_else_to_each_frame(join: str, same: bool):
    model = model_of(join=join)
    _, regions, valid = window(model.config)
    features = torch.randn(3, TINY.window, 2 * TINY.lstm_hidden)
    enhancer = model.temporal.enhancer
    assert enhancer is not None
    joined = enhancer(regions, valid, features)
    assert joined.shape == (3, TINY.window, TINY.context)
    assert bool((joined == joined[:, :1]).all()) is same


def test_the_temporal_part_has_the_sizes_of_the_shipped_engine():
    initializers = onnx.load(load_bundle("default").temporal_path).graph.initializer
    shipped = {part.name: tuple(part.dims) for part in initializers}
    ours = {
        name: tuple(value.shape)
        for name, value in Probabilities(Meldae(ModelConfig()).temporal).state_dict().items()
    }
    # The exporter keeps the names of all but the matrices, which it transposes.
    common = shipped.keys() & ours.keys()
    assert {"temporal.missing", "temporal.enhancer.combine.bias", "temporal.locator.3.bias"} <= common
    assert {name: shipped[name] for name in common} == {name: ours[name] for name in common}
