"""What it saves that the encoder sees each frame once, and what any such pipeline must spend anyway.

Each run takes the same pictures through three ways, one after the other, on one thread:

* the floor: MediaPipe finds the landmarks and nothing else is done;
* ``rtme``: the face room tracks, the encoder sees each crop once, windows re-run the temporal part alone;
* a plain sliding window with the same weights, crops and hop, that encodes every frame of every window anew.

End to end is tracking and engine together; decoding, which is the same for all, is left out. The pictures are the same and
the scores of both ways must agree, or the comparison means nothing.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtme.engine.backend import Backend, Features
from rtme.engine.backends import open_for
from rtme.engine.bundle import load_bundle
from rtme.engine.manifest import Manifest
from rtme.errors import RtmeError
from rtme.face.crop import FaceCrop
from rtme.face.landmarks import MeshFinder
from rtme.face.tracker import FaceTracker
from rtme.settings import Settings
from rtme.spot.rules import SpotterRules
from rtme.spot.spotter import Spotter
from rtme.trial.speed.clip import perform
from rtme.trial.speed.spread import Often, figure, repeat
from rtme.trial.speed.wish import wish_of

AGREE = 0.01
"""Frame scores of the two ways may differ by this much: a batch may be computed in another order."""

Scores = list[NDArray[np.float32]]


class _Counting:
    """A backend that counts the crops it encodes."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.manifest: Manifest = backend.manifest
        self.encoded = 0

    def encode(self, crops: NDArray[np.uint8]) -> Features:
        self.encoded += len(crops)
        return self.backend.encode(crops)


def ratio(
    *,
    settings: Settings,
    seconds: float = 10.0,
    often: Often | None = None,
    on_progress: Callable[[str, float], None] | None = None,
) -> dict[str, Any]:
    """Run the bench.

    Args:
        settings: Its engine, backend and threads are used.
        seconds: Length of the clip.
        often: How often it is repeated; the spread that counts is that of the end-to-end ratio.
        on_progress: Called with a word and the number of runs that are over.

    Raises:
        RtmeError: The two ways do not agree.
    """
    wish = wish_of(settings)
    backend = open_for(load_bundle(settings.engine), wish).backend
    manifest = backend.manifest
    images, _ = perform(seconds, round(manifest.fps))
    done = 0

    def once() -> dict[str, Any]:
        nonlocal done
        if on_progress is not None:
            on_progress("floor, rtme, plain window", done)
        done += 1
        return _run(backend, images)

    try:
        runs, enough = repeat(once, lambda run: run["end_to_end_ratio"], often or Often(5, 9))
    finally:
        backend.close()
    ways = {
        way: {
            "encoder_runs": runs[0][way]["encoder_runs"],
            "seconds": figure([run[way]["seconds"] for run in runs], 3),
            "frames_per_second": figure([len(images) / run[way]["seconds"] for run in runs], 1),
        }
        for way in ("floor", "tracking", "cached_engine", "plain_engine", "rtme", "plain")
    }
    return {
        "what": f"{len(images)} pictures of 640x480, the ways one after the other in each run, one thread",
        "engine": f"{manifest.name} {manifest.version}",
        "backend": backend.label,
        "threads": settings.threads,
        "window": manifest.window,
        "hop": manifest.hop,
        "frames": len(images),
        "windows": runs[0]["windows"],
        "enough": enough,
        "ways": ways,
        "encoder_runs_ratio": round(runs[0]["encoder_runs_ratio"], 2),
        "engine_ratio": figure([run["engine_ratio"] for run in runs]),
        "end_to_end_ratio": figure([run["end_to_end_ratio"] for run in runs]),
        "share_of_floor": figure([run["floor"]["seconds"] / run["rtme"]["seconds"] for run in runs]),
        "largest_difference": max(run["largest_difference"] for run in runs),
    }


def _run(backend: Backend, images: Sequence[NDArray[np.uint8]]) -> dict[str, Any]:
    floor_s = _floor(images, backend.manifest.fps)
    began = time.perf_counter()
    crops = _tracked(images, backend.manifest)
    tracking_s = time.perf_counter() - began
    cached, cached_s, cached_runs = _timed(_cached, backend, crops)
    plain, plain_s, plain_runs = _timed(_plain, backend, crops)
    if not cached or len(cached) != len(plain):
        raise RtmeError(
            f"the two ways saw {len(cached)} and {len(plain)} windows: the comparison means nothing"
        )
    difference = float(np.abs(np.stack(cached) - np.stack(plain)).max())
    if difference > AGREE:
        raise RtmeError(
            f"the scores of the two ways differ by {difference:.3f}: the comparison means nothing"
        )
    rtme_s, sliding_s = tracking_s + cached_s, tracking_s + plain_s
    return {
        "floor": {"encoder_runs": 0, "seconds": floor_s},
        "tracking": {"encoder_runs": 0, "seconds": tracking_s},
        "cached_engine": {"encoder_runs": cached_runs, "seconds": cached_s},
        "plain_engine": {"encoder_runs": plain_runs, "seconds": plain_s},
        "rtme": {"encoder_runs": cached_runs, "seconds": rtme_s},
        "plain": {"encoder_runs": plain_runs, "seconds": sliding_s},
        "windows": len(cached),
        "encoder_runs_ratio": plain_runs / cached_runs,
        "engine_ratio": plain_s / cached_s,
        "end_to_end_ratio": sliding_s / rtme_s,
        "largest_difference": difference,
    }


def _floor(images: Sequence[NDArray[np.uint8]], fps: float) -> float:
    """Seconds that finding the landmarks takes; loading is left out, as it is of the others."""
    finder = MeshFinder(1)
    try:
        began = time.perf_counter()
        for slot, image in enumerate(images):
            finder.find(image, round(slot * 1000 / fps))
        return time.perf_counter() - began
    finally:
        finder.close()


def _tracked(images: Sequence[NDArray[np.uint8]], manifest: Manifest) -> list[FaceCrop | None]:
    with FaceTracker(
        input=manifest.input, size=manifest.size, fps=manifest.fps, flow_lag=manifest.flow_lag
    ) as tracker:
        found = [tracker.track(image, slot) for slot, image in enumerate(images)]
    return [faces[0] if faces and faces[0].crop is not None else None for faces in found]


def _timed(
    way: Callable[[_Counting, Sequence[FaceCrop | None]], Scores],
    backend: Backend,
    crops: Sequence[FaceCrop | None],
) -> tuple[Scores, float, int]:
    """What a way says, the seconds it takes, and the crops it encodes."""
    counting = _Counting(backend)
    began = time.perf_counter()
    scores = way(counting, crops)
    return scores, time.perf_counter() - began, counting.encoded


def _cached(counting: _Counting, crops: Sequence[FaceCrop | None]) -> Scores:
    """As the live path does it."""
    spotter = Spotter(SpotterRules.of(counting.manifest))
    scores = []
    for slot, face in enumerate(crops):
        if face is not None and face.crop is not None:
            features = counting.encode(face.crop[None])
            measures = face.measures[: counting.manifest.measures]
            spotter.push(slot, np.concatenate([features.frame[0], measures]), features.regions[0])
        for window in spotter.advance(slot):
            answer = counting.backend.score(window.frame[None], window.regions[None], window.valid[None])
            scores.append(answer.frame_scores[0])
            spotter.take(window, float(answer.p_me[0]), answer.p_speaking[0], answer.frame_scores[0])
    return scores


def _plain(counting: _Counting, crops: Sequence[FaceCrop | None]) -> Scores:
    """Every window from its pictures, its crops in one call: a plain window would at least do that."""
    manifest = counting.manifest
    length = manifest.window
    scores = []
    for end in range(0, len(crops), manifest.hop):
        slots = range(max(0, end - length + 1), end + 1)
        seen = [(slot - end + length - 1, crops[slot]) for slot in slots]
        faces = [(place, face) for place, face in seen if face is not None and face.crop is not None]
        if not faces:
            continue
        features = counting.encode(np.stack([face.crop for _, face in faces if face.crop is not None]))
        frame = np.zeros((1, length, manifest.token_size), np.float32)
        regions = np.zeros((1, length, manifest.regions, manifest.region_size), np.float32)
        valid = np.zeros((1, length), np.float32)
        for row, (place, face) in enumerate(faces):
            frame[0, place] = np.concatenate([features.frame[row], face.measures[: manifest.measures]])
            regions[0, place] = features.regions[row]
            valid[0, place] = 1
        scores.append(counting.backend.score(frame, regions, valid).frame_scores[0])
    return scores
