"""Runs a bundle's two graphs with PyTorch on the CPU: the reference that other backends are compared with.

PyTorch is imported when an engine is opened, not before: whoever runs another backend needs none.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rtme.engine.backend import Floats, Wish
from rtme.engine.batched import BatchedGraph, first_line
from rtme.engine.bundle import Bundle
from rtme.engine.tensors import CROPS, FEATURES, SCORES, WINDOW, Shapes, check
from rtme.engine.two_graphs import Arrays, TwoGraphs
from rtme.errors import EngineError

if TYPE_CHECKING:
    import torch

    from rtme.engine.torch_graph import TorchGraph


def missing(bundle: Bundle, wish: Wish) -> str | None:
    """Why PyTorch cannot run here, or None."""
    reason = not_installed()
    if reason is not None or wish.precision in (None, "fp32"):
        return reason
    if wish.precision != "bf16":
        return f"torch computes in fp32 or bf16 on a CPU, not in {wish.precision}"
    import torch

    able = torch.cpu.get_capabilities()
    if any(has for name, has in able.items() if name.endswith("bf16")):
        return None
    return "this processor has no bf16 of its own, so it would be slower than fp32"


def not_installed() -> str | None:
    """Which package is missing, or None."""
    for name in ("torch", "onnx"):
        if find_spec(name) is None:
            return f"{name} is not installed: pip install 'rtme[torch]'"
    return None


class TorchBackend(TwoGraphs[BatchedGraph]):
    """A :class:`rtme.engine.backend.Backend` on the CPU.

    Batches run whole, so what a crop was batched with may show in its last digits.

    The number of threads is PyTorch's own and so that of the whole process: the engine that was opened last sets it, for
    training in the same process as well.

    Args:
        bundle: The engine.
        wish: A precision below fp32 holds for the encoder's matrix products; the temporal part, which decides, keeps fp32.

    Raises:
        EngineError: A graph cannot be loaded, or is not what the manifest says.
    """

    name = "torch"

    def __init__(self, bundle: Bundle, wish: Wish) -> None:
        import torch

        torch.set_num_threads(wish.threads)
        self.manifest = bundle.manifest
        precision = wish.precision or "fp32"
        threads = f"{wish.threads} thread{'s' * (wish.threads > 1)}"
        self.label = f"torch {torch.__version__}, {precision}, CPU, {threads}"
        body = torch.bfloat16 if precision == "bf16" else torch.float32
        self._encoder = _open(bundle, bundle.encoder_path, CROPS, FEATURES, body, wish.max_batch)
        self._temporal = _open(bundle, bundle.temporal_path, WINDOW, SCORES, torch.float32, wish.max_batch)


def load(
    bundle: Bundle, path: Path, inputs: Shapes, outputs: Shapes, device: "torch.device", body: "torch.dtype"
) -> "TorchGraph":
    """Load one of a bundle's graphs and see that it has the tensors it should.

    Raises:
        EngineError: It has not, or cannot be loaded.
    """
    from rtme.engine.torch_graph import TorchGraph

    graph = TorchGraph(path, device, body)
    check(path, "input", graph.inputs, inputs, bundle.manifest)
    check(path, "output", graph.outputs, outputs, bundle.manifest)
    return graph


def _open(
    bundle: Bundle, path: Path, inputs: Shapes, outputs: Shapes, body: "torch.dtype", max_batch: int
) -> BatchedGraph:
    import torch

    graph = load(bundle, path, inputs, outputs, torch.device("cpu"), body)

    def run(batch: Arrays) -> dict[str, Floats]:
        try:
            answers = graph({name: torch.from_numpy(tensor) for name, tensor in batch.items()})
        except RuntimeError as error:
            raise EngineError(f"{path} failed: {first_line(error)}") from error
        return {name: answer.numpy() for name, answer in answers.items()}

    return BatchedGraph(path, bundle.manifest, inputs, outputs, run, tuple(dict.fromkeys((1, max_batch))))
