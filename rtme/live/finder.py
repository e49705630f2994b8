"""The thread that looks for landmarks one frame ahead."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Finder(threading.Thread):
    """Makes calls one after the other, on a thread that the end of the process does not wait for.

    ``ThreadPoolExecutor`` is waited for at exit, however long: a call that hangs in native code would keep the process.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()

    def submit(self, call: Callable[..., T], *arguments: Any) -> Future[T]:
        """Have a call made; its result, or what it raised, comes in the future."""
        future: Future[T] = Future()

        def make() -> None:
            try:
                future.set_result(call(*arguments))
            except BaseException as error:  # it is raised in the caller's thread
                future.set_exception(error)

        self._calls.put(make)
        return future

    def run(self) -> None:
        """Thread body."""
        while (make := self._calls.get()) is not None:
            make()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._calls.put(None)
        # Without a limit: what a call works on must not be released under it. A service that ends does not wait for this.
        self.join()
