"""Joints from votes: mean shift over a few candidates of each joint, batched over frames and joints (DenseReg).

https://arxiv.org/abs/1711.08996
"""

import torch
from jaxtyping import Float
from torch import Tensor

BINS = 4
"""A side of mean shift's histogram has as many."""
STEPS = 10
"""Of mean shift."""
LEAST_WEIGHT = 1e-6
"""Of a candidate: where none has any weight, all have the same."""
TIE = 1e-12
"""What a cell is behind the one before it: less than a score above 1e-5 can tell."""


def take_strongest(
    places: Float[Tensor, "B J 3 H W"], scores: Float[Tensor, "B J H W"], *, top: int
) -> tuple[Float[Tensor, "B J K 3"], Float[Tensor, "B J K"]]:
    """The places of each joint's K = `top` cells of highest score (of all, if there are fewer), with their scores.

    Of cells that score 0, as all do where a crop is empty, the first, whatever computes it.
    """
    flat = scores.flatten(2)
    order = torch.arange(flat.shape[-1], device=flat.device, dtype=flat.dtype)
    index = (flat - TIE * order).topk(min(top, flat.shape[-1]), dim=-1).indices
    return places.flatten(3).gather(3, index.unsqueeze(2).expand(-1, -1, 3, -1)).mT, flat.gather(2, index)


def look_up(maps: Float[Tensor, "B J H W"], pixels: Float[Tensor, "B J K 2"]) -> Float[Tensor, "B J K"]:
    """Each joint's map at the cells that hold `pixels`, (horizontal, vertical) in [-1, 1]; beyond, the nearest.

    A pixel that is no number gets the first cell: one bad row of a batch must not end the others.
    """
    height, width = maps.shape[2:]
    across = zip(pixels.unbind(-1), (width, height), strict=True)
    cells = [((place + 1) * (size / 2)).floor().clamp_max(size - 1) for place, size in across]
    column, row = (torch.where(cell > 0, cell, 0).long() for cell in cells)  # a clamp would keep the NaN
    return maps.flatten(2).gather(2, row * width + column)


def fullest_bin(
    candidates: Float[Tensor, "B J K 3"], weights: Float[Tensor, "B J K"], *, reach: float
) -> Float[Tensor, "B J 3"]:
    """Center of the histogram bin of [-reach, reach]^3 that holds the most weight, the last one of equals.

    Candidates beyond count to the outermost bins.
    """
    edge = 2 * reach / BINS
    x, y, z = ((candidates + reach) / edge).floor().clamp(0, BINS - 1).long().unbind(-1)
    index = (x * BINS + y) * BINS + z
    here = index.unsqueeze(-1) == torch.arange(BINS**3, device=index.device)
    histogram = weights.unsqueeze(-1).where(here, 0).sum(2)
    fullest = BINS**3 - 1 - histogram.flip(-1).argmax(-1)
    digits = torch.stack((fullest // BINS**2, fullest // BINS % BINS, fullest % BINS), dim=-1)
    return (digits + 0.5) * edge - reach


def mean_shift(
    candidates: Float[Tensor, "B J K 3"],
    weights: Float[Tensor, "B J K"],
    *,
    width: float,
    reach: float,
) -> Float[Tensor, "B J 3"]:
    """The place where each joint's candidates are densest, by weighted mean shift from the fullest bin.

    c <- sum_k w_k g_k p_k / sum_k w_k g_k with g_k = exp(-|p_k - c|^2 / (2 width^2)), `STEPS` times; everything
    in one unit. Weights below `LEAST_WEIGHT` count as that: a candidate of negative weight would push c away.
    """
    weights = weights.clamp_min(LEAST_WEIGHT)
    center = fullest_bin(candidates, weights, reach=reach)
    for _ in range(STEPS):
        squared = (candidates - center.unsqueeze(2)).square().sum(-1)
        # The quotient of the sums as a softmax: far candidates alone would make it 0 / 0.
        share = (weights.log() - squared / (2 * width**2)).softmax(-1)
        center = (share.unsqueeze(-1) * candidates).sum(2)
    return center
