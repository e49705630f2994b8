import math
import os
import time

import pytest

from rtme.data.pool import work
from rtme.errors import DataError


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_is_done_once(workers: int) -> None:
    before = dict(os.environ)
    assert sorted(work([4.0, 9.0, 16.0], math.sqrt, workers)) == [2.0, 3.0, 4.0]
    assert dict(os.environ) == before


def test_workers_keep_to_one_thread_each() -> None:
    assert set(work(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"], os.getenv, 2)) == {"1"}


def test_an_error_ends_the_jobs_that_are_still_at_work() -> None:
    began = time.monotonic()
    with pytest.raises(ValueError, match="non-negative"):
        list(work([100.0, -1.0, 100.0], time.sleep, 2))
    assert time.monotonic() - began < 90


def test_a_worker_that_dies_is_told() -> None:
    with pytest.raises(DataError, match="a worker process died"):
        list(work([1, 1], os._exit, 2))
