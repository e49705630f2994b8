"""Every size of the network, in one place."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rtme.model.regions import REGIONS


class ModelConfig(BaseModel):
    """The shape of a MELDAE engine.

    The paper leaves T, K and d open. The defaults are small enough to be trained on two CPU cores; no
    other sizes were compared.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: Literal["rgb", "motion"] = "motion"
    size: int = Field(112, gt=0, description="crop edge in pixels")
    patch: int = Field(16, gt=0, description="patch edge in pixels")
    dim: int = Field(160, gt=0, description="width of the ViT")
    depth: int = Field(4, gt=0, description="blocks of the ViT")
    heads: int = Field(4, gt=0, description="attention heads of the ViT")
    window: int = Field(32, gt=1, description="T: slots per window; at 30 fps about one second, two long MEs")
    queries: int = Field(8, gt=0, description="K: learnable ME query tokens")
    query_dim: int = Field(64, gt=0, description="width of the query attention")
    query_heads: int = Field(4, gt=0, description="heads of the query attention")
    lstm_hidden: int = Field(128, gt=0, description="units per direction of the BiLSTM")
    lstm_layers: int = Field(2, gt=0, description="layers of the BiLSTM")
    context: int = Field(64, gt=0, description="width of the query result beside the global features")
    dropout: float = Field(0.3, ge=0, lt=1, description="throughout the temporal part, in training only")

    @property
    def grid(self) -> int:
        """Patches along one edge."""
        return self.size // self.patch

    @property
    def frame_size(self) -> int:
        """D of the frame token: the class token beside a summary of the regions."""
        return 2 * self.dim

    @property
    def regions(self) -> int:
        """R, the number of region tokens a frame."""
        return len(REGIONS)

    @property
    def region_size(self) -> int:
        """D of a region token."""
        return self.dim
