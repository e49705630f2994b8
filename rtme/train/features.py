"""What a frozen encoder says of every crop of a store, kept so that the temporal part trains in minutes."""

import fcntl
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rtme.data.store import Store, new_array
from rtme.errors import DataError
from rtme.model.encoder import Encoder
from rtme.train.augment import mirror
from rtme.train.runs import write_text

Tell = Callable[[str], None]

_BATCH = 256
_TELL_EVERY_S = 10.0


class FeatureCache:
    """Features of a store, by the store's row numbers; zero where the row has no crop.

    Args:
        folder: What :func:`encode` has filled.
        mirrored: The same of mirrored crops.

    Attributes:
        frame: ``(n_rows, D)`` float32 frame tokens.
        regions: ``(n_rows, R, Dr)`` float32 region tokens.
        mirrored: Features of the same crops in a mirror, None where nobody asked for them.
    """

    def __init__(self, folder: Path, mirrored: "FeatureCache | None" = None) -> None:
        self._folder = folder
        self.mirrored = mirrored
        try:
            self.frame: NDArray[np.float32] = np.load(folder / "frame.npy", mmap_mode="r")
            self.regions: NDArray[np.float32] = np.load(folder / "regions.npy", mmap_mode="r")
        except (OSError, EOFError, ValueError) as error:
            raise DataError(
                f"the features in {folder} cannot be read ({error}): remove the folder"
            ) from error

    def __reduce__(self) -> tuple[Any, ...]:
        # Processes map the files themselves; pickled, an array would travel whole.
        return FeatureCache, (self._folder, self.mirrored)


def encode(
    store: Store,
    encoder: Encoder,
    folder: Path,
    tell: Tell,
    device: str = "cpu",
    mirrored: bool = False,
) -> FeatureCache:
    """Encode every valid crop of a store once; what is encoded already is not encoded again.

    Features of each encoder and store have a folder of their own, named by their fingerprint, so that those
    of another encoder are never taken for these. A run that was stopped goes on after the last clip that is complete.

    Args:
        store: Whose crops.
        encoder: Left in evaluation mode, on ``device``.
        folder: Where the features of all encoders are.
        tell: Gets lines for people.
        device: Where the encoder runs, as torch names it.
        mirrored: Encode the crops in a mirror as well.

    Raises:
        DataError: They cannot be written (the disk is full, mostly).
    """
    key = _fingerprint(store, encoder)
    encoder = encoder.to(device).eval()
    reflection = None
    if mirrored:
        _fill(store, encoder, folder / f"{key}-mirrored", tell, device, in_mirror=True)
        reflection = FeatureCache(folder / f"{key}-mirrored")
    _fill(store, encoder, folder / key, tell, device, in_mirror=False)
    return FeatureCache(folder / key, reflection)


def _fingerprint(store: Store, encoder: Encoder) -> str:
    digest = hashlib.sha256(f"{store.fingerprint} float32 ".encode())
    # What only the temporal part reads makes no difference to features.
    temporal = {"window", "dropout", "lstm", "lstm_hidden", "lstm_layers", "context", "join"}
    temporal |= {"enhancer", "regional", "queries", "query_dim", "query_heads", "measures", "measure_dim"}
    digest.update(encoder.config.model_dump_json(exclude=temporal).encode())
    for name, values in sorted(encoder.state_dict().items()):
        digest.update(name.encode())
        digest.update(values.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def _fill(store: Store, encoder: Encoder, folder: Path, tell: Tell, device: str, in_mirror: bool) -> None:
    what = "mirrored crops" if in_mirror else "crops"
    progress = folder / "progress.json"
    with _alone(folder, tell):
        done = json.loads(progress.read_text(encoding="utf-8"))["clips"] if progress.is_file() else 0
        if done == len(store.clips):
            return
        frame, regions = _arrays(store, encoder, folder, done)
        if done:
            tell(f"encoding {what}: {done} of {len(store.clips)} clips are done already")
        elif any(other for other in folder.parent.iterdir() if _is_other(other, folder)):
            tell(
                f"encoding {what}: what is kept in {folder.parent} belongs to another encoder or other clips"
            )
        began = told = time.monotonic()
        total = sum(clip.slots for clip in store.clips[done:])
        passed = 0
        for number, clip in enumerate(store.clips[done:], done + 1):
            crops, valid = store.crops(clip), np.flatnonzero(store.rows(clip)["valid"])
            for start in range(0, len(valid), _BATCH):
                slots = valid[start : start + _BATCH]
                some = mirror(crops[slots], store.plan.input) if in_mirror else crops[slots]
                tokens, areas = _encoded(encoder, some, device)
                rows = store.first(clip) + slots
                frame[rows], regions[rows] = tokens, areas
            passed += clip.slots
            now = time.monotonic()
            if now - told > _TELL_EVERY_S or number == len(store.clips):
                frame.flush()
                regions.flush()
                write_text(progress, json.dumps({"clips": number}))
                left = (now - began) / passed * (total - passed) / 60
                tell(f"encoding {what}: {number} of {len(store.clips)} clips, {left:.1f} min left")
                told = now


def _arrays(
    store: Store, encoder: Encoder, folder: Path, done: int
) -> tuple["np.memmap[Any, Any]", "np.memmap[Any, Any]"]:
    # Not halved: what is found in a clip by these is to be what the exported engine finds in it live.
    config, kind = encoder.config, np.dtype(np.float32)
    shapes = {
        "frame": (store.n_rows, config.frame_size),
        "regions": (store.n_rows, config.regions, config.region_size),
    }
    paths = {name: folder / f"{name}.npy" for name in shapes}
    try:
        if not done:
            for name, shape in shapes.items():
                new_array(paths[name], kind, shape)
        opened = [np.load(path, mmap_mode="r+") for path in paths.values()]
    except (OSError, EOFError, ValueError) as error:
        needed = sum(int(np.prod(shape)) * kind.itemsize for shape in shapes.values()) / 1e9
        raise DataError(
            f"{folder} cannot hold the features, {needed:.1f} GB ({error}): make room, or remove the folder"
        ) from error
    return opened[0], opened[1]


def _encoded(
    encoder: Encoder, crops: NDArray[np.uint8], device: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    with torch.inference_mode():
        frame, regions = encoder(torch.from_numpy(crops).to(device))
    return frame.cpu().numpy(), regions.cpu().numpy()


def _is_other(path: Path, folder: Path) -> bool:
    return path.is_dir() and path.name.split("-")[0] != folder.name.split("-")[0]


@contextmanager
def _alone(folder: Path, tell: Tell) -> Iterator[None]:
    """Runs side by side must not fill the same arrays."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("w")
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(f"another run is encoding into {folder}: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
