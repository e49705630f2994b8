"""The recording that the speed benches use: the public-domain astronaut, talking and moving."""

from pathlib import Path

from rtme.trial.speed import clip


def make_clip(path: Path, seconds: float, seed: int = 0) -> Path:
    """Write 640x480 H.264 at 30 frames/s: no B-frames, a key frame each second, as cameras send it."""
    return clip.make_clip(path, seconds, seed=seed).path
