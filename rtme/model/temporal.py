"""The temporal part: a window of frame and region tokens in, the three answers out."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from rtme.model.config import ModelConfig

# Finite, so that a window without any valid slot gives an even attention and no NaN.
_MASKED = -1e4


class WindowOutput(NamedTuple):
    """What the temporal part says of B windows: logits in training, probabilities in the exported graph.

    Attributes:
        me: ``(B,)`` the window holds a micro-expression.
        speaking: ``(B,)`` the person speaks.
        frames: ``(B, T)`` the slot belongs to a micro-expression.
    """

    me: Tensor
    speaking: Tensor
    frames: Tensor


class QueryEnhancer(nn.Module):
    """K learnable ME query tokens that attend to the regional features of all frames and regions (MELDAE)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads = config.query_heads
        self.queries = nn.Parameter(torch.randn(1, config.queries, config.query_dim) * 0.5)
        self.time = nn.Parameter(torch.randn(1, config.window, 1, config.query_dim) * 0.1)
        self.region = nn.Parameter(torch.randn(1, 1, config.regions, config.query_dim) * 0.1)
        self.reduce = nn.Linear(config.region_size, config.query_dim)
        self.norm = nn.LayerNorm(config.query_dim)
        self.key_value = nn.Linear(config.query_dim, 2 * config.query_dim)
        self.combine = nn.Linear(config.queries * config.query_dim, config.context)

    def forward(self, regions: Tensor, valid: Tensor) -> Tensor:
        """``(B, T, R, Dr)`` and ``(B, T)`` to one context vector a window, ``(B, context)``."""
        batch, slots, areas, _ = regions.shape
        tokens = self.norm(self.reduce(regions) + self.time + self.region).reshape(batch, slots * areas, -1)
        key, value = self._split(self.key_value(tokens), 2).unbind(0)
        query = self._split(self.queries, 1)[0].expand(batch, -1, -1, -1)
        blocked = (1 - valid).unsqueeze(-1).expand(-1, -1, areas).reshape(batch, 1, 1, slots * areas)
        found = scaled_dot_product_attention(query, key, value, attn_mask=blocked * _MASKED)
        return torch.nn.functional.gelu(self.combine(found.transpose(1, 2).flatten(1)))

    def _split(self, tokens: Tensor, parts: int) -> Tensor:
        batch, length, _ = tokens.shape
        return tokens.view(batch, length, parts, self.heads, -1).permute(2, 0, 3, 1, 4)


def _head(inputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, 64), nn.GELU(), nn.Dropout(dropout), nn.Linear(64, 1))


class Temporal(nn.Module):
    """BiLSTM over frame tokens, ME queries over region tokens, and the three heads of MELDAE."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.norm = nn.LayerNorm(config.frame_size)
        self.missing = nn.Parameter(torch.zeros(config.frame_size))
        self.drop = nn.Dropout(config.dropout)
        self.lstm = nn.LSTM(
            config.frame_size,
            config.lstm_hidden,
            config.lstm_layers,
            batch_first=True,
            bidirectional=True,
            dropout=config.dropout if config.lstm_layers > 1 else 0.0,
        )
        self.enhancer = QueryEnhancer(config)
        width = 2 * config.lstm_hidden + config.context
        self.me = _head(width, config.dropout)
        self.speaking = _head(width, config.dropout)
        self.locator = _head(width, config.dropout)

    def forward(self, frame: Tensor, regions: Tensor, valid: Tensor) -> WindowOutput:
        """Score windows.

        Args:
            frame: ``(B, T, D)`` frame tokens; what stands in invalid slots is ignored.
            regions: ``(B, T, R, Dr)`` region tokens; likewise.
            valid: ``(B, T)`` 1 where a slot has a frame, else 0.

        Returns:
            Logits.
        """
        present = valid.unsqueeze(-1)
        tokens = torch.where(present > 0.5, self.drop(self.norm(frame)), self.missing)
        flow, _ = self.lstm(tokens)
        known = torch.where((present > 0.5).unsqueeze(-1), regions, torch.zeros_like(regions))
        context = self.enhancer(self.drop(known), valid)
        features = torch.cat([flow, context.unsqueeze(1).expand(-1, self.config.window, -1)], -1)
        mean = (features * present).sum(1) / present.sum(1).clamp(min=1)
        return WindowOutput(
            self.me(mean).squeeze(-1), self.speaking(mean).squeeze(-1), self.locator(features).squeeze(-1)
        )
