"""How fast each backend runs an engine on this machine, in each precision and batch size, and how far it drifts.

The crops are of an animated face, since drift on noise says nothing. Times are of the wall clock, in this process, with
nothing else of the service running. The drift is the largest difference of any frame score from onnxruntime in fp32, over
all windows. The share of the ceiling is the encoder's matrix products a second over those of numpy's sgemm, with the same
number of threads.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from rtme.engine.backend import Backend, Features, Floats, Precision, WindowScores, Wish
from rtme.engine.backends import KINDS, on_gpu, open_for
from rtme.engine.bundle import Bundle, load_bundle
from rtme.engine.manifest import Manifest
from rtme.errors import RtmeError
from rtme.face.crop import FaceCrop
from rtme.face.tracker import FaceTracker
from rtme.trial.speed.clip import perform
from rtme.trial.speed.flops import ceiling_gflops, encoder_gflop
from rtme.trial.speed.spread import Often, figure, repeat

BATCHES = (1, 4, 8, 16)
REFERENCE = "onnxruntime"

_ROUND_S = 0.5  # a measurement goes on for so long, so that the clock's grain and a hiccup count little


def engines(
    engine: str,
    *,
    threads: int = 1,
    batches: Sequence[int] = BATCHES,
    round_s: float = _ROUND_S,
    often: Often | None = None,
    on_progress: Callable[[str, float], None] | None = None,
) -> dict[str, Any]:
    """Run the bench over every backend and precision there is.

    Args:
        engine: Its name or folder.
        threads: Of the encoder on a CPU.
        batches: Crops and windows at once.
        round_s: Seconds of each measurement.
        often: How often each is repeated.
        on_progress: Called with what is measured, and how many were before it.

    Raises:
        EngineError: The engine cannot be loaded.
    """
    bundle = load_bundle(engine)
    often = often or Often(5, 9)
    crops = _crops(bundle.manifest, bundle.manifest.window + max(batches))
    crops_of = np.stack([crop.crop for crop in crops if crop.crop is not None])
    reference = open_for(bundle, Wish(REFERENCE, "fp32", threads)).backend
    try:
        windows = _windows(reference, reference.encode(crops_of), crops, max(batches))
        right = reference.score(*windows)
    finally:
        reference.close()
    gflop, ceiling = encoder_gflop(bundle), ceiling_gflops(threads)
    rows: list[dict[str, Any]] = []
    left_out: list[dict[str, str]] = []
    for name in KINDS:
        for precision in get_args(Precision):
            if on_progress is not None:
                on_progress(f"{name} {precision}", len(rows))
            try:
                rows += [
                    _measure(
                        bundle,
                        Wish(name, precision, threads, max_batch=batch),
                        crops,
                        crops_of,
                        right,
                        round_s,
                        often,
                    )
                    for batch in batches
                ]
            except (RtmeError, ImportError) as error:
                left_out.append({"backend": name, "precision": precision, "why": str(error)})
    for row in rows:
        rate = row["crops_per_second"]["median"]
        on_cpu = not on_gpu(row["backend"])
        row["share_of_ceiling"] = round(rate * gflop / ceiling, 3) if gflop and on_cpu else None
    return {
        "what": f"{len(crops_of)} crops of an animated face; rounds of {round_s:g} s",
        "engine": f"{bundle.manifest.name} {bundle.manifest.version}",
        "threads": threads,
        "encoder_gflop_per_crop": None if gflop is None else round(gflop, 4),
        "ceiling_gflops": round(ceiling, 1),
        "enough": f"{often.least} to {often.most} runs of each, until the spread is within {often.within:.0%}",
        "rows": rows,
        "left_out": left_out,
    }


def _measure(
    bundle: Bundle,
    wish: Wish,
    crops: Sequence[FaceCrop],
    crops_of: NDArray[np.uint8],
    right: WindowScores,
    round_s: float,
    often: Often,
) -> dict[str, Any]:
    """One backend in one precision with one batch size."""
    backend = open_for(bundle, wish).backend
    try:
        batch = wish.max_batch
        windows = _windows(backend, backend.encode(crops_of), crops, len(right.p_me))
        said = backend.score(*windows)
        some = crops_of[:batch]
        part = [each[:batch] for each in windows]
        per_crop, _ = repeat(lambda: _ms(lambda: backend.encode(some), round_s) / batch, float, often)
        per_window, _ = repeat(lambda: _ms(lambda: backend.score(*part), round_s) / batch, float, often)
        return {
            "backend": wish.backend,
            "precision": wish.precision,
            "batch": batch,
            "label": backend.label,
            "ms_per_crop": figure(per_crop, 3),
            "ms_per_window": figure(per_window, 3),
            "crops_per_second": figure([1000 / ms for ms in per_crop], 1),
            "drift": float(np.abs(said.frame_scores - right.frame_scores).max()),
        }
    finally:
        backend.close()


def _ms(call: Callable[[], object], seconds: float) -> float:
    """Milliseconds of one call: the mean over as many as fit."""
    call()
    began, calls = time.perf_counter(), 0
    while calls == 0 or time.perf_counter() - began < seconds:
        call()
        calls += 1
    return 1000 * (time.perf_counter() - began) / calls


def _crops(manifest: Manifest, n: int) -> list[FaceCrop]:
    """So many judged faces, one after the other."""
    warm = manifest.flow_lag + 10
    images, _ = perform((n + warm) / manifest.fps, round(manifest.fps))
    with FaceTracker(
        input=manifest.input, size=manifest.size, fps=manifest.fps, flow_lag=manifest.flow_lag
    ) as tracker:
        seen = [tracker.track(image, slot) for slot, image in enumerate(images)]
    judged = [faces[0] for faces in seen if faces and faces[0].crop is not None]
    return judged[-n:]


def _windows(
    backend: Backend, features: Features, crops: Sequence[FaceCrop], n: int
) -> tuple[Floats, Floats, Floats]:
    """The windows that slide over these crops, as the backend itself encodes them."""
    manifest = backend.manifest
    length = manifest.window
    measures = np.stack([crop.measures[: manifest.measures] for crop in crops])
    tokens = np.concatenate([features.frame, measures], 1).astype(np.float32)
    starts = range(min(n, len(tokens) - length + 1))
    frame = np.stack([tokens[start : start + length] for start in starts])
    regions = np.stack([features.regions[start : start + length] for start in starts])
    return frame, regions, np.ones((len(frame), length), np.float32)
