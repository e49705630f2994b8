"""What a synthetic store holds: kinds of clips, how many, and how much of everything that happens in them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from rtme.data.material import Split
from rtme.data.store import StorePlan
from rtme.synth.codec import CODECS, SHARES, Codec
from rtme.synth.mix import Mix

Kind = Literal["mixed", "conversation"]

# Frame rates of animated portraits as shares of the grid's; at 30 slots a second 30, as some webcams 25, and 15 to 60.
_USUAL = (
    (1.0, 0.68),
    (25 / 30, 0.15),
    (2.0, 0.05),
    (0.5, 0.04),
    (24 / 30, 0.04),
    (20 / 30, 0.02),
    (50 / 30, 0.02),
)

Share = Annotated[float, Field(ge=0)]


class Rate(BaseModel):
    """A frame rate that some clips have."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    fps: float = Field(gt=0, description="frames per second")
    share: Share = Field(description="how many clips have it, against the shares of the other rates")


def _usual(said: dict[str, Any]) -> tuple[Rate, ...]:
    grid = said.get("store", StorePlan()).fps
    return tuple(Rate(fps=grid * rate, share=share) for rate, share in _USUAL)


class SynthPlan(BaseModel):
    """What a synthetic store holds. Two stores of one plan and material are equal."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Kind = Field(
        "mixed",
        description="mixed: portraits and real clips, turns of speech, frames lost on the way, to learn from; "
        "conversation: portraits that speak or listen for the whole clip, half of them with 1 or 2 micro-expressions",
    )
    store: StorePlan = StorePlan()
    seed: int = Field(0, ge=0, description="the same seed makes the same clips")
    seconds: float = Field(4.0, ge=1, le=60, description="length of a clip; a real clip may be shorter")
    train: int = Field(1500, ge=0, description="clips of training people")
    validation: int = Field(120, ge=0, description="clips of validation people")
    test: int = Field(160, ge=0, description="clips of test people")
    real: float = Field(
        0.25, ge=0, le=1, description="share of real clips in a mixed store, where there are any"
    )
    untouched: float = Field(1 / 3, ge=0, le=1, description="share of real clips in which nothing is planted")
    as_taken: float = Field(
        0.25,
        ge=0,
        le=1,
        description="share of real clips that are shown as they were taken: not mirrored, backwards, faster, smaller, in "
        "another light or compressed once more",
    )
    squeezed: float = Field(
        0.35, ge=0, le=1, description="share of clips that are compressed as video at a low rate"
    )
    codecs: dict[Codec, Share] = Field(
        SHARES, description="with what they are compressed, and how many of them against the other codecs"
    )
    doubled: float = Field(
        0.15, ge=0, le=1, description="share of clips of a mixed store in which frames come twice"
    )
    dropped: float = Field(
        0.2, ge=0, le=1, description="share of clips of a mixed store in which frames are lost"
    )
    rates: tuple[Rate, ...] = Field(
        default_factory=_usual,
        min_length=1,
        description="frame rates of animated portraits in a mixed store; when not given, mostly that of the grid",
    )
    eyes_px: tuple[float, float] = Field(
        (22.0, 100.0),
        description="distance of the outer eye corners of animated portraits, smallest and largest, in pixels; half of "
        "all faces are smaller than the geometric mean; under 22 pixels a face is not judged",
    )
    mix: Mix = Mix()

    @field_validator("codecs")
    @classmethod
    def _some_codec(cls, codecs: dict[Codec, float]) -> dict[Codec, float]:
        if not sum(codecs.values()):
            raise ValueError("no codec has a share: give one, such as libx264: 1, or set squeezed to 0")
        # In one order, so that the same shares are the same plan.
        return {codec: codecs[codec] for codec in CODECS if codec in codecs}

    @field_validator("rates")
    @classmethod
    def _some_rate(cls, rates: tuple[Rate, ...]) -> tuple[Rate, ...]:
        if not sum(rate.share for rate in rates):
            raise ValueError("no rate has a share: give one, such as [{fps: 30, share: 1}]")
        return rates

    @field_validator("eyes_px")
    @classmethod
    def _rises(cls, eyes_px: tuple[float, float]) -> tuple[float, float]:
        least, most = eyes_px
        if not 10 <= least <= most <= 400:
            raise ValueError("give the smallest and the largest, both from 10 to 400, such as [22, 100]")
        return eyes_px

    def clips(self, split: Split) -> int:
        """How many clips of the people of a split."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[split]
