"""Tiny stores of made-up crops, for whatever reads prepared material."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from rtme.data.store import LABELS, Clip, Labelled, Store, StorePlan, StoreWriter, new_arrays


def clip(
    index: int, subject: str, *, me: Iterable[tuple[int, int]] = (), slots: int = 40, **facts: object
) -> Clip:
    """A clip at 30 frames a second, a frame a slot."""
    intervals = tuple(Labelled(type="me", onset=onset, offset=offset) for onset, offset in me)
    known: dict[str, object] = {
        "dataset": "made",
        "video": f"v{index}",
        "fps": 30.0,
        "n_frames": slots,
        "intervals": intervals,
        **facts,
    }
    return Clip.model_validate({"index": index, "subject": subject, "slots": slots, **known})


def store(
    folder: Path, clips: Iterable[Clip], plan: StorePlan | None = None, *, faceless: Iterable[int] = ()
) -> Store:
    """Write clips: random crops in which a bright patch shows while a micro-expression lasts."""
    plan = plan or StorePlan(size=32)
    writer = StoreWriter(folder, plan, "made up")
    for one in clips:
        rng = np.random.default_rng(one.index)
        crops, rows = new_arrays(folder, one.index, one.slots, plan.size)
        crops[:] = rng.integers(100, 140, crops.shape, np.uint8)
        rows["frame"] = np.arange(one.slots)
        rows["speaking"] = {"speaking": 1, "listening": 0, None: 255}[one.state]
        if one.index not in faceless:
            rows["valid"] = rows["face"] = 1
        for kind, bit in LABELS.items():
            for labelled in one.intervals:
                if labelled.type == kind:
                    rows["label"][labelled.onset : labelled.offset + 1] |= bit
        crops[(rows["label"] & LABELS["me"]) > 0, 8:20, 8:20] = 250
        writer.record(one)
    return Store(folder)
