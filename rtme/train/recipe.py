"""Everything a training run decides, in one file: data, sizes, losses, steps, rates and the seed."""

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rtme.data.explained import explained
from rtme.errors import SettingsError
from rtme.model.config import ModelConfig

Locate = Literal["me", "me+mae"]
Locator = Literal["bal", "bce", "smooth_l1", "iou", "mse", "mae"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataPart(_Part):
    """What is learnt from, and who is kept away from it."""

    store: Path | None = Field(
        None, description="folder of prepared material; `rtme train --data` gives another"
    )
    split: Literal["loso", "fixed", "all"] = Field(
        "fixed",
        description="loso: one fold for each subject with micro-expressions; fixed: as the clips say; all: train on "
        "everyone (but the validation share), for the engine that goes live",
    )
    leave_out: Literal["with_me", "everyone"] = Field(
        "with_me",
        description="loso: subjects with a micro-expression, as published folds do, or every subject, so that what is "
        "found in the others counts as false",
    )
    validation: float = Field(
        0.2, gt=0, lt=1, description="share of the training subjects that choose epoch and thresholds"
    )
    cross_fit: int = Field(
        0,
        ge=0,
        description="parts of the real people to train on; each is scored by a model that was fitted without it, and its "
        "clips help to choose thresholds and calibration. 0 chooses by the validation people alone",
    )
    locate: Locate = Field(
        "me",
        description="what the locator learns to find; with me+mae an interval's length tells which it is",
    )


class EncoderPart(_Part):
    """Where the frame encoder comes from."""

    start: str | None = Field(
        None,
        description="an engine (name or folder), a file of weights (.safetensors, .pt, .bin, .npz; ours, timm's or Hugging "
        "Face's ViT), timm:NAME or hf:NAME; None begins with random numbers",
    )
    freeze: bool = Field(
        True,
        description="True keeps it as it is, so that each crop is encoded once and training takes minutes",
    )
    pretrain_steps: int = Field(
        0, ge=0, description="steps of learning unit displacements first; needs synthetic clips"
    )
    pretrain_batch: int = Field(64, gt=1)
    pretrain_rate: float = Field(1e-3, gt=0)
    pretrain_check: int = Field(4000, gt=0, description="validation crops that are measured")


class LossPart(_Part):
    """L = L_loc + lambda_me * L_me + lambda_state * L_state. The paper states no constant."""

    locator: Locator = "bal"
    me_share: float = Field(0.5, ge=0, description="lambda_me: the locator decides, this head only helps it")
    state_share: float = Field(0.5, ge=0, description="lambda_state, likewise")
    focal_gamma: float = Field(2.0, ge=0, description="of L_me and L_state, as in Lin et al.")
    alpha: float = Field(
        0.7, ge=0, description="of the Tversky index: price of a missed slot; literature's value"
    )
    beta: float = Field(0.3, ge=0, description="price of a false slot, likewise")
    gamma: float = Field(
        4 / 3, gt=0, description="power of the focal Tversky loss: badly overlapping batches weigh more"
    )
    boundary_share: float = Field(1.0, ge=0, description="lambda_b: both parts are of order one at the start")
    boost: float = Field(
        5.0,
        ge=1,
        description="W: an ME of 8 slots has 2 ends, which then weigh more than its inside together",
    )


class FitPart(_Part):
    """How it is learnt."""

    epochs: int = Field(26, gt=0)
    steps: int = Field(
        100, gt=0, description="per epoch; windows are drawn, so an epoch is a number of steps"
    )
    batch: int = Field(64, gt=0, description="windows a step, on each device")
    rate: float = Field(1e-3, gt=0, description="highest rate of the new parts")
    encoder_rate: float = Field(3e-5, gt=0, description="of the encoder: smaller, as in MELDAE")
    weight_decay: float = Field(0.05, ge=0)
    warmup: float = Field(0.04, ge=0, lt=1, description="share of all steps; then cosine down to 0")
    clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    patience: int = Field(
        0, ge=0, description="epochs without a better validation score before it ends; 0 goes to the end"
    )
    keep: Literal["best", "last"] = Field(
        "best", description="which epoch is used: the best by validation frame AP, or the last"
    )
    speaker_steps: int = Field(
        600,
        ge=0,
        description="of the speaker's head where it reads the landmarks alone; it is fitted by itself",
    )
    precision: Literal["32", "bf16", "16"] = Field("32", description="AMP: bf16, or 16 on a GPU")
    workers: int = Field(0, ge=0, description="processes that load windows; 0 loads them in this one")


class MinePart(_Part):
    """Hard negatives: what the model finds wrongly in its training clips is shown to it more often."""

    epochs: int = Field(0, ge=0, description="after those of `fit`; 0 mines nothing")
    share: float = Field(
        0.3, ge=0, le=1, description="windows that hold a false alarm, of those drawn otherwise"
    )
    rate: float = Field(3e-4, gt=0, description="highest rate of the new parts meanwhile")


class AugmentPart(_Part):
    """How windows are varied. Those marked (crops) need an encoder that is trained along."""

    me_share: float = Field(
        0.5, ge=0, le=1, description="windows that hold an expression to locate, at least"
    )
    hold_out: float = Field(
        0.25, ge=0, le=1, description="windows that lose slots, as when a camera falls behind"
    )
    stretch: float = Field(
        0.0, ge=0, lt=0.6, description="largest share by which time is stretched or squeezed; labels with it"
    )
    flip: float = Field(0.0, ge=0, le=1, description="windows in a mirror")
    light: float = Field(
        0.0, ge=0, le=0.5, description="(crops) largest share by which light and contrast change"
    )
    jitter: float = Field(0.0, ge=0, le=8, description="(crops) largest shift in pixels at 112")


class FalseAlarms(_Part):
    """How many false alarms a minute each sensitivity may raise on real people of whom nothing is to be found."""

    low: float = Field(1.0, gt=0)
    normal: float = Field(3.0, gt=0)
    high: float = Field(10.0, gt=0)

    @model_validator(mode="after")
    def _rise(self) -> Self:
        if not self.low <= self.normal <= self.high:
            raise ValueError(
                f"low is {self.low:g}, normal {self.normal:g} and high {self.high:g}: "
                "none may allow fewer than the one before"
            )
        return self


class SpotPart(_Part):
    """How live streams are cut, and how thresholds are found."""

    hop: int = Field(3, gt=0, description="slots between windows, live and in evaluation")
    look_ahead: int = Field(
        10, ge=0, description="slots after a slot before its score is final: 333 ms at 30 fps"
    )
    me_max_ms: float = Field(500.0, gt=0, description="longer intervals are macro-expressions")
    trials: int = Field(120, ge=0, description="settings of the decoder that are tried; 0 keeps the defaults")
    false_alarms: FalseAlarms = FalseAlarms()


class Recipe(_Part):
    """How an engine is made. A run's folder and an engine's manifest hold the recipe that made it."""

    name: str = Field("mine", pattern=r"^\w[\w.-]*$")
    version: str = "0.1.0"
    summary: str = Field(
        "", description="one sentence for people, saying what it was trained on; shown wherever it speaks"
    )
    licence: str = "unstated"
    seed: int = Field(7, ge=0)
    data: DataPart = DataPart()
    model: ModelConfig = ModelConfig()
    encoder: EncoderPart = EncoderPart()
    loss: LossPart = LossPart()
    fit: FitPart = FitPart()
    mine: MinePart = MinePart()
    augment: AugmentPart = AugmentPart()
    spot: SpotPart = SpotPart()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.spot.hop - 1 <= self.spot.look_ahead < self.model.window:
            raise ValueError(
                f"spot.look_ahead is {self.spot.look_ahead} slots: with spot.hop {self.spot.hop} and model.window "
                f"{self.model.window} give {self.spot.hop - 1} to {self.model.window - 1}"
            )
        if self.encoder.freeze and (self.augment.light or self.augment.jitter):
            raise ValueError(
                "augment.light and augment.jitter change crops, and a frozen encoder sees each crop once: "
                "set them to 0, or encoder.freeze to false"
            )
        if self.encoder.freeze and self.encoder.start is None and not self.encoder.pretrain_steps:
            raise ValueError(
                "the encoder would be frozen with random numbers: give encoder.start or encoder.pretrain_steps, "
                "or set encoder.freeze to false"
            )
        return self

    def with_changes(self, changes: Mapping[str, Any]) -> "Recipe":
        """A copy in which some settings differ, named with dots: ``{"loss.locator": "bce"}``.

        Raises:
            SettingsError: There is no such setting, or its value does not fit.
        """
        content: dict[str, Any] = self.model_dump(mode="json")
        for name, value in changes.items():
            *path, last = name.split(".")
            part: Any = content
            for step in path:
                part = part.get(step) if isinstance(part, dict) else None
            if not isinstance(part, dict) or last not in part:
                raise SettingsError(
                    f"no setting {name} in a recipe: see `rtme train RECIPE --show` for all of them"
                )
            part[last] = value
        return parse(content, "the changed recipe")

    def to_yaml(self) -> str:
        """Every setting, as a file that gives the same recipe."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def explain(recipe: Recipe) -> str:
    """Every setting of a recipe as YAML, each with what it means as a comment."""
    return explained(recipe)


def names() -> list[str]:
    """Recipes that come with the package."""
    folder = resources.files("rtme.train") / "recipes"
    return sorted(
        entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")
    )


def load(recipe: str | Path) -> Recipe:
    """A recipe by its name, or from a YAML file that holds what differs from the defaults.

    Raises:
        SettingsError: There is none, it cannot be read, or it holds what no recipe has.
    """
    if isinstance(recipe, str) and recipe in names():
        text = (resources.files("rtme.train") / "recipes" / f"{recipe}.yaml").read_text(encoding="utf-8")
        return parse(_yaml(text, recipe), f"recipe {recipe}")
    path = Path(recipe)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"no recipe {recipe} ({error.strerror}): give a YAML file or one of {', '.join(names())}"
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"recipe {path} is not UTF-8 text") from error
    return parse(_yaml(text, str(path)), f"recipe {path}")


def read_changes(words: Iterable[str]) -> dict[str, object]:
    """``SETTING=VALUE`` words as what :meth:`Recipe.with_changes` takes; values are read as YAML.

    Raises:
        SettingsError: A word has no equals sign, or its value is not YAML.
    """
    changes: dict[str, object] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise SettingsError(f"'{word}' changes nothing: write SETTING=VALUE, such as fit.epochs=5")
        changes[name.strip()] = _yaml(value, f"'{word}'")
    return changes


def parse(content: object, where: str) -> Recipe:
    """A recipe from what a file holds.

    Raises:
        SettingsError: With the place and what to do.
    """
    try:
        return Recipe.model_validate(content if content is not None else {})
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{where}: {f'{at}: ' if at else ''}{said}") from error


def _yaml(text: str, where: str) -> object:
    try:
        content: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"{where} is not YAML: {' '.join(str(error).split())}") from error
    return content
