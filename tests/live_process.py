"""`rtme live` as a process of its own, heard by a subscriber in this one."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rtme import Subscriber
from rtme.events import AnyEvent, HeartbeatEvent, StateEvent

PATIENCE_S = 90.0
Wanted = Callable[[AnyEvent], bool]


@contextmanager
def service(
    engine: str, *words: object, program: Sequence[str] = ("-m", "rtme"), env: Mapping[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], Subscriber]]:
    """`rtme live` on a free port and a subscriber that has heard it.

    Args:
        engine: Folder of its engine.
        words: Sources and options.
        program: What Python runs; it must do what `rtme` does.
        env: Put into its environment.
    """
    process = subprocess.Popen(
        [sys.executable, *program, "live", *map(str, words), "--bind", "tcp://127.0.0.1:*"],
        env={**os.environ, "RTME_ENGINE": engine, **(env or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        said = ""
        while "publishing on" not in said:
            said = process.stderr.readline()
            assert said, "rtme live ended before it published"
        with Subscriber(said.split()[2], timeout_s=PATIENCE_S) as subscriber:
            yield process, subscriber
    finally:
        process.kill()
        process.communicate(timeout=30)


def wait_for(subscriber: Subscriber, wanted: Wanted) -> list[AnyEvent]:
    """Events up to the first that is wanted."""
    seen = []
    deadline = time.monotonic() + PATIENCE_S
    for event in subscriber:
        seen.append(event)
        if wanted(event):
            return seen
        # Heartbeats go on for ever.
        if time.monotonic() > deadline:
            break
    told = [event for event in seen if not isinstance(event, HeartbeatEvent)]
    raise AssertionError(f"not heard in {PATIENCE_S} s; last: {told[-3:]} and {seen[-1:]}")


def is_state(state: str) -> Wanted:
    return lambda event: isinstance(event, StateEvent) and event.state == state
