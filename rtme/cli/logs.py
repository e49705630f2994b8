"""The log of a service on stderr: lines for people, or one JSON object a line."""

import json
import logging
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from typing import Any, Literal

import typer
from rich.console import Console

from rtme.capture.urls import redact
from rtme.errors import RtmeError

Format = Literal["text", "json"]

LOG = logging.getLogger("rtme")
MOST_WAITING = 10_000
PATIENCE_S = 5.0
"""How long an end waits for a reader to take what was logged."""

_OF_EVERY_RECORD = {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName"}


class Lines(logging.Formatter):
    """``14:03:22 WARNING door is backoff: …``, without secrets."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        return redact(super().format(record))


class JsonLines(logging.Formatter):
    """``time`` (UTC), ``level``, ``logger``, ``message`` and what was said beside it, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(super().format(record)),
        }
        for name, value in record.__dict__.items():
            if name not in _OF_EVERY_RECORD and name not in said:
                said[name] = value if isinstance(value, int | float | None) else redact(str(value))
        return json.dumps(said, ensure_ascii=False)


class Notes:
    """What a command says of itself: plain sentences for people, records of the log where that is JSON."""

    def __init__(self, format: Format) -> None:
        self._json = format == "json"
        self._console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)

    def say(self, text: str, *, wrong: bool = False, **known: object) -> None:
        """One sentence; ``known`` stands beside it in JSON.

        It is no reason to fail that nobody can read it any more.
        """
        if self._json:
            LOG.log(logging.ERROR if wrong else logging.INFO, "%s", text, extra=known)
        else:
            with suppress(OSError):
                self._console.print(text, style="red" if wrong else None)


@contextmanager
def logging_to_stderr(format: Format, *, events_too: bool) -> Iterator[Notes]:
    """Write the log to stderr meanwhile, from a thread of its own: a reader that is slow must not slow the service.

    Where the format is JSON an :class:`RtmeError` is logged too, and ends the command with its exit code.

    Args:
        format: Of the lines.
        events_too: Also log what stands in an event; without it only what stands nowhere else.
    """
    writer = logging.StreamHandler()
    writer.setFormatter(JsonLines() if format == "json" else Lines())
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(MOST_WAITING)
    handler = _Handler(waiting)
    if not events_too:
        handler.addFilter(lambda record: not hasattr(record, "event"))
    listener = _Listener(waiting, writer)
    root = logging.getLogger()
    root.addHandler(handler)
    level = LOG.level
    LOG.setLevel(logging.INFO)
    logging.captureWarnings(True)
    listener.start()
    try:
        yield Notes(format)
    except RtmeError as error:
        if format != "json":
            raise
        LOG.error("%s", error)
        raise typer.Exit(error.exit_code) from error
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)
        LOG.setLevel(level)
        end = threading.Thread(target=listener.stop, daemon=True)
        end.start()
        end.join(PATIENCE_S)


class _Handler(QueueHandler):
    def enqueue(self, record: logging.LogRecord) -> None:
        """Hand a record on; while nobody reads, the newest are given up."""
        with suppress(queue.Full):
            self.queue.put_nowait(record)


class _Listener(QueueListener):
    def enqueue_sentinel(self) -> None:
        """Say that nothing follows, once there is room for that."""
        assert isinstance(self.queue, queue.Queue)
        self.queue.put(None)
