"""MELDAE: Micro-Expression Locator with Dual state, as one network and as the two graphs of a bundle."""

import torch
from torch import Tensor, nn

from rtme.model.config import ModelConfig
from rtme.model.encoder import Encoder
from rtme.model.temporal import Temporal, WindowOutput


class Meldae(nn.Module):
    """ViT frame encoder, then the temporal part, over whole windows of crops; for tuning both together."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.temporal = Temporal(config)

    def forward(self, crops: Tensor, measures: Tensor, valid: Tensor) -> WindowOutput:
        """``(B, T, size, size, 3)`` uint8 crops, ``(B, T, M)`` measures and ``(B, T)`` validity to logits."""
        batch, slots = valid.shape
        frame, regions = self.encoder(crops.flatten(0, 1))
        output: WindowOutput = self.temporal(
            torch.cat([frame.view(batch, slots, -1), measures], -1),
            regions.view(batch, slots, self.config.regions, -1),
            valid,
        )
        return output


class Probabilities(nn.Module):
    """The temporal part with its sigmoids: what a bundle's ``temporal.onnx`` computes."""

    def __init__(self, temporal: Temporal) -> None:
        super().__init__()
        self.temporal = temporal

    def forward(self, frame: Tensor, regions: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Probabilities in the order p_me ``(B,)``, p_speaking ``(B, T)``, frame_scores ``(B, T)``."""
        output = self.temporal(frame, regions, valid)
        return output.me.sigmoid(), output.speaking.sigmoid(), output.frames.sigmoid()
