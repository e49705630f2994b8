import math
from collections.abc import Callable
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rtme.train import losses
from rtme.train.recipe import Locator, LossPart


def logit(p: float) -> float:
    return math.log(p / (1 - p))


# The worked example: one window of four slots, an ME in the middle two, and these scores.
SCORES = (0.5, 0.8, 0.6, 0.1)
LOGITS = torch.tensor([[logit(p) for p in SCORES]])
ROW = torch.tensor([[0.0, 1.0, 1.0, 0.0]])
ALL = torch.ones_like(ROW)
ENDS = ROW

LOCATORS = get_args(Locator)


def locator(name: str) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """A locator's loss of (logits, target, weight)."""
    part = LossPart(locator=name)
    return lambda logits, target, weight: losses.locator(part, logits, target, losses.ends_of(target), weight)


def test_focal_fades_what_is_easy():
    easy = losses.focal(torch.tensor([logit(0.9)]), torch.ones(1), torch.ones(1))
    hard = losses.focal(torch.tensor([logit(0.2)]), torch.ones(1), torch.ones(1))
    assert easy.item() == pytest.approx(0.1**2 * -math.log(0.9), rel=1e-4)
    assert hard.item() == pytest.approx(0.8**2 * -math.log(0.2), rel=1e-4)


def test_focal_with_gamma_0_is_cross_entropy():
    assert losses.focal(LOGITS, ROW, ALL, 0.0).item() == pytest.approx(losses.bce(LOGITS, ROW, ALL).item())


def test_focal_leaves_out_what_has_no_weight():
    logits = torch.tensor([logit(0.9), 7.0])
    both = losses.focal(logits, torch.ones(2), torch.tensor([1.0, 0.0]))
    assert both.item() == pytest.approx(0.1**2 * -math.log(0.9), rel=1e-4)
    assert losses.focal(logits, torch.ones(2), torch.zeros(2)).item() == 0


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_has_a_slope_where_the_answer_is_exactly_right(gamma: float):
    # In float32 the sigmoid of 40 is 1: |y - p| is 0, where a power below 1 is infinitely steep.
    logits = torch.tensor([40.0, -40.0], requires_grad=True)
    losses.focal(logits, torch.tensor([1.0, 1.0]), torch.ones(2), gamma).backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[1] < 0


def test_focal_tversky_by_hand():
    # TP = 0.8 + 0.6 = 1.4, FN = 0.2 + 0.4 = 0.6, FP = 0.5 + 0.1 = 0.6
    # TI = (1.4 + 1) / (1.4 + 0.7 * 0.6 + 0.3 * 0.6 + 1) = 2.4 / 3 = 0.8; 0.2^(4/3) = 0.116961
    assert losses.focal_tversky(LOGITS, ROW, ALL).item() == pytest.approx(0.116961, abs=1e-5)


def test_focal_tversky_prices_a_miss_above_a_false_alarm():
    missed = torch.tensor([[-9.0, 9.0, -9.0, -9.0]])
    false = torch.tensor([[9.0, 9.0, 9.0, -9.0]])
    assert losses.focal_tversky(missed, ROW, ALL) > losses.focal_tversky(false, ROW, ALL)


def test_boundary_by_hand():
    # -ln 0.5 - 5 ln 0.8 - 5 ln 0.6 - ln 0.9 = 0.693147 + 1.115718 + 2.554128 + 0.105361 = 4.468354; over 4 slots
    assert losses.boundary(LOGITS, ROW, ENDS, ALL).item() == pytest.approx(1.117088, abs=1e-5)


def test_boundary_aware_by_hand():
    # 0.116961 + 1 * 1.117088, from the two above.
    assert losses.boundary_aware(LOGITS, ROW, ENDS, ALL).item() == pytest.approx(1.234049, abs=2e-5)


def test_bce_by_hand():
    # (0.693147 - ln 0.8 - ln 0.6 + 0.105361) / 4 = (0.693147 + 0.223144 + 0.510826 + 0.105361) / 4
    assert losses.bce(LOGITS, ROW, ALL).item() == pytest.approx(0.383119, abs=1e-5)


def test_smooth_l1_by_hand():
    # d = 0.5, 0.2, 0.4, 0.1. With beta = 1/9 the first three are lines: d - 1/18 = 0.444444, 0.144444, 0.344444;
    # the last is a parabola: 0.01 * 9 / 2 = 0.045. Together 0.978333, over 4.
    assert losses.smooth_l1(LOGITS, ROW, ALL).item() == pytest.approx(0.244583, abs=1e-5)


def test_smooth_l1_at_beta_1_would_be_half_the_mse():
    assert losses.smooth_l1(LOGITS, ROW, ALL, beta=1.0).item() == pytest.approx(
        losses.mse(LOGITS, ROW, ALL).item() / 2
    )


def test_soft_iou_by_hand():
    # I = 0.8 + 0.6 = 1.4; U = 0.5 + 1 + 1 + 0.1 = 2.6; 1 - 2.4 / 3.6 = 1/3
    assert losses.soft_iou(LOGITS, ROW, ALL).item() == pytest.approx(1 / 3, abs=1e-5)


def test_soft_iou_counts_the_batch_as_one():
    # Beside it a window without an ME and a score of 0.4: I stays 1.4, U is 3.0; 1 - 2.4 / 4 = 0.4.
    logits = torch.cat([LOGITS, torch.tensor([[logit(0.4), -99.0, -99.0, -99.0]])])
    target = torch.cat([ROW, torch.zeros_like(ROW)])
    assert losses.soft_iou(logits, target, torch.ones_like(target)).item() == pytest.approx(0.4, abs=1e-5)


def test_mse_and_mae_by_hand():
    # 0.25 + 0.04 + 0.16 + 0.01 = 0.46 over 4; 0.5 + 0.2 + 0.4 + 0.1 = 1.2 over 4
    assert losses.mse(LOGITS, ROW, ALL).item() == pytest.approx(0.115, abs=1e-5)
    assert losses.mae(LOGITS, ROW, ALL).item() == pytest.approx(0.3, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bal", 1.234049),
        ("bce", 0.383119),
        ("smooth_l1", 0.244583),
        ("iou", 1 / 3),
        ("mse", 0.115),
        ("mae", 0.3),
    ],
)
def test_a_recipe_names_the_loss_of_the_locator(name: str, expected: float):
    assert locator(name)(LOGITS, ROW, ALL).item() == pytest.approx(expected, abs=2e-5)


def test_the_constants_of_a_recipe_reach_the_bal():
    # TI = 2.4 / (2.4 + 0.5 * 0.6 + 0.5 * 0.6) = 0.8, so 0.2^2 = 0.04;
    # boundary: (0.693147 - 3 ln 0.8 - 3 ln 0.6 + 0.105361) / 4 = 3.000417 / 4 = 0.750104, of which half.
    part = LossPart(alpha=0.5, beta=0.5, gamma=2.0, boundary_share=0.5, boost=3.0)
    assert losses.locator(part, LOGITS, ROW, ENDS, ALL).item() == pytest.approx(0.04 + 0.375052, abs=2e-5)


def test_ends_are_onsets_and_offsets_inside_the_window():
    target = torch.tensor([[1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 1, 1]], dtype=torch.float)
    assert losses.ends_of(target).tolist() == [[0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0]]


@pytest.mark.parametrize("name", LOCATORS)
def test_weight_0_leaves_out(name: str):
    # Six slots with the last two left out count as the first four, whatever stands in the two. The target ends
    # with a slot that is no ME, so that the ends are the same.
    logits = torch.cat([LOGITS, torch.tensor([[7.0, -3.0]])], 1)
    target = torch.cat([ROW, torch.tensor([[0.0, 1.0]])], 1)
    weight = torch.cat([ALL, torch.zeros(1, 2)], 1)
    loss = locator(name)
    torch.testing.assert_close(loss(logits, target, weight), loss(LOGITS, ROW, ALL))


@pytest.mark.parametrize("name", LOCATORS)
@pytest.mark.parametrize("weighed", [0.0, 1.0])
def test_windows_without_any_me_teach_lower_scores_or_nothing(name: str, weighed: float):
    logits = LOGITS.clone().requires_grad_()
    loss = locator(name)(logits, torch.zeros_like(ROW), weighed * ALL)
    loss.backward()
    assert torch.isfinite(loss)
    assert logits.grad is not None
    if weighed:
        assert (logits.grad > 0).all()
    else:
        assert (logits.grad == 0).all()


@pytest.mark.parametrize("name", [*LOCATORS, "focal"])
def test_gradients_are_right(name: str):
    generator = torch.Generator().manual_seed(3)
    target = (torch.rand(3, 8, generator=generator) > 0.6).double()
    weight = torch.rand(3, 8, generator=generator).double() * (torch.rand(3, 8, generator=generator) > 0.2)
    logits = torch.randn(3, 8, generator=generator).double().requires_grad_()
    loss = losses.focal if name == "focal" else locator(name)
    assert torch.autograd.gradcheck(lambda x: loss(x, target, weight), (logits,))


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.floats(-1e6, 1e6, width=32), min_size=8, max_size=8),
    target=st.lists(st.booleans(), min_size=8, max_size=8),
    weight=st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=8, max_size=8),
)
def test_any_logits_give_a_finite_loss_and_slope(
    values: list[float], target: list[bool], weight: list[float]
):
    y = torch.tensor(target, dtype=torch.float32).view(2, 4)
    w = torch.tensor(weight).view(2, 4)
    for name in (*LOCATORS, "focal"):
        logits = torch.tensor(values, dtype=torch.float32).view(2, 4).requires_grad_()
        loss = losses.focal(logits, y, w) if name == "focal" else locator(name)(logits, y, w)
        loss.backward()
        assert logits.grad is not None
        assert torch.isfinite(loss), name
        assert loss >= 0, name
        assert torch.isfinite(logits.grad).all(), name
