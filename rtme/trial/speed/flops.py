"""How much arithmetic the encoder of an engine is, and how much of it this machine could do."""

import os
import subprocess
import sys
from math import prod

import numpy as np
import onnxruntime

from rtme.engine.bundle import Bundle

_PRODUCTS = ("MatMul", "Gemm", "Conv")
_SGEMM = """
import time
import numpy as np
n = 1024
a, b = (np.random.default_rng(k).random((n, n), np.float32) for k in (0, 1))
a @ b
best = 0.0
for _ in range(20):
    began = time.perf_counter()
    a @ b
    best = max(best, 2 * n**3 / (time.perf_counter() - began) / 1e9)
print(best)
"""


def encoder_gflop(bundle: Bundle) -> float | None:
    """Matrix products and convolutions of one crop, 10^9 operations (a multiply-add is two); None without ``onnx``.

    Everything else (norms, activations, copies) is left out, as is usual.
    """
    try:
        import onnx
    except ModuleNotFoundError:
        return None
    return _operations(onnx.load(str(bundle.encoder_path)), bundle.manifest.size) / 1e9


def _operations(model: "onnx.ModelProto", size: int) -> int:  # type: ignore[name-defined]  # noqa: F821
    """By the shapes that one crop really has: the graph is run with what goes into each product as an output."""
    import onnx

    graph = model.graph
    stored = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    products = [node for node in graph.node if node.op_type in _PRODUCTS]
    told = {one.name for one in graph.output}
    wanted = {name for node in products for name in (*node.input[:2], node.output[0])} - stored.keys()
    for name in sorted(wanted - told):
        graph.output.append(onnx.ValueInfoProto(name=name))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    values = session.run(names, {"crops": np.zeros((1, size, size, 3), np.uint8)})
    shapes = stored | {name: value.shape for name, value in zip(names, values, strict=True)}
    operations = 0
    for node in products:
        first, second, out = shapes[node.input[0]], shapes[node.input[1]], shapes[node.output[0]]
        turned = any(each.name == "transA" and each.i for each in node.attribute)
        each = prod(second[1:]) if node.op_type == "Conv" else first[0 if turned else -1]
        operations += 2 * prod(out) * each
    return operations


def ceiling_gflops(threads: int) -> float:
    """The most 10^9 operations a second that numpy's single-precision matrix product reaches here, in a process of its own.

    Args:
        threads: Of the product; its library reads their number when it is loaded.
    """
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, str(threads))}
    done = subprocess.run(
        [sys.executable, "-c", _SGEMM],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return float(done.stdout)
