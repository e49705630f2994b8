"""A portrait performs a script in front of a camera."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rtme.face.template import EYE_DISTANCE
from rtme.synth.animator import Animator
from rtme.synth.camera import Camera
from rtme.synth.codec import Codec, squeeze
from rtme.synth.hand import skin_tone
from rtme.synth.portrait import Portrait
from rtme.synth.script import Script
from rtme.synth.truth import Conditions, Truth

Image = NDArray[np.uint8]


def view(
    size: tuple[int, int], eye_px: float, *, offset: tuple[float, float] = (0.0, 0.0)
) -> NDArray[np.float64]:
    """The similarity that puts the canonical crop in the middle of a frame.

    Args:
        size: Width and height.
        eye_px: Distance of the outer eye corners in the frame.
        offset: How far from the middle, in pixels.
    """
    scale = eye_px / EYE_DISTANCE
    x = (size[0] - 1) / 2 + offset[0] - 56 * scale
    y = (size[1] - 1) / 2 + offset[1] - 56 * scale
    return np.array([[scale, 0.0, x], [0.0, scale, y]])


def render(
    portrait: Portrait,
    script: Script,
    size: tuple[int, int] = (320, 320),
    rng: np.random.Generator | None = None,
    *,
    eye_px: float | None = None,
    camera: Camera | float | None = 0.5,
    squeezed: tuple[Codec, int] | None = None,
    light: float = 1.0,
) -> tuple[Iterator[Image], Truth]:
    """Animate a portrait.

    Args:
        portrait: Who.
        script: What happens.
        size: Width and height of the frames.
        rng: Source of chance for size, place and camera; None for a generator seeded with 0.
        eye_px: Distance of the outer eye corners; None for one between 32 and 110 that fits the frame.
        camera: A camera, how bad a random one is (0..1), or None for a perfect one.
        squeezed: Codec and bit rate (kbit/s) with which the clip is compressed at the end.
        light: Factor on how often the light of a random camera changes quickly.

    Returns:
        An iterator over ``(height, width, 3)`` uint8 RGB frames, and the truth.
    """
    rng = rng or np.random.default_rng(0)
    if eye_px is None:
        eye_px = float(rng.uniform(32, max(33, min(110, 0.34 * min(size)))))
    spare = np.clip((np.array(size) - 2.6 * eye_px) / 2, 0, 0.3 * eye_px)
    x, y = rng.uniform(-1, 1, 2) * spare
    if isinstance(camera, float | int):
        camera = Camera.random(rng, script.n_frames, script.fps, size, float(camera), light)
    place = view(size, eye_px, offset=(float(x), float(y)))
    animator = Animator(portrait, size, place)
    truth = script.truth(portrait.person)
    conditions = Conditions(eye_px=round(eye_px, 2))
    spans = truth.spans
    if camera is not None:
        conditions = replace(conditions, noise=round(camera.noise, 2), blur=round(camera.blur, 2))
        if camera.jpeg is not None:
            conditions = replace(conditions, codec="jpeg", kbps=camera.jpeg)
        spans = sorted([*spans, *camera.spans], key=lambda span: span.start)
    frames = _frames(animator, script, camera, place, skin_tone(portrait.image, portrait.landmarks))
    if squeezed is not None:
        conditions = replace(conditions, codec=squeezed[0], kbps=squeezed[1])
        frames = _squeezed(frames, script.fps, *squeezed)
    return frames, replace(truth, spans=spans, conditions=conditions)


def _frames(
    animator: Animator,
    script: Script,
    camera: Camera | None,
    place: NDArray[np.float64],
    skin: NDArray[np.float32],
) -> Iterator[Image]:
    for frame in range(script.n_frames):
        image = animator.draw(script.motion, frame)
        for hand in script.hands:
            hand.draw(image, frame, place, skin)
        yield image if camera is None else camera.shoot(image, frame)


def _squeezed(frames: Iterator[Image], fps: float, codec: Codec, kbps: int) -> Iterator[Image]:
    # Only when the first frame is asked for: who wants the truth alone does not wait for the pictures.
    yield from squeeze(list(frames), fps, codec, kbps)
