"""Tiny stores, recipes and scored clips for the tests of what comes after training."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rtme.data.store import LABELS, Clip, Labelled, Store, StorePlan, StoreWriter, new_arrays
from rtme.model.halves import round_to_halves
from rtme.model.meldae import Meldae
from rtme.train.recipe import Recipe, parse
from rtme.train.replay import ScoredClip, score_clips

SIZE = 32
PLAN = StorePlan(input="motion", size=SIZE, fps=30, flow_lag=6)

Part = tuple[int, bool, int]
"""The tracker's number of a face (0: none), whether it may be judged, and for how many slots."""


def tiny_recipe(**changes: Any) -> Recipe:
    """A recipe of a network that runs in microseconds; ``changes`` are named with dots replaced by two underscores."""
    model = {"size": SIZE, "dim": 8, "depth": 1, "heads": 2, "window": 16, "lstm_hidden": 4, "lstm_layers": 1}
    model |= {"queries": 2, "query_dim": 8, "query_heads": 2, "context": 4}
    content = {
        "model": model,
        "encoder": {"freeze": False},
        "fit": {"speaker_steps": 2},
        "spot": {"hop": 3, "look_ahead": 5, "trials": 25},
    }
    return parse(content, "the test").with_changes(
        {name.replace("__", "."): value for name, value in changes.items()}
    )


def tiny_model(recipe: Recipe, seed: int = 0) -> Meldae:
    """Random weights, far enough from zero that scores differ from slot to slot, rounded as those of fitted models."""
    torch.manual_seed(seed)
    model = Meldae(recipe.model).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    round_to_halves(model)
    return model


def made_store(
    folder: Path,
    clips: Iterable[tuple[dict[str, Any], Sequence[Part]]],
    frames_per_slot: int = 1,
    seed: int = 0,
) -> Store:
    """A store of noise.

    Args:
        folder: Where.
        clips: For each clip what differs from a plain one, and what the tracker saw.
        frames_per_slot: 2 for a source of 60 fps.
        seed: Of the noise.
    """
    rng = np.random.default_rng(seed)
    writer = StoreWriter(folder, PLAN, "made by a test")
    for index, (facts, parts) in enumerate(clips):
        slots = sum(length for _, _, length in parts)
        crops, rows = new_arrays(folder, index, slots, SIZE)
        crops[:] = rng.integers(0, 256, crops.shape, np.uint8)
        rows["frame"] = np.arange(slots) * frames_per_slot
        rows["face"] = np.repeat([face for face, _, _ in parts], [n for _, _, n in parts])
        rows["valid"] = np.repeat([face and judged for face, judged, _ in parts], [n for _, _, n in parts])
        clip = Clip.model_validate(
            {
                "index": index,
                "dataset": "made",
                "subject": f"s{index}",
                "video": f"v{index}",
                "fps": PLAN.fps * frames_per_slot,
                "n_frames": slots * frames_per_slot,
                "slots": slots,
                **facts,
            }
        )
        for one in clip.intervals:
            inside = (rows["frame"] >= one.onset) & (rows["frame"] <= one.offset)
            rows["label"][inside] |= LABELS[one.type]
        crops.flush()  # type: ignore[attr-defined]
        rows.flush()  # type: ignore[attr-defined]
        writer.record(clip)
    return Store(folder)


def me(onset: int, offset: int, kind: str = "me") -> Labelled:
    """A labelled expression."""
    return Labelled.model_validate(
        {"type": kind, "onset": onset, "apex": (onset + offset) // 2, "offset": offset}
    )


def scored_as(scored: ScoredClip, curve: np.ndarray, p_speaking: float = 0.5) -> ScoredClip:
    """The clip with other answers: each window gives its slots the curve's values."""
    windows = []
    for window in scored.windows:
        slots = np.arange(window.end - len(window.valid) + 1, window.end + 1)
        frames = np.where(slots >= 0, curve[np.maximum(slots, 0)], 0).astype(np.float32)
        windows.append(
            replace(
                window, frames=frames, p_me=float(frames.max()), p_speaking=np.full_like(frames, p_speaking)
            )
        )
    return replace(scored, windows=windows)


def scored_noise(scored: ScoredClip, seed: int) -> ScoredClip:
    """The clip with random answers that differ from window to window."""
    rng = np.random.default_rng(seed)
    windows = []
    for window in scored.windows:
        frames = rng.random(len(window.valid)).astype(np.float32) ** rng.uniform(0.3, 3)
        windows.append(
            replace(window, frames=frames, p_me=rng.random(), p_speaking=np.full_like(frames, rng.random()))
        )
    return replace(scored, windows=windows)


def score_all(store: Store, recipe: Recipe) -> list[ScoredClip]:
    """Every clip of a store by the tiny model."""
    return score_clips(store, store.clips, tiny_model(recipe), recipe)
