import math

import pytest
import torch

from handkit.layers.heatmaps import cell_centers, cell_spread, expected_cell, spatial_softmax


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
    torch.testing.assert_close(cell_spread(maps), torch.tensor([[0.0, 0.75]]))


def test_spread_of_an_even_map_is_that_of_a_square():
    even = torch.full((1, 1, 32, 32), 1 / 1024)
    assert cell_spread(even).item() == pytest.approx(math.sqrt(2 / 3), rel=1e-3)


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
