"""Every size and every choice of the network, in one place."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rtme.face.measures import MEASURES, Group
from rtme.model.regions import REGIONS


class ModelConfig(BaseModel):
    """The shape of a MELDAE engine.

    The paper leaves T, K, d and more open. The defaults are small enough to be trained on two CPU cores. Its own
    encoder is ``input: rgb, size: 224, patch: 16, dim: 768, depth: 12, heads: 12, frame_token: class``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: Literal["rgb", "motion"] = "motion"
    size: int = Field(112, gt=0, description="crop edge in pixels")
    patch: int = Field(16, gt=0, description="patch edge in pixels")
    dim: int = Field(160, gt=0, description="width of the ViT")
    depth: int = Field(4, gt=0, description="blocks of the ViT")
    heads: int = Field(4, gt=0, description="attention heads of the ViT")
    norm_eps: float = Field(
        1e-5, gt=0, description="of the ViT's layer norms; backbones from timm were pretrained with 1e-6"
    )
    pixels: Literal["imagenet", "half"] = Field(
        "imagenet",
        description="rgb only: mean and spread that the backbone was trained with; half is 0.5 and 0.5 (augreg, google)",
    )
    frame_token: Literal["class", "class+regions"] = Field(
        "class+regions",
        description="what the BiLSTM reads of a frame: the class token, as in the paper, or a summary of the regions "
        "beside it: alone the class token is slow to learn where something moved",
    )
    pooling: Literal["facial", "grid"] = Field(
        "facial", description="region tokens: one for each facial area (FACS), or for each cell of a grid"
    )
    cells: int = Field(4, gt=0, description="cells along one edge, for grid pooling")

    measures: tuple[Group, ...] = Field(
        ("shape", "motion", "head", "pose", "quality"),
        description="which measures of the landmarks the BiLSTM reads beside the frame token (`rtme.face.measures`); "
        "none is the paper's network",
    )
    measure_dim: int = Field(32, gt=0, description="width of what is made of the measures")

    window: int = Field(32, gt=1, description="T: slots per window; at 30 fps about one second, two long MEs")
    lstm: bool = Field(
        True, description="False leaves the BiLSTM out: one small layer reads each frame alone"
    )
    lstm_hidden: int = Field(128, gt=0, description="units per direction of the BiLSTM")
    lstm_layers: int = Field(2, gt=0, description="layers of the BiLSTM")
    enhancer: bool = Field(True, description="False leaves the ME query tokens out")
    regional: bool = Field(
        True, description="False lets the query tokens attend to frame tokens instead of region tokens"
    )
    queries: int = Field(8, gt=0, description="K: learnable ME query tokens")
    query_dim: int = Field(64, gt=0, description="width of the query attention")
    query_heads: int = Field(4, gt=0, description="heads of the query attention")
    join: Literal["broadcast", "readout"] = Field(
        "broadcast",
        description="how the query result joins the global features: the same beside every frame, as in the paper, or "
        "read out by each frame with attention over the K results",
    )
    context: int = Field(64, gt=0, description="width of the query result beside the global features")
    dropout: float = Field(0.3, ge=0, lt=1, description="throughout the temporal part, in training only")

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        for whole, part in (("size", "patch"), ("dim", "heads"), ("query_dim", "query_heads")):
            if getattr(self, whole) % getattr(self, part):
                raise ValueError(
                    f"{whole} is {getattr(self, whole)} and {part} is {getattr(self, part)}: the first must be a multiple"
                )
        return self

    @property
    def grid(self) -> int:
        """Patches along one edge."""
        return self.size // self.patch

    @property
    def frame_size(self) -> int:
        """D of the frame token."""
        return 2 * self.dim if self.frame_token == "class+regions" else self.dim

    @property
    def measured(self) -> int:
        """M, the number of measures beside a frame token: all there are, or none."""
        return MEASURES if self.measures else 0

    @property
    def regions(self) -> int:
        """R, the number of region tokens a frame."""
        return len(REGIONS) if self.pooling == "facial" else self.cells**2

    @property
    def region_size(self) -> int:
        """D of a region token."""
        return self.dim
