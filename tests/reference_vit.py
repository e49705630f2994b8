"""A ViT written from the equations of Dosovitskiy et al. 2021, and its weights by the names of three publishers.

It shares nothing with the encoder: patches by convolution, heads one by one, query, key and value apart.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm


class ReferenceViT(nn.Module):
    def __init__(self, size: int, patch: int, dim: int, depth: int, heads: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.heads, self.depth, self.patch = heads, depth, patch
        shapes: dict[str, tuple[int, ...]] = {
            "class": (1, 1, dim),
            "position": (1, (size // patch) ** 2 + 1, dim),
            "kernel": (dim, 3, patch, patch),
            "kernel_bias": (dim,),
            "norm": (dim,),
            "norm_bias": (dim,),
        }
        for block in range(depth):
            for part in ("q", "k", "v", "out"):
                shapes[f"{block}_{part}"] = (dim, dim)
                shapes[f"{block}_{part}_bias"] = (dim,)
            for part in ("before", "after"):
                shapes[f"{block}_{part}"] = (dim,)
                shapes[f"{block}_{part}_bias"] = (dim,)
            shapes[f"{block}_up"], shapes[f"{block}_up_bias"] = (4 * dim, dim), (4 * dim,)
            shapes[f"{block}_down"], shapes[f"{block}_down_bias"] = (dim, 4 * dim), (dim,)
        self.w = {name: torch.randn(shape, generator=generator) * 0.2 for name, shape in shapes.items()}

    def forward(self, crops: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
        """``(N, size, size, 3)`` uint8 to all tokens ``(N, 1 + patches, dim)`` after the last norm."""
        w = self.w
        pixels = crops.permute(0, 3, 1, 2) / 255
        pixels = (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
        patches = nn.functional.conv2d(pixels, w["kernel"], w["kernel_bias"], stride=self.patch)
        x = torch.cat([w["class"].expand(len(crops), -1, -1), patches.flatten(2).transpose(1, 2)], 1)
        x = x + w["position"]
        for block in range(self.depth):
            x = x + self._attention(self._norm(x, f"{block}_before"), block)
            hidden = self._linear(self._norm(x, f"{block}_after"), f"{block}_up")
            gelu = hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5))
            x = x + self._linear(gelu, f"{block}_down")
        return self._norm(x, "norm")

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return layer_norm(x, x.shape[-1:], self.w[name], self.w[f"{name}_bias"], 1e-6)

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return x @ self.w[name].T + self.w[f"{name}_bias"]

    def _attention(self, x: Tensor, block: int) -> Tensor:
        q, k, v = (self._linear(x, f"{block}_{part}") for part in "qkv")
        width = x.shape[-1] // self.heads
        mixed = []
        for head in range(self.heads):
            of = slice(head * width, (head + 1) * width)
            weights = (q[..., of] @ k[..., of].transpose(1, 2) / width**0.5).softmax(-1)
            mixed.append(weights @ v[..., of])
        return self._linear(torch.cat(mixed, -1), f"{block}_out")


def as_timm(vit: ReferenceViT) -> dict[str, Tensor]:
    w = vit.w
    named = {
        "cls_token": w["class"],
        "pos_embed": w["position"],
        "patch_embed.proj.weight": w["kernel"],
        "patch_embed.proj.bias": w["kernel_bias"],
        "norm.weight": w["norm"],
        "norm.bias": w["norm_bias"],
        "head.weight": torch.zeros(10, w["norm"].numel()),
        "head.bias": torch.zeros(10),
    }
    for n in range(vit.depth):
        for kind, of in (("weight", ""), ("bias", "_bias")):
            named |= {
                f"blocks.{n}.norm1.{kind}": w[f"{n}_before{of}"],
                f"blocks.{n}.attn.qkv.{kind}": torch.cat([w[f"{n}_{part}{of}"] for part in "qkv"]),
                f"blocks.{n}.attn.proj.{kind}": w[f"{n}_out{of}"],
                f"blocks.{n}.norm2.{kind}": w[f"{n}_after{of}"],
                f"blocks.{n}.mlp.fc1.{kind}": w[f"{n}_up{of}"],
                f"blocks.{n}.mlp.fc2.{kind}": w[f"{n}_down{of}"],
            }
    return named


def as_hugging_face(vit: ReferenceViT, prefix: str = "") -> dict[str, Tensor]:
    w = vit.w
    named = {
        "embeddings.cls_token": w["class"],
        "embeddings.position_embeddings": w["position"],
        "embeddings.patch_embeddings.projection.weight": w["kernel"],
        "embeddings.patch_embeddings.projection.bias": w["kernel_bias"],
        "layernorm.weight": w["norm"],
        "layernorm.bias": w["norm_bias"],
        "pooler.dense.weight": torch.zeros(4, 4),
    }
    for n in range(vit.depth):
        layer = f"encoder.layer.{n}"
        for kind, of in (("weight", ""), ("bias", "_bias")):
            named |= {
                f"{layer}.layernorm_before.{kind}": w[f"{n}_before{of}"],
                f"{layer}.attention.attention.key.{kind}": w[f"{n}_k{of}"],
                f"{layer}.attention.attention.query.{kind}": w[f"{n}_q{of}"],
                f"{layer}.attention.attention.value.{kind}": w[f"{n}_v{of}"],
                f"{layer}.attention.output.dense.{kind}": w[f"{n}_out{of}"],
                f"{layer}.layernorm_after.{kind}": w[f"{n}_after{of}"],
                f"{layer}.intermediate.dense.{kind}": w[f"{n}_up{of}"],
                f"{layer}.output.dense.{kind}": w[f"{n}_down{of}"],
            }
    return {f"{prefix}{name}": value for name, value in named.items()}


def as_google(vit: ReferenceViT) -> dict[str, Tensor]:
    w, heads = vit.w, vit.heads
    dim = w["norm"].numel()
    named = {
        "cls": w["class"],
        "Transformer/posembed_input/pos_embedding": w["position"],
        "embedding/kernel": w["kernel"].permute(2, 3, 1, 0),
        "embedding/bias": w["kernel_bias"],
        "Transformer/encoder_norm/scale": w["norm"],
        "Transformer/encoder_norm/bias": w["norm_bias"],
        "head/kernel": torch.zeros(dim, 10),
        "head/bias": torch.zeros(10),
    }
    for n in range(vit.depth):
        block = f"Transformer/encoderblock_{n}"
        attention = f"{block}/MultiHeadDotProductAttention_1"
        for theirs, ours in (("query", "q"), ("key", "k"), ("value", "v")):
            named[f"{attention}/{theirs}/kernel"] = w[f"{n}_{ours}"].T.reshape(dim, heads, -1)
            named[f"{attention}/{theirs}/bias"] = w[f"{n}_{ours}_bias"].reshape(heads, -1)
        named |= {
            f"{attention}/out/kernel": w[f"{n}_out"].T.reshape(heads, -1, dim),
            f"{attention}/out/bias": w[f"{n}_out_bias"],
            f"{block}/LayerNorm_0/scale": w[f"{n}_before"],
            f"{block}/LayerNorm_0/bias": w[f"{n}_before_bias"],
            f"{block}/LayerNorm_2/scale": w[f"{n}_after"],
            f"{block}/LayerNorm_2/bias": w[f"{n}_after_bias"],
            f"{block}/MlpBlock_3/Dense_0/kernel": w[f"{n}_up"].T,
            f"{block}/MlpBlock_3/Dense_0/bias": w[f"{n}_up_bias"],
            f"{block}/MlpBlock_3/Dense_1/kernel": w[f"{n}_down"].T,
            f"{block}/MlpBlock_3/Dense_1/bias": w[f"{n}_down_bias"],
        }
    return named
