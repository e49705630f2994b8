"""The tensors of a bundle's two graphs, and whether a graph has them.

``N`` and ``B`` are free, the rest is in the manifest:

============== ========= ========================= =========
graph          direction tensor                    type
============== ========= ========================= =========
encoder.onnx   input     ``crops`` (N, S, S, 3)    uint8
..             output    ``frame`` (N, D)          float32
..             output    ``regions`` (N, R, Dr)    float32
temporal.onnx  input     ``frame`` (B, T, D + M)   float32
..             input     ``regions`` (B, T, R, Dr) float32
..             input     ``valid`` (B, T)          float32
..             output    ``p_me`` (B,)             float32
..             output    ``p_speaking`` (B, T)     float32
..             output    ``frame_scores`` (B, T)   float32
============== ========= ========================= =========
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rtme.engine.manifest import Manifest
from rtme.errors import EngineError

Shapes = dict[str, tuple[str | int, ...]]
"""A tensor's sizes after the leading N or B: numbers of the manifest by name, or fixed."""

CROPS: Shapes = {"crops": ("size", "size", 3)}
FEATURES: Shapes = {"frame": ("frame_size",), "regions": ("regions", "region_size")}
WINDOW: Shapes = {
    "frame": ("window", "token_size"),
    "regions": ("window", "regions", "region_size"),
    "valid": ("window",),
}
SCORES: Shapes = {"p_me": (), "p_speaking": ("window",), "frame_scores": ("window",)}


def resolve(sizes: tuple[str | int, ...], manifest: Manifest) -> tuple[int, ...]:
    """A tensor's sizes as numbers."""
    return tuple(size if isinstance(size, int) else int(getattr(manifest, size)) for size in sizes)


def check(
    path: Path,
    side: str,
    found: Mapping[str, tuple[str, Sequence[object]]],
    wanted: Shapes,
    manifest: Manifest,
) -> None:
    """See that a graph has the tensors it should: names, types, and those sizes that it fixes.

    Args:
        path: The graph.
        side: "input" or "output".
        found: Type (as numpy names it) and shape of each of its tensors; a size that is no number is free.
        wanted: Those it should have.
        manifest: Of the engine.

    Raises:
        EngineError: It has others.
    """
    if set(found) != set(wanted):
        raise EngineError(f"{path} has the {side}s {', '.join(found)}: an engine needs {', '.join(wanted)}")
    for name, sizes in wanted.items():
        kind, shape = found[name]
        expected = "uint8" if name == "crops" else "float32"
        if kind != expected:
            raise EngineError(f"{path}: {side} {name} is {kind}, not {expected}")
        compare(path, name, shape, sizes, manifest)


def compare(
    path: Path, name: str, shape: Sequence[object], sizes: tuple[str | int, ...], manifest: Manifest
) -> None:
    """See that a tensor's shape, N or B included, is what the manifest promises.

    Raises:
        EngineError: It is another.
    """
    if len(shape) != 1 + len(sizes):
        raise EngineError(f"{path}: {name} has {len(shape)} dimensions, not {1 + len(sizes)}")
    for size, wanted, found in zip(sizes, resolve(sizes, manifest), shape[1:], strict=True):
        if isinstance(found, int) and found != wanted:
            whose = f"{size} {wanted} in the manifest" if isinstance(size, str) else f"it must be {wanted}"
            raise EngineError(f"{path}: {name} is {found} where {whose}: export the engine again")
