"""Tiny stores: textured stills in which one patch of skin shifts and comes back at a known time."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rtme.data.store import Clip, Labelled, Store, StorePlan, StoreWriter, new_arrays
from rtme.face.motion import encode_motion

SIZE, LAG = 112, 6


def write_store(
    folder: Path, clips: list[tuple[int, int] | None], slots: int = 70, input: str = "motion"
) -> Store:
    """A store with one clip for each of ``clips``: onset and offset of its movement, or None for a still one."""
    plan = StorePlan(input=input, size=SIZE, flow_lag=LAG)  # type: ignore[arg-type]
    writer = StoreWriter(folder, plan, "made by hand")
    for index, interval in enumerate(clips):
        pictures, shift = _pictures(slots, interval, seed=index)
        crops, rows = new_arrays(folder, index, slots, SIZE)
        for slot in range(slots):
            earlier = max(0, slot - LAG)
            flow = (shift[slot] - shift[earlier]) * _BUMP[..., None] * np.array([0.0, 1.0])
            if input == "motion":
                crops[slot] = encode_motion(pictures[slot], flow.astype(np.float32))
            else:
                crops[slot] = pictures[slot][..., None]
        rows["frame"], rows["face"] = np.arange(slots), 1
        rows["valid"] = np.arange(slots) >= (LAG if input == "motion" else 0)
        labels = () if interval is None else (Labelled(type="me", onset=interval[0], offset=interval[1]),)
        writer.record(
            Clip(
                index=index,
                dataset="made",
                subject=f"p{index}",
                video="1",
                fps=plan.fps,
                n_frames=slots,
                slots=slots,
                intervals=labels,
            )
        )
    return Store(folder)


def _bump() -> NDArray[np.float32]:
    y, x = np.mgrid[:SIZE, :SIZE]
    return np.exp(-((y - 75) ** 2 + (x - 38) ** 2) / (2 * 9.0**2)).astype(np.float32)


_BUMP = _bump()


def _pictures(
    slots: int, interval: tuple[int, int] | None, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    texture = cv2.GaussianBlur(rng.normal(0, 1, (SIZE, SIZE)).astype(np.float32), (0, 0), 1.5)
    still = np.clip(128 + 48 * texture / texture.std(), 0, 255).astype(np.uint8)
    shift = np.zeros(slots)
    if interval is not None:
        onset, offset = interval
        time = np.arange(slots)
        phase = np.clip((time - onset) / (offset - onset), 0, 1)
        shift = 2.0 * np.sin(np.pi * phase) ** 2
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    pictures = [
        cv2.remap(
            still, x, (y - one * _BUMP).astype(np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        for one in shift
    ]
    noisy = np.stack(pictures) + rng.normal(0, 1.5, (slots, SIZE, SIZE))
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8), shift
