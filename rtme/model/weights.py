"""Where a frame encoder's first weights come from: chance, an engine, a file, or a hub."""

import logging
from collections.abc import Callable, Mapping
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import interpolate

from rtme.engine.bundle import Bundle, list_bundles, load_bundle
from rtme.errors import EngineError, SettingsError
from rtme.model.config import ModelConfig
from rtme.model.encoder import Encoder
from rtme.model.graph import check_against, weights_of
from rtme.model.naming import to_ours

_log = logging.getLogger(__name__)

FILES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".npz")
"""Endings of files of weights."""

_HUB_FILE = "model.safetensors"

# An engine with other values here has another network.
_BACKBONE = ("input", "size", "patch", "dim", "depth", "heads", "norm_eps")


def load_encoder(
    config: ModelConfig, start: str | None, tell: Callable[[str], None] = _log.warning
) -> Encoder:
    """An encoder of the wanted sizes with the weights it is to begin with.

    Args:
        config: Its sizes.
        start: None for random numbers; an engine's name or folder; a file of weights by our names, timm's, Hugging
            Face's or Google's, or of a whole model of ours; or ``timm:NAME`` and ``hf:NAME`` for the hub.
        tell: Hears what a reader of the results should know, such as that positions were interpolated.

    Raises:
        SettingsError: There are no such weights, or they are of other sizes.
        EngineError: The engine's files are not what they should be.
    """
    if start is None:
        return Encoder(config)
    for hub, owner in (("timm:", "timm/"), ("hf:", "")):
        if start.startswith(hub):
            return _from_file(_fetched(start, owner + start.removeprefix(hub)), start, config, tell)
    path = Path(start).expanduser()
    if path.suffix in FILES:
        return _from_file(path, start, config, tell)
    if start in list_bundles() or path.is_dir():
        return _from_engine(load_bundle(start), config)
    raise SettingsError(
        f"encoder.start is {start!r}: there is no such engine (installed: {', '.join(list_bundles()) or 'none'}) and no "
        f"such folder; a file must end with one of {', '.join(FILES)}, a name on the hub begin with timm: or hf:"
    )


def _from_engine(bundle: Bundle, config: ModelConfig) -> Encoder:
    name = bundle.manifest.name
    try:
        theirs = ModelConfig.model_validate(bundle.manifest.training["recipe"]["model"])
    except (KeyError, TypeError, ValidationError) as error:
        raise EngineError(
            f"engine {name} does not tell its model's settings (training.recipe.model of its manifest): "
            "give a file of weights"
        ) from error
    settings = list(_BACKBONE)
    if config.input == "rgb":
        settings.append("pixels")
    if config.frame_token == "class+regions":
        settings += ["frame_token", "pooling"]
        if config.pooling == "grid":
            settings.append("cells")
    for setting in settings:
        wanted, found = getattr(config, setting), getattr(theirs, setting)
        if wanted != found:
            raise SettingsError(
                f"model.{setting} is {wanted} and engine {name} was made with {found}: set model.{setting} to {found}, "
                "or begin with other weights"
            )
    whole = Encoder(theirs)
    whole.load_state_dict(weights_of(bundle.encoder_path, whole))
    check_against(bundle.encoder_path, whole)
    encoder = Encoder(config)
    encoder.load_state_dict({name: whole.state_dict()[name] for name in encoder.state_dict()})
    return encoder


def _from_file(path: Path, start: str, config: ModelConfig, tell: Callable[[str], None]) -> Encoder:
    weights, foreign = to_ours(_read(path), start)
    encoder = Encoder(config)
    _compare(weights, config, start)
    if "position" in weights:
        weights["position"] = _positions(weights["position"], config, start, tell)
    wanted = encoder.state_dict()
    summary = {name: value for name, value in wanted.items() if name.startswith("summary.")}
    if not summary:
        weights = {name: value for name, value in weights.items() if not name.startswith("summary.")}
    elif not summary.keys() & weights.keys():
        weights |= summary
        tell(
            f"{start} has no summary of the regions: that layer begins with random numbers (model.frame_token: class "
            "does without it)"
        )
    _names_fit(weights, wanted, start)
    for name, value in weights.items():
        if value.shape != wanted[name].shape:
            raise SettingsError(
                f"{start}: {name} has the shape {tuple(value.shape)}, and the recipe's model wants "
                f"{tuple(wanted[name].shape)}: give weights of the same sizes"
            )
        if not torch.isfinite(value).all():
            raise SettingsError(f"{start}: {name} holds numbers that are not finite: the file is of no use")
    if foreign and config.dim != 64 * config.heads:
        tell(
            f"{start} does not tell its number of heads: ViTs of {config.dim} mostly have {max(1, config.dim // 64)}, and "
            f"model.heads is {config.heads}"
        )
    encoder.load_state_dict(weights)
    return encoder


def _compare(weights: Mapping[str, Tensor], config: ModelConfig, start: str) -> None:
    """Name the setting that does not fit, rather than the first shape; odd shapes are left to that."""
    embed = weights["embed.weight"]
    if embed.ndim != 2:
        return
    found = {"dim": embed.shape[0], "depth": len({_block(name) for name in weights} - {None})}
    patch = isqrt(embed.shape[1] // 3)
    if 3 * patch**2 == embed.shape[1]:
        found["patch"] = patch
    for setting, value in found.items():
        wanted = getattr(config, setting)
        if wanted != value:
            raise SettingsError(
                f"model.{setting} is {wanted} and {start} has {value}: set model.{setting} to {value}, or begin with "
                "other weights"
            )


def _block(name: str) -> str | None:
    """The number of the block that a weight belongs to."""
    return name.split(".")[1] if name.startswith("blocks.") else None


def _positions(table: Tensor, config: ModelConfig, start: str, tell: Callable[[str], None]) -> Tensor:
    """The class token's position and those of the patches, interpolated to the recipe's grid."""
    edge = isqrt(table.shape[1] - 1) if table.ndim == 3 else 0
    if not edge or table.shape[1] != edge**2 + 1 or table.shape[2] != config.dim:
        raise SettingsError(
            f"{start}: positions have the shape {tuple(table.shape)}, which is no class token and a square of patches: "
            "such a ViT cannot be used here"
        )
    if edge == config.grid:
        return table
    tell(
        f"{start} was trained on {edge} x {edge} patches, and crops have {config.grid} x {config.grid}: its positions are "
        "interpolated"
    )
    square = table[:, 1:].reshape(1, edge, edge, -1).permute(0, 3, 1, 2)
    resized = interpolate(square, (config.grid, config.grid), mode="bicubic", antialias=True)
    return torch.cat([table[:, :1], resized.permute(0, 2, 3, 1).flatten(1, 2)], 1)


def _names_fit(weights: Mapping[str, Tensor], wanted: Mapping[str, Tensor], start: str) -> None:
    for said, names in (
        ("lacks", wanted.keys() - weights.keys()),
        ("has what this ViT lacks:", weights.keys() - wanted.keys()),
    ):
        if names:
            first = ", ".join(sorted(names)[:3])
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise SettingsError(
                f"{start} {said} {first}{more}: give weights of a plain ViT (no registers, no layer scale)"
            )


def _read(path: Path) -> dict[str, Tensor]:
    """Weights by their names, as the file has them."""
    if not path.is_file():
        raise SettingsError(f"encoder.start is {str(path)!r}: there is no such file")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    # A damaged file may make these readers raise nearly anything.
    except Exception as error:
        raise SettingsError(f"{path} cannot be read as weights: {_short(error)}") from error
    for key in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise SettingsError(
            f"{path} holds no weights by name, but a {type(content).__name__}: save its state_dict()"
        )
    return {str(name): value for name, value in content.items() if isinstance(value, Tensor)}


def _fetched(start: str, repository: str) -> Path:
    """The hub's file, fetched once and kept in the hub's own cache."""
    by_hand = (
        f"get {_HUB_FILE} from https://huggingface.co/{repository} by hand and give its path as encoder.start"
    )
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError
    except ImportError as error:
        raise SettingsError(
            f"{start} needs the hub's client: pip install 'rtme[hub]', or {by_hand}"
        ) from error
    try:
        return Path(hf_hub_download(repository, _HUB_FILE))
    except (EntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        raise SettingsError(f"{start} cannot be fetched ({_short(error)}): {by_hand}") from error


def _short(error: Exception) -> str:
    return next(
        (line.strip().rstrip(".:") for line in str(error).splitlines() if line.strip()), type(error).__name__
    )
