"""The frame encoder: one crop in, one frame token and R region tokens out."""

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from rtme.model.config import ModelConfig
from rtme.model.regions import pooling_matrix

# (offset, scale) that bring each uint8 channel near zero mean and unit spread. RGB: the usual ImageNet
# figures. Motion: gray, then flow, whose 128 is "still"; the scale is that of a micro-expression.
_RGB = ((123.7, 116.3, 103.5), (58.4, 57.1, 57.4))
_MOTION = ((128.0, 128.0, 128.0), (48.0, 16.0, 16.0))


class Block(nn.Module):
    """A pre-norm transformer block (Dosovitskiy et al. 2021, eq. 2 and 3)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.project = nn.Linear(dim, dim)
        self.norm_mlp = nn.LayerNorm(dim)
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
        offset, scale = _RGB if config.input == "rgb" else _MOTION
        patches = config.grid**2
        self.offset: Tensor
        self.scale: Tensor
        self.pooling: Tensor
        self.register_buffer("offset", torch.tensor(offset), persistent=False)
        self.register_buffer("scale", torch.tensor(scale), persistent=False)
        self.register_buffer("pooling", pooling_matrix(config.grid), persistent=False)
        self.embed = nn.Linear(3 * config.patch**2, config.dim)
        self.class_token = nn.Parameter(torch.randn(1, 1, config.dim) * 0.02)
        self.position = nn.Parameter(torch.randn(1, patches + 1, config.dim) * 0.02)
        self.blocks = nn.ModuleList(Block(config.dim, config.heads) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.dim)
        self.summary = nn.Linear(config.regions * config.dim, config.dim)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Encode crops.

        Args:
            crops: ``(N, size, size, 3)`` uint8.

        Returns:
            Frame tokens ``(N, 2 * dim)`` and region tokens ``(N, R, dim)``. A frame token is the class token
            beside a summary of the regions: the class token alone is slow to learn where something moved.
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
        frame = torch.cat([tokens[:, 0], self.summary(regions.flatten(1))], 1)
        return frame, regions
