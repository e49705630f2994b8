"""The wall clock is set back by an hour while the service runs: everything but ``wall_ns`` goes on."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from live_process import is_state, service, wait_for
from rtme.events import AnyEvent, HeartbeatEvent, IntervalEvent, Mark, SpeakerEvent
from soundness import assert_sound, beats, gaps

HOUR_NS = 3600 * 10**9


# libfaketime also takes over waiting, and MediaPipe does not come through that.
_CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t which, struct timespec *now) {
    static int (*asked)(clockid_t, struct timespec *);
    if (!asked) asked = dlsym(RTLD_NEXT, "clock_gettime");
    int said = asked(which, now);
    if (which == CLOCK_REALTIME && access(getenv("STEPPED_BACK"), F_OK) == 0) now->tv_sec -= 3600;
    return said;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec exact;
    int said = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return said;
}

time_t time(time_t *now) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now) *now = exact.tv_sec;
    return exact.tv_sec;
}
"""


def clock_of_one_process(folder: Path) -> Path:
    """A library that answers for the wall clock, and for nothing else."""
    if sys.platform != "linux" or shutil.which("gcc") is None:
        pytest.skip(
            "to set the clock of one process needs Linux and gcc: install what .ci/apt-packages.txt names"
        )
    source, library = folder / "clock.c", folder / "clock.so"
    source.write_text(_CLOCK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True, timeout=60)
    return library


def test_an_hour_back(engine: str, tmp_path: Path) -> None:
    stepped = tmp_path / "stepped"
    env = {"LD_PRELOAD": str(clock_of_one_process(tmp_path)), "STEPPED_BACK": str(stepped)}
    with service(engine, "demo", "--seconds", 300, env=env) as (process, subscriber):
        seen = wait_for(subscriber, lambda event: isinstance(event, IntervalEvent | SpeakerEvent))
        stepped.touch()
        told = time.time_ns()

        def is_back(event: AnyEvent) -> bool:
            return isinstance(event.at, Mark) and event.at.wall_ns < told - HOUR_NS // 2

        seen += wait_for(subscriber, is_back)
        for _ in range(3):
            seen += wait_for(subscriber, lambda event: isinstance(event, HeartbeatEvent))
        seen += wait_for(subscriber, lambda event: isinstance(event, IntervalEvent | SpeakerEvent))
        assert subscriber.alive
        process.send_signal(signal.SIGINT)
        seen += wait_for(subscriber, is_state("ended"))
        assert process.wait(60) == 0
        assert subscriber.missed == 0
    assert_sound(seen)
    assert gaps(seen, "time_jump") == []
    uptimes = [beat.uptime_s for beat in beats(seen)]
    assert uptimes == sorted(uptimes)
    assert all(0 <= event.system_ms < 60_000 for event in seen if event.system_ms is not None)
    for event in seen:
        if isinstance(event, IntervalEvent):
            assert event.onset.capture_ns <= event.apex.capture_ns <= event.offset.capture_ns
            assert event.onset.time_s <= event.apex.time_s <= event.offset.time_s
