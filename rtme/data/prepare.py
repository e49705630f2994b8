"""From a manifest to a store: every video goes through the face room as the live path would take it."""

import hashlib
import json
import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from rtme.data.footage import Footage
from rtme.data.growing import GrowingArray
from rtme.data.manifest import Interval, Key, Manifest, State, Video
from rtme.data.pool import work
from rtme.data.store import (
    LABELS,
    NO_FACE,
    NO_FRAME,
    ROW,
    UNKNOWN,
    Clip,
    Labelled,
    Store,
    StorePlan,
    StoreWriter,
    array_path,
    whole_lines,
)
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


class Outcome(BaseModel):
    """What became of one video; names of files, no picture of anybody.

    Attributes:
        video: Its key, ``dataset/subject/video``.
        fault: Why it could not be prepared, None when it was.
        seen: Slots with a frame.
        judged: Slots with a face that may be judged.
        not_judged: Slots with a frame that may not be, by reason.
        repeated: Frames that are not there, in whose place another stands.
        unreadable: Pictures that are there and cannot be decoded; the last good one stands in for them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    video: str
    fault: str | None = None
    seen: int = 0
    judged: int = 0
    not_judged: dict[str, int] = {}
    repeated: int = 0
    unreadable: tuple[str, ...] = ()


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
    :func:`outcomes` says what became of each video.

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
    absent = {video.key: reason for video in manifest.videos if (reason := _absent(video))}
    if absent and not skip_faulty:
        raise DataError(_sentence(absent, len(manifest.videos), "have no frames here"))
    writer = StoreWriter(folder, plan, _fingerprint(manifest))
    jobs = _jobs(
        manifest, plan, {*writer.done, *(i for i, v in enumerate(manifest.videos) if v.key in absent)}
    )
    _check_room(jobs, folder, plan)
    manifest.save(folder / "manifest.csv")
    faults = dict(absent)
    with _Journal(folder) as journal:
        for key, reason in absent.items():
            journal.note(Outcome(video="/".join(key), fault=reason))
        for job, clip, outcome in _work(jobs, folder, plan, workers or os.cpu_count() or 1, on_progress):
            journal.note(outcome)
            if clip is not None:
                writer.record(clip)
            elif outcome.fault is not None:
                faults[job.video.key] = outcome.fault
    if faults and not skip_faulty:
        raise FaultyVideosError(
            _sentence(faults, len(manifest.videos), "could not be prepared, all others are")
        )
    if len(faults) == len(manifest.videos):
        raise DataError(_sentence(faults, len(manifest.videos), "could not be prepared"))
    return Store(folder)


def outcomes(folder: Path) -> list[Outcome]:
    """What became of each video that was tried, by name.

    Raises:
        DataError: The folder has no such account.
    """
    path = folder / _Journal.NAME
    try:
        each = [Outcome.model_validate_json(line) for line in whole_lines(path)]
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    return sorted({one.video: one for one in each}.values(), key=lambda one: one.video)


class _Journal:
    """The account of outcomes on disk: one line a video tried, the last one counts."""

    NAME = "outcomes.jsonl"

    def __init__(self, folder: Path) -> None:
        self._path = folder / self.NAME
        try:
            # What a stop left half-written must not swallow the line that comes after it.
            kept = whole_lines(self._path) if self._path.is_file() else []
            self._path.write_text("".join(kept), encoding="utf-8")
            self._file = self._path.open("a", encoding="utf-8")
        except OSError as error:
            raise DataError(f"{self._path} cannot be written: {error.strerror}") from error

    def note(self, outcome: Outcome) -> None:
        try:
            self._file.write(outcome.model_dump_json() + "\n")
            self._file.flush()
        except OSError as error:
            raise DataError(f"{self._path} cannot be written: {error.strerror}") from error

    def __enter__(self) -> "_Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class _Job:
    """One video to prepare."""

    index: int
    video: Video
    intervals: tuple[Interval, ...]
    slots: int
    frames: int
    """Frames that will be tracked."""


def _jobs(manifest: Manifest, plan: StorePlan, leave_out: set[int]) -> list[_Job]:
    """The longest first, so that no worker begins a long one when the others are at their end."""
    intervals: dict[Key, list[Interval]] = {}
    for interval in manifest.intervals:
        intervals.setdefault(interval.key, []).append(interval)
    jobs = []
    for index, video in enumerate(manifest.videos):
        if index not in leave_out:
            n_frames = video.n_frames or 0
            slots = max(1, int((n_frames - 1) / video.fps * plan.fps + EARLY) + 1)
            jobs.append(
                _Job(index, video, tuple(intervals.get(video.key, ())), slots, max(0, min(slots, n_frames)))
            )
    return sorted(jobs, key=lambda job: (-job.slots, job.index))


def _absent(video: Video) -> str | None:
    """Why a video cannot be worked on, as far as can be seen without reading it."""
    if video.file:
        file = Path(video.file)
        if not file.is_file():
            return f"there is no file {file}"
        return f"{file} is empty" if file.stat().st_size == 0 else None
    if not video.pattern or video.n_frames is None:
        return "the manifest names neither pictures nor a video file"
    return None if Path(video.folder).is_dir() else f"there is no folder {video.folder}"


def _sentence(faults: Mapping[Key, str], total: int, what: str) -> str:
    some = "; ".join(f"{'/'.join(key)}: {reason}" for key, reason in list(faults.items())[:3])
    more = "; ..." if len(faults) > 3 else ""
    return (
        f"{len(faults)} of {total} videos {what} ({some}{more}): "
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
) -> Iterator[tuple[_Job, Clip | None, Outcome]]:
    expected = sum(job.frames for job in jobs)
    done: Synchronized[int] = get_context("spawn").Value("q", 0)
    by_index = {job.index: job for job in jobs}
    patience_s = max((job.frames / _SLOWEST for job in jobs), default=0.0)
    try:
        with _regularly(lambda: on_progress(min(done.value, expected), expected)):
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
        thread.join()
        do()


class _Worker:
    """What a process keeps between videos."""

    def __init__(self, folder: Path, plan: StorePlan, done: "Synchronized[int]") -> None:
        self.folder = folder
        self.plan = plan
        self._done = done
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

    def count(self, frames: int) -> None:
        """Note that so many frames more are done."""
        with self._done.get_lock():
            self._done.value += frames

    def close(self) -> None:
        if self._tracker is not None:
            self._tracker.close()


_worker: _Worker | None = None


def _start(folder: Path, plan: StorePlan, done: "Synchronized[int]") -> None:
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
    tracker = worker.tracker()
    key = "/".join(job.video.key)
    passage = _Passage(job, worker, tracker)
    try:
        clip = passage.run()
        outcome = Outcome(
            video=key,
            seen=sum(passage.not_judged.values()) + passage.judged,
            judged=passage.judged,
            not_judged=dict(sorted(passage.not_judged.items())),
            repeated=passage.footage.repeated,
            unreadable=tuple(passage.footage.unreadable),
        )
        return job.index, clip, outcome
    except (DataError, SourceError) as error:
        return job.index, None, Outcome(video=key, fault=str(error))
    except OSError as error:
        raise DataError(
            f"{worker.folder} cannot be written ({error.strerror}): make room and run this again; "
            "what is complete is kept"
        ) from error
    finally:
        worker.count(job.frames - passage.counted)


class _Passage:
    """One video's way through the face room."""

    def __init__(self, job: _Job, worker: _Worker, tracker: FaceTracker) -> None:
        self.footage = Footage(job.video, worker.plan.fps)
        self.judged = 0
        self.not_judged: Counter[str] = Counter()
        self.counted = 0
        self._job = job
        self._worker = worker
        self._tracker = tracker
        self._faces: dict[int, int] = {}

    def run(self) -> Clip:
        """Write the crops and rows.

        Raises:
            DataError: The video cannot be used.
            SourceError: The video file cannot be read.
            OSError: The store cannot be written.
        """
        job, plan, folder = self._job, self._worker.plan, self._worker.folder
        crop_path, row_path = (array_path(folder, job.index, what) for what in ("crops", "rows"))
        seen: list[tuple[int, int, int, int]] = []
        with (
            GrowingArray(crop_path, np.dtype(np.uint8), (plan.size, plan.size, 3)) as crops,
            GrowingArray(row_path, ROW, ()) as rows,
        ):
            for slot, frame, image in self.footage:
                face, crop = self._look(image, slot)
                seen.append((slot, frame, face, crop is not None))
                if crop is not None:
                    crops.put(slot, crop)
                if self.counted < job.frames:
                    self.counted += 1
                    self._worker.count(1)
            table = self._table(seen)
            crops.length = len(table)
            for slot, row in enumerate(table):
                rows.put(slot, row)
        video, n_frames = job.video, self.footage.n_frames
        return Clip(
            index=job.index,
            dataset=video.dataset,
            subject=video.subject,
            video=video.video,
            fps=video.fps,
            n_frames=n_frames,
            slots=len(table),
            intervals=tuple(_labelled(interval) for interval in job.intervals),
            state=_whole_state(truth(video, job.intervals, n_frames)[1]),
        )

    def _look(self, image: NDArray[np.uint8], slot: int) -> tuple[int, NDArray[np.uint8] | None]:
        found = next(iter(self._tracker.track(image, slot)), None)
        if found is None:
            self.not_judged["no face"] += 1
            return NO_FACE, None
        if found.invalid is None:
            self.judged += 1
        else:
            self.not_judged[found.invalid.partition(":")[0]] += 1
        # A tracker never uses a number again; what it saw in other videos must not show.
        return self._faces.setdefault(found.face, len(self._faces) + 1), found.crop

    def _table(self, seen: Sequence[tuple[int, int, int, int]]) -> NDArray[np.void]:
        n_frames = self.footage.n_frames
        if not self._faces:
            raise DataError(f"no face was found in any of its {n_frames} frames")
        last = max((interval.offset for interval in self._job.intervals), default=0)
        if last >= n_frames:
            raise DataError(f"its labels go to frame {last}, and only {n_frames} frames can be decoded")
        label, speaking = truth(self._job.video, self._job.intervals, n_frames)
        table = np.zeros(seen[-1][0] + 1, ROW)
        table["frame"] = NO_FRAME
        slots, frames, faces, valid = np.array(seen, np.int64).T
        table["frame"][slots] = frames
        table["face"][slots] = faces
        table["valid"][slots] = valid
        # A slot that a slow source leaves empty is in an expression when the frames around it are.
        place = np.searchsorted(slots, np.arange(len(table)), "right") - 1
        before, after = frames[place], frames[np.searchsorted(slots, np.arange(len(table)))]
        table["label"] = label[before] & label[after]
        table["speaking"] = np.where(speaking[before] == speaking[after], speaking[before], UNKNOWN)
        return table


def truth(
    video: Video, intervals: Sequence[Interval], n_frames: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Bits of ``LABELS`` and speaker state of every frame of a video.

    Spans of speaking and listening count before the state that an interval has.

    Returns:
        ``(n_frames,)`` uint8 each; the state is 1 speaking, 0 listening, ``UNKNOWN``.
    """
    label = np.zeros(n_frames, np.uint8)
    speaking = np.full(n_frames, UNKNOWN, np.uint8)
    for interval in intervals:
        frames = slice(interval.onset, interval.offset + 1)
        label[frames] |= LABELS[interval.type]
        if interval.state is not None:
            speaking[frames] = interval.state == "speaking"
    for span in video.spans:
        frames = slice(span.onset, span.offset + 1)
        if span.what == "blink":
            label[frames] |= LABELS["blink"]
        else:
            speaking[frames] = span.what == "speaking"
    return label, speaking


def _whole_state(speaking: NDArray[np.uint8]) -> State | None:
    if (speaking == 1).all():
        return "speaking"
    return "listening" if (speaking == 0).all() else None


def _labelled(interval: Interval) -> Labelled:
    return Labelled(
        type=interval.type,
        onset=interval.onset,
        apex=interval.apex,
        offset=interval.offset,
        emotion=interval.emotion,
        au=interval.au,
    )
