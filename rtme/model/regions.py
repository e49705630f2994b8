"""Region pooling: which part of the aligned crop each facial area covers.

The crop is aligned (see :mod:`rtme.face`), so the areas stand still and a fixed matrix pools patch tokens.
"""

import torch
from torch import Tensor

# x0, y0, x1, y1 as fractions of the crop. Left and right are the person's own: their left is on the right.
REGIONS: dict[str, tuple[float, float, float, float]] = {
    "brow_right": (0.10, 0.15, 0.46, 0.34),
    "brow_left": (0.54, 0.15, 0.90, 0.34),
    "glabella": (0.40, 0.15, 0.60, 0.42),
    "eye_right": (0.20, 0.28, 0.46, 0.44),
    "eye_left": (0.54, 0.28, 0.80, 0.44),
    "nose": (0.37, 0.38, 0.63, 0.62),
    "cheek_right": (0.12, 0.44, 0.40, 0.66),
    "cheek_left": (0.60, 0.44, 0.88, 0.66),
    "mouth_right": (0.24, 0.60, 0.44, 0.80),
    "mouth_left": (0.56, 0.60, 0.76, 0.80),
    "lip_upper": (0.36, 0.60, 0.64, 0.71),
    "lip_lower": (0.36, 0.70, 0.64, 0.82),
    "chin": (0.32, 0.80, 0.68, 1.00),
}
"""Named areas of the aligned crop, in the order of the region tokens."""


def pooling_matrix(grid: int) -> Tensor:
    """Share of each area that falls on each patch.

    Args:
        grid: Patches along one edge of the crop.

    Returns:
        ``(R, grid * grid)`` float32; each row sums to 1, so that pooling is a weighted mean of patches.
    """
    edges = torch.arange(grid + 1, dtype=torch.float64) / grid

    def overlap(low: float, high: float) -> Tensor:
        return (edges[1:].clamp(max=high) - edges[:-1].clamp(min=low)).clamp(min=0)

    rows = [torch.outer(overlap(y0, y1), overlap(x0, x1)).flatten() for x0, y0, x1, y1 in REGIONS.values()]
    matrix = torch.stack(rows)
    return (matrix / matrix.sum(1, keepdim=True)).float()
