"""A service leaves the process's BLAS as it found it, however many run at once."""

from pathlib import Path

from threadpoolctl import threadpool_info, threadpool_limits

import rtme


def threads() -> set[int]:
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


def test_services_that_overlap_leave_blas_as_it_was(engine: str, clip: Path) -> None:
    with threadpool_limits(2, "blas"):
        before = threads()
        assert max(before) == 2
        first, second = (rtme.Live([str(clip)], fast=True, engine=engine) for _ in range(2))
        first.start()
        second.start()
        assert threads() == {1}
        first.close()
        first.close()
        assert threads() == {1}
        second.close()
        assert threads() == before
