"""Takes made by hand, without a picture."""

import numpy as np

from rtme.synth.truth import TruthInterval
from rtme.trial.signs import SIGNS, Signs
from rtme.trial.take import Take
from rtme.view.report import Interval, Report


def me(onset: int, offset: int, pixels: float = 1.5, units: tuple[int, ...] = (4,)) -> TruthInterval:
    return TruthInterval("me", onset, (onset + offset) // 2, offset, units, pixels)


def said(onset: int, offset: int, confidence: float = 0.9, type: str = "me") -> Interval:
    return Interval.model_validate(
        {"type": type, "onset": onset, "apex": onset, "offset": offset, "confidence": confidence, "face": 1}
        | {"onset_s": onset / 30, "apex_s": onset / 30, "offset_s": offset / 30}
    )


def take(planted: list[TruthInterval], found: list[Interval], n_frames: int = 300, **more: object) -> Take:
    """A clip at 30 frames a second: the head turns fast in its second half, and the person speaks in its last third."""
    head = np.where(np.arange(n_frames) < n_frames // 2, 1.0, 50.0).astype(np.float32)
    present = {name: np.zeros(n_frames, bool) for name in SIGNS}
    present["head"] = head > 10
    facts = {
        "kind": "animated portraits",
        "clip": "a",
        "person": "a",
        "fps": 30.0,
        "n_frames": n_frames,
        "planted": planted,
        "report": Report(source="", fps=30.0, frames=n_frames, engine="", engine_note="", intervals=found),
        "speaking": (np.arange(n_frames) >= 2 * n_frames // 3).astype(np.uint8),
        "signs": Signs(80.0, head, present),
    }
    return Take(**(facts | more))  # type: ignore[arg-type]
