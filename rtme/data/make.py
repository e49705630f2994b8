"""Making synthetic clips: they are rendered and go through the face room, so that training sees what live sees."""

import hashlib
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import asdict
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from numpy.typing import NDArray

from rtme.data.alone import alone
from rtme.data.jobs import Job, jobs, picture
from rtme.data.material import Item, write_table
from rtme.data.pool import work
from rtme.data.store import (
    LABELS,
    NO_FRAME,
    Clip,
    Conditions,
    Happening,
    Labelled,
    Store,
    StorePlan,
    StoreWriter,
    new_arrays,
)
from rtme.data.synth_plan import SynthPlan
from rtme.data.voice import speaking
from rtme.errors import DataError
from rtme.face.crop import FaceCrop
from rtme.face.pose import head_pose
from rtme.face.tracker import FaceTracker
from rtme.spot.grid import TimeGrid
from rtme.synth.footage import Footage, seen_otherwise
from rtme.synth.inject import inject
from rtme.synth.portrait import Portrait
from rtme.synth.render import render
from rtme.synth.script import Script
from rtme.synth.truth import ACTION_UNITS, Truth, TruthInterval

Image = NDArray[np.uint8]

DATASET = "synthetic"
"""The dataset that all clips belong to, real ones too."""

_LEAST_EYES_PX = 22.0  # smaller faces are not judged
_MOST_YAW = 35.0  # degrees: heads turn on from there, and live does not judge beyond 40
_TELL_EVERY_S = 15.0
_TYPES: dict[str, Literal["me", "mae", "large"]] = {"me": "me", "macro": "mae", "large": "large"}


def make(
    items: list[Item], folder: Path, plan: SynthPlan, workers: int, tell: Callable[[str], None]
) -> Store:
    """Make a synthetic store, or the rest of it.

    Args:
        items: The material. Pictures without a face that may be judged, and torn videos, are told of and left out.
        folder: Where it is to be.
        plan: What it shall hold.
        workers: Processes; 1 makes it in this one.
        tell: Gets lines for people.

    Raises:
        DataError: The material does not suffice or cannot be used, or the folder holds something else.
    """
    usable = _usable(items, tell)
    wanted = jobs(usable, plan)
    with alone(folder):
        _fill(usable, wanted, folder, plan, workers, tell)
    return Store(folder)


def _fill(
    usable: list[Item],
    wanted: list[Job],
    folder: Path,
    plan: SynthPlan,
    workers: int,
    tell: Callable[[str], None],
) -> None:
    writer = StoreWriter(folder, plan.store, _fingerprint(usable, plan))
    write_table(usable, folder / "people.csv")
    todo = [job for job in wanted if job.index not in writer.done]
    tell(
        f"{len(writer.done)} of {len(wanted)} clips are there; what is made is SYNTHETIC, and so are its labels"
    )
    begun = told = time.monotonic()
    with closing(_clips(todo, folder, plan, workers)) as clips:
        for made, clip in enumerate(clips, start=1):
            writer.record(clip)
            now = time.monotonic()
            if now - told > _TELL_EVERY_S or made == len(todo):
                left_s = (now - begun) / made * (len(todo) - made)
                left = f"{left_s / 60:.0f} min" if left_s > 90 else f"{left_s:.0f} s"
                tell(f"{len(writer.done)} of {len(wanted)} clips, {left} left")
                told = now


def _clips(todo: list[Job], folder: Path, plan: SynthPlan, workers: int) -> Generator[Clip, None, None]:
    yield from work(todo, partial(_make_clip, folder, plan), workers)


def _fingerprint(items: list[Item], plan: SynthPlan) -> str:
    """Of everything that decides what is made; pictures by name and size."""
    lines = [f"{item.file} {item.person} {item.split} {item.path.stat().st_size}" for item in items]
    return hashlib.sha256("\n".join([plan.model_dump_json(), *sorted(lines)]).encode()).hexdigest()


def _usable(items: list[Item], tell: Callable[[str], None]) -> list[Item]:
    """Find out at the start, not after an hour, what cannot be used."""
    tell(f"looking at {len(items)} pictures and videos")
    faults: dict[str, str] = {}
    for item in items:
        try:
            if item.kind == "clip":
                _rate(item.path)
            elif (yaw := abs(head_pose(Portrait.load(item.path).landmarks).yaw)) > _MOST_YAW:
                faults[item.file] = f"turned away by {yaw:.0f}°, at most {_MOST_YAW:.0f}°"
        except DataError as error:
            faults[item.file] = str(error)
    if faults:
        tell(f"{len(faults)} left out: " + ", ".join(f"{file} ({fault})" for file, fault in faults.items()))
    return [item for item in items if item.file not in faults]


def _make_clip(folder: Path, plan: SynthPlan, job: Job) -> Clip:
    rng = np.random.default_rng(job.seed)
    images, truth = _perform(job, plan, rng)
    grid = TimeGrid(plan.store.fps)
    slots = [grid.place(frame / truth.fps) for frame in range(truth.n_frames)]
    n_slots = max(slot for slot in slots if slot is not None) + 1
    crops, rows = new_arrays(folder, job.index, n_slots, plan.store.size)
    # Slots whose gray crop the tracker remembers, for the flow to compare with.
    seen = np.zeros(n_slots, bool)
    tracker = _tracker(plan.store)
    tracker.reset()
    first_face = None
    # The frame whose picture each frame shows.
    shown = np.arange(truth.n_frames)
    last: Image | None = None
    for frame, (image, slot) in enumerate(zip(images, slots, strict=True)):
        if last is not None and rng.random() < job.doubled:
            image, shown[frame] = last, shown[frame - 1]
        last = image
        if slot is None or rng.random() < job.dropped:
            continue
        rows["frame"][slot] = frame
        face = _main_face(tracker.track(image, slot))
        if face is None:
            continue
        # The tracker goes on counting from clip to clip, and which clip was before depends on the workers.
        first_face = face.face if first_face is None else first_face
        rows["face"][slot] = face.face - first_face + 1
        rows["measures"][slot] = face.measures
        seen[slot] = face.crop is not None or (face.invalid or "").startswith("warming up")
        if face.crop is not None:
            crops[slot] = face.crop
            rows["valid"][slot] = 1
    frames = _frame_of_each_slot(rows["frame"], truth, plan.store)
    rows["speaking"] = truth.speaking[frames]
    rows["label"] = _labels(truth)[shown[frames]]
    rows["motion"] = _motion(truth.action_units[shown[frames]], seen, rows["valid"] > 0, plan.store)
    return Clip(
        index=job.index,
        dataset=DATASET,
        subject=job.item.person,
        video=f"{Path(job.item.file).stem}-{job.index:05d}",
        fps=truth.fps,
        n_frames=truth.n_frames,
        slots=n_slots,
        intervals=tuple(_labelled(interval) for interval in truth.intervals),
        spans=tuple(Happening.model_validate(asdict(span)) for span in truth.spans),
        conditions=_conditions(job, truth),
        state=job.state,
        split=job.item.split,
        base=job.item.kind,
        labelled=job.planted,
        units_known=job.item.kind == "portrait",
    )


@lru_cache(maxsize=1)
def _tracker(plan: StorePlan) -> FaceTracker:
    return FaceTracker(input=plan.input, size=plan.size, fps=plan.fps, flow_lag=plan.flow_lag)


def _perform(job: Job, plan: SynthPlan, rng: np.random.Generator) -> tuple[Iterator[Image], Truth]:
    if job.item.kind == "portrait":
        script = _script(job, plan, round(plan.seconds * job.fps), rng)
        portrait = _portrait(job.item.path, job.item.person)
        edge = picture(job.eye_px)
        return render(
            portrait, script, (edge, edge), rng,
            eye_px=job.eye_px, camera=job.camera or 0.0, squeezed=job.squeezed, light=plan.mix.light,
        )  # fmt: skip
    fps = _rate(job.item.path)
    footage = Footage(
        frames=_read(job.item.path)[: round(plan.seconds * job.rate * fps)],
        fps=fps,
        landmarks=_landmarks(job.item.path),
        speaking=_speaking(job.item.path, fps),
    ).played(job.rate, job.backwards)
    n_frames = len(footage.frames)
    if job.planted:
        script = Script.random(
            rng, n_frames, footage.fps, interference=float(rng.uniform(0, 1)), mix=plan.mix
        )
        images, truth = inject(
            footage.frames, footage.landmarks, script, person=job.item.person, speaking=footage.speaking
        )
    else:
        still = np.zeros((n_frames, len(ACTION_UNITS)), np.float32)
        truth = Truth(job.item.person, "clip", footage.fps, n_frames, [], [], still, footage.speaking)
        images = iter(footage.frames)
    scale = max(job.scale, min(1.0, _LEAST_EYES_PX / max(footage.eye_px, 1)))
    height, width = footage.frames[0].shape[:2]
    return seen_otherwise(
        images, truth, rng, eye_px=footage.eye_px, mirrored=job.mirrored, scale=scale,
        camera=job.camera, squeezed=job.squeezed_at(round(width * height * scale**2)), light=plan.mix.light,
    )  # fmt: skip


def _script(job: Job, plan: SynthPlan, n_frames: int, rng: np.random.Generator) -> Script:
    if job.state is None:
        return Script.random(rng, n_frames, job.fps, interference=float(rng.uniform(0, 1)), mix=plan.mix)
    interference = float(rng.uniform(0.3, 1))
    return Script.random(
        rng,
        n_frames,
        job.fps,
        interference=interference,
        macro=0.5,
        n_me=job.n_me,
        state=job.state,
        mix=plan.mix,
    )


def _conditions(job: Job, truth: Truth) -> Conditions:
    return Conditions(
        **asdict(truth.conditions),
        dropped=round(job.dropped, 3),
        doubled=round(job.doubled, 3),
        mirrored=job.mirrored,
        backwards=job.backwards,
        rate=round(job.rate, 3),
        scale=round(job.scale, 3),
    )


@lru_cache(maxsize=64)
def _portrait(path: Path, person: str) -> Portrait:
    return Portrait.load(path, person)


@lru_cache(maxsize=512)
def _rate(path: Path) -> float:
    try:
        with av.open(str(path)) as container:
            return float(container.streams.video[0].average_rate or 25)
    except (av.FFmpegError, IndexError) as error:
        raise DataError(f"cannot read the video {path}: {error}") from error


@lru_cache(maxsize=2)
def _read(path: Path) -> list[Image]:
    try:
        with av.open(str(path)) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    except (av.FFmpegError, IndexError) as error:
        raise DataError(f"cannot read the video {path}: {error}") from error
    if not frames:
        raise DataError(f"cannot read the video {path}: it has no frame")
    return frames


@lru_cache(maxsize=64)
def _landmarks(path: Path) -> list[NDArray[np.float32] | None]:
    with FaceTracker(input="rgb", fps=_rate(path), flow_lag=0) as tracker:
        faces = [_main_face(tracker.track(image, slot)) for slot, image in enumerate(_read(path))]
    return [None if face is None else face.landmarks for face in faces]


@lru_cache(maxsize=512)
def _speaking(path: Path, fps: float) -> NDArray[np.uint8]:
    return speaking(path, fps, len(_read(path)))


def _main_face(faces: list[FaceCrop]) -> FaceCrop | None:
    return max(faces, key=lambda face: face.eye_distance_px, default=None)


def _labelled(interval: TruthInterval) -> Labelled:
    return Labelled(
        type=_TYPES[interval.type],
        onset=interval.onset,
        apex=interval.apex,
        offset=interval.offset,
        au=tuple(str(unit) for unit in interval.action_units),
        pixels=round(interval.pixels, 3),
        sides=interval.sides,
    )


def _frame_of_each_slot(frames: NDArray[np.int32], truth: Truth, plan: StorePlan) -> NDArray[np.int64]:
    """The frame on each slot; where none is, the one that was nearest in time."""
    nearest = np.rint(np.arange(len(frames)) * truth.fps / plan.fps).astype(np.int64)
    return np.where(frames == NO_FRAME, np.minimum(nearest, truth.n_frames - 1), frames)


def _labels(truth: Truth) -> NDArray[np.uint8]:
    """Bits of ``LABELS`` for each frame."""
    labels = np.zeros(truth.n_frames, np.uint8)
    for interval in truth.intervals:
        labels[interval.onset : interval.offset + 1] |= LABELS[_TYPES[interval.type]]
    for span in truth.spans:
        if span.what == "blink":
            labels[span.start : span.end + 1] |= LABELS["blink"]
    return labels


def _motion(
    units: NDArray[np.float32], seen: NDArray[np.bool_], valid: NDArray[np.bool_], plan: StorePlan
) -> NDArray[Any]:
    """How far each unit has moved since the crop that the tracker took for the flow; without flow, since rest.

    Args:
        units: ``(slots, 13)`` displacement from rest.
        seen: ``(slots,)`` where the tracker has a crop to compare with.
        valid: ``(slots,)`` where there is an engine input.
        plan: How crops are made.
    """
    if plan.input == "rgb":
        return units * valid[:, None]
    motion = np.zeros_like(units)
    for slot in np.flatnonzero(valid):
        earlier = np.flatnonzero(seen[:slot])
        reference = earlier[np.abs(earlier - (slot - plan.flow_lag)).argmin()]
        motion[slot] = units[slot] - units[reference]
    return motion
