"""How far a training is: lines for people, and a table with a row an epoch."""

import csv
import io
import math
import multiprocessing
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from rtme import errors
from rtme.errors import RtmeError
from rtme.train.quiet import hush
from rtme.train.runs import write_text

Tell = Callable[[str], None]
Row = dict[str, float]

_TELL_EVERY_S = 30.0


class Progress(Callback):
    """Tells people, and keeps ``metrics.csv`` and TensorBoard, a row an epoch.

    Its rows are part of the checkpoint, so that after a stop the table goes on where the weights do.
    """

    def __init__(self, name: str, table: Path, tell: Tell) -> None:
        self.rows: list[Row] = []
        self.tell = tell
        self._name, self._table = name, table
        self._began = self._trained = self._idle = self._told = 0.0
        self._waited = 0.0

    def state_dict(self) -> dict[str, Any]:
        """The table, for the checkpoint."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The table of a checkpoint."""
        self.rows = [dict(row) for row in state_dict["rows"]]

    def __setstate__(self, state: dict[str, Any]) -> None:
        # It has come to a process of its own, which nobody has quieted yet.
        self.__dict__.update(state)
        hush()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin to count time."""
        self._began = self._idle = time.monotonic()
        self._told = self._told or self._began
        self._waited = 0.0

    def on_train_batch_start(self, *_: Any) -> None:
        """Count how long the batch was waited for."""
        self._waited += time.monotonic() - self._idle

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Say now and then how far the epoch is."""
        self._idle = self._trained = time.monotonic()
        if self._idle - self._told > _TELL_EVERY_S:
            share = (batch_idx + 1) / trainer.num_training_batches
            epoch = self._idle - self._began
            self._say(
                trainer,
                f"step {batch_idx + 1} of {trainer.num_training_batches}, "
                f"{self._left(trainer, epoch / share, trainer.current_epoch + share)}",
            )

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Add a row, and say it."""
        seconds = time.monotonic() - self._began
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        row: Row = {
            "epoch": trainer.current_epoch + 1,
            "step": trainer.global_step,
            **{name: value for name, value in figures.items() if name.startswith("train_")},
            **{name: value for name, value in figures.items() if name.startswith("val_")},
            "rate": trainer.optimizers[0].param_groups[0]["lr"],
            "data_wait": self._waited / max(self._trained - self._began, 1e-9),
            "seconds": seconds,
        }
        self.rows.append(row)
        if not trainer.is_global_zero:
            return
        if trainer.logger is not None:
            trainer.logger.log_metrics(row, step=trainer.current_epoch + 1)
        write_text(self._table, _as_csv(self.rows))
        self._say(
            trainer,
            f"{_told(row, 'train_')}; validation {_told(row, 'val_')}; "
            f"{self._left(trainer, seconds, trainer.current_epoch + 1)}",
        )

    def _left(self, trainer: pl.Trainer, epoch_s: float, done: float) -> str:
        return f"{((trainer.max_epochs or 0) - done) * epoch_s / 60:.1f} min left"

    def _say(self, trainer: pl.Trainer, line: str) -> None:
        self._told = time.monotonic()
        if trainer.is_global_zero:
            self.tell(f"{self._name}: epoch {trainer.current_epoch + 1} of {trainer.max_epochs}: {line}")


def _told(row: Row, part: str) -> str:
    return ", ".join(
        f"{name.removeprefix(part).replace('_', ' ')} {value:.3f}"
        for name, value in row.items()
        if name.startswith(part)
    )


def _as_csv(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: "" if math.isnan(value) else f"{value:.6g}" for name, value in row.items()})
    return text.getvalue()


@contextmanager
def relayed(progress: Progress, devices: int) -> Iterator[None]:
    """Bring lines and errors of the processes that train to this one, which knows whom to tell."""
    tell = progress.tell
    if devices == 1:
        yield
        return
    lines: Any = multiprocessing.get_context("spawn").SimpleQueue()

    def listen() -> None:
        while (line := lines.get()) is not None:
            tell(line)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    progress.tell = lines.put
    try:
        yield
    except (ProcessRaisedException, ProcessExitedException) as error:
        raise _as_raised_there(error) from error
    finally:
        lines.put(None)
        thread.join(timeout=10)
        progress.tell = tell


def _as_raised_there(error: Exception) -> RtmeError:
    """An error of another process, of which only the printed traceback has come here."""
    last = str(error).strip().splitlines()[-1]
    ours = re.match(r"rtme\.errors\.(\w+): (.*)", last)
    if ours:
        kind: type[RtmeError] = getattr(errors, ours[1])
        return kind(ours[2])
    return RtmeError(f"a training process ended: {last}")
