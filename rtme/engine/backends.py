"""Which backend runs an engine."""

from rtme.engine.backend import Backend
from rtme.engine.bundle import Bundle
from rtme.errors import EngineError

BACKENDS = ("onnxruntime",)
"""The backends there are; ``auto`` takes the first."""


def open_backend(bundle: Bundle, backend: str = "auto", threads: int = 1) -> Backend:
    """Open an engine, check its graphs and run them once.

    Args:
        bundle: The engine.
        backend: One of :data:`BACKENDS`, or ``auto``.
        threads: Threads of the encoder, 1 or more.

    Raises:
        EngineError: The backend is unknown, or the engine does not run on it.
    """
    if backend not in ("auto", *BACKENDS):
        raise EngineError(f"no backend is called {backend!r}: give auto or {', '.join(BACKENDS)}")
    from rtme.engine.ort import OnnxRuntimeBackend

    return OnnxRuntimeBackend(bundle, threads)
