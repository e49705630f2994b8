import pytest
import torch

from rtme.face.template import canonical
from rtme.model.regions import REGIONS, grid_of_boxes, pooling_matrix

# MediaPipe landmarks on the skin that the action units of an area move.
LANDMARKS = {
    "brow_right": (107, 66, 105, 63, 70, 55, 65, 52, 53, 46),
    "brow_left": (336, 296, 334, 293, 300, 285, 295, 282, 283, 276),
    "glabella": (9, 8, 168, 6, 107, 336, 55, 285),
    "eye_right": (33, 133, 161, 160, 159, 158, 157, 163, 144, 145, 153, 154),
    "eye_left": (263, 362, 388, 387, 386, 385, 384, 390, 373, 374, 380, 381),
    "nose": (1, 4, 5, 195, 197, 129, 358, 198, 420, 2, 98, 327),
    "cheek_right": (50, 101, 36, 187, 205),
    "cheek_left": (280, 330, 266, 411, 425),
    "mouth_right": (61, 57, 91, 185),
    "mouth_left": (291, 287, 321, 409),
    "lip_upper": (0, 37, 267, 39, 269, 13),
    "lip_lower": (17, 84, 314, 14, 181, 405),
    "chin": (152, 148, 377, 199, 175, 200, 201, 421),
}
FACIAL = list(REGIONS.values())


@pytest.mark.parametrize("region", REGIONS)
def test_an_area_holds_the_landmarks_of_its_action_units(region: str):
    x0, y0, x1, y1 = REGIONS[region]
    outside = [
        index
        for index in LANDMARKS[region]
        for x, y in [canonical(1)[index]]
        if not (x0 <= x <= x1 and y0 <= y <= y1)
    ]
    assert outside == []


def test_areas_are_symmetric():
    for name, (x0, y0, x1, y1) in REGIONS.items():
        twin = name.replace("right", "left") if "right" in name else name.replace("left", "right")
        assert REGIONS[twin] == pytest.approx((1 - x1, y0, 1 - x0, y1))


@pytest.mark.parametrize("boxes", [FACIAL, grid_of_boxes(4)])
def test_pooling_is_a_mean_over_patches(boxes: list[tuple[float, float, float, float]]):
    matrix = pooling_matrix(7, boxes)
    assert matrix.shape == (len(boxes), 49)
    assert (matrix >= 0).all()
    torch.testing.assert_close(matrix.sum(1), torch.ones(len(boxes)))


def test_pooling_looks_at_its_area_only():
    chin = pooling_matrix(7, FACIAL)[list(REGIONS).index("chin")].view(7, 7)
    assert chin[:5].sum() == 0


def test_cells_that_cut_patches_share_them():
    # Three patches a side and two cells: a cell covers 1.5 patches a side, so that the patch it shares counts half:
    # 1, 0.5 / 1.5 = 2/3, 1/3 in each direction.
    first = pooling_matrix(3, grid_of_boxes(2))[0].view(3, 3)
    side = torch.tensor([2 / 3, 1 / 3, 0])
    torch.testing.assert_close(first, torch.outer(side, side))


def test_cells_of_the_size_of_patches_are_the_patches():
    torch.testing.assert_close(pooling_matrix(4, grid_of_boxes(4)), torch.eye(16))
