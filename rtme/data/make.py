"""Making a corpus: clips are rendered and go through the face room, so that training sees what live sees."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from functools import lru_cache
from multiprocessing import get_context, parent_process
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from rtme.data.corpus import Clip, Corpus, CorpusPlan, Planted, create
from rtme.data.jobs import Job, jobs
from rtme.data.material import Item
from rtme.data.voice import speaking
from rtme.errors import DataError
from rtme.face.crop import FaceCrop
from rtme.face.tracker import FaceTracker
from rtme.spot.grid import TimeGrid
from rtme.synth.inject import inject
from rtme.synth.portrait import Portrait
from rtme.synth.render import render
from rtme.synth.script import Script
from rtme.synth.truth import ACTION_UNITS, Truth

Image = NDArray[np.uint8]
Log = Callable[[str], None]

_WAIT_S = 600.0


def make(items: list[Item], folder: Path, plan: CorpusPlan, workers: int, log: Log) -> Corpus:
    """Make a corpus, or the rest of it.

    Args:
        items: The material.
        folder: Where it is to be.
        plan: What it shall hold.
        workers: Processes; 1 makes it in this one.
        log: Gets lines for people.

    Raises:
        DataError: A clip cannot be made, or the folder holds another corpus.
    """
    wanted = jobs(items, plan)
    corpus = create(folder, plan, len(wanted), "\n".join(f"{item.file} {item.person}" for item in items))
    have = {clip.index for clip in corpus.clips}
    todo = [job for job in wanted if job.index not in have]
    log(f"corpus: {len(have)} of {len(wanted)} clips are there")
    for clip in _clips(todo, folder, plan, workers):
        corpus.record(clip)
        if len(corpus.clips) % 50 == 0 or len(corpus.clips) == len(wanted):
            log(f"corpus: {len(corpus.clips)} of {len(wanted)} clips")
    return Corpus(folder)


def _clips(todo: list[Job], folder: Path, plan: CorpusPlan, workers: int) -> Iterator[Clip]:
    if workers == 1:
        _start_worker(folder, plan)
        yield from map(_make_clip, todo)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, _start_worker, (folder, plan)) as pool:
        running = {pool.submit(_make_clip, job) for job in todo}
        try:
            while running:
                done, running = wait(running, timeout=_WAIT_S, return_when=FIRST_COMPLETED)
                if not done:
                    raise DataError(f"no clip was finished in {_WAIT_S:.0f} s: a worker hangs")
                for future in done:
                    yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _Worker:
    """What a process keeps between clips."""

    def __init__(self, folder: Path, plan: CorpusPlan) -> None:
        self.plan = plan
        self.corpus = Corpus(folder, "r+")
        self.tracker = FaceTracker(input=plan.input, size=plan.size, fps=plan.fps, flow_lag=plan.flow_lag)


_worker: _Worker | None = None


def _start_worker(folder: Path, plan: CorpusPlan) -> None:
    global _worker
    if parent_process() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=_leave_with_parent, daemon=True).start()
        cv2.setNumThreads(1)
    _worker = _Worker(folder, plan)


def _leave_with_parent() -> None:
    """End this process when its parent is gone: a killed build must not leave workers that go on."""
    parent = parent_process()
    assert parent is not None
    while parent.is_alive():
        parent.join(timeout=5.0)
    os._exit(1)


def _make_clip(job: Job) -> Clip:
    worker = _worker
    assert worker is not None
    plan = worker.plan
    rng = np.random.default_rng(job.seed)
    frames, truth = _perform(job, plan, rng)
    seconds = plan.slots / plan.fps
    times = np.arange(truth.n_frames) / truth.fps
    grid = TimeGrid(plan.fps)
    slots = [grid.place(float(time)) for time in times[times < seconds]]
    worker.tracker.reset()
    seen = np.zeros(plan.slots, bool)
    rows = slice(job.index * plan.slots, (job.index + 1) * plan.slots)
    crops, valid = worker.corpus.crops[rows], np.zeros(plan.slots, np.uint8)
    for image, slot in zip(frames, slots, strict=False):
        if slot is None or slot >= plan.slots or rng.random() < job.dropped:
            continue
        face = _main_face(worker.tracker.track(image, slot))
        if face is None:
            continue
        seen[slot] = face.crop is not None or (face.invalid or "").startswith("warming up")
        if face.crop is not None:
            crops[slot] = face.crop
            valid[slot] = 1
    at = np.minimum(np.rint(np.arange(plan.slots) * truth.fps / plan.fps), truth.n_frames - 1).astype(int)
    intervals = _on_grid(truth, plan)
    me = np.zeros(plan.slots, np.uint8)
    for planted in intervals:
        if planted.type == "me":
            me[planted.onset : planted.offset + 1] = 1
    worker.corpus.valid[rows] = valid
    worker.corpus.motion[rows] = _motion(truth.action_units, at, seen, valid, plan)
    worker.corpus.speaking[rows] = truth.speaking[at]
    worker.corpus.me[rows] = me
    return Clip(
        index=job.index,
        file=job.item.file,
        person=job.item.person,
        split=job.item.split,
        base=job.item.kind,
        planted=job.planted,
        source_fps=truth.fps,
        slots=min(plan.slots, max(slot for slot in slots if slot is not None) + 1),
        intervals=intervals,
    )


def _perform(job: Job, plan: CorpusPlan, rng: np.random.Generator) -> tuple[Iterator[Image], Truth]:
    seconds = plan.slots / plan.fps
    if job.item.kind == "portrait":
        interference = float(rng.uniform(0, 1))
        script = Script.random(rng, round(seconds * job.fps), job.fps, interference=interference)
        portrait = _portrait(job.item.path, job.item.person)
        return render(portrait, script, (320, 320), rng, camera=float(rng.uniform(0, 1)))
    frames, fps = _read(job.item.path)
    frames = frames[: round(seconds * fps)]
    spoken = speaking(job.item.path, fps, len(frames))
    if job.planted:
        script = Script.random(rng, len(frames), fps, interference=float(rng.uniform(0, 1)))
        landmarks = _landmarks(job.item.path)[: len(frames)]
        return inject(frames, landmarks, script, person=job.item.person, speaking=spoken)
    still = np.zeros((len(frames), len(ACTION_UNITS)), np.float32)
    truth = Truth(job.item.person, "clip", fps, len(frames), [], [], still, spoken)
    return iter(frames), truth


@lru_cache(maxsize=64)
def _portrait(path: Path, person: str) -> Portrait:
    return Portrait.load(path, person)


@lru_cache(maxsize=2)
def _read(path: Path) -> tuple[list[Image], float]:
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            rate = float(stream.average_rate or 25)
            return [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)], rate
    except (av.FFmpegError, IndexError) as error:
        raise DataError(f"cannot read the video {path}: {error}") from error


@lru_cache(maxsize=64)
def _landmarks(path: Path) -> list[NDArray[np.float32] | None]:
    frames, fps = _read(path)
    with FaceTracker(input="rgb", fps=fps, flow_lag=0) as tracker:
        faces = [_main_face(tracker.track(image, slot)) for slot, image in enumerate(frames)]
    return [None if face is None else face.landmarks for face in faces]


def _main_face(faces: list[FaceCrop]) -> FaceCrop | None:
    return max(faces, key=lambda face: face.eye_distance_px, default=None)


def _on_grid(truth: Truth, plan: CorpusPlan) -> list[Planted]:
    """Planted expressions in slots, those that lie in the clip."""
    scale = plan.fps / truth.fps
    return [
        Planted(
            type=interval.type,
            onset=round(interval.onset * scale),
            apex=round(interval.apex * scale),
            offset=round(interval.offset * scale),
            action_units=interval.action_units,
            pixels=interval.pixels,
        )
        for interval in truth.intervals
        if round(interval.offset * scale) < plan.slots
    ]


def _motion(
    units: NDArray[np.float32],
    at: NDArray[np.int64],
    seen: NDArray[np.bool_],
    valid: NDArray[np.uint8],
    plan: CorpusPlan,
) -> NDArray[np.float16]:
    """How far each unit has moved since the crop that the tracker took for the flow."""
    motion = np.zeros((plan.slots, units.shape[1]), np.float16)
    for slot in np.flatnonzero(valid):
        earlier = np.flatnonzero(seen[:slot])
        if plan.flow_lag and earlier.size:
            reference = earlier[np.abs(earlier - (slot - plan.flow_lag)).argmin()]
            motion[slot] = units[at[slot]] - units[at[reference]]
        elif not plan.flow_lag:
            motion[slot] = units[at[slot]]
    return motion
