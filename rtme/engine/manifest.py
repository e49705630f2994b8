"""What an engine says about itself: ``manifest.json`` in its bundle."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from rtme.spot.calibration import fault_of


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _check_hysteresis(on: float, off: float) -> None:
    if off > on:
        raise ValueError(f"off is {off} and on is {on}: off must not be above on")


class DecoderSettings(_Part):
    """How frame scores become intervals. Tuned on validation people, used live and offline alike."""

    on: float = Field(0.5, gt=0, lt=1, description="a score at or above this begins an interval")
    off: float = Field(0.3, gt=0, lt=1, description="a score below this ends it")
    me_weight: float = Field(0.0, ge=0, le=1, description="score = frame^(1-w) * p_me^w")
    min_ms: float = Field(66.0, gt=0, description="shorter intervals are retracted")
    me_max_ms: float = Field(500.0, gt=0, description="longer intervals close as macro")
    merge_ms: float = Field(0.0, ge=0, description="a dip below `off` this short does not end an interval")

    @model_validator(mode="after")
    def _hysteresis(self) -> Self:
        _check_hysteresis(self.on, self.off)
        return self


class SpeakerSettings(_Part):
    """How p_speaking becomes turns."""

    on: float = Field(0.6, gt=0, lt=1)
    off: float = Field(0.4, gt=0, lt=1)
    min_ms: float = Field(200.0, gt=0, description="a change must last this long to count")
    look_ahead: int = Field(8, ge=0, description="slots after a slot before its probability is final")

    @model_validator(mode="after")
    def _hysteresis(self) -> Self:
        _check_hysteresis(self.on, self.off)
        return self


class FileEntry(_Part):
    """One graph of the bundle."""

    file: str = Field(pattern=r"^\w[\w.-]*$", description="a file name within the bundle's folder")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Manifest(_Part):
    """Everything the live path needs to know of an engine."""

    format: Literal[1] = 1
    name: str
    version: str
    licence: str
    summary: str = Field(description="one sentence for people, saying what it was trained on")
    input: Literal["rgb", "motion"]
    size: int = Field(gt=0, description="crop edge in pixels")
    fps: float = Field(gt=0, description="slots per second of the time grid")
    flow_lag: int = Field(0, ge=0, description="slots back that the flow compares with; 0 for rgb")
    window: int = Field(gt=0, description="slots per window (T)")
    hop: int = Field(gt=0, description="slots between evaluated windows")
    look_ahead: int = Field(ge=0, description="slots after a slot before its score is final")
    frame_size: int = Field(gt=0, description="D of the frame token")
    measures: int = Field(0, ge=0, description="M measures of the landmarks beside a frame token")
    regions: int = Field(gt=0, description="R region tokens a frame")
    region_size: int = Field(gt=0, description="D of a region token")
    decoder: DecoderSettings = Field(DecoderSettings(), description="of the normal sensitivity")
    sensitivity: dict[Literal["low", "high"], DecoderSettings] = Field(
        default_factory=dict,
        description="the other operating points; none in an engine that was never measured so",
    )
    calibration: tuple[tuple[float, float], ...] = Field(
        (),
        description="knots (highest score of an interval, probability that it is right), neither ever falling; linear "
        "between, flat outside; none leaves the score as it is",
    )
    speaker: SpeakerSettings = SpeakerSettings()
    encoder: FileEntry
    temporal: FileEntry
    training: dict[str, Any] = Field(default_factory=dict, description="material, people, steps, seeds")
    scores: dict[str, Any] = Field(
        default_factory=dict, description="measured figures and the command that made them"
    )

    @property
    def token_size(self) -> int:
        """D + M: what a window holds of each slot beside the region tokens."""
        return self.frame_size + self.measures

    @field_validator("calibration")
    @classmethod
    def _rises(cls, knots: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        fault = fault_of(knots)
        if fault is not None:
            raise ValueError(fault)
        return knots

    @model_validator(mode="after")
    def _windows(self) -> Self:
        if not self.hop - 1 <= self.look_ahead < self.window:
            raise ValueError(
                f"look_ahead is {self.look_ahead} slots, with a hop of {self.hop} and a window of {self.window}: "
                f"{self.hop - 1} to {self.window - 1} can work"
            )
        return self
