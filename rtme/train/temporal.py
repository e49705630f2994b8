"""Then the temporal part learns when, on cached features; last, both are tuned together for a little while."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rtme.data.corpus import Corpus
from rtme.model.meldae import Meldae
from rtme.model.temporal import Temporal, WindowOutput
from rtme.train import losses
from rtme.train.features import FeatureCache
from rtme.train.loop import Log, Losses, fit
from rtme.train.recipe import Recipe
from rtme.train.windows import WindowBatch, WindowSampler


def fit_temporal(
    corpus: Corpus, features: FeatureCache, recipe: Recipe, checkpoint: Path, log: Log
) -> tuple[Temporal, float]:
    """Train the temporal part on features of training people.

    Returns:
        It, and the seconds it took.
    """
    torch.manual_seed(recipe.seed + 1)
    model = Temporal(recipe.model)
    train = WindowSampler(corpus, corpus.of("train"), recipe)
    held = WindowSampler(corpus, corpus.of("validation"), recipe).draw(512, torch.Generator().manual_seed(0))

    def run(batch: WindowBatch) -> Losses:
        frame = torch.from_numpy(features.frame[batch.rows].astype(np.float32))
        regions = torch.from_numpy(features.regions[batch.rows].astype(np.float32))
        with recipe.precision():
            output = model(frame, regions, batch.valid)
        return window_losses(output, batch, recipe)

    def evaluate() -> str:
        parts = run(held)
        return "validation " + " ".join(f"{name} {float(value):.4f}" for name, value in parts.items())

    seconds = fit(
        "temporal part",
        model,
        lambda random: run(train.draw(recipe.temporal_batch, random)),
        groups=[{"params": model.parameters(), "lr": recipe.temporal_rate}],
        steps=recipe.temporal_steps,
        checkpoint=checkpoint,
        seed=recipe.seed + 1,
        log=log,
        evaluate=evaluate,
    )
    return model, seconds


def tune(corpus: Corpus, model: Meldae, recipe: Recipe, checkpoint: Path, log: Log) -> float:
    """Train encoder and temporal part together, on crops; returns the seconds it took."""
    train = WindowSampler(corpus, corpus.of("train"), recipe)

    def run(random: torch.Generator) -> Losses:
        batch = train.draw(recipe.tune_batch, random)
        crops = torch.from_numpy(corpus.crops[batch.rows])
        with recipe.precision():
            output = model(crops, batch.valid)
        return window_losses(output, batch, recipe)

    return fit(
        "tuning",
        model,
        run,
        groups=[
            {"params": model.encoder.parameters(), "lr": recipe.tune_encoder_rate},
            {"params": model.temporal.parameters(), "lr": recipe.tune_rate},
        ],
        steps=recipe.tune_steps,
        checkpoint=checkpoint,
        seed=recipe.seed + 2,
        log=log,
    )


def window_losses(output: WindowOutput, batch: WindowBatch, recipe: Recipe) -> Losses:
    """L = L_loc + lambda_me * L_me + lambda_state * L_state of MELDAE, part by part."""
    located: Tensor = losses.boundary_aware(
        output.frames.float(),
        batch.target,
        losses.ends_of(batch.target),
        batch.weight,
        boundary_share=recipe.boundary_share,
        boost=recipe.boost,
    )
    return {
        "locator": located,
        "me": recipe.me_share * losses.focal(output.me.float(), batch.me, batch.me_weight),
        "speaking": recipe.state_share
        * losses.focal(output.speaking.float(), batch.speaking, batch.speaking_weight),
    }
