"""From a manifest to a store: every video goes through the face room as the live path would take it."""

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from ctypes import Array, c_longlong
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from rtme.data.alone import alone
from rtme.data.manifest import Interval, Key, Manifest, Video
from rtme.data.outcomes import Journal, Outcome
from rtme.data.passage import Passage
from rtme.data.pool import work
from rtme.data.store import ROW, Clip, Store, StorePlan, StoreWriter
from rtme.errors import DataError, SettingsError, SourceError
from rtme.face.tracker import FaceTracker
from rtme.spot.grid import EARLY

OnProgress = Callable[[int, int], None]
"""Called with frames done and frames expected about twice a second, from a thread of its own, and at the end.
Frames above the grid's rate are not counted; those of a video that fails count as done."""

_TICK_S = 0.5
# The slowest that a video may be worked through before its worker is taken to hang, in frames a second.
_SLOWEST = 2.0


class FaultyVideosError(DataError):
    """Some videos could not be prepared; all others were."""


def prepare(
    manifest: Manifest,
    folder: Path,
    plan: StorePlan,
    workers: int | None = None,
    on_progress: OnProgress = lambda done, expected: None,
    skip_faulty: bool = False,
) -> Store:
    """Prepare every video of a manifest, or those that a run before this one did not.

    Each clip's ``index`` is its video's place in the manifest. The folder gets the manifest too, and
    :func:`rtme.data.outcomes.outcomes` says what became of each video.

    Args:
        manifest: Intervals, and where the frames lie.
        folder: Where the store is to be.
        plan: How.
        workers: Processes; None takes one for each core, 1 does it in this process.
        on_progress: See :data:`OnProgress`.
        skip_faulty: Do without videos that cannot be prepared.

    Raises:
        FaultyVideosError: Videos that cannot be prepared, when all others are.
        DataError: Something that concerns all: the manifest, frames that are not there, a store of another plan, the disk.
        SettingsError: The plan makes no sense.
        FaceError: The face tracker cannot work.
    """
    manifest.check()
    if not manifest.videos:
        raise DataError("the manifest has no video: nothing can be prepared")
    if plan.input == "motion" and plan.flow_lag < 1:
        raise SettingsError(
            f"flow_lag is {plan.flow_lag}: motion is measured against an earlier slot, at least 1"
        )
    with alone(folder):
        source = _fingerprint(manifest)
        # A new store is begun when all else is found in order: after that its plan is fixed.
        begun = StoreWriter(folder, plan, source).done if (folder / "plan.json").is_file() else {}
        todo = [(index, video) for index, video in enumerate(manifest.videos) if index not in begun]
        faults = {video.key: reason for _, video in todo if (reason := _absent(video))}
        if faults and not skip_faulty:
            raise DataError(_sentence(faults, manifest, "have no frames here"))
        jobs = _jobs([each for each in todo if each[1].key not in faults], manifest.intervals, plan)
        _check_room(jobs, folder, plan)
        writer = StoreWriter(folder, plan, source)
        manifest.save(folder / "manifest.csv")
        journal = Journal(folder)
        for key, reason in faults.items():
            journal.note(Outcome(video="/".join(key), fault=reason))
        for left in folder.glob("*.part"):
            left.unlink()
        with closing(_work(jobs, folder, plan, workers or os.cpu_count() or 1, on_progress)) as results:
            for job, clip, outcome in results:
                journal.note(outcome)
                if clip is not None:
                    writer.record(clip)
                elif outcome.fault is not None:
                    faults[job.video.key] = outcome.fault
    if faults and (not skip_faulty or not writer.done):
        what = "could not be prepared" + (", and all others are" if writer.done else "")
        raise FaultyVideosError(_sentence(faults, manifest, what))
    return Store(folder)


@dataclass(frozen=True, slots=True)
class _Job:
    """One video to prepare."""

    index: int
    video: Video
    intervals: tuple[Interval, ...]
    slots: int
    frames: int
    """Frames that will be tracked."""


def _jobs(videos: Iterable[tuple[int, Video]], intervals: Iterable[Interval], plan: StorePlan) -> list[_Job]:
    """The longest first, so that no worker begins a long one when the others are at their end."""
    of_video: dict[Key, list[Interval]] = {}
    for interval in intervals:
        of_video.setdefault(interval.key, []).append(interval)
    jobs = []
    for index, video in videos:
        n_frames = video.n_frames or 0
        slots = max(1, int((n_frames - 1) / video.fps * plan.fps + EARLY) + 1)
        jobs.append(_Job(index, video, tuple(of_video.get(video.key, ())), slots, min(slots, n_frames)))
    return sorted(jobs, key=lambda job: (-job.slots, job.index))


def _absent(video: Video) -> str | None:
    """Why a video cannot be worked on, as far as can be seen without reading it."""
    place = Path(video.file or video.folder)
    if not video.file and (not video.pattern or video.n_frames is None):
        return "the manifest names neither pictures nor a video file"
    try:
        if not (place.is_file() if video.file else place.is_dir()):
            return f"there is no {'file' if video.file else 'folder'} {place}"
        return f"{place} is empty" if video.file and place.stat().st_size == 0 else None
    except OSError as error:
        return f"{place} cannot be read: {error.strerror}"


def _sentence(faults: Mapping[Key, str], manifest: Manifest, what: str) -> str:
    some = "; ".join(f"{'/'.join(key)}: {reason}" for key, reason in list(faults.items())[:3])
    more = "; ..." if len(faults) > 3 else ""
    return (
        f"{len(faults)} of {len(manifest.videos)} videos {what} ({some}{more}): "
        "mend them and run this again, or leave them out with --skip-faulty"
    )


def _fingerprint(manifest: Manifest) -> str:
    """Of what the manifest says, wherever the frames lie: a dataset that was moved is the same."""
    intervals = [one.model_dump(mode="json", exclude={"origin"}) for one in manifest.intervals]
    places = {"folder", "file", "depth_folder", "depth_pattern"}
    videos = [one.model_dump(mode="json", exclude=places) for one in manifest.videos]
    return hashlib.sha256(json.dumps([intervals, videos], sort_keys=True).encode()).hexdigest()


def _check_room(jobs: Sequence[_Job], folder: Path, plan: StorePlan) -> None:
    needed = sum(job.slots for job in jobs) * (plan.size * plan.size * 3 + ROW.itemsize)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"{folder} needs {_bytes(needed)} for crops of {plan.size} pixels and has {_bytes(free)} free: "
            "give a smaller --size, or another --out"
        )


def _bytes(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def _work(
    jobs: Sequence[_Job], folder: Path, plan: StorePlan, workers: int, on_progress: OnProgress
) -> Generator[tuple[_Job, Clip | None, Outcome], None, None]:
    expected = sum(job.frames for job in jobs)
    # Each worker counts in a place of its own: no lock is needed.
    done = get_context("spawn").RawArray(c_longlong, max((job.index + 1 for job in jobs), default=0))
    by_index = {job.index: job for job in jobs}
    patience_s = max((job.frames / _SLOWEST for job in jobs), default=0.0)
    try:
        with _regularly(lambda: on_progress(sum(done), expected)):
            for index, clip, outcome in work(
                jobs, _prepare, max(1, min(workers, len(jobs))), _start, (folder, plan, done), patience_s
            ):
                yield by_index[index], clip, outcome
    finally:
        _stop()


@contextmanager
def _regularly(do: Callable[[], None]) -> Iterator[None]:
    """Do something every now and then, and once at the end."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(_TICK_S):
            do()

    thread = threading.Thread(target=run, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=10)
        do()


class _Worker:
    """What a process keeps between videos."""

    def __init__(self, folder: Path, plan: StorePlan, done: "Array[c_longlong]") -> None:
        self.folder = folder
        self.plan = plan
        self.done = done
        self._tracker: FaceTracker | None = None

    def tracker(self) -> FaceTracker:
        """A tracker that has seen nothing. Made at the first video, where an error of it reaches the user."""
        if self._tracker is None:
            plan = self.plan
            self._tracker = FaceTracker(
                input=plan.input, size=plan.size, fps=plan.fps, flow_lag=plan.flow_lag, faces=1
            )
        self._tracker.reset()
        return self._tracker

    def close(self) -> None:
        if self._tracker is not None:
            self._tracker.close()


_worker: _Worker | None = None


def _start(folder: Path, plan: StorePlan, done: "Array[c_longlong]") -> None:
    global _worker
    _worker = _Worker(folder, plan, done)


def _stop() -> None:
    global _worker
    if _worker is not None:
        _worker.close()
    _worker = None


def _prepare(job: _Job) -> tuple[int, Clip | None, Outcome]:
    worker = _worker
    assert worker is not None
    passage = Passage(job.index, job.video, job.intervals, worker.plan, worker.tracker())

    def advance(frames: int) -> None:
        worker.done[job.index] = min(frames, job.frames)

    try:
        clip = passage.run(worker.folder, advance)
        return job.index, clip, passage.outcome()
    except (DataError, SourceError) as error:
        return job.index, None, Outcome(video="/".join(job.video.key), fault=str(error))
    except OSError as error:
        raise DataError(
            f"{worker.folder} cannot be written ({error.strerror}): make room and run this again; "
            "what is complete is kept"
        ) from error
    finally:
        advance(job.frames)
