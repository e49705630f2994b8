"""An encoder in int8: a quarter of the arithmetic's width, for processors that are quicker so."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from rtme.engine.bundle import Bundle, write_bundle
from rtme.errors import EngineError

QUANTISED = "quantised from"
"""Under which name a manifest's training says what an int8 engine was made of."""


def quantize_bundle(bundle: Bundle, folder: Path) -> Bundle:
    """Write an engine whose encoder multiplies in int8; its temporal part, which decides, stays as it is.

    Weights are quantised by column, activations anew for each call. Both are unsigned: signed weights are quicker on some
    processors, and on those without VNNI their sums overflow, so that an engine would not say the same everywhere.

    Args:
        bundle: The engine.
        folder: Of the new one, which is called after the old one with ``-int8``.

    Raises:
        EngineError: onnx is missing, or there is nothing to quantise.
    """
    manifest = bundle.manifest
    numbers = manifest.model_dump(mode="json", exclude={"encoder", "temporal"})
    numbers["name"] = f"{manifest.name}-int8"
    numbers["training"] = {
        **manifest.training,
        QUANTISED: f"{manifest.name} {manifest.version}, encoder {manifest.encoder.sha256[:12]}; its scores were "
        "measured before",
    }
    return write_bundle(
        folder,
        numbers,
        encoder=_int8(bundle.encoder_path),
        temporal=bundle.temporal_path.read_bytes(),
    )


def _int8(path: Path) -> bytes:
    try:
        import onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic
        from onnxruntime.quantization.quant_utils import add_pre_process_metadata
    except ImportError as error:
        raise EngineError(f"quantising an engine needs {error.name}: pip install 'rtme[torch]'") from error
    model = onnx.load(path)
    _store_whole(model.graph)
    # Its preparation (folding, shapes) is what our exporter has done; without this word it logs advice to do it.
    add_pre_process_metadata(model)
    with TemporaryDirectory(prefix="rtme-quantize-") as scratch:
        out = Path(scratch) / "encoder.onnx"
        quantize_dynamic(
            model, out, op_types_to_quantize=["MatMul"], per_channel=True, weight_type=QuantType.QUInt8
        )
        made = onnx.load(out)
    if _products(made) == _products(model):
        raise EngineError(
            f"{path} has no product with stored weights that could be quantised: it may be int8 already"
        )
    found: bytes = made.SerializeToString()
    return found


def _products(model: Any) -> int:
    return sum(node.op_type == "MatMulInteger" for node in model.graph.node)


def _store_whole(graph: Any) -> None:
    """Put weights that are kept in half precision back as what they are used as: only stored ones are quantised."""
    from onnx import TensorProto, numpy_helper

    stored = {tensor.name: tensor for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        half = stored.get(node.input[0]) if node.op_type == "Cast" else None
        if half is None or half.data_type != TensorProto.FLOAT16 or node.attribute[0].i != TensorProto.FLOAT:
            kept.append(node)
        else:
            whole = numpy_helper.to_array(half).astype(np.float32)
            half.CopyFrom(numpy_helper.from_array(whole, node.output[0]))
    del graph.node[:]
    graph.node.extend(kept)
