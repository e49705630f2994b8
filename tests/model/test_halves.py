"""Large weights are kept in half precision, and a graph so kept says what its module says."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from rtme.data.store import StorePlan
from rtme.model.config import ModelConfig
from rtme.model.halves import LARGE, round_to_halves, stored_weights
from rtme.model.meldae import Meldae
from rtme.model.weights import load_encoder
from rtme.train.decoder import Decoder
from rtme.train.export import export_engine
from rtme.train.recipe import EncoderPart, Recipe

SMALL = ModelConfig(
    size=32, dim=32, depth=1, heads=2, window=12, queries=2, query_dim=8, query_heads=2, lstm_hidden=16
)


def test_rounding_touches_large_tensors_alone_and_once():
    torch.manual_seed(0)
    model = Meldae(SMALL)
    before = {name: value.clone() for name, value in model.named_parameters()}
    round_to_halves(model)
    for name, value in model.named_parameters():
        if value.numel() < LARGE:
            assert torch.equal(value, before[name])
        else:
            torch.testing.assert_close(value, before[name], rtol=2**-11, atol=1e-7)
            assert torch.equal(value.half().float(), value)


@pytest.mark.slow
def test_an_engine_keeps_halves_and_gives_its_encoder_back(tmp_path: Path):
    torch.manual_seed(0)
    model = Meldae(SMALL).eval()
    round_to_halves(model)
    recipe = Recipe(model=SMALL, encoder=EncoderPart(freeze=False))
    bundle = export_engine(model, recipe, StorePlan(size=32), Decoder(), {}, {}, tmp_path / "engine")
    for path in (bundle.encoder_path, bundle.temporal_path):
        graph = onnx.load(path).graph
        kinds = {t.data_type for t in graph.initializer if np.prod(t.dims) >= LARGE and t.data_type != 7}
        assert kinds == {onnx.TensorProto.FLOAT16}
        assert all(values.dtype != np.float16 for values in stored_weights(graph).values())
    again = load_encoder(SMALL, str(tmp_path / "engine"), print).state_dict()
    for name, value in model.encoder.state_dict().items():
        torch.testing.assert_close(again[name], value, rtol=0, atol=0)
