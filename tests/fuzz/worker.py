"""The process that graphs and videos are tried in: native code may die of them."""

import resource
import sys
import tempfile
from pathlib import Path

from fuzzing import serve

MOST_BYTES = 8 << 30


def video(folder: Path, data: bytes) -> str:
    """Read a file to its end."""
    from rtme.capture.file import FileSource
    from rtme.errors import SourceError

    path = folder / "clip"
    path.write_bytes(data)
    source = FileSource(path)
    frames = 0
    try:
        source.open()
        while source.read() is not None:
            frames += 1
    except SourceError:
        return f"refused after {frames} frames"
    finally:
        source.close()
    return f"read {frames} frames"


def graph(folder: Path, data: bytes, backend: str) -> str:
    """Open an engine with this encoder, or this temporal graph, and a digest that fits."""
    from rtme.engine.backend import Wish
    from rtme.engine.backends import open_for
    from rtme.engine.bundle import write_bundle
    from rtme.errors import EngineError
    from tiny_engine import NUMBERS, encoder_graph, temporal_graph

    which, data = data[0], data[1:]
    numbers = [NUMBERS[name] for name in ("frame_size", "regions", "region_size")]
    graphs = {
        "encoder": encoder_graph(NUMBERS["size"], *numbers),
        "temporal": temporal_graph(NUMBERS["window"], *numbers),
    }
    graphs["encoder" if which else "temporal"] = data
    bundle = write_bundle(folder, NUMBERS, **graphs)
    try:
        open_for(bundle, Wish(backend)).backend.close()
    except EngineError:
        return "refused"
    return "opened"


def main() -> None:
    """Serve the target that is named."""
    target = sys.argv[1]
    # A header may promise any size: that must end in an error, not in the machine's memory.
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if target == "video":
            serve(lambda data: video(folder, data))
        else:
            serve(lambda data: graph(folder, data, target))


if __name__ == "__main__":
    main()
