"""Graphs in half precision: what they compute, run by onnxruntime, and which types they have."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from rtme.engine.bundle import Bundle, load_bundle
from rtme.engine.trt.parity import TOLERANCE, compare, example
from rtme.engine.trt.tensors import Table, encoder_table, temporal_table
from rtme.engine.trt.typed import LOWER, typed
from rtme.errors import EngineError
from tiny_engine import graph, make_tiny_bundle, node, value


@pytest.fixture(scope="module", params=["tiny", "default"])
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    if request.param == "tiny":
        return make_tiny_bundle(tmp_path_factory.mktemp("tiny"), measures=2)
    return load_bundle("default")


@pytest.fixture(params=["encoder", "temporal"])
def part(request: pytest.FixtureRequest, bundle: Bundle) -> tuple[Path, Table]:
    if request.param == "encoder":
        return bundle.encoder_path, encoder_table(bundle.manifest)
    return bundle.temporal_path, temporal_table(bundle.manifest)


def session(model: bytes | Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # Else it might leave out the casts that round.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])


def runner(model: bytes, table: Table) -> Any:
    ready = session(model)
    names = [tensor.name for tensor in table.outputs]
    return lambda arrays: dict(zip(names, ready.run(names, arrays), strict=True))


def types(model: onnx.ModelProto) -> dict[str, int]:
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True).graph
    found = {t.name: t.data_type for t in inferred.initializer}
    for entry in (*inferred.input, *inferred.output, *inferred.value_info):
        found[entry.name] = entry.type.tensor_type.elem_type
    return found


def test_the_table_is_what_the_graph_has(part: tuple[Path, Table]) -> None:
    path, table = part
    kinds = {np.uint8: "tensor(uint8)", np.float32: "tensor(float)"}
    ready = session(path)
    for found, wanted in ((ready.get_inputs(), table.inputs), (ready.get_outputs(), table.outputs)):
        assert {(t.name, t.type, tuple(t.shape[1:])) for t in found} == {
            (t.name, kinds[t.dtype], t.shape) for t in wanted
        }


def test_fp16_answers_as_fp32_does(part: tuple[Path, Table]) -> None:
    path, table = part
    differences = compare(runner(typed(path.read_bytes(), "fp16"), table), (1, 4), path, table, "fp16")
    assert differences.keys() == {tensor.name for tensor in table.outputs}


def test_bf16_answers_as_fp32_does(part: tuple[Path, Table]) -> None:
    """onnxruntime has no products in bf16 on a CPU: they are taken in single precision, and every result is rounded."""
    path, table = part
    emulated = rounding_to_bf16(onnx.load_from_string(typed(path.read_bytes(), "bf16")))
    differences = compare(runner(emulated, table), (1, 4), path, table, "bf16")
    if path.parent.name == "default" and path.name == "encoder.onnx":
        # Else nothing was rounded.
        assert differences["frame"] > TOLERANCE["fp16"].features


def rounding_to_bf16(model: onnx.ModelProto) -> bytes:
    bf16, single = TensorProto.BFLOAT16, TensorProto.FLOAT
    low = {name for name, kind in types(model).items() if kind == bf16}
    weights = list(model.graph.initializer)
    nodes = []
    for one in model.graph.node:
        outputs = list(one.output)
        if one.op_type == "Cast":
            for attribute in one.attribute:
                attribute.i = single if attribute.i == bf16 else attribute.i
        one.output[:] = [f"{name}.raw" if name in low else name for name in outputs]
        nodes.append(one)
        for name in outputs:
            if name in low:
                nodes.append(onnx.helper.make_node("Cast", [f"{name}.raw"], [f"{name}.bits"], to=bf16))
                nodes.append(onnx.helper.make_node("Cast", [f"{name}.bits"], [name], to=single))
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(t).astype(np.float32), t.name)
        if t.data_type == bf16
        else t
        for t in weights
    )
    written: bytes = model.SerializeToString()
    return written


def test_inputs_and_outputs_keep_their_types(part: tuple[Path, Table]) -> None:
    path, _ = part
    before = onnx.load(path).graph
    for precision in LOWER:
        after = onnx.load_from_string(typed(path.read_bytes(), precision)).graph
        assert [v.SerializeToString() for v in (*after.input, *after.output)] == [
            v.SerializeToString() for v in (*before.input, *before.output)
        ]


@pytest.mark.parametrize(
    ("precision", "low"), [("fp16", TensorProto.FLOAT16), ("bf16", TensorProto.BFLOAT16)]
)
def test_products_are_low_and_probabilities_single(bundle: Bundle, precision: Any, low: int) -> None:
    for path in (bundle.encoder_path, bundle.temporal_path):
        model = onnx.load_from_string(typed(path.read_bytes(), precision))
        found = types(model)
        for one in model.graph.node:
            if one.op_type in ("MatMul", "Gemm", "Conv"):
                assert {found[name] for name in (*one.input, *one.output)} == {low}, one.name
            if one.op_type in ("Sigmoid", "LSTM"):
                assert found[one.output[0]] == TensorProto.FLOAT, one.name
            if one.op_type == "LayerNormalization":
                assert {a.name: a.i for a in one.attribute}["stash_type"] == TensorProto.FLOAT


def test_weights_kept_in_half_are_used_as_they_are() -> None:
    path = load_bundle("default").encoder_path
    model = onnx.load_from_string(typed(path.read_bytes(), "fp16"))
    assert not [n for n in model.graph.node if n.op_type == "Cast" and n.input[0].endswith(".half")]
    before = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    after = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    np.testing.assert_array_equal(after["val_27.fp16"], before["val_27.half"])
    assert sum(a.nbytes for a in after.values()) <= sum(b.nbytes for b in before.values())


def test_opsets() -> None:
    graph = load_bundle("default").temporal_path.read_bytes()
    opsets = {
        p: onnx.load_from_string(typed(graph, p)).opset_import[0].version for p in ("fp32", "fp16", "bf16")
    }
    assert opsets == {"fp32": 20, "fp16": 20, "bf16": 22}


@pytest.mark.parametrize("precision", ["fp32", *LOWER])
def test_only_casts_read_bytes(bundle: Bundle, precision: Any) -> None:
    model = onnx.load_from_string(typed(bundle.encoder_path.read_bytes(), precision))
    assert {n.op_type for n in model.graph.node if "crops" in n.input} == {"Cast"}


def test_fp32_computes_the_very_same(part: tuple[Path, Table]) -> None:
    path, table = part
    inputs = example(table, 3)
    plain, ours = (
        runner(path.read_bytes(), table)(inputs),
        runner(typed(path.read_bytes(), "fp32"), table)(inputs),
    )
    for name, array in plain.items():
        np.testing.assert_array_equal(ours[name], array)


def test_a_tensor_that_is_an_output_and_goes_on_is_cast_once() -> None:
    random = np.random.default_rng(3)
    made = graph(
        [
            node("MatMul", ["x", "w"], "y"),
            node("Relu", ["y"], "z"),
            node("MatMul", ["z", "w"], "more"),
            node("Shape", ["z"], "size"),
            node("Greater", ["more", "zero"], "large"),
            node("Where", ["large", "more", "x"], "chosen"),
            node("Reshape", ["chosen", "size"], "out"),
        ],
        {"w": random.normal(size=(4, 4)).astype(np.float32), "zero": np.array(0, np.float32)},
        [value("x", TensorProto.FLOAT, "N", 4)],
        [
            value("y", TensorProto.FLOAT, "N", 4),
            value("z", TensorProto.FLOAT, "N", 4),
            value("out", TensorProto.FLOAT, "N", 4),
        ],
    )
    x = random.normal(size=(3, 4)).astype(np.float32)
    lower = typed(made, "fp16")
    for a, b in zip(session(made).run(None, {"x": x}), session(lower).run(None, {"x": x}), strict=True):
        np.testing.assert_allclose(a, b, atol=0.02)
    assert [n.op_type for n in onnx.load_from_string(lower).graph.node].count("Cast") == 4


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (b"no graph", "this graph cannot be typed for fp16"),
        (b"", "this graph cannot be typed for fp16"),
        (
            graph(
                [node("MatMul", ["x", "w"], "y")],
                {"w": np.full((2, 2), 1e5, np.float32)},
                [value("x", TensorProto.FLOAT, "N", 2)],
                [value("y", TensorProto.FLOAT, "N", 2)],
            ),
            "weight w holds numbers beyond half precision: build for fp32",
        ),
    ],
)
def test_what_cannot_be_typed(made: bytes, sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence):
        typed(made, "fp16")


def test_a_plan_that_says_nan_is_wrong(part: tuple[Path, Table]) -> None:
    path, table = part

    def nans(arrays: Any) -> Any:
        count = len(arrays[table.inputs[0].name])
        return {t.name: np.full((count, *t.shape), np.nan, np.float32) for t in table.outputs}

    with pytest.raises(
        EngineError, match=r"is wrong on this GPU: in batches of 1 .* differs from onnxruntime by nan"
    ):
        compare(nans, (1, 2), path, table, "fp16")


def test_the_example_has_a_window_without_frames(part: tuple[Path, Table]) -> None:
    inputs = example(part[1], 4)
    if "valid" in inputs:
        assert inputs["valid"][:-1].any(1).all()
        assert not inputs["valid"][-1].any()
    assert TOLERANCE.keys() == {"fp32", *LOWER}
