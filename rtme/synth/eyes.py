"""What eyes do: blinks of all kinds, shifts of gaze with the lids following, squints."""

import numpy as np
from numpy.typing import NDArray

from rtme.synth import action_units as au
from rtme.synth.motion import Motion
from rtme.synth.nuisance import through
from rtme.synth.profile import ease
from rtme.synth.pulse import bump, moments
from rtme.synth.truth import ACTION_UNITS, Span

Floats = NDArray[np.float32]

_NOTABLE_GAZE = 1.3  # pixels from which a shift of gaze is a span: lids and their folds move visibly with it


def blinks(rng: np.random.Generator, lids: Floats, fps: float, amount: float) -> list[Span]:
    """Blinks, about 17 a minute at amount 1; some are double, partial or long. ``lids`` is changed in place."""
    n_frames = len(lids)
    times = np.arange(n_frames) / fps
    spans = []
    now = float(rng.exponential(2.5 / max(amount, 1e-6)))
    while now < times[-1] - 0.4:
        kind = rng.random()
        depth = float(rng.uniform(0.25, 0.7) if kind < 0.15 else rng.uniform(0.8, 1.0))
        long = float(rng.uniform(0.1, 0.8)) if kind > 0.93 else 0.0
        # One lid is a little ahead of the other, or closes a little farther.
        uneven = np.clip(1 + rng.normal(0, 0.06, 2), 0, 1 / max(depth, 0.5))
        for _ in range(2 if rng.random() < 0.15 else 1):
            down, shut, up = rng.uniform(0.05, 0.1), rng.uniform(0.0, 0.05) + long, rng.uniform(0.12, 0.25)
            close = ease((times - now) / down) * (1 - ease((times - now - down - shut) / up))
            lids[:] = np.maximum(lids, np.clip(depth * close[:, None] * uneven, 0, 1))
            frames = np.flatnonzero(close > 0.05)
            if frames.size:
                spans.append(Span("blink", int(frames[0]), int(frames[-1]), round(depth, 3)))
            now += down + shut + up
        now += 0.25 + float(rng.exponential(3.1 / max(amount, 1e-6)))
    return spans


def gaze(rng: np.random.Generator, motion: Motion, fps: float, amount: float) -> list[Span]:
    """Saccades: the eyes jump within 30 to 60 ms and rest; the lids follow up and down.

    Args:
        rng: Source of chance.
        motion: Shapes, lids and units are changed in place.
        fps: Frames per second.
        amount: 0..1, how far and how often.

    Returns:
        The large ones.
    """
    n_frames = len(motion.jaw)
    times = np.arange(n_frames) / fps
    keys, xs, ys = [-1.0], [0.0], [0.0]
    spans = []
    now = float(rng.exponential(1.2))
    while now < times[-1] and amount > 0:
        far = 1.6 if rng.random() < 0.25 else 0.8
        x, y = float(rng.normal(0, far)) * amount, float(rng.normal(0, 0.45 * far)) * amount
        size = float(np.hypot(x - xs[-1], y - ys[-1]))
        length = 0.03 + 0.012 * size
        keys += [now, now + length]
        xs, ys = [*xs, xs[-1], x], [*ys, ys[-1], y]
        if size > _NOTABLE_GAZE:
            first = min(n_frames - 1, int(now * fps))
            last = min(n_frames - 1, int((now + length) * fps) + 1)
            spans.append(Span("gaze", first, last, round(size, 3)))
        now += length + 0.2 + float(rng.exponential(1.2 / max(amount, 0.2)))
    keys.append(max(times[-1], keys[-1]) + 1.0)
    at = np.array(keys)
    across = through(times, at, np.clip([*xs, xs[-1]], -2.2, 2.2))
    down = through(times, at, np.clip([*ys, ys[-1]], -1.0, 1.0))
    motion.shapes[:, au.GAZE_X] += across
    motion.shapes[:, au.GAZE_Y] += np.clip(down, -0.8, 0.8)
    # The upper lid goes with the eyeball: down it covers more of it, up it gives way.
    motion.lids[:] = np.maximum(motion.lids, 0.35 * np.clip(down, 0, 1)[:, None])
    motion.units[:, ACTION_UNITS.index(5)] += 0.9 * np.clip(-down, 0, 1)[:, None]
    return spans


def squint(rng: np.random.Generator, motion: Motion, fps: float, rate: float) -> list[Span]:
    """Eyes narrowed, or opened wide, for 0.25 to 2.5 s, ``rate`` times a second. ``motion`` is changed in place."""
    spans = []
    for now in moments(rng, len(motion.jaw) / fps, rate):
        wide = rng.random() < 0.3
        size = float(rng.uniform(0.5, 2.0 if wide else 1.8))
        course, ends = bump(rng, len(motion.jaw), fps, now, float(rng.uniform(0.25, 2.5)))
        if ends is None:
            continue
        sides = np.clip(1 + rng.normal(0, 0.15, 2), 0.5, 1)
        motion.units[:, ACTION_UNITS.index(5 if wide else 7)] += size * course[:, None] * sides
        spans.append(Span("lids", *ends, round(size, 3)))
    return spans
