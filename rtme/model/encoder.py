"""The frame encoder: one crop in, one frame token and R region tokens out."""

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from rtme.model.config import ModelConfig
from rtme.model.regions import REGIONS, grid_of_boxes, pooling_matrix

# (offset, scale) that bring each uint8 channel near zero mean and unit spread. RGB: what the backbone was trained
# with. Motion: gray, then flow, whose 128 is "still"; the scale is that of a micro-expression.
_PIXELS = {
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "half": ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
}
_MOTION = ((128.0, 128.0, 128.0), (48.0, 16.0, 16.0))


class Block(nn.Module):
    """A pre-norm transformer block (Dosovitskiy et al. 2021, eq. 2 and 3)."""

    def __init__(self, dim: int, heads: int, norm_eps: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(dim, norm_eps)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.project = nn.Linear(dim, dim)
        self.norm_mlp = nn.LayerNorm(dim, norm_eps)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, tokens: Tensor) -> Tensor:
        """``(N, L, dim)`` to the same shape."""
        _, length, dim = tokens.shape
        split = self.qkv(self.norm_attention(tokens)).view(-1, length, 3, self.heads, dim // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.project(mixed.transpose(1, 2).reshape(-1, length, dim))
        mlp: Tensor = self.mlp(self.norm_mlp(tokens))
        return tokens + mlp


class Encoder(nn.Module):
    """A ViT over one crop, with region pooling of its patch tokens.

    A frame's output depends on that crop alone, so the live path runs it once a frame and keeps the result.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        offset, scale = _PIXELS[config.pixels] if config.input == "rgb" else _MOTION
        boxes = list(REGIONS.values()) if config.pooling == "facial" else grid_of_boxes(config.cells)
        patches = config.grid**2
        self.offset: Tensor
        self.scale: Tensor
        self.pooling: Tensor
        self.register_buffer("offset", torch.tensor(offset), persistent=False)
        self.register_buffer("scale", torch.tensor(scale), persistent=False)
        self.register_buffer("pooling", pooling_matrix(config.grid, boxes), persistent=False)
        self.embed = nn.Linear(3 * config.patch**2, config.dim)
        self.class_token = nn.Parameter(torch.randn(1, 1, config.dim) * 0.02)
        self.position = nn.Parameter(torch.randn(1, patches + 1, config.dim) * 0.02)
        self.blocks = nn.ModuleList(
            Block(config.dim, config.heads, config.norm_eps) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(config.dim, config.norm_eps)
        self.summary = (
            nn.Linear(config.regions * config.dim, config.dim)
            if config.frame_token == "class+regions"
            else None
        )

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Encode crops.

        Args:
            crops: ``(N, size, size, 3)`` uint8.

        Returns:
            Frame tokens ``(N, D)``, the class token or it beside a summary of the regions, and region tokens
            ``(N, R, dim)``.
        """
        grid, patch = self.config.grid, self.config.patch
        pixels = (crops.float() - self.offset) / self.scale
        patches = pixels.view(-1, grid, patch, grid, patch, 3).permute(0, 1, 3, 2, 4, 5)
        tokens = self.embed(patches.reshape(-1, grid * grid, 3 * patch * patch))
        tokens = torch.cat([self.class_token.expand(tokens.shape[0], -1, -1), tokens], 1) + self.position
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.norm(tokens)
        regions = self.pooling @ tokens[:, 1:]
        frame = tokens[:, 0]
        if self.summary is not None:
            frame = torch.cat([frame, self.summary(regions.flatten(1))], 1)
        return frame, regions
