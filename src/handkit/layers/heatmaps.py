"""Heat maps over the cells of a crop: where the cells are, distributions over them, expectations."""

import torch
from jaxtyping import Float
from torch import Tensor


def cell_centers(size: int, *, device: torch.device | None = None) -> Float[Tensor, "size"]:
    """Normalized coordinate of the center of each of ``size`` cells across the crop, in (-1, 1).

    The convention of crop pixels at a coarser grid: ``(i + 0.5) / size * 2 - 1``.

    >>> cell_centers(4)
    tensor([-0.7500, -0.2500,  0.2500,  0.7500])
    """
    return (torch.arange(size, dtype=torch.float32, device=device) + 0.5) / size * 2 - 1


def spatial_softmax(scores: Float[Tensor, "B J H W"]) -> Float[Tensor, "B J H W"]:
    """Softmax over all cells of each map: a distribution that sums to 1, always in float32.

    Half precision would lose the tail of a thousand cells, so the scores are widened first, also under
    autocast.
    """
    # Maps are stored either channel by channel or cell by cell; flattening keeps both a view.
    return scores.float().flatten(2).softmax(-1).unflatten(2, scores.shape[2:])


def expected_cell(probabilities: Float[Tensor, "B J H W"]) -> Float[Tensor, "B J 2"]:
    """Expectation of the (horizontal, vertical) cell coordinate under each map: soft-argmax.

    ``sum_cells p(cell) * center(cell)`` in [-1, 1], by way of the two marginals: they are H + W numbers
    a map, and plain sums stay in float32 under autocast where a matrix product would not.
    """
    height, width = probabilities.shape[2:]
    horizontal = probabilities.sum(2) * cell_centers(width, device=probabilities.device)
    vertical = probabilities.sum(3) * cell_centers(height, device=probabilities.device)
    return torch.stack((horizontal.sum(-1), vertical.sum(-1)), dim=-1)


def cell_spread(probabilities: Float[Tensor, "B J H W"]) -> Float[Tensor, "B J"]:
    """Standard deviation of the cell under each map, both axes together, normalized units.

    ``sqrt(E|cell - E[cell]|^2)``: 0 when all mass is on one cell, 0.816 when it is everywhere. A sharp map
    means that the network is sure of one place, not that the place is right.
    """
    height, width = probabilities.shape[2:]
    squared_x = cell_centers(width, device=probabilities.device).square()
    squared_y = cell_centers(height, device=probabilities.device).square()
    second_moment = (probabilities.sum(2) * squared_x).sum(-1) + (probabilities.sum(3) * squared_y).sum(-1)
    variance = second_moment - expected_cell(probabilities).square().sum(-1)
    return variance.clamp_min(0).sqrt()
