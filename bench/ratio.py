"""What it saves that the encoder sees each frame once.

The same frames and weights twice: as `rtme` does it, and as a plain sliding window that encodes every frame of every
window anew. Counts encoder runs and takes the time of encoder and temporal part together.

    python bench/ratio.py [--seconds 10]
"""

import argparse
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut

from clips import FPS, HEIGHT, WIDTH
from record import save
from rtme.engine.backend import Backend, Features
from rtme.engine.backends import open_backend
from rtme.engine.bundle import load_bundle
from rtme.face.crop import FaceCrop
from rtme.face.tracker import FaceTracker
from rtme.spot.rules import SpotterRules
from rtme.spot.spotter import Spotter
from rtme.synth import Portrait, Script, render

Crops = list[FaceCrop | None]


class Counting:
    """A backend that counts the crops it encodes."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.encoded = 0

    def encode(self, crops: NDArray[np.uint8]) -> Features:
        self.encoded += len(crops)
        return self.backend.encode(crops)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--engine", default="default")
    arguments = parser.parse_args()
    backend = open_backend(load_bundle(arguments.engine), threads=1)
    manifest = backend.manifest
    crops = make_crops(manifest, round(arguments.seconds * FPS))
    cached = measure(cached_windows, backend, crops)
    plain = measure(plain_windows, backend, crops)
    if not np.allclose(cached.pop("scores"), plain.pop("scores"), atol=1e-5):
        raise SystemExit("the two ways disagree: the comparison means nothing")
    save(
        "ratio",
        {
            "engine": f"{manifest.name} {manifest.version}",
            "window": manifest.window,
            "hop": manifest.hop,
            "frames": len(crops),
            "cached": cached,
            "plain_sliding_window": plain,
            "encoder_runs_ratio": round(plain["encoder_runs"] / cached["encoder_runs"], 2),
            "time_ratio": round(plain["seconds"] / cached["seconds"], 2),
        },
    )


def make_crops(manifest: Any, n_frames: int) -> Crops:
    rng = np.random.default_rng(0)
    script = Script.random(rng, n_frames, float(FPS))
    frames, _ = render(Portrait.load(astronaut(), "astronaut"), script, (WIDTH, HEIGHT), rng, eye_px=90)
    with FaceTracker(
        input=manifest.input, size=manifest.size, fps=manifest.fps, flow_lag=manifest.flow_lag
    ) as tracker:
        found = [tracker.track(image, slot) for slot, image in enumerate(frames)]
    return [faces[0] if faces and faces[0].crop is not None else None for faces in found]


def measure(way: Any, backend: Backend, crops: Crops) -> dict[str, Any]:
    counting = Counting(backend)
    began = time.perf_counter()
    scores = way(counting, crops)
    seconds = time.perf_counter() - began
    return {
        "encoder_runs": counting.encoded,
        "runs_per_frame": round(counting.encoded / len(crops), 2),
        "windows": len(scores),
        "seconds": round(seconds, 3),
        "scores": np.stack(scores),
    }


def tokens(counting: Counting, face: FaceCrop) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Frame token with the measures that the engine reads, and region tokens."""
    assert face.crop is not None
    features = counting.encode(face.crop[None])
    measures = face.measures[: counting.backend.manifest.measures]
    return np.concatenate([features.frame[0], measures]), features.regions[0]


def cached_windows(counting: Counting, crops: Crops) -> list[NDArray[np.float32]]:
    spotter = Spotter(SpotterRules.of(counting.backend.manifest))
    scores = []
    for slot, crop in enumerate(crops):
        if crop is not None:
            spotter.push(slot, *tokens(counting, crop))
        for window in spotter.advance(slot):
            answer = counting.backend.score(window.frame[None], window.regions[None], window.valid[None])
            scores.append(answer.frame_scores[0])
            spotter.take(window, float(answer.p_me[0]), answer.p_speaking[0], answer.frame_scores[0])
    return scores


def plain_windows(counting: Counting, crops: Crops) -> list[NDArray[np.float32]]:
    manifest = counting.backend.manifest
    length = manifest.window
    scores = []
    for end in range(0, len(crops), manifest.hop):
        frame = np.zeros((1, length, manifest.token_size), np.float32)
        regions = np.zeros((1, length, manifest.regions, manifest.region_size), np.float32)
        valid = np.zeros((1, length), np.float32)
        for position in range(length):
            slot = end - length + 1 + position
            crop = crops[slot] if slot >= 0 else None
            if crop is not None:
                frame[0, position], regions[0, position] = tokens(counting, crop)
                valid[0, position] = 1
        if valid.any():
            scores.append(counting.backend.score(frame, regions, valid).frame_scores[0])
    return scores


if __name__ == "__main__":
    main()
