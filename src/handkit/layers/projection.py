"""Where a point of the cube shows in the crop, read off the point map: no camera needed inside a network.

A pixel whose normalized crop coordinates are (u, v) sees, in `Space.CUBE`, a point (x, y, z) with

    u = (x - a z) / (1 + b z)        a = X / Z of the cube's center along the cube's horizontal axis
    v = (y - c z) / (1 + b z)        c = the same along its vertical axis
                                     b = half edge / Z: how much farther the back face is than the center

(for equal edges; others only scale a and c).

Three numbers a crop, linear in every pixel's equations: least squares finds them from the point map.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from handkit.layers.heatmaps import cell_centers

NEAREST = 0.1
"""Least share of the center's depth at which a point is projected: nearer ones would fly out of the image."""


def project(joints: Float[Tensor, "B J 3"], points: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B J 2"]:
    """(u, v) in [-1, 1] across the crop of `joints`, both in `Space.CUBE`; in `Space.IMAGE` just their (u, v).

    Differentiable in `joints`; no gradient reaches `points`.
    """
    slope, growth = _view(points.detach())
    depth = joints[..., 2:]
    return (joints[..., :2] - slope.unsqueeze(1) * depth) / (1 + growth[:, None, None] * depth).clamp_min(NEAREST)


def unproject(pixels: Float[Tensor, "B J 3"], points: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B J 3"]:
    """Inverse of `project`: (u, v) of the crop and z of the cube to (x, y, z), in the space of `points`."""
    slope, growth = _view(points.detach())
    depth = pixels[..., 2:]
    plane = pixels[..., :2] * (1 + growth[:, None, None] * depth) + slope.unsqueeze(1) * depth
    return torch.cat((plane, depth), dim=-1)


def _view(points: Float[Tensor, "B 3 S S"]) -> tuple[Float[Tensor, "B 2"], Float[Tensor, "B"]]:
    """((a, c), b) of the equations above: least squares of `x - u - (a + b u) z` and `y - v - (c + b v) z`."""
    points = points.float()
    line = cell_centers(points.shape[-1], device=points.device)
    pixels = torch.stack(torch.meshgrid(line, line, indexing="xy")).flatten(1)
    depth = points[:, 2:].flatten(2)
    residual = (points[:, :2].flatten(2) - pixels) * depth
    weight = depth.square()
    # The background lies at depth 1, so the sum of weights is large; a map of zeros alone is orthographic.
    total = weight.sum(2).clamp_min(1e-6)
    middle = (weight * pixels).sum(2) / total
    spread = (weight * (pixels - middle.unsqueeze(2)).square()).sum((1, 2)).clamp_min(1e-6)
    growth = (residual * (pixels - middle.unsqueeze(2))).sum((1, 2)) / spread
    slope = residual.sum(2) / total - growth.unsqueeze(1) * middle
    return slope, growth
