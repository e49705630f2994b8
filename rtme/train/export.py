"""From trained PyTorch modules to an engine bundle: two ONNX graphs and a manifest."""

import logging
import shutil
import warnings
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rtme.data.store import StorePlan
from rtme.engine.bundle import Bundle, write_bundle
from rtme.errors import DataError, EngineError
from rtme.model.config import ModelConfig
from rtme.model.halves import round_to_halves, store_halves
from rtme.model.meldae import Meldae, Probabilities
from rtme.score import Rules
from rtme.train.decoder import Decoder
from rtme.train.diagrams import PICTURES
from rtme.train.evaluate import figures_of, read_decoder
from rtme.train.fit import load_model
from rtme.train.outcome import Outcome
from rtme.train.recipe import Recipe
from rtme.train.replay import engine_numbers
from rtme.train.runs import Run, read_fold_json

OPSET = 20
TOLERANCE = 1e-4
"""Largest difference between what PyTorch and onnxruntime say."""

_NAMED = 3
"""Subjects left out that a manifest names; of more it gives the number."""

Names = tuple[tuple[str, ...], tuple[str, ...]]
"""Of a graph's inputs and outputs."""

ENCODER: Names = (("crops",), ("frame", "regions"))
TEMPORAL: Names = (("frame", "regions", "valid"), ("p_me", "p_speaking", "frame_scores"))


def export_engine(
    model: Meldae,
    recipe: Recipe,
    plan: StorePlan,
    decoder: Decoder,
    training: Mapping[str, Any],
    scores: Mapping[str, Any],
    out: Path,
) -> Bundle:
    """Write an engine that ``rtme live --engine`` runs.

    Args:
        model: Trained; it is left as it is.
        recipe: Gives it its name and its numbers.
        plan: How the crops it learned from were prepared: live ones are prepared the same way.
        decoder: Its thresholds.
        training: Material, people, seeds: what a reader of the manifest should know.
        scores: Measured figures, and the command that made them.
        out: The bundle's folder; an engine in it is replaced, its manifest last.

    Raises:
        EngineError: A graph differs from PyTorch by more than ``TOLERANCE``.
        DataError: The folder cannot be written.
    """
    model = deepcopy(model).cpu().eval()
    # Fitted models are rounded already; whatever else is exported is rounded here.
    round_to_halves(model)
    numbers = engine_numbers(recipe, plan, decoder.intervals, decoder.speaker)
    numbers |= {"sensitivity": decoder.sensitivity, "calibration": decoder.calibration}
    # What the manifest says itself is not said again, and where the material lay is nobody's concern.
    settings = recipe.model_dump(
        mode="json",
        exclude={"name": True, "version": True, "licence": True, "summary": True, "data": {"store": True}},
    )
    record = {
        "training": {**training, "recipe": settings},
        "scores": dict(scores),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="rtme-export-") as scratch:
            encoder = _graph(
                model.encoder, Path(scratch) / "encoder.onnx", partial(crops_like, model.config), ENCODER
            )
            temporal = _graph(
                Probabilities(model.temporal).eval(),
                Path(scratch) / "temporal.onnx",
                partial(tokens_like, model.config),
                TEMPORAL,
            )
        return write_bundle(out, {**numbers, **record}, encoder=encoder, temporal=temporal)
    except OSError as error:
        raise DataError(f"the engine cannot be written to {out}: {error.strerror}") from error


def export_fold(run: Run, folder: Path, out: Path) -> Bundle:
    """Write the engine of a run's finished fold, with what is known of it.

    Args:
        run: Whose.
        folder: Of the fold.
        out: The bundle's folder.

    Raises:
        EngineError: A graph differs from PyTorch.
        DataError: The fold or the material is damaged or not there, or the bundle cannot be written.
    """
    fold, done = (read_fold_json(folder / name) for name in ("fold.json", "done.json"))
    store, decoder, outcome = run.store(), read_decoder(folder), Outcome.read(folder)
    synthetic = any(clip.base != "video" for clip in store.clips)
    tested = fold["people"]["test"]
    training = {
        "material": "SYNTHETIC" if synthetic else "recorded",
        "datasets": sorted({clip.dataset for clip in store.clips}),
        "people": {part: len(people) for part, people in fold["people"].items()},
        "left out": ", ".join(tested) if len(tested) <= _NAMED else f"{len(tested)} people",
        **{name: fold[name] for name in ("clips", "micro-expressions")},
        **done,
    }
    scores: dict[str, Any] = {"validation": decoder.chosen, **decoder.measured}
    if outcome.clips:
        figures = figures_of(outcome, Rules(), run.recipe)
        scores["test"] = {
            name: value if value is None else round(value, 4) for name, value in figures.items()
        }
        scores["command"] = "rtme eval"
    model = load_model(folder, run.recipe)
    bundle = export_engine(model, run.recipe, store.plan, decoder, training, scores, out)
    people = store.folder / "people.csv"
    if people.is_file():
        # So that the engine can be measured on people of whom it has seen nothing.
        shutil.copyfile(people, out / people.name)
    for name in PICTURES:
        # A picture of the engine that was there before must not stay.
        (out / name).unlink(missing_ok=True)
        if (folder / name).is_file():
            shutil.copyfile(folder / name, out / name)
    return bundle


def _graph(
    module: nn.Module, path: Path, example: Callable[[int], tuple[Tensor, ...]], names: Names
) -> bytes:
    _write(module, example(2), path, *names)
    check(module, path, example(3))
    return path.read_bytes()


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
        torch.randn(count, config.window, config.frame_size + config.measured, generator=random),
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
    _slim(path)
    onnx.checker.check_model(path)


def _slim(path: Path) -> None:
    """Keep large weights in half precision, and leave out where in whose source each node comes from.

    An engine goes to others, and paths name people.
    """
    model = onnx.load(path)
    store_halves(model)
    graph = model.graph
    for part in (graph, *graph.node, *graph.initializer, *graph.value_info, *graph.input, *graph.output):
        del part.metadata_props[:]
    onnx.save(model, path)
