"""What the demo plays: an endless performance by scikit-image's public-domain portrait of Eileen Collins."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from rtme.synth.animator import Animator
from rtme.synth.camera import Camera
from rtme.synth.mix import Mix
from rtme.synth.portrait import Portrait
from rtme.synth.profile import ease
from rtme.synth.render import view
from rtme.synth.script import Script

Image = NDArray[np.uint8]
What = Literal["me", "macro", "blink", "speech", "head"]

FPS = 30.0
SIZE = (640, 480)
ACT = 600
"""Frames of one act: 20 s. The head is back in its place at the end of each."""

_EYE_PX = 112.0
_MIX = Mix(hand=0, train=0, step=0, mouth=0.5)
_ME_SECONDS = 3.0  # mean time from one micro-expression to the next
_SETTLE = 30  # frames


def _portrait() -> Portrait:
    import skimage.data

    face = np.ascontiguousarray(skimage.data.astronaut()[:300, 30:430])
    # Twice as large beforehand, by a better filter than there is time for in each frame.
    return Portrait.load(cv2.resize(face, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), "astronaut")


class Performance:
    """The same seed always gives the same performance.

    Args:
        seed: Which performance.

    Raises:
        ImportError: scikit-image is missing.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        # The portrait's hair ends close above: the face sits a little high, so that its rim is not seen.
        self._animator = Animator(_portrait(), SIZE, view(SIZE, _EYE_PX, offset=(0.0, -22.0)))
        self._camera = _camera(np.random.default_rng((seed, 0)))
        self._acts: dict[int, Script] = {}

    def act(self, number: int) -> Script:
        """What happens in an act. The newest two are kept."""
        script = self._acts.get(number)
        if script is None:
            rng = np.random.default_rng((self._seed, 1 + number))
            script = Script.random(
                rng,
                ACT,
                FPS,
                interference=float(rng.uniform(0.25, 0.5)),
                me_per_clip=ACT / FPS / _ME_SECONDS,
                macro=0.35,
                large=0.25,
                speech=0.85,
                mix=_MIX,
            )
            frames = np.arange(ACT)
            settled = ease(frames / _SETTLE) * ease((ACT - frames) / _SETTLE)
            script.motion.pose[:] *= settled[:, None].astype(np.float32)
            script.motion.shapes[:] *= settled[:, None].astype(np.float32)
            self._acts = {k: s for k, s in self._acts.items() if k == number - 1} | {number: script}
        return script

    def draw(self, frame: int) -> Image:
        """One frame, ``(480, 640, 3)`` uint8 RGB; frames may be left out but should rise."""
        act, within = divmod(frame, ACT)
        return self._camera.shoot(self._animator.draw(self.act(act).motion, within), within)

    def truth(self, number: int) -> list[tuple[What, str, int, int]]:
        """What happens in an act, by last frame: what, label, first and last frame of the performance."""
        script = self.act(number)
        zero = number * ACT
        items: list[tuple[What, str, int, int]] = [
            (span.what, "", zero + span.start, zero + span.end)
            for span in script.spans
            if span.what in ("blink", "speech", "head")
        ]
        for interval in script.intervals:
            if interval.type != "large":
                label = f"AU{'+'.join(map(str, interval.action_units))} {interval.pixels:.1f} px"
                items.append((interval.type, label, zero + interval.onset, zero + interval.offset))
        return sorted(items, key=lambda item: item[3])


def _camera(rng: np.random.Generator) -> Camera:
    """A fair webcam under a lamp that breathes a little, the same in each act."""
    phase = 2 * np.pi * np.arange(ACT) / ACT
    gain = 1 + 0.01 * np.sin(3 * phase) + 0.006 * np.sin(7 * phase)
    return Camera(
        gain=gain.astype(np.float32),
        slope=np.zeros((ACT, 2), np.float32),
        gamma=1.0,
        blur=0.0,
        jpeg=None,
        grain=Camera.make_grain(rng, SIZE, 1.5),
        shifts=rng.integers(0, 64, (ACT, 2)),
    )
