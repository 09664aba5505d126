import math

import pytest
import torch

from handkit.layers.heatmaps import (
    blurred_cell_heatmaps,
    cell_centers,
    cell_deviations,
    expected_cell,
    gaussian_error,
    gaussian_heatmaps,
    highest_cell,
    spatial_softmax,
)


def test_expectation_by_hand():
    """5 x 5 cells, centers -0.8, -0.4, 0, 0.4, 0.8: rows are vertical, columns horizontal."""
    maps = torch.zeros(1, 3, 5, 5)
    maps[0, 0, 1, 4] = 1.0
    maps[0, 1, 0, 0] = maps[0, 1, 4, 0] = 0.5
    maps[0, 2, 2, 1], maps[0, 2, 3, 1] = 0.75, 0.25
    expected = torch.tensor([[[0.8, -0.4], [-0.8, 0.0], [-0.4, 0.1]]])
    torch.testing.assert_close(expected_cell(maps), expected)


def test_expectation_of_a_map_that_is_not_square():
    maps = torch.zeros(1, 1, 2, 4)
    maps[0, 0, 1, 0] = 1.0
    torch.testing.assert_close(expected_cell(maps), torch.tensor([[[-0.75, 0.5]]]))


def test_expectation_equals_the_matrix_product_over_cells():
    maps = spatial_softmax(torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1)))
    centers = cell_centers(8)
    vertical, horizontal = torch.meshgrid(centers, centers, indexing="ij")
    cells = torch.stack((horizontal, vertical), dim=-1).flatten(0, 1)
    torch.testing.assert_close(expected_cell(maps), maps.flatten(2) @ cells)


def test_spread_by_hand():
    maps = torch.zeros(1, 2, 4, 4)
    maps[0, 0, 3, 2] = 1.0
    maps[0, 1, 0, 0] = maps[0, 1, 0, 3] = 0.5  # at -0.75 and 0.75
    torch.testing.assert_close(cell_deviations(maps), torch.tensor([[[0.0, 0.0], [0.75, 0.0]]]))


def test_spread_of_an_even_map_is_that_of_a_square():
    even = torch.full((1, 1, 32, 32), 1 / 1024)
    assert cell_deviations(even)[0, 0].tolist() == pytest.approx([math.sqrt(1 / 3)] * 2, rel=1e-3)


def test_softmax_sums_to_one_in_float32_whatever_the_scores():
    scores = 30 * torch.randn(2, 4, 32, 32, generator=torch.Generator().manual_seed(2))
    for maps in (scores, scores.bfloat16(), scores.contiguous(memory_format=torch.channels_last)):
        probabilities = spatial_softmax(maps)
        assert probabilities.dtype == torch.float32
        torch.testing.assert_close(probabilities.sum((2, 3)), torch.ones(2, 4))


def test_expectation_keeps_float32_under_autocast():
    """A bfloat16 matrix product would be off by 0.004: more than half a millimeter in a 300 mm cube."""
    maps = spatial_softmax(torch.randn(2, 4, 32, 32, generator=torch.Generator().manual_seed(3)))
    with torch.autocast("cpu", torch.bfloat16):
        inside = expected_cell(maps)
    torch.testing.assert_close(inside, expected_cell(maps), rtol=0, atol=1e-6)


def test_gaussian_by_hand():
    """5 x 5 cells and sigma 2: d = 1 gives exp(-1/8), d^2 = 5 gives exp(-5/8)."""
    maps = gaussian_heatmaps(torch.tensor([[[0.4, -0.8, 7.0]]]), 5, sigma=2.0)[0, 0]
    assert maps[0, 3] == 1
    assert maps[0, 2].item() == pytest.approx(math.exp(-1 / 8))
    assert maps[1, 3].item() == pytest.approx(math.exp(-1 / 8))
    assert maps[2, 4].item() == pytest.approx(math.exp(-5 / 8))
    between = gaussian_heatmaps(torch.tensor([[[0.2, 0.0]]]), 5, sigma=1.0)[0, 0, 2]
    assert between[2:4].tolist() == pytest.approx([math.exp(-1 / 8)] * 2), "half way between two cells"


def test_blurred_cell_by_hand():
    """Row 1, column 3 of 5 x 5 wherever in that cell the joint is; the crop's edge cuts the blur."""
    expected = torch.tensor([0.5, 1, 0.5, 0, 0])[:, None] * torch.tensor([0, 0, 0.5, 1, 0.5])
    for u, v in ((0.4, -0.4), (0.21, -0.59), (0.59, -0.21)):
        assert torch.equal(blurred_cell_heatmaps(torch.tensor([[[u, v, 0.9]]]), 5)[0, 0], expected)
    corner = blurred_cell_heatmaps(torch.tensor([[[-0.9, -0.9]]]), 5)[0, 0]
    assert corner[:2, :2].tolist() == [[1, 0.5], [0.5, 0.25]]
    assert corner.sum() == 2.25


def test_blurred_cell_beyond_the_crop():
    maps = blurred_cell_heatmaps(torch.tensor([[[-1.01, 0.0], [0.0, -3.0], [1.0, 5.0]]]), 5)[0]
    assert maps[:2].eq(0).all()
    assert maps[2, 4, 4] == 1
    assert maps[2].sum() == 2.25


def test_highest_cell_by_hand():
    """4 x 4 cells, 0.5 wide: column 2 is at 0.25, row 1 at -0.25; a quarter of a cell is 0.125."""
    maps = torch.zeros(1, 4, 4, 4)
    maps[0, :, 1, 2] = 1.0
    maps[0, 1, 1, 3], maps[0, 1, 0, 2] = 0.5, 0.25
    maps[0, 2, 1, 1], maps[0, 2, 2, 2] = 0.5, 0.25
    maps[0, 3] = 0
    maps[0, 3, 3, 0], maps[0, 3, 2, 0], maps[0, 3, 3, 1] = 1.0, 0.5, 0.5
    expected = [[0.25, -0.25], [0.375, -0.375], [0.125, -0.125], [-0.75, 0.75]]
    torch.testing.assert_close(highest_cell(maps)[0], torch.tensor(expected))


def test_highest_cell_of_a_map_that_is_not_square():
    maps = torch.zeros(1, 1, 2, 4)
    maps[0, 0, 1, 2], maps[0, 0, 1, 3] = 1.0, 0.5
    torch.testing.assert_close(highest_cell(maps), torch.tensor([[[0.375, 0.5]]]))


def test_a_gaussian_is_read_out_within_a_quarter_of_a_cell():
    joints = 1.7 * torch.rand(8, 14, 3, generator=torch.Generator().manual_seed(4)) - 0.85
    found = highest_cell(gaussian_heatmaps(joints, 16, sigma=2.0))
    assert (found - joints[..., :2]).abs().max() <= 0.25 * 2 / 16 + 1e-6


def test_gaussian_error_is_one_of_empty_maps_and_counts_joints_alike():
    """Of two joints one is answered: half the error. Maps a tenth too low miss a hundredth of the squares."""
    joints = torch.tensor([[[0.1, -0.2], [-0.3, 0.4]]])
    truth = gaussian_heatmaps(joints, 32, sigma=2.0)
    maps = torch.stack((torch.zeros_like(truth), truth * torch.tensor([1.0, 0.0])[:, None, None]))
    torch.testing.assert_close(gaussian_error(maps, joints, sigma=2.0), torch.tensor([1.0, 0.5]), rtol=0, atol=1e-3)
    assert gaussian_error(0.9 * truth, joints, sigma=2.0).item() == pytest.approx(0.01, rel=1e-3)
