"""Worker processes that fill a store side by side."""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from ctypes import c_byte
from multiprocessing import get_context, parent_process
from typing import TypeVar

import cv2

from rtme.errors import DataError

_WAIT_S = 1800.0
_LOOK_S = 1.0
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")


def work(
    jobs: Iterable[_Job],
    do: Callable[[_Job], _Result],
    workers: int,
    start: Callable[..., None] | None = None,
    arguments: tuple[object, ...] = (),
    patience_s: float = 0.0,
) -> Iterator[_Result]:
    """Do jobs in processes, each result as soon as it is there.

    Args:
        jobs: What ``do`` is called with.
        do: A function of a module; it runs in the workers.
        workers: Processes; 1 does it in this one, in order.
        start: Called once in each worker before its first job.
        arguments: Of ``start``.
        patience_s: Longest time in which no job may end, where half an hour is too short.

    Raises:
        DataError: A worker died (out of memory, mostly), or none finished a job in all that time.
    """
    if workers == 1:
        if start is not None:
            start(*arguments)
        yield from map(do, jobs)
        return
    context = get_context("spawn")
    patience_s = max(patience_s, _WAIT_S)
    # Nothing with a lock: a worker that dies with it in its hands would stop all others, and this process.
    give_up = context.RawValue("b", 0)
    pool = ProcessPoolExecutor(workers, context, _start_worker, (give_up, start, arguments))
    with _one_thread_each():
        running = {pool.submit(do, job) for job in jobs}
    try:
        while running:
            done, running = wait(running, timeout=patience_s, return_when=FIRST_COMPLETED)
            if not done:
                raise DataError(f"no clip was finished in {patience_s:.0f} s: a worker hangs")
            # What is complete is handed over before an error of another job ends it all.
            for future in sorted(done, key=lambda each: each.exception() is not None):
                yield future.result()
    except BrokenProcessPool as error:
        raise DataError(
            "a worker process died, out of memory perhaps: start again with fewer workers; "
            "what is complete is kept"
        ) from error
    finally:
        if running:
            give_up.value = 1
        pool.shutdown(cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that are started now keep to one core: NumPy's threads in all of them would stall each other."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _start_worker(give_up: c_byte, start: Callable[..., None] | None, arguments: tuple[object, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_early, args=(give_up,), daemon=True).start()
    cv2.setNumThreads(1)
    if start is not None:
        start(*arguments)


def _leave_early(give_up: c_byte) -> None:
    """End this process, whatever it is doing, when its work is no longer wanted or its parent is gone."""
    parent = parent_process()
    assert parent is not None
    while parent.is_alive() and not give_up.value:
        parent.join(_LOOK_S)
    os._exit(1)
