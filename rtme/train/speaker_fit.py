"""The speaker's head is fitted by itself: it reads the landmarks alone, so it takes seconds, and it needs other windows.

Real talkers are few beside animated ones and people listen less than they talk in most clips. So real and animated clips
are drawn alike, both states count alike, and how far a mouth moves is varied, for that is a matter of temperament.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy_with_logits

from rtme.data.store import Clip, Store
from rtme.face.measures import mirror
from rtme.model.temporal import SpeakerHead
from rtme.train.recipe import Recipe

BATCH, RATE = 128, 2e-3
_LOST, _LIVELY, _JITTER = 0.25, 0.35, 0.08
"""Share of windows that lose slots; spread of the logarithm of how far mouths move; landmark noise, pixels."""

Floats = NDArray[np.float32]
_Rows = tuple[Floats, Floats, NDArray[np.uint8]]
"""Measures, validity and state of a clip's slots."""


def fit_speaker(
    head: SpeakerHead, store: Store, clips: Sequence[Clip], recipe: Recipe, tell: Callable[[str], None]
) -> None:
    """Fit a head, in place.

    Args:
        head: On the CPU; left in evaluation mode.
        store: Where the clips are.
        clips: Those to learn from; of those whose state nobody knows nothing is learnt.
        recipe: Its window, look-ahead, ``fit.speaker_steps`` and seed.
        tell: Gets lines for people.
    """
    pools = [pool for bases in (("portrait",), ("clip", "video")) if (pool := _rows(store, clips, bases))]
    states = np.concatenate([rows[2] for pool in pools for rows in pool]) if pools else np.zeros(0)
    if not ((states == 0).any() and (states == 1).any()):
        tell("the speaker's head is not fitted: the clips do not show both states")
        return
    steps = recipe.fit.speaker_steps
    rng = np.random.default_rng(recipe.seed)
    torch.manual_seed(recipe.seed)
    to_end = np.arange(recipe.model.window)[::-1]
    reach = recipe.spot.look_ahead
    matters = torch.from_numpy(((np.minimum(to_end, reach) + 1.0) / (reach + 1)).astype(np.float32))
    optimizer = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=recipe.fit.weight_decay)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=max(steps, 1), pct_start=0.05)
    head.train()
    for _ in range(steps):
        measures, valid, state = _batch(pools, recipe, rng)
        speaks, known = (state == 1).float(), (state <= 1).float() * matters
        loss = _balanced(head(measures, valid), speaks, known)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(head.parameters(), recipe.fit.clip)
        optimizer.step()
        rates.step()
    head.eval()


def _balanced(logits: torch.Tensor, speaks: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Cross-entropy in which both states count alike, however often each is seen."""
    of_each = [(known * (speaks == state)).sum().clamp(min=1) for state in (0, 1)]
    weight = known * torch.where(speaks > 0, 1 / of_each[1], 1 / of_each[0])
    crossed = binary_cross_entropy_with_logits(logits, speaks, reduction="none")
    return (crossed * weight).sum() / weight.sum().clamp(min=1e-6)


def _rows(store: Store, clips: Sequence[Clip], bases: tuple[str, ...]) -> list[_Rows]:
    found = []
    for clip in clips:
        rows: Any = store.rows(clip)
        if clip.base in bases and (rows["speaking"] <= 1).any():
            valid = (rows["valid"] > 0).astype(np.float32)
            found.append((rows["measures"].astype(np.float32), valid, np.array(rows["speaking"])))
    return found


def _batch(
    pools: Sequence[Sequence[_Rows]], recipe: Recipe, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    windows = [_window(pools[rng.integers(len(pools))], recipe, rng) for _ in range(BATCH)]
    measures, valid, state = (torch.from_numpy(np.stack(parts)) for parts in zip(*windows, strict=True))
    return measures, valid, state


def _window(pool: Sequence[_Rows], recipe: Recipe, rng: np.random.Generator) -> _Rows:
    measures, valid, state = pool[rng.integers(len(pool))]
    back = np.arange(recipe.model.window)[::-1]
    pace = rng.uniform(1 - recipe.augment.stretch, 1 + recipe.augment.stretch)
    slots = rng.integers(len(measures)) - np.rint(back * pace).astype(int)
    inside = slots >= 0
    slots = np.where(inside, slots, 0)
    seen = valid[slots] * inside
    moved = measures[slots] * np.float32(np.exp(rng.normal(0, _LIVELY)))
    if rng.random() < recipe.augment.flip:
        moved = mirror(moved)
    moved = moved + rng.normal(0, _JITTER, moved.shape).astype(np.float32)
    told = np.where(seen > 0, state[slots], 255).astype(np.uint8)
    if rng.random() < _LOST:
        seen = seen * (rng.random(len(seen)) > rng.uniform(0.02, 0.3))
    return moved.astype(np.float32), seen.astype(np.float32), told
