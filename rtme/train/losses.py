"""The losses of MELDAE: focal for the two window answers, Boundary-Aware Loss (BAL) for the locator, and its rivals.

Every loss takes logits and a ``weight`` of the same shape: 0 leaves an element out (an invalid slot, an unknown
speaker state), anything else scales it. Below, ``p`` is the sigmoid of a logit, ``y`` the target, ``w`` the weight,
and ``mean`` stands for ``sum(w * ...) / max(1, sum(w))``. The paper states no constant; the recipe says where each default
comes from.
"""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss

from rtme.train.recipe import LossPart

_EPSILON = 1.0
# A power below 1 has an infinite slope at 0, and one below 0 has no value.
_LEAST = 1e-8


def locator(part: LossPart, logits: Tensor, target: Tensor, ends: Tensor, weight: Tensor) -> Tensor:
    """The loss of the locator that a recipe asks for, with its constants.

    Args:
        part: Of the recipe.
        logits: ``(B, T)``.
        target: ``(B, T)``, 0 or 1.
        ends: ``(B, T)``, 1 at annotated onset and offset frames; see :func:`ends_of`.
        weight: ``(B, T)``; 0 leaves out.
    """
    match part.locator:
        case "bal":
            return boundary_aware(
                logits,
                target,
                ends,
                weight,
                alpha=part.alpha,
                beta=part.beta,
                gamma=part.gamma,
                boundary_share=part.boundary_share,
                boost=part.boost,
            )
        case "bce":
            return bce(logits, target, weight)
        case "smooth_l1":
            return smooth_l1(logits, target, weight)
        case "iou":
            return soft_iou(logits, target, weight)
        case "mse":
            return mse(logits, target, weight)
        case "mae":
            return mae(logits, target, weight)


def focal(logits: Tensor, target: Tensor, weight: Tensor, gamma: float = 2.0) -> Tensor:
    """Focal loss (Lin et al. 2017, eq. 4), also for soft targets: ``mean(|y - p|^gamma * BCE(p, y))``.

    For y in {0, 1} an element is ``-(1 - p_t)^gamma * log(p_t)``, where ``p_t`` is the probability given to what
    is true.

    Args:
        logits: Any shape.
        target: Same shape, 0..1.
        weight: Same shape; 0 leaves out.
        gamma: How strongly easy examples fade; 2 is the value of Lin et al.
    """
    crossed = binary_cross_entropy_with_logits(logits, target, reduction="none")
    return _mean((target - logits.sigmoid()).abs().clamp(min=_LEAST).pow(gamma) * crossed, weight)


def boundary_aware(
    logits: Tensor,
    target: Tensor,
    ends: Tensor,
    weight: Tensor,
    *,
    alpha: float = 0.7,
    beta: float = 0.3,
    gamma: float = 4 / 3,
    boundary_share: float = 1.0,
    boost: float = 5.0,
) -> Tensor:
    """Boundary-Aware Loss of MELDAE: ``L_overlap + lambda_b * L_boundary``.

    Args:
        logits: ``(B, T)``.
        target: ``(B, T)``, 0 or 1.
        ends: ``(B, T)``, 1 at annotated onset and offset frames.
        weight: ``(B, T)``; 0 leaves out.
        alpha: See :func:`focal_tversky`, which is ``L_overlap``.
        beta: Likewise.
        gamma: Likewise.
        boundary_share: lambda_b. 1: both parts are of order one at the start.
        boost: W, see :func:`boundary`, which is ``L_boundary``.
    """
    overlap = focal_tversky(logits, target, weight, alpha, beta, gamma)
    return overlap + boundary_share * boundary(logits, target, ends, weight, boost)


def focal_tversky(
    logits: Tensor,
    target: Tensor,
    weight: Tensor,
    alpha: float = 0.7,
    beta: float = 0.3,
    gamma: float = 4 / 3,
) -> Tensor:
    """Focal Tversky loss (Abraham & Khan 2019), the overlap part of the BAL: ``(1 - TI)^gamma``.

    ``TI = (TP + e) / (TP + alpha * FN + beta * FP + e)`` with ``TP = sum(w*p*y)``, ``FN = sum(w*(1-p)*y)``,
    ``FP = sum(w*p*(1-y))`` and e = 1. The sums go over the whole batch: many windows hold no micro-expression, and
    such a window's own TI would punish any score above zero and say nothing of overlap.

    The source writes ``(1 - TI)^(1/gamma)`` and takes 4/3, so that its power is 3/4; MELDAE writes the power
    ``gamma`` itself, which is what counts here.

    Args:
        logits: ``(B, T)``.
        target: ``(B, T)``, 0 or 1.
        weight: ``(B, T)``; 0 leaves out.
        alpha: Price of a missed slot; 0.7, as in the source, because ME slots are rare.
        beta: Price of a false slot; 0.3, likewise.
        gamma: 4/3: badly overlapping batches weigh more.
    """
    score = logits.sigmoid()
    hit = (score * target * weight).sum()
    missed = ((1 - score) * target * weight).sum()
    false = (score * (1 - target) * weight).sum()
    index = (hit + _EPSILON) / (hit + alpha * missed + beta * false + _EPSILON)
    return (1 - index).clamp(min=_LEAST).pow(gamma)


def boundary(logits: Tensor, target: Tensor, ends: Tensor, weight: Tensor, boost: float = 5.0) -> Tensor:
    """Boundary-weighted binary cross-entropy per frame, the other part of the BAL: ``mean(b * BCE(p, y))``.

    ``b = boost`` at annotated onset and offset frames, else 1 (and not part of what the mean divides by).

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


def bce(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy: ``mean(-y * log(p) - (1 - y) * log(1 - p))``.

    Args:
        logits: Any shape.
        target: Same shape, 0..1.
        weight: Same shape; 0 leaves out.
    """
    return _mean(binary_cross_entropy_with_logits(logits, target, reduction="none"), weight)


def smooth_l1(logits: Tensor, target: Tensor, weight: Tensor, beta: float = 1 / 9) -> Tensor:
    """Smooth L1 (Girshick 2015, eq. 3) of scores: ``mean(d^2 / (2 * beta) if d < beta else d - beta / 2)``, d = |p - y|.

    Args:
        logits: Any shape.
        target: Same shape, 0..1.
        weight: Same shape; 0 leaves out.
        beta: Where the parabola becomes a line. 1/9, as in the region proposals of Faster R-CNN: scores lie in
            0..1, so that with 1, the value of the source, this would be half of the MSE.
    """
    return _mean(smooth_l1_loss(logits.sigmoid(), target, reduction="none", beta=beta), weight)


def soft_iou(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Soft IoU loss (Rahman & Wang 2016): ``1 - (I + e) / (U + e)``.

    ``I = sum(w * p * y)``, ``U = sum(w * (p + y - p * y))`` over the whole batch, as in :func:`focal_tversky` and for
    the same reason; e = 1 gives a batch without any micro-expression a slope towards low scores.

    Args:
        logits: ``(B, T)``.
        target: ``(B, T)``, 0 or 1.
        weight: ``(B, T)``; 0 leaves out.
    """
    score = logits.sigmoid()
    both = score * target
    return 1 - ((both * weight).sum() + _EPSILON) / (((score + target - both) * weight).sum() + _EPSILON)


def mse(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean squared error of scores: ``mean((p - y)^2)``.

    Args:
        logits: Any shape.
        target: Same shape, 0..1.
        weight: Same shape; 0 leaves out.
    """
    return _mean((logits.sigmoid() - target).square(), weight)


def mae(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute error of scores: ``mean(|p - y|)``.

    Args:
        logits: Any shape.
        target: Same shape, 0..1.
        weight: Same shape; 0 leaves out.
    """
    return _mean((logits.sigmoid() - target).abs(), weight)


def ends_of(target: Tensor) -> Tensor:
    """First and last slot of every run of ones in ``(B, T)``.

    A run that touches the window's edge has no end there: its onset or offset lies outside the window.
    """
    inside = target > 0.5
    edge = torch.ones_like(inside[:, :1])
    before = torch.cat([edge, inside[:, :-1]], 1)
    after = torch.cat([inside[:, 1:], edge], 1)
    return (inside & ~(before & after)).to(target.dtype)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp(min=1)
