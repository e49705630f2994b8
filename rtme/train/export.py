"""From trained PyTorch modules to an engine bundle: two ONNX graphs and a manifest."""

import hashlib
import logging
import shutil
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rtme.engine.manifest import FileEntry, Manifest
from rtme.errors import EngineError
from rtme.model.config import ModelConfig
from rtme.model.meldae import Meldae, Probabilities

OPSET = 20
TOLERANCE = 1e-4
"""Largest difference between what PyTorch and onnxruntime say."""

ENCODER_INPUTS, ENCODER_OUTPUTS = ("crops",), ("frame", "regions")
TEMPORAL_INPUTS = ("frame", "regions", "valid")
TEMPORAL_OUTPUTS = ("p_me", "p_speaking", "frame_scores")


def export(model: Meldae, folder: Path) -> tuple[FileEntry, FileEntry]:
    """Write ``encoder.onnx`` and ``temporal.onnx``, and check that they say what PyTorch says.

    Returns:
        Their entries in the manifest.

    Raises:
        EngineError: A graph differs from PyTorch by more than ``TOLERANCE``.
    """
    model.eval()
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for name, module, inputs, outputs, example in (
        ("encoder.onnx", model.encoder, ENCODER_INPUTS, ENCODER_OUTPUTS, crops_like(model.config, 2)),
        (
            "temporal.onnx",
            Probabilities(model.temporal).eval(),
            TEMPORAL_INPUTS,
            TEMPORAL_OUTPUTS,
            tokens_like(model.config, 2),
        ),
    ):
        path = folder / name
        _write(module, example, path, inputs, outputs)
        check(module, path, crops_like(model.config, 3) if len(inputs) == 1 else tokens_like(model.config, 3))
        entries.append(FileEntry(file=name, sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    return entries[0], entries[1]


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write ``manifest.json``."""
    (folder / "manifest.json").write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")


def install(built: Path, out: Path) -> None:
    """Put a finished bundle in its place, file by file, the manifest last."""
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(built.iterdir(), key=lambda path: path.name == "manifest.json"):
        shutil.copyfile(path, out / path.name)


def check(module: nn.Module, path: Path, example: tuple[Tensor, ...]) -> None:
    """Run a graph and a module on the same input and compare.

    Raises:
        EngineError: They differ by more than ``TOLERANCE``.
    """
    with torch.inference_mode():
        expected = module(*example)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feed = {entry.name: value.numpy() for entry, value in zip(session.get_inputs(), example, strict=True)}
    told: list[NDArray[np.float32]] = session.run(None, feed)
    for entry, ours, theirs in zip(session.get_outputs(), expected, told, strict=True):
        difference = float(np.abs(ours.numpy() - theirs).max())
        if not difference <= TOLERANCE:
            raise EngineError(
                f"{path.name}: {entry.name} differs from PyTorch by {difference:.1e}, more than {TOLERANCE:.0e}"
            )


def crops_like(config: ModelConfig, count: int) -> tuple[Tensor]:
    """Random crops of the right shape."""
    random = torch.Generator().manual_seed(count)
    shape = (count, config.size, config.size, 3)
    return (torch.randint(0, 256, shape, dtype=torch.uint8, generator=random),)


def tokens_like(config: ModelConfig, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Random features of the right shapes; the last window has no valid slot."""
    random = torch.Generator().manual_seed(count)
    valid = (torch.rand(count, config.window, generator=random) > 0.3).float()
    valid[-1] = 0
    return (
        torch.randn(count, config.window, config.frame_size, generator=random),
        torch.randn(count, config.window, config.regions, config.region_size, generator=random),
        valid,
    )


def _write(
    module: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
) -> None:
    batch = torch.export.Dim("batch", min=1, max=4096)
    # The exporter talks of its own inner deprecations; what matters is checked afterwards.
    logging.getLogger("torch.onnx._internal.exporter").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            example,
            input_names=inputs,
            output_names=outputs,
            opset_version=OPSET,
            dynamo=True,
            dynamic_shapes=tuple({0: batch} for _ in example),
            external_data=False,
            verbose=False,
        )
    assert program is not None
    program.save(path, external_data=False)
    onnx.checker.check_model(path)
