import pytest
import torch

from rtme.face.measures import MEASURES
from rtme.model.config import ModelConfig
from rtme.model.meldae import Meldae, Probabilities

SMALL = ModelConfig(dim=32, depth=2, heads=2, window=12, queries=3, query_dim=16, lstm_hidden=16, context=8)


@pytest.fixture
def model() -> Meldae:
    torch.manual_seed(0)
    return Meldae(SMALL).eval()


def tokens(model: Meldae, batch: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    config = model.config
    generator = torch.Generator().manual_seed(1)
    return (
        torch.randn(batch, config.window, config.frame_size + config.measured, generator=generator),
        torch.randn(batch, config.window, config.regions, config.region_size, generator=generator),
        (torch.rand(batch, config.window, generator=generator) > 0.3).float(),
    )


def test_shapes(model: Meldae):
    crops = torch.randint(0, 256, (2, 12, 112, 112, 3), dtype=torch.uint8)
    output = model(crops, torch.zeros(2, 12, MEASURES), torch.ones(2, 12))
    assert output.me.shape == (2,)
    assert output.frames.shape == output.speaking.shape == (2, 12)
    frame, regions = model.encoder(crops[0])
    assert frame.shape == (12, SMALL.frame_size)
    assert regions.shape == (12, SMALL.regions, SMALL.region_size)


def test_a_frame_is_encoded_by_itself(model: Meldae):
    crops = torch.randint(0, 256, (5, 112, 112, 3), dtype=torch.uint8)
    together, _ = model.encoder(crops)
    alone = torch.cat([model.encoder(crop[None])[0] for crop in crops])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_what_stands_in_invalid_slots_is_ignored(model: Meldae):
    frame, regions, valid = tokens(model)
    before = model.temporal(frame, regions, valid)
    frame[valid == 0] = torch.nan
    regions[valid == 0] = 1e6
    for a, b in zip(before, model.temporal(frame, regions, valid), strict=True):
        torch.testing.assert_close(a, b)


def test_a_window_without_frames_is_no_error(model: Meldae):
    frame, regions, valid = tokens(model)
    p_me, p_speaking, scores = Probabilities(model.temporal)(frame, regions, torch.zeros_like(valid))
    assert torch.isfinite(p_me).all()
    assert torch.isfinite(p_speaking).all()
    assert torch.isfinite(scores).all()


def test_probabilities_are_probabilities(model: Meldae):
    p_me, p_speaking, scores = Probabilities(model.temporal)(*tokens(model))
    for answer in (p_me, p_speaking, scores):
        assert (answer >= 0).all()
        assert (answer <= 1).all()


def test_the_locator_sees_the_future_of_its_slot(model: Meldae):
    frame, regions, _ = tokens(model)
    valid = torch.ones(3, SMALL.window)
    before = model.temporal(frame, regions, valid).frames
    frame[:, -1] = -frame[:, -1]
    after = model.temporal(frame, regions, valid).frames
    assert (before[:, -2] != after[:, -2]).all()


def test_every_part_learns(model: Meldae):
    crops = torch.randint(0, 256, (2, 12, 112, 112, 3), dtype=torch.uint8)
    valid = torch.ones(2, 12)
    valid[:, 0] = 0
    output = model(crops, torch.randn(2, 12, MEASURES), valid)
    (output.me.sum() + output.speaking.sum() + output.frames.square().sum()).backward()
    still = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert still == []
