"""One face over hours: every frame of the last minutes, one row a second of what is older."""

import numpy as np
from numpy.typing import NDArray

from rtme.traces import Trace

RECENT_MS = 5 * 60_000.0
KEEP_MS = 9 * 3600_000.0
SECOND_MS = 1_000.0

COLUMNS = ("t", "low", "high", "speaking", "yaw", "pitch", "roll", "eyes", "judged")
"""Of a row: milliseconds since 1970; lowest and highest score; then means (``judged``: the part that was)."""
_LOW, _HIGH = 1, 2
_DECIMALS = (1, 4, 4, 3, 1, 1, 1, 1, 2)

Table = NDArray[np.float64]


class Rows:
    """A table that grows at its end and is cut at either, ordered by its first column."""

    def __init__(self) -> None:
        self._table: Table = np.empty((256, len(COLUMNS)))
        self._first = self._end = 0

    @property
    def table(self) -> Table:
        """The rows there are; a view, true until the next change."""
        return self._table[self._first : self._end]

    def append(self, rows: Table) -> None:
        """Add rows that are newer than all others."""
        if self._end + len(rows) > len(self._table):
            kept = self.table
            grown = np.empty((max(256, 5 * (len(kept) + len(rows)) // 4), len(COLUMNS)))
            grown[: len(kept)] = kept
            self._table, self._first, self._end = grown, 0, len(kept)
        self._table[self._end : self._end + len(rows)] = rows
        self._end += len(rows)

    def between(self, start: float, end: float) -> Table:
        """Rows with ``start <= t < end``."""
        times = self.table[:, 0]
        return self.table[np.searchsorted(times, start) : np.searchsorted(times, end)]

    def forget_before(self, time: float) -> None:
        """Leave out what is older."""
        self._first += int(np.searchsorted(self.table[:, 0], time))

    def forget_from(self, time: float) -> None:
        """Leave out what is as new, or newer."""
        self._end = self._first + int(np.searchsorted(self.table[:, 0], time))


class Curve:
    """What is known of one face of one source, bounded: a row a frame for 5 minutes, one a second for 9 hours.

    That is 3 MB, or a little more.
    """

    def __init__(self) -> None:
        self._recent = Rows()
        self._seconds = Rows()
        # Up to here seconds were made of the frames.
        self._summed_to: float | None = None

    def add(self, rows: Table) -> None:
        """Take in the next frames, oldest first.

        Where the wall clock was set back, what was known of the times that come again is forgotten.
        """
        backwards = np.flatnonzero(np.diff(rows[:, 0]) <= 0)
        if len(backwards):
            self.add(rows[: backwards[0] + 1])
            self.add(rows[backwards[0] + 1 :])
            return
        start = rows[0, 0]
        if len(self._recent.table) and start <= self._recent.table[-1, 0]:
            self._recent.forget_from(start)
            self._seconds.forget_from(start - SECOND_MS)
            self._summed_to = min(self._summed_to or start, start)
        self._recent.append(rows)
        newest = rows[-1, 0]
        this_second = np.floor(newest / SECOND_MS) * SECOND_MS
        if self._summed_to is None:
            self._summed_to = start
        if this_second > self._summed_to:
            whole = self._recent.between(self._summed_to, this_second)
            if len(whole):
                self._seconds.append(summed(whole, np.floor(whole[:, 0] / SECOND_MS)))
            self._summed_to = this_second
            self._recent.forget_before(newest - RECENT_MS)
            self._seconds.forget_before(newest - KEEP_MS)

    def __len__(self) -> int:
        return len(self._recent.table) + len(self._seconds.table)

    @property
    def newest(self) -> float:
        """Time of the newest frame."""
        return float(self._recent.table[-1, 0])

    def between(self, start: float, end: float, points: int) -> Table:
        """At most about ``points`` rows of a time, each the lowest, highest and mean of what it stands for."""
        recent_from = self._recent.table[0, 0] if len(self._recent.table) else np.inf
        rows = np.concatenate(
            [
                self._seconds.between(start, min(end, recent_from - SECOND_MS / 2)),
                self._recent.between(start, end),
            ]
        )
        if len(rows) <= points:
            return rows
        return summed(rows, np.floor((rows[:, 0] - start) / (end - start) * points))


def summed(rows: Table, groups: Table) -> Table:
    """One row for each run of equal ``groups``; NaN where nothing is known."""
    firsts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    known = ~np.isnan(rows)
    counts = np.add.reduceat(known, firsts, dtype=np.int64)
    with np.errstate(invalid="ignore"):
        result: Table = np.add.reduceat(np.where(known, rows, 0.0), firsts) / counts
    result[:, _LOW] = np.fmin.reduceat(rows[:, _LOW], firsts)
    result[:, _HIGH] = np.fmax.reduceat(rows[:, _HIGH], firsts)
    return result


def rows_of(trace: Trace) -> Table:
    """A trace as rows."""
    score = np.array(trace.score, np.float64)
    return np.column_stack(
        [
            np.array(trace.wall_ns, np.float64) / 1e6,
            score,
            score,
            np.array(trace.speaking, np.float64),
            np.array([trace.yaw, trace.pitch, trace.roll, trace.eye_distance_px], np.float64).T,
            np.array(trace.judged, np.float64),
        ]
    )


def columns_of(rows: Table) -> dict[str, list[float | None]]:
    """Rows as JSON has them: by column, null where nothing is known."""
    return {
        name: [None if value != value else value for value in np.round(rows[:, n], _DECIMALS[n]).tolist()]
        for n, name in enumerate(COLUMNS)
    }
