"""What a face does besides: it blinks, looks about, fidgets, turns, breathes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtme.synth.profile import ease
from rtme.synth.truth import Span

Floats = NDArray[np.float32]


def through(
    times: NDArray[np.floating[Any]], keys: NDArray[np.floating[Any]], values: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """A smooth path through keys, at rest at each; constant before the first and after the last."""
    place = np.clip(np.searchsorted(keys, times, side="right") - 1, 0, len(keys) - 2)
    share = ease((times - keys[place]) / (keys[place + 1] - keys[place]))
    path: NDArray[np.float64] = values[place] + (values[place + 1] - values[place]) * share
    return path


def wander(rng: np.random.Generator, n_frames: int, fps: float, hz: float) -> NDArray[np.float64]:
    """``(n_frames,)`` smooth noise of about unit size that changes ``hz`` times a second."""
    step = 1.0 / hz
    keys = np.arange(-rng.random(), n_frames / fps / step + 2) * step
    return through(np.arange(n_frames) / fps, keys, rng.standard_normal(len(keys)))


def fidget(rng: np.random.Generator, units: Floats, fps: float, amount: float) -> None:
    """The restlessness of a living face: a few muscles drift, too faint and too slow to be an expression.

    Args:
        rng: Source of chance.
        units: ``(n, 13, 2)`` changed in place.
        fps: Frames per second.
        amount: 0..1; at 1 a muscle wanders by up to half a pixel.
    """
    for muscle in rng.choice(units.shape[1], 3, replace=False):
        drift = amount * np.clip(0.25 * wander(rng, len(units), fps, 0.5), 0, 0.5)
        units[:, muscle] += drift[:, None].astype(np.float32)


def blinks(rng: np.random.Generator, lids: Floats, fps: float, amount: float) -> list[Span]:
    """Blinks, about 17 a minute at amount 1, some of them double. ``lids`` is changed in place."""
    n_frames = len(lids)
    times = np.arange(n_frames) / fps
    spans = []
    now = float(rng.exponential(2.5 / max(amount, 1e-6)))
    while now < times[-1] - 0.4:
        depth = float(rng.uniform(0.75, 1.0))
        for _ in range(2 if rng.random() < 0.15 else 1):
            down, shut, up = rng.uniform(0.06, 0.1), rng.uniform(0.0, 0.05), rng.uniform(0.12, 0.22)
            close = ease((times - now) / down) * (1 - ease((times - now - down - shut) / up))
            lids[:] = np.maximum(lids, (depth * close)[:, None].astype(np.float32))
            frames = np.flatnonzero(close > 0.05)
            if frames.size:
                spans.append(Span("blink", int(frames[0]), int(frames[-1])))
            now += down + shut + up
        now += 0.4 + float(rng.exponential(3.1 / max(amount, 1e-6)))
    return spans


def gaze(rng: np.random.Generator, shapes: Floats, fps: float, amount: float) -> None:
    """Saccades: the eyes jump within 40 ms and rest. ``shapes`` is changed in place."""
    times = np.arange(len(shapes)) / fps
    keys, xs, ys = [-1.0], [0.0], [0.0]
    now = float(rng.exponential(1.2))
    while now < times[-1] and amount > 0:
        keys += [now, now + 0.04]
        xs += [xs[-1], float(rng.normal(0, 1.0)) * amount]
        ys += [ys[-1], float(rng.normal(0, 0.35)) * amount]
        now += 0.25 + float(rng.exponential(1.2))
    keys.append(max(times[-1], keys[-1]) + 1.0)
    at = np.array(keys)
    shapes[:, 3] += through(times, at, np.clip([*xs, xs[-1]], -2, 2)).astype(np.float32)
    shapes[:, 4] += through(times, at, np.clip([*ys, ys[-1]], -0.7, 0.7)).astype(np.float32)


def move_head(
    rng: np.random.Generator, pose: Floats, fps: float, amount: float, speaking: NDArray[np.uint8]
) -> list[Span]:
    """Breathing, tremor, sway, and at times a nod, a shake or a slow turn. ``pose`` is changed in place.

    Returns:
        The nods, shakes and turns.
    """
    n_frames = len(pose)
    times = np.arange(n_frames) / fps
    lively = amount * (1 + 0.8 * speaking.mean())
    for column, size, hz in (
        (0, 2.5, 0.4), (1, 1.5, 0.4), (2, 1.2, 0.35), (3, 2.0, 0.3), (4, 1.5, 0.3), (5, 0.012, 0.25),
        (0, 0.8, 1.2), (1, 0.7, 1.2), (3, 0.10, 8.0), (4, 0.10, 8.0), (2, 0.05, 6.0),
    ):  # fmt: skip
        pose[:, column] += (lively * size * wander(rng, n_frames, fps, hz)).astype(np.float32)
    breath = 0.4 * np.sin(2 * np.pi * (rng.uniform(0.2, 0.33) * times + rng.random()))
    pose[:, 4] += (min(1.0, 0.3 + amount) * breath).astype(np.float32)
    spans = []
    now = float(rng.exponential(3.0 / max(amount, 1e-6)))
    while now < times[-1] - 0.5:
        kind = rng.choice(("nod", "shake", "turn"), p=(0.45, 0.2, 0.35))
        if kind == "turn":
            length = float(rng.uniform(1.0, 3.0))
            there = ease((times - now) / (0.35 * length)) * (
                1 - ease((times - now - 0.65 * length) / (0.35 * length))
            )
            size = max(0.3, amount) * rng.uniform(4, 12) * rng.choice((-1, 1))
            pose[:, 0] += (size * there).astype(np.float32)
            pose[:, 1] += (rng.normal(0, 0.25) * size * there).astype(np.float32)
        else:
            cycles, hz = int(rng.integers(1, 4)), float(rng.uniform(1.0, 2.5))
            length = cycles / hz
            inside = np.clip((times - now) / length, 0, 1)
            swing = np.sin(2 * np.pi * cycles * inside) * np.sin(np.pi * inside)
            size = max(0.3, amount) * rng.uniform(2, 8)
            pose[:, 1 if kind == "nod" else 0] += (size * swing).astype(np.float32)
        last = min(n_frames - 1, int((now + length) * fps))
        spans.append(Span("head", int(now * fps), last))
        now += length + 0.5 + float(rng.exponential(3.0 / max(amount, 1e-6)))
    pose[:, :3] = np.clip(pose[:, :3], (-14, -12, -10), (14, 12, 10))
    return spans
