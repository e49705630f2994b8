"""Engine bundles on disk: a folder with ``manifest.json`` and the two graphs that it names."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rtme.engine.manifest import Manifest
from rtme.errors import EngineError
from rtme.whole import whole

MANIFEST = "manifest.json"

_ROOM = Path(__file__).resolve().parent
_HOMES = (_ROOM.parent / "_engines", _ROOM.parent.parent / "engines")
"""Where named engines live: in the installed package, and in a source checkout."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """An engine whose files are what its manifest says they are.

    Attributes:
        path: The folder.
        manifest: What the engine says about itself.
        encoder_path: The graph that turns crops into features.
        temporal_path: The graph that scores a window of features.
    """

    path: Path
    manifest: Manifest
    encoder_path: Path
    temporal_path: Path


def load_bundle(engine: str | Path) -> Bundle:
    """Load an engine by its name or its folder, and check the manifest and the graphs' SHA-256.

    Args:
        engine: A name, as :func:`list_bundles` gives it, or the path of a bundle's folder.

    Raises:
        EngineError: There is no such engine, or its files are not what they should be.
    """
    path = _find(engine)
    manifest = _read_manifest(path / MANIFEST)
    for entry in (manifest.encoder, manifest.temporal):
        found = sha256_of(path / entry.file)
        if found != entry.sha256:
            raise EngineError(
                f"{path / entry.file} is not the file its manifest describes (SHA-256 {found[:12]}…, not "
                f"{entry.sha256[:12]}…): install or export the engine again"
            )
    return Bundle(path, manifest, path / manifest.encoder.file, path / manifest.temporal.file)


def list_bundles() -> dict[str, Path]:
    """Name and folder of each engine that can be named, sound or not."""
    return {
        folder.name: folder
        for home in reversed(_HOMES)
        if home.is_dir()
        for folder in sorted(home.iterdir())
        if (folder / MANIFEST).is_file()
    }


def write_bundle(folder: Path, numbers: Mapping[str, Any], *, encoder: bytes, temporal: bytes) -> Bundle:
    """Write an engine: the graphs first, then the manifest, each whole or not at all.

    Args:
        folder: Made if it is not there; a bundle in it is replaced.
        numbers: The manifest without its ``encoder`` and ``temporal`` entries.
        encoder: ``encoder.onnx``.
        temporal: ``temporal.onnx``.

    Raises:
        EngineError: The numbers make no manifest.
    """
    graphs = {"encoder": encoder, "temporal": temporal}
    entries = {
        name: {"file": f"{name}.onnx", "sha256": hashlib.sha256(graph).hexdigest()}
        for name, graph in graphs.items()
    }
    try:
        manifest = Manifest.model_validate({**numbers, **entries})
    except ValidationError as error:
        raise EngineError(f"these numbers make no manifest: {_sentence(error)}") from error
    folder.mkdir(parents=True, exist_ok=True)
    for name, graph in graphs.items():
        _write(folder / entries[name]["file"], graph)
    _write(folder / MANIFEST, manifest.model_dump_json(indent=2).encode() + b"\n")
    return load_bundle(folder)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file of an engine, in hexadecimal.

    Raises:
        EngineError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EngineError(
            f"{path} cannot be read ({error.strerror}): install or export the engine again"
        ) from error


def _find(engine: str | Path) -> Path:
    named = list_bundles()
    if isinstance(engine, str) and engine in named:
        return named[engine]
    path = Path(engine).expanduser()
    if (path / MANIFEST).is_file():
        return path
    if path.is_dir():
        raise EngineError(f"{path} is no engine: it has no {MANIFEST}")
    known = ", ".join(named) or "none"
    raise EngineError(f"no engine is called {str(engine)!r}: installed: {known}; or give a bundle's folder")


def _read_manifest(path: Path) -> Manifest:
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise EngineError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise EngineError(f"{path} is no engine manifest: {_sentence(error)}") from error


def _sentence(error: ValidationError) -> str:
    parts = []
    for item in error.errors(include_url=False):
        where = ".".join(str(key) for key in item["loc"])
        said = item["msg"].removeprefix("Value error, ")
        given = (
            f" (it is {item['input']!r})" if isinstance(item["input"], str | int | float) and where else ""
        )
        parts.append(f"{where}: {said}{given}" if where else said)
    return "; ".join(parts)


def _write(path: Path, data: bytes) -> None:
    with whole(path) as draft:
        draft.write_bytes(data)
