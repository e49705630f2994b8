"""Region pooling: which part of the aligned crop each region token covers.

The crop is aligned to the mean face (see :mod:`rtme.face`), so areas stand still in it and a fixed matrix pools
patch tokens. Areas that follow each frame's landmarks would gain little (what moves in an aligned crop is pixels,
an area is tens of them) and cost much: the encoder would need landmarks beside crops, live, stored and in the
bundle, and an expression would move the very window through which it is seen.
"""

from itertools import pairwise

import torch
from torch import Tensor

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 as fractions of the crop."""

REGIONS: dict[str, Box] = {
    "brow_right": (0.10, 0.15, 0.46, 0.34),  # AU 1, 2, 4
    "brow_left": (0.54, 0.15, 0.90, 0.34),
    "glabella": (0.40, 0.15, 0.60, 0.42),  # AU 4, 9
    "eye_right": (0.20, 0.28, 0.46, 0.44),  # AU 5, 7, 45
    "eye_left": (0.54, 0.28, 0.80, 0.44),
    "nose": (0.37, 0.38, 0.63, 0.62),  # AU 9, 38
    "cheek_right": (0.12, 0.44, 0.40, 0.66),  # AU 6, 11
    "cheek_left": (0.60, 0.44, 0.88, 0.66),
    "mouth_right": (0.24, 0.60, 0.44, 0.80),  # AU 12, 14, 15, 20
    "mouth_left": (0.56, 0.60, 0.76, 0.80),
    "lip_upper": (0.36, 0.60, 0.64, 0.71),  # AU 10, 23, 24, 28
    "lip_lower": (0.36, 0.70, 0.64, 0.82),  # AU 16, 25
    "chin": (0.32, 0.80, 0.68, 1.00),  # AU 17, 26
}
"""Facial areas, in the order of their tokens, with the action units (FACS) that move them.

Left and right are the person's own: their left is on the right. Each box holds the landmarks of its area on the
mean face, with room for faces that differ from it and for the skin that moves along. The default engine was
trained with these very numbers: others need another encoder.
"""


def grid_of_boxes(cells: int) -> list[Box]:
    """The cells of an even grid over the crop, row by row."""
    edges = [step / cells for step in range(cells + 1)]
    sides = list(pairwise(edges))
    return [(x0, y0, x1, y1) for y0, y1 in sides for x0, x1 in sides]


def pooling_matrix(grid: int, boxes: list[Box]) -> Tensor:
    """Share of each area that falls on each patch.

    Args:
        grid: Patches along one edge of the crop.
        boxes: R areas.

    Returns:
        ``(R, grid * grid)`` float32; each row sums to 1, so that pooling is a weighted mean of patches.
    """
    edges = torch.arange(grid + 1, dtype=torch.float64) / grid

    def overlap(low: float, high: float) -> Tensor:
        return (edges[1:].clamp(max=high) - edges[:-1].clamp(min=low)).clamp(min=0)

    rows = [torch.outer(overlap(y0, y1), overlap(x0, x1)).flatten() for x0, y0, x1, y1 in boxes]
    matrix = torch.stack(rows)
    return (matrix / matrix.sum(1, keepdim=True)).float()
