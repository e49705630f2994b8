from pathlib import Path

import pytest
import torch
from torch import nn

from rtme.train.loop import fit


class Stop(Exception):
    pass


def run(checkpoint: Path, stop_at: int | None = None) -> tuple[nn.Module, list[str]]:
    """Fit a line with dropout and random batches; stop before a step if asked."""
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.3), nn.Linear(8, 1))
    steps: list[torch.Tensor] = []
    told: list[str] = []

    def losses(random: torch.Generator) -> dict[str, torch.Tensor]:
        if len(steps) == stop_at:
            raise Stop
        inputs = torch.randn(16, 3, generator=random)
        steps.append(inputs)
        return {"square": (module(inputs).squeeze(1) - inputs.sum(1)).square().mean()}

    fit(
        "line",
        module,
        losses,
        groups=[{"params": module.parameters(), "lr": 0.05}],
        steps=20,
        checkpoint=checkpoint,
        seed=3,
        log=told.append,
        evaluate=lambda: "looked",
        evaluate_every=10,
        save_every_s=0,
    )
    return module, told


def test_a_stopped_run_goes_on_as_if_it_had_not_been(tmp_path: Path):
    whole, _ = run(tmp_path / "whole.pt")
    with pytest.raises(Stop):
        run(tmp_path / "stopped.pt", stop_at=7)
    again, told = run(tmp_path / "stopped.pt")
    assert told[0] == "line: step 7 of 20 is done already"
    for a, b in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_finished_run_is_not_run_again(tmp_path: Path):
    done, _ = run(tmp_path / "a.pt")
    again, told = run(tmp_path / "a.pt", stop_at=0)
    assert told == ["line: step 20 of 20 is done already"]
    assert all(torch.equal(a, b) for a, b in zip(done.parameters(), again.parameters(), strict=True))


def test_it_learns_and_looks_when_asked(tmp_path: Path):
    module, told = run(tmp_path / "a.pt")
    inputs = torch.randn(200, 3)
    assert (module(inputs).squeeze(1) - inputs.sum(1)).square().mean() < 1.5
    assert not module.training
    assert sum(line == "line: looked" for line in told) == 2
