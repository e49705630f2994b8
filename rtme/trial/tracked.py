"""Footage up to the engine's door: every frame with its time and its faces, so that several engines see the same."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rtme.capture.file import FileSource
from rtme.capture.frames import FramesSource
from rtme.capture.media_time import MediaClock
from rtme.capture.source import Source
from rtme.engine.manifest import Manifest
from rtme.errors import EngineError, SourceError
from rtme.face.tracker import FaceTracker
from rtme.live.epoch import Epoch
from rtme.live.marks import mark_of
from rtme.live.messages import Tracked

Clip = Sequence[Tracked]
"""The frames of one recording that lie on an engine's time grid."""

_DEMO_FPS = 30.0
_DEMO_SEED = 3
"""A performance in whose first 20 seconds the default engine finds 13 intervals; in those of other seeds 1 to 10."""


def demo(seconds: float, seed: int = _DEMO_SEED) -> Source:
    """So much of the demo's performance, as fast as it is drawn: a public-domain face.

    Raises:
        SourceError: scikit-image, which has the face, is not installed.
    """
    try:
        # Only here: other footage needs none of it.
        from rtme.synth.demo import Performance

        performance = Performance(seed)
    except ImportError as error:
        raise SourceError(
            f"the demo's face cannot be had ({error}): run `pip install 'rtme[demo]'`, or give footage of your own"
        ) from error
    return FramesSource(map(performance.draw, range(round(seconds * _DEMO_FPS))), _DEMO_FPS, "demo")


def recordings(paths: Sequence[Path], seconds: float) -> list[Source]:
    """Files to look through, or the demo where there is none."""
    return [FileSource(path) for path in paths] or [demo(seconds)]


def track(
    source: Source,
    manifest: Manifest,
    seconds: float,
    on_progress: Callable[[float], None] = lambda done_s: None,
) -> Clip:
    """Find the face in a recording, as the live path does.

    Args:
        source: A recording; nobody has opened it.
        manifest: Of the engine that the crops are for.
        seconds: How much of it at most.
        on_progress: Called with the seconds that are done.

    Raises:
        SourceError: It cannot be opened or read.
        EngineError: No face in it may be judged.
    """
    clock, epoch = MediaClock(live=source.live), Epoch(0, manifest.fps)
    clip: list[Tracked] = []
    with FaceTracker(
        input=manifest.input, size=manifest.size, fps=manifest.fps, flow_lag=manifest.flow_lag
    ) as tracker:
        source.open()
        try:
            while (frame := source.read()) is not None:
                stamp = frame.stamp
                mark = mark_of(stamp, clock.time(stamp.pts_s, stamp.capture_ns))
                if clip and mark.time_s - clip[0].mark.time_s >= seconds:
                    break
                on_progress(mark.time_s - clip[0].mark.time_s if clip else 0.0)
                slot = epoch.place(mark)
                if slot is not None:
                    crops = tracker.track(frame.image, slot)
                    clip.append(Tracked(source.name, 0, slot, mark, source.live, crops))
        finally:
            source.close()
    if not any(crop.crop is not None for item in clip for crop in item.crops):
        raise EngineError(
            f"no face in `{source.name}` may be judged: give footage of one that is near and lit"
        )
    return clip
