"""Make one clip, or a few of the same person, and show them to the engine."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rtme.data.voice import speaking
from rtme.errors import DataError, SourceError
from rtme.score.interval import State
from rtme.spot.rules import Sensitivity
from rtme.synth import UNKNOWN, Portrait, Script, Truth, TruthInterval, inject, render
from rtme.trial.changes import changes
from rtme.trial.conditions import SOURCE_FPS, Condition, picks, seen_at, shoot
from rtme.trial.footage import Floats, Image, landmarks, pictures
from rtme.trial.plan import Job, Plan, folder_of
from rtme.trial.signs import signs
from rtme.trial.take import Take, watch

PORTRAITS, TALKS, CAMERAS = "animated portraits", "conversations", "cameras"
_SIZE = (320, 320)
_FPS = 30.0
_ME_PER_S = 0.6
"""Micro-expressions planted in real clips, on average: far more than there are in life, for there is little footage."""


def perform(
    engine: str, plan: Plan, sensitivities: tuple[Sensitivity, ...], job: Job
) -> tuple[Job, list[Take]]:
    """Do a job.

    Args:
        engine: Name or folder.
        plan: How long clips are, and which cameras there are.
        sensitivities: Operating points besides the normal one, for jobs that are run at every one.
        job: What is to be done.

    Returns:
        The job, and what came of it; nothing for a portrait without a face or a video that cannot be read.
    """
    also = sensitivities if job.every_sensitivity else ()
    if job.kind == "clips":
        try:
            images, fps = pictures(job.item.path)
        except SourceError:
            return job, []
        return job, list(_clips(engine, job, also, images, fps))
    try:
        portrait = Portrait.load(job.item.path, job.item.person)
    except DataError:
        return job, []
    match job.kind:
        case "portraits":
            return job, list(_portraits(engine, plan, job, portrait, also))
        case "talks":
            return job, [_talk(engine, plan, job, portrait, state) for state in ("speaking", "listening")]
        case "conditions":
            return job, list(_cameras(engine, plan, job, portrait))


def planted_name(folder: str) -> str:
    """The set of a folder's clips with something planted in them."""
    return f"{folder}, planted"


def untouched_name(folder: str) -> str:
    """The set of a folder's clips as they are."""
    return f"{folder}, untouched"


def _portraits(
    engine: str, plan: Plan, job: Job, portrait: Portrait, also: tuple[Sensitivity, ...]
) -> Iterator[Take]:
    rng = np.random.default_rng(job.seed)
    script = Script.random(rng, round(plan.portrait_s * _FPS), _FPS, interference=1.0)
    frames, truth = render(portrait, script, _SIZE, rng)
    yield from _shown(engine, PORTRAITS, job, list(map(np.array, frames)), truth, also)


def _talk(engine: str, plan: Plan, job: Job, portrait: Portrait, state: State) -> Take:
    rng = np.random.default_rng([job.seed, state == "speaking"])
    # As in conversations that engines learn from: half of the clips have none.
    n_me = int(rng.integers(1, 3)) if rng.random() < 0.5 else 0
    interference = float(rng.uniform(0.3, 1))
    n_frames = round(plan.talk_s * _FPS)
    script = Script.random(rng, n_frames, _FPS, interference=interference, macro=0.5, n_me=n_me, state=state)
    frames, truth = render(portrait, script, _SIZE, rng, camera=float(rng.uniform(0, 1)))
    report, _ = watch(frames, _FPS, engine)
    clip = f"{job.item.file}, {state}"
    return Take(TALKS, clip, job.item.person, _FPS, n_frames, _me(truth), report, truth.speaking, state=state)


def _clips(
    engine: str, job: Job, also: tuple[Sensitivity, ...], images: list[Image], fps: float
) -> Iterator[Take]:
    points = landmarks(images)
    spoken = speaking(job.item.path, fps, len(images))
    rng = np.random.default_rng(job.seed)
    script = Script.random(rng, len(images), fps, macro=0, large=0, me_per_clip=_ME_PER_S * len(images) / fps)
    frames, truth = inject(images, points, script, person=job.item.person, speaking=spoken)
    folder = folder_of(job.item)
    yield from _shown(engine, planted_name(folder), job, list(frames), truth, also)
    nothing = Truth(job.item.person, "clip", fps, len(images), [], speaking=spoken)
    yield from _shown(engine, untouched_name(folder), job, images, nothing, also, points)


def _shown(
    engine: str,
    kind: str,
    job: Job,
    images: list[Image],
    truth: Truth,
    also: tuple[Sensitivity, ...],
    points: list[Floats | None] | None = None,
) -> Iterator[Take]:
    """A clip at normal sensitivity and at others, with what its landmarks show."""
    seen = signs(landmarks(images) if points is None else points, truth.fps)
    for sensitivity in (None, *also):
        report, events = watch(images, truth.fps, engine, sensitivity)
        yield Take(
            kind,
            job.item.file,
            job.item.person,
            truth.fps,
            truth.n_frames,
            _me(truth),
            report,
            truth.speaking,
            sensitivity=sensitivity,
            signs=seen,
            changes=changes(truth.speaking, truth.fps, events),
        )


def _cameras(engine: str, plan: Plan, job: Job, portrait: Portrait) -> Iterator[Take]:
    """One performance, seen by every camera."""
    n_frames = round(plan.camera_s * SOURCE_FPS)
    script = Script.random(np.random.default_rng(job.seed), n_frames, float(SOURCE_FPS), interference=1.0)
    for eye_px in sorted({condition.eye_px for condition in plan.conditions}):
        # The same place in the picture, as far as its size allows, and no camera: those come afterwards.
        rng = np.random.default_rng(job.seed)
        frames, truth = render(portrait, script, _SIZE, rng, eye_px=eye_px, camera=None)
        images = list(map(np.array, frames))
        for condition in plan.conditions:
            if condition.eye_px == eye_px:
                yield _seen_by(engine, job, images, truth, condition)


def _seen_by(engine: str, job: Job, images: list[Image], truth: Truth, condition: Condition) -> Take:
    picked = picks(truth.n_frames, condition.fps)
    taken, kbit_s = shoot([images[place] for place in picked], condition, job.seed)
    fps = float(condition.fps)
    report, _ = watch(taken, fps, engine)
    seen = [found for one in _me(truth) if (found := seen_at(one, picked)) is not None]
    unknown: NDArray[np.uint8] = np.full(len(picked), UNKNOWN, np.uint8)
    return Take(
        CAMERAS,
        job.item.file,
        job.item.person,
        fps,
        len(picked),
        seen,
        report,
        unknown,
        condition=condition.name,
        kbit_s=kbit_s,
    )


def _me(truth: Truth) -> list[TruthInterval]:
    return [one for one in truth.intervals if one.type == "me"]
