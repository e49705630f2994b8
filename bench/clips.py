"""The recording that the speed benches use: the public-domain astronaut, talking and moving."""

from pathlib import Path

import av
import numpy as np
from skimage.data import astronaut

from rtme.synth import Portrait, Script, render

WIDTH, HEIGHT, FPS = 640, 480, 30


def make_clip(path: Path, seconds: float, seed: int = 0) -> Path:
    """Write 640x480 H.264 at 30 frames/s: no B-frames, a key frame each second, as cameras send it."""
    rng = np.random.default_rng(seed)
    script = Script.random(rng, round(seconds * FPS), float(FPS))
    frames, _ = render(Portrait.load(astronaut(), "astronaut"), script, (WIDTH, HEIGHT), rng, eye_px=90)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "veryfast", "tune": "zerolatency", "g": str(FPS), "crf": "23"}
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path
