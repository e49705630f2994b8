"""The one training loop: warm-up and cosine, checkpoints, and going on where a stop left off."""

import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor, nn

Log = Callable[[str], None]
Losses = dict[str, Tensor]


def generator(seed: int, step: int) -> torch.Generator:
    """Random numbers of one step: the same whether the run was stopped before it or not."""
    return torch.Generator().manual_seed(seed * 1_000_003 + step)


def fit(
    name: str,
    module: nn.Module,
    losses: Callable[[torch.Generator], Losses],
    *,
    groups: Iterable[dict[str, object]],
    steps: int,
    checkpoint: Path,
    seed: int,
    log: Log,
    evaluate: Callable[[], str] | None = None,
    evaluate_every: int = 500,
    weight_decay: float = 0.05,
    save_every_s: float = 60.0,
) -> float:
    """Train a module with AdamW.

    Args:
        name: For the log.
        module: What is trained; left in evaluation mode.
        losses: Makes a step's batch from the given random numbers and returns its losses; they are summed.
        groups: Parameter groups, each with ``params`` and its highest ``lr``.
        steps: How many.
        checkpoint: Written now and then and at the end. When it is there, training goes on from it.
        seed: Of the batches.
        log: Gets lines for people.
        evaluate: Called now and then and at the end; what it says is logged.
        evaluate_every: Steps between two calls.
        weight_decay: Of AdamW.
        save_every_s: Seconds between two checkpoints.

    Returns:
        Seconds spent, earlier runs included.
    """
    optimizer = torch.optim.AdamW(list(groups), weight_decay=weight_decay, betas=(0.9, 0.98))
    warmup = max(1, min(100, steps // 10))

    def rate(step: int) -> float:
        return min((step + 1) / warmup, 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps))))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    first, spent = 0, 0.0
    if checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True)
        module.load_state_dict(state["module"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        first, spent = state["step"], state["seconds"]
        log(f"{name}: step {first} of {steps} is done already")

    def save(step: int) -> None:
        state = {
            "module": module.state_dict(),
            "optimizer": optimizer.state_dict(),
            "schedule": schedule.state_dict(),
            "step": step,
            "seconds": spent + time.monotonic() - began,
        }
        partial = checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(checkpoint)

    began = saved = told = time.monotonic()
    sums: dict[str, float] = {}
    counted = 0
    module.train()
    for step in range(first, steps):
        torch.manual_seed(seed * 1_000_003 + step)  # dropout
        parts = losses(generator(seed, step))
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(sum(parts.values(), torch.zeros(())))
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        counted += 1
        for part, value in parts.items():
            sums[part] = sums.get(part, 0.0) + float(value.detach())
        done = step + 1
        now = time.monotonic()
        if now - told > 15 or done == steps:
            means = " ".join(f"{part} {value / counted:.4f}" for part, value in sums.items())
            pace = (now - began) / (done - first)
            left = pace * (steps - done) / 60
            log(f"{name}: step {done}/{steps}  {means}  {pace:.2f} s/step, {left:.1f} min left")
            told, sums, counted = now, {}, 0
        if evaluate is not None and (done % evaluate_every == 0 or done == steps):
            module.eval()
            with torch.no_grad():
                log(f"{name}: {evaluate()}")
            module.train()
        if now - saved > save_every_s or done == steps:
            save(done)
            saved = now
    module.eval()
    return spent + time.monotonic() - began
