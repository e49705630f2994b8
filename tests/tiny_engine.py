"""A tiny engine for tests: no training, no torch, made in milliseconds, and it answers to real motion.

Its encoder measures the motion (channels u and v of a motion crop) of the most moving seventh-by-seventh part of the
crop's middle and of its lower third; its temporal part calls a slot a micro-expression where the first exceeds about
0.6 pixels of a 112-pixel crop, and and each slot of a window speech where the second does on average.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rtme.engine.bundle import Bundle, write_bundle

NUMBERS: dict[str, Any] = {
    "name": "tiny",
    "version": "0.0.1",
    "licence": "Apache-2.0",
    "summary": "A test engine that answers to any motion; it was not trained.",
    "input": "motion",
    "size": 112,
    "fps": 30.0,
    "flow_lag": 6,
    "window": 32,
    "hop": 4,
    "look_ahead": 8,
    "frame_size": 4,
    "regions": 3,
    "region_size": 2,
}
"""Its manifest, but for the graphs."""

THRESHOLD = 0.6
"""Pixels of motion at which a slot scores 0.5."""


def make_tiny_bundle(folder: Path, **overrides: Any) -> Bundle:
    """Write a tiny engine, with other numbers in its manifest (and its graphs made to fit) if given.

    Args:
        folder: Where; made if it is not there.
        **overrides: Entries of the manifest, such as ``hop=2`` or ``decoder={"min_ms": 100}``.
    """
    numbers = NUMBERS | overrides
    encoder = encoder_graph(
        numbers["size"], numbers["frame_size"], numbers["regions"], numbers["region_size"]
    )
    temporal = temporal_graph(
        numbers["window"],
        numbers["frame_size"] + numbers.get("measures", 0),
        numbers["regions"],
        numbers["region_size"],
    )
    return write_bundle(folder, numbers, encoder=encoder, temporal=temporal)


def encoder_graph(size: int, frame_size: int, regions: int, region_size: int) -> bytes:
    """``crops`` to ``frame`` (middle motion, lower motion, then mixtures of both) and ``regions``."""
    cell = max(1, size // 7)
    random = np.random.default_rng(7)
    # Two measures (middle, lower) times a matrix; the first two features are the measures themselves.
    to_frame = random.normal(size=(2, frame_size)).astype(np.float32)
    to_frame[:, : min(2, frame_size)] = np.eye(2, dtype=np.float32)[:, : min(2, frame_size)]
    nodes = [
        node("Cast", ["crops"], "pixels", to=TensorProto.FLOAT),
        node("Transpose", ["pixels"], "channels", perm=[0, 3, 1, 2]),
        node("Slice", ["channels", "one", "three", "one"], "coded"),
        node("Sub", ["coded", "still"], "moved"),
        node("Abs", ["moved"], "steps"),
        node("Div", ["steps", "steps_per_pixel"], "motion"),
        node("AveragePool", ["motion"], "cells", kernel_shape=[cell, cell], strides=[cell, cell]),
        node("Slice", ["cells", "middle_from", "middle_to", "rows_columns"], "middle"),
        node("Slice", ["cells", "lower_from", "lower_to", "rows"], "lower"),
        node("ReduceMax", ["middle", "but_batch"], "middle_motion", keepdims=0),
        node("ReduceMax", ["lower", "but_batch"], "lower_motion", keepdims=0),
        node("Unsqueeze", ["middle_motion", "one"], "middle_column"),
        node("Unsqueeze", ["lower_motion", "one"], "lower_column"),
        node("Concat", ["middle_column", "lower_column"], "measures", axis=1),
        node("MatMul", ["measures", "to_frame"], "frame"),
        node("MatMul", ["measures", "to_regions"], "flat"),
        node("Reshape", ["flat", "region_shape"], "regions"),
    ]
    constants = {
        "one": np.array([1], np.int64),
        "three": np.array([3], np.int64),
        "still": np.array(128, np.float32),
        "steps_per_pixel": np.array(16, np.float32),
        "middle_from": np.array([1, 1], np.int64),
        "middle_to": np.array([6, 6], np.int64),
        "rows_columns": np.array([2, 3], np.int64),
        "lower_from": np.array([4], np.int64),
        "lower_to": np.array([6], np.int64),
        "rows": np.array([2], np.int64),
        "but_batch": np.array([1, 2, 3], np.int64),
        "to_frame": to_frame,
        "to_regions": random.normal(size=(2, regions * region_size)).astype(np.float32),
        "region_shape": np.array([-1, regions, region_size], np.int64),
    }
    return graph(
        nodes,
        constants,
        [value("crops", TensorProto.UINT8, "N", size, size, 3)],
        [
            value("frame", TensorProto.FLOAT, "N", frame_size),
            value("regions", TensorProto.FLOAT, "N", regions, region_size),
        ],
    )


def temporal_graph(window: int, frame_size: int, regions: int, region_size: int) -> bytes:
    """A window of features to ``p_me``, ``p_speaking`` and ``frame_scores``."""
    nodes = [
        node("Gather", ["frame", "first"], "middle", axis=2),
        node("Gather", ["frame", "second"], "lower", axis=2),
        node("Sub", ["middle", "threshold"], "above"),
        node("Mul", ["above", "gain"], "logit"),
        node("Sigmoid", ["logit"], "believed"),
        node("Mul", ["believed", "valid"], "frame_scores"),
        node("ReduceMax", ["frame_scores", "slots"], "p_me", keepdims=0),
        node("Mul", ["lower", "valid"], "lower_seen"),
        node("ReduceMean", ["lower_seen", "slots"], "lower_mean", keepdims=1),
        node("Sub", ["lower_mean", "threshold"], "lower_above"),
        node("Mul", ["lower_above", "gain"], "lower_logit"),
        node("Sigmoid", ["lower_logit"], "speaking"),
        # The regions say nothing here, but a graph's inputs must be used.
        node("ReduceSum", ["regions", "areas"], "sum", keepdims=0),
        node("Mul", ["sum", "nothing"], "zero"),
        node("Add", ["speaking", "zero"], "p_speaking"),
    ]
    constants = {
        "first": np.array(0, np.int64),
        "second": np.array(min(1, frame_size - 1), np.int64),
        "threshold": np.array(THRESHOLD, np.float32),
        "gain": np.array(8, np.float32),
        "slots": np.array([1], np.int64),
        "areas": np.array([2, 3], np.int64),
        "nothing": np.array(0, np.float32),
    }
    return graph(
        nodes,
        constants,
        [
            value("frame", TensorProto.FLOAT, "B", window, frame_size),
            value("regions", TensorProto.FLOAT, "B", window, regions, region_size),
            value("valid", TensorProto.FLOAT, "B", window),
        ],
        [
            value("p_me", TensorProto.FLOAT, "B"),
            value("p_speaking", TensorProto.FLOAT, "B", window),
            value("frame_scores", TensorProto.FLOAT, "B", window),
        ],
    )


def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], **attributes)


def value(name: str, kind: int, *shape: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def graph(
    nodes: list[onnx.NodeProto],
    constants: dict[str, np.ndarray],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
) -> bytes:
    stored = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    made = helper.make_graph(nodes, "tiny", inputs, outputs, stored)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()
