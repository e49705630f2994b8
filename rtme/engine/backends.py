"""Which backend runs an engine: the one that is asked for, or the best that works on this machine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import cast

from rtme.engine.backend import Backend, Wish
from rtme.engine.bundle import Bundle
from rtme.errors import EngineError


@dataclass(frozen=True, slots=True)
class Kind:
    """A backend there is.

    Attributes:
        module: Where it lives; imported when it is looked at, for the libraries are heavy.
        opens: The class's name in it, called with a bundle and a :class:`Wish`. Beside it the module has a function
            ``missing(bundle, wish)``: why this backend cannot run here, in a few words, or None.
        auto: Whether ``auto`` may take it.
        gpu: Whether it runs on a GPU, where a batch costs hardly more than one item.
    """

    module: str
    opens: str
    auto: bool = True
    gpu: bool = False

    def missing(self, bundle: Bundle, wish: Wish) -> str | None:
        """Why it cannot run here, or None. Cheap, and never crashes on a machine that lacks what it needs."""
        look = cast("Callable[[Bundle, Wish], str | None]", import_module(self.module).missing)
        return look(bundle, wish)

    def open(self, bundle: Bundle, wish: Wish) -> Backend:
        """Open it."""
        return cast("Backend", getattr(import_module(self.module), self.opens)(bundle, wish))


KINDS: Mapping[str, Kind] = {
    "tensorrt": Kind("rtme.engine.trt.backend", "TensorRtBackend", gpu=True),
    "torch-cuda": Kind("rtme.engine.torch_cuda", "TorchCudaBackend", gpu=True),
    "onnxruntime-cuda": Kind("rtme.engine.ort_cuda", "OrtCudaBackend", gpu=True),
    "openvino": Kind("rtme.engine.openvino", "OpenVinoBackend"),
    "onnxruntime": Kind("rtme.engine.ort", "OnnxRuntimeBackend"),
    "torch": Kind("rtme.engine.torch_backend", "TorchBackend", auto=False),
}
"""The best first: ``auto`` takes the first that works."""

BACKENDS = tuple(KINDS)
"""Their names."""

ON_CPU = ("openvino", "onnxruntime")
"""Those that need no device which could be lost."""


def on_gpu(name: str) -> bool:
    """Whether a backend runs on a GPU."""
    return KINDS[name].gpu


@dataclass(frozen=True, slots=True)
class Opened:
    """A backend, and how it came to be this one.

    Attributes:
        backend: Ready to run; its graphs were checked and run once.
        why: In a sentence, for people.
        refused: Backends that come before it and do not work here, each with the reason.
    """

    backend: Backend
    why: str
    refused: Mapping[str, str]


def open_backend(bundle: Bundle, backend: str = "auto", threads: int = 1) -> Backend:
    """Open an engine with the settings that matter most; see :func:`open_for`.

    Args:
        bundle: The engine.
        backend: One of :data:`BACKENDS`, or ``auto``.
        threads: Threads of the encoder, 1 or more.

    Raises:
        EngineError: The backend is unknown, or the engine does not run on it.
    """
    return open_for(bundle, Wish(backend, threads=threads)).backend


def open_for(bundle: Bundle, wish: Wish) -> Opened:
    """Open an engine, check its graphs and run them once.

    Args:
        bundle: The engine.
        wish: How it is to be run. With ``auto``, a backend that cannot be opened is passed over.

    Raises:
        EngineError: The backend is unknown or cannot run here, or the engine does not run on it.
    """
    for name, value in (("threads", wish.threads), ("batch", wish.max_batch)):
        if value < 1:
            raise EngineError(f"an engine cannot run with {value} {name}: give 1 or more")
    if wish.backend != "auto":
        if wish.backend not in KINDS:
            raise EngineError(f"no backend is called {wish.backend!r}: give auto or {', '.join(KINDS)}")
        kind = KINDS[wish.backend]
        reason = kind.missing(bundle, wish)
        if reason is not None:
            raise EngineError(f"backend {wish.backend} cannot run here: {reason}")
        return Opened(kind.open(bundle, wish), "it was asked for", {})
    refused: dict[str, str] = {}
    for name, kind in KINDS.items():
        if not kind.auto:
            continue
        mine = replace(wish, backend=name)
        reason = kind.missing(bundle, mine)
        if reason is None:
            try:
                backend = kind.open(bundle, mine)
            except EngineError as error:
                reason = str(error)
            else:
                return Opened(backend, "the best that works here", refused)
        refused[name] = reason
    # The last is the plainest: what it says is what is wrong with the engine.
    raise EngineError(refused[next(reversed(refused))])
