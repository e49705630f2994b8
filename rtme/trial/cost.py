"""What an engine takes: time of its encoder, room on a disk."""

import time

import numpy as np

from rtme.engine.backends import open_backend
from rtme.engine.bundle import MANIFEST, Bundle

_WARM, _RUNS = 20, 200


def encoder_ms(bundle: Bundle) -> float:
    """Processor time of the encoder for one crop on one thread, mean of many, milliseconds.

    Time of the processor, not of the clock, so that what else the machine does counts little; of the whole process, for some
    backends compute on threads of their own.
    """
    size = bundle.manifest.size
    crop = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), np.uint8)
    backend = open_backend(bundle, threads=1)
    try:
        for _ in range(_WARM):
            backend.encode(crop)
        began = time.process_time()
        for _ in range(_RUNS):
            backend.encode(crop)
        return 1000 * (time.process_time() - began) / _RUNS
    finally:
        backend.close()


def megabytes(bundle: Bundle) -> float:
    """Of what the live path needs."""
    files = (bundle.path / MANIFEST, bundle.encoder_path, bundle.temporal_path)
    return sum(file.stat().st_size for file in files) / 1e6
