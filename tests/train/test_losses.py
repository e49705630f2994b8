import math

import pytest
import torch

from rtme.train import losses

ROW = torch.tensor([[0.0, 1.0, 1.0, 0.0]])
ALL = torch.ones_like(ROW)


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_focal_fades_what_is_easy():
    easy = losses.focal(torch.tensor([logit(0.9)]), torch.ones(1), torch.ones(1))
    hard = losses.focal(torch.tensor([logit(0.2)]), torch.ones(1), torch.ones(1))
    assert easy.item() == pytest.approx(0.1**2 * -math.log(0.9), rel=1e-4)
    assert hard.item() == pytest.approx(0.8**2 * -math.log(0.2), rel=1e-4)


def test_focal_leaves_out_what_has_no_weight():
    logits = torch.tensor([logit(0.9), 7.0])
    both = losses.focal(logits, torch.ones(2), torch.tensor([1.0, 0.0]))
    assert both.item() == pytest.approx(0.1**2 * -math.log(0.9), rel=1e-4)
    assert losses.focal(logits, torch.ones(2), torch.zeros(2)).item() == 0


def test_focal_tversky_by_hand():
    logits = torch.tensor([[logit(0.5), logit(0.8), logit(0.6), logit(0.1)]])
    hit, missed, false = 1.4, 0.6, 0.6
    index = (hit + 1) / (hit + 0.7 * missed + 0.3 * false + 1)
    assert losses.focal_tversky(logits, ROW, ALL).item() == pytest.approx((1 - index) ** (4 / 3), rel=1e-4)


def test_focal_tversky_prices_a_miss_above_a_false_alarm():
    missed = torch.tensor([[-9.0, 9.0, -9.0, -9.0]])
    false = torch.tensor([[9.0, 9.0, 9.0, -9.0]])
    assert losses.focal_tversky(missed, ROW, ALL) > losses.focal_tversky(false, ROW, ALL)


def test_boundary_by_hand():
    logits = torch.tensor([[logit(0.5), logit(0.8), logit(0.6), logit(0.1)]])
    ends = torch.tensor([[0.0, 1.0, 1.0, 0.0]])
    expected = (-math.log(0.5) - 5 * math.log(0.8) - 5 * math.log(0.6) - math.log(0.9)) / 4
    assert losses.boundary(logits, ROW, ends, ALL).item() == pytest.approx(expected, rel=1e-4)


def test_boundary_aware_is_the_sum_of_its_parts():
    logits = torch.tensor([[0.3, -0.2, 0.9, -1.0]])
    ends = losses.ends_of(ROW)
    parts = losses.focal_tversky(logits, ROW, ALL) + 0.5 * losses.boundary(logits, ROW, ends, ALL, 9.0)
    whole = losses.boundary_aware(logits, ROW, ends, ALL, boundary_share=0.5, boost=9.0)
    assert whole.item() == pytest.approx(parts.item(), rel=1e-6)


def test_ends_are_onsets_and_offsets_inside_the_window():
    target = torch.tensor([[1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 1, 1]], dtype=torch.float)
    assert losses.ends_of(target).tolist() == [[0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0]]


@pytest.mark.parametrize("start", [0.0, 40.0, -40.0])
def test_gradients_are_right_and_finite(start: float):
    generator = torch.Generator().manual_seed(3)
    target = (torch.rand(3, 8, generator=generator) > 0.6).double()
    weight = (torch.rand(3, 8, generator=generator) > 0.2).double()
    logits = (torch.randn(3, 8, generator=generator).double() + start).requires_grad_()
    if start == 0:
        ends = losses.ends_of(target)
        assert torch.autograd.gradcheck(lambda x: losses.boundary_aware(x, target, ends, weight), (logits,))
        assert torch.autograd.gradcheck(lambda x: losses.focal(x, target, weight), (logits,))
    loss = losses.boundary_aware(logits, target, losses.ends_of(target), weight)
    (loss + losses.focal(logits, target, weight)).backward()
    assert torch.isfinite(logits.grad).all()
