"""Checkpoints: written whole or not at all, and read with a word on what is wrong."""

import pickle
import shutil
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from rtme.errors import DataError, SettingsError
from rtme.whole import whole

_ROOM = 1 << 20
"""Bytes; a disk with less is full."""


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint holds.

    Raises:
        DataError: There is none, or it is damaged.
    """
    # What else lies there rests on it.
    remedy = f"remove {path.parent} and train again"
    try:
        with path.open("rb") as file:
            state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DataError(f"there is no checkpoint {path}: {remedy}") from error
    except pickle.UnpicklingError as error:
        raise DataError(
            f"{path} is damaged or no checkpoint (it is not a file of weights): {remedy}"
        ) from error
    except (OSError, EOFError, RuntimeError, ValueError, KeyError) as error:
        raise DataError(f"{path} is damaged or no checkpoint ({_short(error)}): {remedy}") from error
    if not {"settings", "state_dict", "callbacks", "epoch"} <= set(state):
        raise DataError(f"{path} is no checkpoint of this trainer: {remedy}")
    return state


def check_settings(path: Path, there: dict[str, Any], here: dict[str, Any]) -> None:
    """See that a checkpoint was made with the settings of this run.

    Raises:
        SettingsError: With the first setting that differs.
    """
    for name in {**here, **there}:
        if there.get(name) != here.get(name):
            what = (
                "was trained on other clips"
                if name == "material"
                else f"is of another recipe ({name} is {there.get(name)!r} there and {here.get(name)!r} here)"
            )
            raise SettingsError(f"{path} {what}: train into another folder, or remove it")


class EpochCheckpoint(ModelCheckpoint):
    """One file, replaced by each epoch that is better, or by each epoch."""

    def __init__(self, folder: Path, name: str, monitor: str | None) -> None:
        super().__init__(
            folder,
            name,
            monitor,
            mode="max",
            save_top_k=1,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what a checkpoint says of the best score."""
        # A run whose folder was moved still knows its best score.
        super().load_state_dict({**state_dict, "dirpath": self.dirpath})


class WholeFiles(TorchCheckpointIO):
    """Checkpoints that are written whole or not at all."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint as Lightning asks for it."""
        folder = Path(path).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with whole(Path(path)) as draft, draft.open("wb") as file:
                torch.save(checkpoint, file)
        except (OSError, RuntimeError) as error:
            # torch does not tell what stopped it.
            full = folder.is_dir() and shutil.disk_usage(folder).free < _ROOM
            said = "the disk is full" if full else _short(error)
            raise DataError(f"{path} cannot be written ({said}): make room and start again") from error


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
