"""Heat maps over the cells of a crop: where the cells are, distributions over them, expectations.

The expectation over a softmax is the soft-argmax of Sun et al., "Integral Human Pose Regression", ECCV 2018,
https://arxiv.org/abs/1711.08229; reading the highest cell is that of Newell et al., "Stacked Hourglass Networks",
ECCV 2016, https://arxiv.org/abs/1603.06937.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor


def cell_centers(size: int, *, device: torch.device | None = None) -> Float[Tensor, "size"]:
    """Normalized coordinate of the center of each of `size` cells across the crop, in (-1, 1).

    The convention of crop pixels at a coarser grid: `(i + 0.5) / size * 2 - 1`.

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

    `sum_cells p(cell) * center(cell)` in [-1, 1], by way of the two marginals: they are H + W numbers
    a map, and plain sums stay in float32 under autocast where a matrix product would not.
    """
    height, width = probabilities.shape[2:]
    horizontal = probabilities.sum(2) * cell_centers(width, device=probabilities.device)
    vertical = probabilities.sum(3) * cell_centers(height, device=probabilities.device)
    return torch.stack((horizontal.sum(-1), vertical.sum(-1)), dim=-1)


def cell_deviations(probabilities: Float[Tensor, "B J H W"]) -> Float[Tensor, "B J 2"]:
    """Standard deviation of the (horizontal, vertical) cell coordinate under each map, normalized units."""
    height, width = probabilities.shape[2:]
    horizontal = probabilities.sum(2) * cell_centers(width, device=probabilities.device).square()
    vertical = probabilities.sum(3) * cell_centers(height, device=probabilities.device).square()
    second_moment = torch.stack((horizontal.sum(-1), vertical.sum(-1)), dim=-1)
    return (second_moment - expected_cell(probabilities).square()).clamp_min(0).sqrt()


def gaussian_heatmaps(joints: Float[Tensor, "B J _"], size: int, *, sigma: float) -> Float[Tensor, "B J size size"]:
    """`exp(-d^2 / (2 sigma^2))` of each cell's distance d to each joint, both in cells; 1 at the joint.

    Around the joint itself, not around the cell that it falls into. Differentiable in `joints`, whose first two
    coordinates are (horizontal, vertical) in [-1, 1]; a joint beyond the crop leaves only the tail that reaches it.

    >>> gaussian_heatmaps(torch.tensor([[[0.0, 0.0]]]), 3, sigma=1.0)[0, 0, 1]
    tensor([0.6065, 1.0000, 0.6065])
    """
    # Two vectors a joint: a Gaussian is the product of its profiles along the axes.
    offset = (cell_centers(size, device=joints.device) - joints[..., :2, None].float()) * (size / 2)
    horizontal, vertical = offset.square().div(-2 * sigma**2).exp().unbind(2)
    return vertical.unsqueeze(-1) * horizontal.unsqueeze(-2)


def gaussian_error(
    maps: Float[Tensor, "*T B J H H"], joints: Float[Tensor, "B J _"], *, sigma: float
) -> Float[Tensor, "*T"]:
    """Summed squared error of `maps` against `gaussian_heatmaps` over pi sigma^2, averaged over joints.

    pi sigma^2 is the sum of a Gaussian's squares over the cells: empty maps have an error of 1 at any size.
    """
    error = maps - gaussian_heatmaps(joints, maps.shape[-1], sigma=sigma)
    return error.square().sum((-1, -2)).mean((-1, -2)) / (math.pi * sigma**2)


def blurred_cell_heatmaps(joints: Float[Tensor, "B J _"], size: int) -> Float[Tensor, "B J size size"]:
    """1 on the cell of each joint, 0.5 on the four beside it, 0.25 on the four at its corners, 0 elsewhere.

    A one-hot map under the 3 x 3 binomial blur, divided by its maximum: the target of CrossInfoNet. The first two
    coordinates of `joints` are (horizontal, vertical) in [-1, 1]; a joint left of or above the crop leaves its map
    empty, one to the right or below counts to the last cell (docs/reference.md, 3.1).
    """
    cell = ((joints[..., :2] + 1) * (size / 2)).floor()
    inside = (cell >= 0).all(-1)
    cells = torch.arange(size, device=joints.device)
    steps = (cells - cell.clamp(max=size - 1).unsqueeze(-1)).abs()
    horizontal, vertical = (1 - steps / 2).where(steps < 2, 0).unbind(2)
    return vertical.unsqueeze(-1) * horizontal.unsqueeze(-2) * inside[..., None, None]


def highest_cell(maps: Float[Tensor, "B J H W"]) -> Float[Tensor, "B J 2"]:
    """(horizontal, vertical) of each map's maximum in [-1, 1], moved a quarter of a cell to its higher neighbor.

    The read-out of the stacked hourglass (Newell et al., 2016): the cell's center, and along each axis a quarter of a
    cell toward the larger of the two neighbors; none where they are equal or the maximum is on the map's edge. Equal
    maxima: any one of them. No gradient.
    """
    height, width = maps.shape[2:]
    values = maps.flatten(2)
    index = values.argmax(-1)
    column, row = index % width, index // width

    def refined(position: Int[Tensor, "B J"], *, step: int, size: int) -> Float[Tensor, "B J"]:
        before, after = (index - step).clamp(min=0), (index + step).clamp(max=height * width - 1)
        rise = values.gather(2, after.unsqueeze(-1)) - values.gather(2, before.unsqueeze(-1))
        inner = (position > 0) & (position < size - 1)
        return (position + 0.5 + 0.25 * rise.squeeze(-1).float().sign() * inner) / size * 2 - 1

    return torch.stack((refined(column, step=1, size=width), refined(row, step=width, size=height)), dim=-1)
