"""The names that others give to the same ViT, and how their weights become ours."""

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from rtme.errors import SettingsError

State = dict[str, Tensor]
_Rules = tuple[tuple[str, str], ...]

_TIMM: _Rules = (
    (r"cls_token", "class_token"),
    (r"pos_embed", "position"),
    (r"patch_embed\.proj\.(\w+)", r"embed.\1"),
    (r"blocks\.(\d+)\.norm1\.(\w+)", r"blocks.\1.norm_attention.\2"),
    (r"blocks\.(\d+)\.attn\.qkv\.(\w+)", r"blocks.\1.qkv.\2"),
    (r"blocks\.(\d+)\.attn\.proj\.(\w+)", r"blocks.\1.project.\2"),
    (r"blocks\.(\d+)\.norm2\.(\w+)", r"blocks.\1.norm_mlp.\2"),
    (r"blocks\.(\d+)\.mlp\.fc1\.(\w+)", r"blocks.\1.mlp.0.\2"),
    (r"blocks\.(\d+)\.mlp\.fc2\.(\w+)", r"blocks.\1.mlp.2.\2"),
    (r"(?:head|pre_logits)\..*", ""),
)

_HUGGING_FACE: _Rules = (
    (r"embeddings\.cls_token", "class_token"),
    (r"embeddings\.position_embeddings", "position"),
    (r"embeddings\.patch_embeddings\.projection\.(\w+)", r"embed.\1"),
    (r"encoder\.layer\.(\d+)\.layernorm_before\.(\w+)", r"blocks.\1.norm_attention.\2"),
    (r"encoder\.layer\.(\d+)\.attention\.attention\.(query|key|value)\.(\w+)", r"blocks.\1.\2.\3"),
    (r"encoder\.layer\.(\d+)\.attention\.output\.dense\.(\w+)", r"blocks.\1.project.\2"),
    (r"encoder\.layer\.(\d+)\.layernorm_after\.(\w+)", r"blocks.\1.norm_mlp.\2"),
    (r"encoder\.layer\.(\d+)\.intermediate\.dense\.(\w+)", r"blocks.\1.mlp.0.\2"),
    (r"encoder\.layer\.(\d+)\.output\.dense\.(\w+)", r"blocks.\1.mlp.2.\2"),
    (r"layernorm\.(\w+)", r"norm.\1"),
    (r"pooler\..*|classifier\..*|embeddings\.mask_token", ""),
)

_GOOGLE: _Rules = (
    (r"cls", "class_token"),
    (r"Transformer/posembed_input/pos_embedding", "position"),
    (r"embedding/(\w+)", r"embed.\1"),
    (r"Transformer/encoderblock_(\d+)/LayerNorm_0/(\w+)", r"blocks.\1.norm_attention.\2"),
    (
        r"Transformer/encoderblock_(\d+)/MultiHeadDotProductAttention_1/(query|key|value)/(\w+)",
        r"blocks.\1.\2.\3",
    ),
    (r"Transformer/encoderblock_(\d+)/MultiHeadDotProductAttention_1/out/(\w+)", r"blocks.\1.project.\2"),
    (r"Transformer/encoderblock_(\d+)/LayerNorm_2/(\w+)", r"blocks.\1.norm_mlp.\2"),
    (r"Transformer/encoderblock_(\d+)/MlpBlock_3/Dense_0/(\w+)", r"blocks.\1.mlp.0.\2"),
    (r"Transformer/encoderblock_(\d+)/MlpBlock_3/Dense_1/(\w+)", r"blocks.\1.mlp.2.\2"),
    (r"Transformer/encoder_norm/(\w+)", r"norm.\1"),
    (r"(?:head|pre_logits)/.*", ""),
)


def to_ours(state: Mapping[str, Tensor], where: str) -> tuple[State, bool]:
    """Weights by the names and in the shapes of :class:`rtme.model.encoder.Encoder`.

    Known are our own, timm's and Hugging Face's names, and those of Google's original files, each of them also
    within a larger network (``model.encoder.…``, ``vit.…``). What a name does not tell is left as it is: who takes
    the weights finds it without a place.

    Args:
        state: Weights by their names.
        where: Of whom messages speak.

    Returns:
        The weights in float32, and whether they came under a name other than ours.

    Raises:
        SettingsError: There is no ViT in it, or there are several.
    """
    for mark, convert in _KNOWN.items():
        found = [name for name in state if name == mark or name.endswith(f".{mark}")]
        if len(found) > 1:
            raise SettingsError(
                f"{where} holds several ViTs ({', '.join(found[:3])}): save the one that is meant alone"
            )
        if found:
            prefix = found[0].removesuffix(mark)
            inner = {
                name.removeprefix(prefix): value.detach().float()
                for name, value in state.items()
                if name.startswith(prefix)
            }
            return convert(inner), convert is not _ours
    raise SettingsError(
        f"{where} holds no ViT by our names, timm's, Hugging Face's or Google's; it begins with "
        f"{', '.join(list(state)[:3]) or 'nothing'}"
    )


def _ours(state: State) -> State:
    return state


def _timm(state: State) -> State:
    return _flat_patches(_renamed(state, _TIMM))


def _hugging_face(state: State) -> State:
    return _fused(_flat_patches(_renamed(state, _HUGGING_FACE)))


def _google(state: State) -> State:
    """Theirs are ``(in, out)``, with heads as a dimension of their own, and a patch is (row, column, channel)."""
    renamed = _renamed(state, _GOOGLE)
    ours: State = {}
    for name, value in renamed.items():
        stem, _, kind = name.rpartition(".")
        last = stem.rpartition(".")[2]
        if kind == "scale":
            ours[f"{stem}.weight"] = value
        elif kind == "kernel":
            outputs = value.shape[-2] * value.shape[-1] if last in _PARTS else value.shape[-1]
            ours[f"{stem}.weight"] = value.reshape(-1, outputs).T.contiguous()
        elif kind == "bias":
            ours[name] = value.flatten()
        else:
            ours[name] = value
    return _fused(ours)


_PARTS = ("query", "key", "value")

_KNOWN: dict[str, Callable[[State], State]] = {
    "embed.weight": _ours,
    "patch_embed.proj.weight": _timm,
    "embeddings.patch_embeddings.projection.weight": _hugging_face,
    "embedding/kernel": _google,
}
"""A name that tells which naming it is, and what makes it ours."""


def _renamed(state: State, rules: _Rules) -> State:
    """By our names; what a rule gives no name is dropped, what no rule knows keeps its own."""
    renamed: State = {}
    for name, value in state.items():
        new = next((match.expand(ours) for old, ours in rules if (match := re.fullmatch(old, name))), name)
        if new:
            renamed[new] = value
    return renamed


def _flat_patches(state: State) -> State:
    """A convolution of patch by patch pixels is a linear layer over (row, column, channel)."""
    kernel = state["embed.weight"]
    return state | {"embed.weight": kernel.permute(0, 2, 3, 1).flatten(1) if kernel.ndim == 4 else kernel}


def _fused(state: State) -> State:
    """Query, key and value as one layer, in this order."""
    fused: State = {}
    for name, value in state.items():
        stem, _, kind = name.rpartition(".")
        block, _, part = stem.rpartition(".")
        parts = [f"{block}.{other}.{kind}" for other in _PARTS]
        if part in _PARTS and all(other in state for other in parts):
            fused[f"{block}.qkv.{kind}"] = torch.cat([state[other] for other in parts])
        else:
            fused[name] = value
    return fused
