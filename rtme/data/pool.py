"""Worker processes that fill a store side by side."""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import TypeVar

import cv2

from rtme.errors import DataError

_WAIT_S = 1800.0

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")


def work(
    jobs: Iterable[_Job],
    do: Callable[[_Job], _Result],
    workers: int,
    start: Callable[..., None] = lambda: None,
    arguments: tuple[object, ...] = (),
) -> Iterator[_Result]:
    """Do jobs in processes, each result as soon as it is there.

    Args:
        jobs: What ``do`` is called with.
        do: A function of a module; it runs in the workers.
        workers: Processes; 1 does it in this one, in order.
        start: Called once in each worker before its first job.
        arguments: Of ``start``.

    Raises:
        DataError: A worker died (out of memory, mostly), or none finished a job for half an hour.
    """
    if workers == 1:
        start(*arguments)
        yield from map(do, jobs)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, _start_worker, (start, arguments)) as pool:
        running = {pool.submit(do, job) for job in jobs}
        try:
            while running:
                done, running = wait(running, timeout=_WAIT_S, return_when=FIRST_COMPLETED)
                if not done:
                    raise DataError(f"no clip was finished in {_WAIT_S:.0f} s: a worker hangs")
                for future in done:
                    yield future.result()
        except BrokenProcessPool as error:
            raise DataError(
                "a worker process died, out of memory perhaps: start again with fewer workers; "
                "what is complete is kept"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _start_worker(start: Callable[..., None], arguments: tuple[object, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    start(*arguments)


def _leave_with_parent() -> None:
    """End this process when its parent is gone: a killed build must not leave workers that go on."""
    parent = parent_process()
    assert parent is not None
    while parent.is_alive():
        parent.join(timeout=5.0)
    os._exit(1)
