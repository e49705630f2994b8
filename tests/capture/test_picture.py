import gc
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from rtme.capture.file import FileSource

WATCH = """
import os, sys, threading
from rtme.capture.file import FileSource

seen, over = set(), threading.Event()
def watch():
    while not over.is_set():
        seen.update(os.listdir("/proc/self/task"))
watcher = threading.Thread(target=watch)
source = FileSource(sys.argv[1])
source.open()
source.read()
watcher.start()
while source.read() is not None:
    pass
over.set()
watcher.join()
print(len(seen))
"""


def test_a_picture_starts_no_thread(numbered_clip: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("threads are counted in /proc")
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(numbered_clip)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    # 90 pictures; the decoder's own threads are one for each core, which are there from the beginning.
    assert int(done.stdout) <= 8 + 2 * (os.cpu_count() or 1)


def test_a_picture_is_freed_with_its_last_user(numbered_clip: Path) -> None:
    """Pictures that wait for the garbage collector fill hundreds of megabytes."""
    with closing(FileSource(numbered_clip)) as source:
        source.open()
        source.read()
        gc.collect()
        gc.disable()
        try:
            while source.read() is not None:
                pass
            assert gc.collect() < 90, "a picture or more for each frame"
        finally:
            gc.enable()
