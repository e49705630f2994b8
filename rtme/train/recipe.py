"""Everything a training run decides, in one place: sizes, steps, rates and the seed."""

from contextlib import AbstractContextManager
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rtme.data.corpus import CorpusPlan
from rtme.errors import SettingsError
from rtme.model.config import ModelConfig


class Recipe(BaseModel):
    """How an engine is made. An engine's manifest holds the recipe that made it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "default"
    version: str = "0.1.0"
    seed: int = 7
    threads: int = Field(2, gt=0, description="CPU threads of PyTorch, and worker processes of the corpus")
    bf16: bool = Field(True, description="bfloat16 where it is safe; faster where the CPU has it")
    model: ModelConfig = ModelConfig()
    corpus: CorpusPlan = CorpusPlan()

    hop: int = Field(3, gt=0, description="slots between windows, live and in validation")
    look_ahead: int = Field(
        10, ge=0, description="slots after a slot before its score is final: 333 ms at 30 fps"
    )

    start: Path | None = Field(None, description="pretrain.pt of an earlier run: begin with its encoder")
    pretrain_steps: int = 2400
    pretrain_batch: int = 64
    pretrain_rate: float = 1e-3
    pretrain_check: int = Field(4000, description="validation crops that are measured")

    temporal_steps: int = 2600
    temporal_batch: int = 64
    temporal_rate: float = 1e-3

    tune_steps: int = Field(
        0,
        description="of training encoder and temporal part together. 0 leaves it out: 150 to 300 steps lowered "
        "the F1 of validation people from 0.92 to 0.90, for 1,700 clips are soon learnt by heart",
    )
    tune_batch: int = Field(8, description="windows")
    tune_rate: float = 2e-4
    tune_encoder_rate: float = Field(
        3e-5, description="smaller, as in MELDAE: the backbone is trained already"
    )

    me_share: float = Field(0.5, description="lambda_me: the locator decides, this head only helps it")
    state_share: float = Field(0.5, description="lambda_state, likewise")
    boundary_share: float = Field(1.0, description="lambda_b of the BAL")
    boost: float = Field(5.0, description="W of the BAL")

    def precision(self) -> AbstractContextManager[object]:
        """The arithmetic of forward passes in training."""
        return torch.autocast("cpu", torch.bfloat16, enabled=self.bf16)

    @classmethod
    def quick(cls) -> "Recipe":
        """A recipe that goes through every stage in seconds and learns next to nothing."""
        return cls(
            name="quick",
            model=ModelConfig(dim=32, depth=2, heads=2, queries=2, query_dim=16, lstm_hidden=16, context=8),
            corpus=CorpusPlan(portrait_clips=4, real_clips=0, held_repeats=2, slots=48),
            pretrain_steps=6,
            pretrain_batch=16,
            pretrain_check=64,
            temporal_steps=6,
            temporal_batch=8,
            tune_steps=2,
            tune_batch=2,
        )


def load(path: Path | None) -> Recipe:
    """The default recipe, or the one in a JSON file that holds what differs.

    Raises:
        SettingsError: The file cannot be read or holds what no recipe has.
    """
    if path is None:
        return Recipe()
    try:
        return Recipe.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read the recipe {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise SettingsError(f"recipe {path}: {where or 'it'}: {first['msg']}") from error
