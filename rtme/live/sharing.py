"""Which sources are read and tracked in processes of their own."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rtme.live.plan import SourcePlan

ONE_PROCESS = 2
"""Sources that one process carries without loss; see docs/performance.md for what more of them cost."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Who does what.

    Attributes:
        here: Sources of this process.
        workers: Sources of each worker process.
    """

    here: list[SourcePlan]
    workers: list[list[SourcePlan]]


def share_out(plans: Sequence[SourcePlan], workers: int | None) -> Shares:
    """Share sources out among processes.

    Args:
        plans: All sources.
        workers: How many processes, at most one for each source; None uses none for up to ``ONE_PROCESS`` sources and for
            more one for each core. Sources that were handed over as objects stay.
    """
    # On Windows a process does not inherit the pipe.
    movable = [plan for plan in plans if plan.ours and sys.platform != "win32"]
    if workers is None:
        workers = (os.cpu_count() or 1) if len(plans) > ONE_PROCESS else 0
    count = min(workers, len(movable))
    if count == 0:
        return Shares(list(plans), [])
    moved = {plan.name for plan in movable}
    return Shares(
        [plan for plan in plans if plan.name not in moved],
        [movable[number::count] for number in range(count)],
    )
