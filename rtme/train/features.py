"""What a frozen encoder says of every crop of a corpus, kept so that the temporal part trains in minutes."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rtme.data.corpus import Corpus, new_array
from rtme.model.encoder import Encoder
from rtme.train.loop import Log
from rtme.train.recipe import Recipe

_BATCH = 256


class FeatureCache:
    """Features of a corpus, by row; zero where the row has no crop.

    Attributes:
        frame: ``(N, D)`` float16 frame tokens.
        regions: ``(N, R, Dr)`` float16 region tokens.
    """

    def __init__(self, folder: Path) -> None:
        self.frame: NDArray[np.float16] = np.load(folder / "frame.npy", mmap_mode="r")
        self.regions: NDArray[np.float16] = np.load(folder / "regions.npy", mmap_mode="r")


def encode(corpus: Corpus, encoder: Encoder, folder: Path, recipe: Recipe, log: Log) -> FeatureCache:
    """Encode every crop of a corpus once, or read what an earlier run has encoded into the folder."""
    done = folder / "done"
    if done.is_file():
        return FeatureCache(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config, count = recipe.model, len(corpus.valid)
    frame = new_array(folder / "frame.npy", "float16", (count, config.frame_size))
    regions = new_array(folder / "regions.npy", "float16", (count, config.regions, config.region_size))
    rows = np.flatnonzero(corpus.valid)
    encoder.eval()
    for start in range(0, len(rows), _BATCH):
        some = rows[start : start + _BATCH]
        with torch.inference_mode(), recipe.precision():
            tokens, areas = encoder(torch.from_numpy(corpus.crops[some]))
        frame[some] = tokens.float().numpy()
        regions[some] = areas.float().numpy()
        if start // _BATCH % 100 == 0:
            log(f"encoding: {start} of {len(rows)} crops")
    done.touch()
    return FeatureCache(folder)
