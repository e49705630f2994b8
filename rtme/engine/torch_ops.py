"""The ONNX operators that the graphs of an engine use, in PyTorch.

Numbers that only say shapes (int64) stay on the CPU wherever the graph runs, so that no shape has to be fetched from a GPU
and a whole graph can be captured there. Meanings are those of opset 18 and later.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Attributes = Mapping[str, Any]
_TYPES = {1: torch.float32, 2: torch.uint8, 7: torch.int64, 9: torch.bool, 10: torch.float16}
"""By ONNX's numbers."""


class UnfitError(Exception):
    """An operator is used in a way that no engine's graph needs; the message says which."""


def check_known(kind: str) -> None:
    """See that an operator is one of ours.

    Raises:
        UnfitError: It is not.
    """
    if kind != "LSTM" and kind not in _OPS:
        raise UnfitError(f"the operator {kind}")


def run_op(kind: str, inputs: Sequence[Tensor | None], attributes: Attributes) -> Tensor:
    """Run one node; an LSTM has its own module, :mod:`rtme.engine.torch_lstm`.

    Args:
        kind: Name of the operator.
        inputs: In their order; None for one that was left out.
        attributes: As the node has them.

    Raises:
        UnfitError: It is used in a way that is not known.
    """
    try:
        return _OPS[kind](attributes, *inputs)
    except UnfitError as error:
        raise UnfitError(f"{kind} with {error}") from error


def _plain(run: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda given, *inputs: run(*inputs)


def _only(attributes: Attributes, **allowed: Any) -> None:
    """Refuse attributes that would change the meaning."""
    for name, value in allowed.items():
        if attributes.get(name, value) != value:
            given = attributes[name]
            raise UnfitError(f"{name} {given.decode() if isinstance(given, bytes) else given}")


def _ints(tensor: Tensor) -> list[int]:
    return [int(number) for number in tensor.reshape(-1).tolist()]


def _div(a: Tensor, b: Tensor) -> Tensor:
    return torch.div(a, b, rounding_mode=None if a.is_floating_point() else "trunc")


def _cast(given: Attributes, x: Tensor) -> Tensor:
    if given["to"] not in _TYPES:
        raise UnfitError(f"type {given['to']}")
    return x.to(_TYPES[given["to"]])


def _shape(given: Attributes, x: Tensor) -> Tensor:
    return torch.tensor(x.shape[given.get("start", 0) : given.get("end")], dtype=torch.int64)


def _reshape(given: Attributes, x: Tensor, wanted: Tensor) -> Tensor:
    sizes = _ints(wanted)
    if not given.get("allowzero", 0):
        sizes = [x.shape[place] if size == 0 else size for place, size in enumerate(sizes)]
    return x.reshape(sizes)


def _expand(given: Attributes, x: Tensor, wanted: Tensor) -> Tensor:
    # Both ways: a 1 in the wanted shape leaves the tensor's own size.
    sizes = torch.broadcast_shapes(x.shape, _ints(wanted))  # type: ignore[no-untyped-call]
    return x.expand(sizes)


def _slice(
    given: Attributes,
    x: Tensor,
    starts: Tensor,
    ends: Tensor,
    axes: Tensor | None = None,
    steps: Tensor | None = None,
) -> Tensor:
    first = _ints(starts)
    where = _ints(axes) if axes is not None else range(len(first))
    if steps is not None and any(step != 1 for step in _ints(steps)):
        raise UnfitError(f"steps {_ints(steps)}")
    for axis, start, end in zip(where, first, _ints(ends), strict=True):
        low, high, _ = slice(start, end).indices(x.shape[axis])
        x = x.narrow(axis, low, max(0, high - low))
    return x


def _gather(given: Attributes, x: Tensor, places: Tensor) -> Tensor:
    axis = given.get("axis", 0)
    if places.dim() == 0:
        return x.select(axis, int(places))
    if places.dim() > 1:
        raise UnfitError(f"an index of {places.dim()} dimensions")
    return torch.stack([x.select(axis, place) for place in _ints(places)], axis)


def _squeeze(given: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
    return x.squeeze() if axes is None else x.squeeze(_ints(axes))


def _unsqueeze(given: Attributes, x: Tensor, axes: Tensor) -> Tensor:
    places = _ints(axes)
    rank = x.dim() + len(places)
    for axis in sorted(place % rank for place in places):
        x = x.unsqueeze(axis)
    return x


def _concat(given: Attributes, *parts: Tensor) -> Tensor:
    return torch.cat(parts, given["axis"])


def _transpose(given: Attributes, x: Tensor) -> Tensor:
    return x.permute(given.get("perm", list(range(x.dim()))[::-1]))


def _reduce(run: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def reduced(given: Attributes, x: Tensor, axes: Tensor | None = None) -> Tensor:
        if axes is None and ("axes" in given or given.get("noop_with_empty_axes", 0)):
            raise UnfitError("axes as an attribute")
        places = _ints(axes) if axes is not None else list(range(x.dim()))
        return run(x, dim=places, keepdim=bool(given.get("keepdims", 1)))

    return reduced


def _gemm(given: Attributes, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    _only(given, alpha=1.0, beta=1.0)
    found = (a.T if given.get("transA") else a) @ (b.T if given.get("transB") else b)
    return found if c is None else found + c


def _layer_norm(given: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    axis = given.get("axis", -1)
    return functional.layer_norm(x, x.shape[axis:], weight, bias, given.get("epsilon", 1e-5))


def _gelu(given: Attributes, x: Tensor) -> Tensor:
    return functional.gelu(x, approximate=given.get("approximate", b"none").decode())


def _softmax(given: Attributes, x: Tensor) -> Tensor:
    return x.softmax(given.get("axis", -1))


def _conv(given: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    _only(given, auto_pad=b"NOTSET")
    pads = given.get("pads", [0] * (2 * (x.dim() - 2)))
    before, after = pads[: len(pads) // 2], pads[len(pads) // 2 :]
    # torch names the last axis first.
    sides = [side for axis in reversed(range(len(before))) for side in (before[axis], after[axis])]
    ones = [1] * len(before)
    run = {1: functional.conv1d, 2: functional.conv2d}.get(len(before))
    if run is None:
        raise UnfitError(f"a kernel over {len(before)} axes")
    return run(
        functional.pad(x, sides) if any(sides) else x,
        weight,
        bias,
        given.get("strides", ones),
        0,
        given.get("dilations", ones),
        given.get("group", 1),
    )


def _average_pool(given: Attributes, x: Tensor) -> Tensor:
    kernel = given["kernel_shape"]
    _only(given, auto_pad=b"NOTSET", ceil_mode=0, pads=[0, 0, 0, 0], dilations=[1, 1])
    if len(kernel) != 2:
        raise UnfitError(f"a kernel over {len(kernel)} axes")
    return functional.avg_pool2d(x, kernel, given.get("strides", [1, 1]))


_OPS: Mapping[str, Callable[..., Tensor]] = {
    "Abs": _plain(torch.abs),
    "Add": _plain(torch.add),
    "Asinh": _plain(torch.asinh),
    "AveragePool": _average_pool,
    "Cast": _cast,
    "Concat": _concat,
    "Conv": _conv,
    "Div": _plain(_div),
    "Expand": _expand,
    "Gather": _gather,
    "Gelu": _gelu,
    "Gemm": _gemm,
    "Greater": _plain(torch.gt),
    "LayerNormalization": _layer_norm,
    "MatMul": _plain(torch.matmul),
    "Max": _plain(lambda *parts: reduce(torch.maximum, parts)),
    "Mul": _plain(torch.mul),
    "ReduceMax": _reduce(torch.amax),
    "ReduceMean": _reduce(torch.mean),
    "ReduceSum": _reduce(torch.sum),
    "Reshape": _reshape,
    "Shape": _shape,
    "Sigmoid": _plain(torch.sigmoid),
    "Slice": _slice,
    "Softmax": _softmax,
    "Squeeze": _squeeze,
    "Sub": _plain(torch.sub),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": _plain(torch.where),
}
