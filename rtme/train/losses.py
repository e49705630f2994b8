"""The losses of MELDAE: focal for the two window answers, Boundary-Aware Loss for the locator.

Every loss takes logits and a ``weight`` of the same shape: 0 leaves an element out (an invalid slot, an
unknown speaker state), anything else scales it. The paper states no constant; each default says why it is so.
"""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

_EPSILON = 1.0


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp(min=1)


def focal(logits: Tensor, target: Tensor, weight: Tensor, gamma: float = 2.0) -> Tensor:
    """Focal loss (Lin et al. 2017, eq. 4), also for soft targets.

    ``|y - p|^gamma * BCE(p, y)``: for y in {0, 1} this is ``-(1 - p_t)^gamma * log(p_t)``.

    Args:
        logits: Any shape.
        target: Same shape, 0..1.
        weight: Same shape; 0 leaves out.
        gamma: How strongly easy examples fade; 2 is the value of Lin et al.
    """
    crossed = binary_cross_entropy_with_logits(logits, target, reduction="none")
    return _mean((target - logits.sigmoid()).abs().pow(gamma) * crossed, weight)


def focal_tversky(
    logits: Tensor,
    target: Tensor,
    weight: Tensor,
    alpha: float = 0.7,
    beta: float = 0.3,
    gamma: float = 4 / 3,
) -> Tensor:
    """Focal Tversky loss (Abraham & Khan 2019), the overlap part of the BAL.

    ``TI = (TP + e) / (TP + alpha * FN + beta * FP + e)`` and the loss is ``(1 - TI)^gamma``, with TP, FN and
    FP summed over the whole batch: many windows hold no micro-expression, and such a window's own TI would
    punish any score above zero and say nothing of overlap.

    Args:
        logits: ``(B, T)``.
        target: ``(B, T)``, 0 or 1.
        weight: ``(B, T)``; 0 leaves out.
        alpha: Price of a missed slot; 0.7, as in the source, because ME slots are rare.
        beta: Price of a false slot; 0.3, likewise.
        gamma: 4/3 as in the source: badly overlapping batches weigh more.
    """
    score = logits.sigmoid()
    hit = (score * target * weight).sum()
    missed = ((1 - score) * target * weight).sum()
    false = (score * (1 - target) * weight).sum()
    index = (hit + _EPSILON) / (hit + alpha * missed + beta * false + _EPSILON)
    # Rounding may take the index a hair above 1, where a fractional power has no value.
    return (1 - index).clamp(min=1e-8).pow(gamma)


def boundary(logits: Tensor, target: Tensor, ends: Tensor, weight: Tensor, boost: float = 5.0) -> Tensor:
    """Boundary-weighted binary cross-entropy per frame, the other part of the BAL.

    ``mean(w_t * BCE(p_t, y_t))`` with ``w_t = boost`` at annotated onset and offset frames, else 1.

    Args:
        logits: ``(B, T)``.
        target: ``(B, T)``, 0 or 1.
        ends: ``(B, T)``, 1 at annotated onset and offset frames.
        weight: ``(B, T)``; 0 leaves out.
        boost: W of the paper ("much greater than 1"). 5: an ME of 8 slots has 2 ends, so that they weigh
            somewhat more than its inside together.
    """
    crossed = binary_cross_entropy_with_logits(logits, target, reduction="none")
    return _mean(crossed * (1 + (boost - 1) * ends), weight)


def boundary_aware(
    logits: Tensor,
    target: Tensor,
    ends: Tensor,
    weight: Tensor,
    boundary_share: float = 1.0,
    boost: float = 5.0,
) -> Tensor:
    """Boundary-Aware Loss of MELDAE: ``L_overlap + lambda_b * L_boundary``.

    Args:
        logits: ``(B, T)``.
        target: ``(B, T)``, 0 or 1.
        ends: ``(B, T)``, 1 at annotated onset and offset frames.
        weight: ``(B, T)``; 0 leaves out.
        boundary_share: lambda_b. 1: both parts are of order one at the start.
        boost: W, see :func:`boundary`.
    """
    overlap = focal_tversky(logits, target, weight)
    return overlap + boundary_share * boundary(logits, target, ends, weight, boost)


def ends_of(target: Tensor) -> Tensor:
    """First and last slot of every run of ones in ``(B, T)``.

    A run that touches the window's edge has no end there: its onset or offset lies outside the window.
    """
    inside = target > 0.5
    edge = torch.ones_like(inside[:, :1])
    before = torch.cat([edge, inside[:, :-1]], 1)
    after = torch.cat([inside[:, 1:], edge], 1)
    return (inside & ~(before & after)).to(target.dtype)
