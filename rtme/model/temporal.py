"""The temporal part: a window of frame and region tokens in, the three answers out."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from rtme.face.measures import GROUPS, Group
from rtme.model.config import ModelConfig

SPEECH_GROUPS: tuple[Group, ...] = ("shape", "motion")
"""Measures that show speech."""

# Finite, so that a window without any valid slot gives an even attention and no NaN.
_MASKED = -1e4


class WindowOutput(NamedTuple):
    """What the temporal part says of B windows: logits in training, probabilities in the exported graph.

    Attributes:
        me: ``(B,)`` the window holds a micro-expression.
        speaking: ``(B, T)`` the person speaks at the slot.
        frames: ``(B, T)`` the slot belongs to a micro-expression.
    """

    me: Tensor
    speaking: Tensor
    frames: Tensor


class QueryEnhancer(nn.Module):
    """K learnable ME query tokens that attend to the tokens of all frames and areas (MELDAE).

    The areas are the regions, or one, the whole frame, without regional features. What the queries found joins
    the global features in one of two ways: ``broadcast`` makes one vector of all K results and says it to every
    frame (the paper); with ``readout`` each frame asks the K results what matters to it, so that what is joined
    differs from frame to frame and may help the locator.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        areas, size = (config.regions, config.region_size) if config.regional else (1, config.frame_size)
        self.heads = config.query_heads
        self.queries = nn.Parameter(torch.randn(1, config.queries, config.query_dim) * 0.5)
        self.time = nn.Parameter(torch.randn(1, config.window, 1, config.query_dim) * 0.1)
        self.region = nn.Parameter(torch.randn(1, 1, areas, config.query_dim) * 0.1)
        self.reduce = nn.Linear(size, config.query_dim)
        self.norm = nn.LayerNorm(config.query_dim)
        self.key_value = nn.Linear(config.query_dim, 2 * config.query_dim)
        self.ask = nn.Linear(2 * config.lstm_hidden, config.query_dim) if config.join == "readout" else None
        answers = config.queries if config.join == "broadcast" else 1
        self.combine = nn.Linear(answers * config.query_dim, config.context)

    def forward(self, tokens: Tensor, valid: Tensor, features: Tensor) -> Tensor:
        """What stands beside each frame's global feature.

        Args:
            tokens: ``(B, T, A, size)`` of A areas.
            valid: ``(B, T)``; invalid slots are not attended to.
            features: ``(B, T, 2 * lstm_hidden)`` global features.

        Returns:
            ``(B, T, context)``.
        """
        batch, slots, areas, _ = tokens.shape
        known = self.norm(self.reduce(tokens) + self.time + self.region).reshape(batch, slots * areas, -1)
        key, value = self._split(self.key_value(known), 2).unbind(0)
        query = self._split(self.queries, 1)[0].expand(batch, -1, -1, -1)
        blocked = (1 - valid).unsqueeze(-1).expand(-1, -1, areas).reshape(batch, 1, 1, slots * areas)
        found = scaled_dot_product_attention(query, key, value, attn_mask=blocked * _MASKED)
        if self.ask is None:
            together = gelu(self.combine(found.transpose(1, 2).flatten(1)))
            return together.unsqueeze(1).expand(-1, slots, -1)
        read = scaled_dot_product_attention(self._split(self.ask(features), 1)[0], found, found)
        return gelu(self.combine(read.transpose(1, 2).flatten(2)))

    def _split(self, tokens: Tensor, parts: int) -> Tensor:
        batch, length, _ = tokens.shape
        return tokens.view(batch, length, parts, self.heads, -1).permute(2, 0, 3, 1, 4)


def _head(inputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, 64), nn.GELU(), nn.Dropout(dropout), nn.Linear(64, 1))


class Measures(nn.Module):
    """What the landmarks see, made into a few features: linear where it is faint, logarithmic where large."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        mask = torch.zeros(config.measured)
        for group in config.measures:
            mask[GROUPS[group]] = 1
        self.mask: Tensor
        self.register_buffer("mask", mask, persistent=False)
        self.mix = nn.Sequential(nn.Linear(config.measured, config.measure_dim), nn.GELU())

    def forward(self, measures: Tensor) -> Tensor:
        """``(B, T, M)`` to ``(B, T, measure_dim)``."""
        mixed: Tensor = self.mix(torch.asinh(measures) * self.mask)
        return mixed


class SpeakerHead(nn.Module):
    """Tells speaking from listening by the landmarks alone, slot by slot.

    Speech is a rhythm of lips and jaw that the landmarks see well. A head on the features of the whole network learned
    the animated portraits' way of speaking instead and told real speech little better than chance, so this one sees
    nothing else: convolutions over half a second to either side.
    """

    _REACH = (1, 2, 2)

    def __init__(self, config: ModelConfig, width: int = 24) -> None:
        super().__init__()
        mask = torch.zeros(config.measured)
        for group in SPEECH_GROUPS:
            mask[GROUPS[group]] = 1
        self.mask: Tensor
        self.register_buffer("mask", mask, persistent=False)
        sizes = (config.measured + 1, width, width, width)
        self.layers = nn.ModuleList(
            nn.Conv1d(inputs, outputs, 7, padding=3 * reach, dilation=reach)
            for inputs, outputs, reach in zip(sizes, sizes[1:], self._REACH, strict=False)
        )
        self.drop = nn.Dropout(config.dropout)
        self.answer = nn.Conv1d(width, 1, 1)

    def forward(self, measures: Tensor, valid: Tensor) -> Tensor:
        """``(B, T, M)`` and ``(B, T)`` to logits ``(B, T)``."""
        present = valid.unsqueeze(-1)
        known = torch.where(present > 0.5, torch.asinh(measures) * self.mask, torch.zeros_like(measures))
        seen = torch.cat([known, present], -1).transpose(1, 2)
        for layer in self.layers:
            seen = gelu(layer(seen))
        logits: Tensor = self.answer(self.drop(seen)).squeeze(1)
        return logits


class Temporal(nn.Module):
    """BiLSTM over frame tokens and measures, ME queries over region tokens, and the three heads of MELDAE.

    The paper's head for the speaker's state answers once for a window. Ours answers for each slot, so that half a
    second of silence is seen; where there are measures of the landmarks it reads these alone.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width = 2 * config.lstm_hidden
        self.norm = nn.LayerNorm(config.frame_size)
        self.measures = Measures(config) if config.measures else None
        reads = config.frame_size + (config.measure_dim if config.measures else 0)
        self.missing = nn.Parameter(torch.zeros(reads))
        self.drop = nn.Dropout(config.dropout)
        self.lstm: nn.LSTM | None = None
        if config.lstm:
            self.lstm = nn.LSTM(
                reads,
                config.lstm_hidden,
                config.lstm_layers,
                batch_first=True,
                bidirectional=True,
                dropout=config.dropout if config.lstm_layers > 1 else 0.0,
            )
        else:
            self.alone = nn.Sequential(nn.Linear(reads, width), nn.GELU())
        self.enhancer = QueryEnhancer(config) if config.enhancer else None
        heads_see = width + config.context if config.enhancer else width
        self.me = _head(heads_see, config.dropout)
        by_landmarks = set(SPEECH_GROUPS) <= set(config.measures)
        self.speaker = SpeakerHead(config) if by_landmarks else None
        self.speaking = None if by_landmarks else _head(heads_see, config.dropout)
        self.locator = _head(heads_see, config.dropout)

    def forward(self, frame: Tensor, regions: Tensor, valid: Tensor) -> WindowOutput:
        """Score windows.

        Args:
            frame: ``(B, T, D + M)`` frame tokens and measures; what stands in invalid slots is ignored.
            regions: ``(B, T, R, Dr)`` region tokens; likewise.
            valid: ``(B, T)`` 1 where a slot has a frame, else 0.

        Returns:
            Logits.
        """
        present = valid.unsqueeze(-1)
        size = self.config.frame_size
        tokens = self.drop(self.norm(frame[..., :size]))
        if self.measures is not None:
            tokens = torch.cat([tokens, self.measures(frame[..., size:])], -1)
        tokens = torch.where(present > 0.5, tokens, self.missing)
        features = self.alone(tokens) if self.lstm is None else self.lstm(tokens)[0]
        if self.enhancer is not None:
            if self.config.regional:
                known = torch.where((present > 0.5).unsqueeze(-1), regions, torch.zeros_like(regions))
                seen = self.drop(known)
            else:
                seen = tokens[..., :size].unsqueeze(2)
            features = torch.cat([features, self.enhancer(seen, valid, features)], -1)
        mean = (features * present).sum(1) / present.sum(1).clamp(min=1)
        if self.speaker is not None:
            speaking = self.speaker(frame[..., size:], valid)
        else:
            assert self.speaking is not None
            speaking = self.speaking(features).squeeze(-1)
        return WindowOutput(self.me(mean).squeeze(-1), speaking, self.locator(features).squeeze(-1))
