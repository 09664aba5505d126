"""Closeness and direction: for every crop pixel, how near each joint is and which way it lies (SRN, DenseReg).

    distance   |j - p|                                p: where the pixel is, j: the joint, in one normalized space
    closeness  (radius - |j - p|) / radius            in [0, 1], 0 beyond the radius and off the hand
    direction  (j - p) / |j - p|                      0 beyond the radius and off the hand

Where a pixel *is* comes in as its point, so one pair of functions serves image and cube coordinates. SRN's paper
(eq. 2) and DenseReg's (eq. 1 to 3) print `p - j`; both released codes, and DenseReg's own Algorithm 1, point to the
joint, as here (docs/reference.md, 3.2 and 3.5).

https://bmvc2019.org/wp-content/uploads/papers/0918-paper.pdf and https://arxiv.org/abs/1711.08996
"""

from typing import NamedTuple

from jaxtyping import Bool, Float
from torch import Tensor


class Field(NamedTuple):
    """What every pixel says about every joint."""

    closeness: Float[Tensor, "B J H W"]
    """1 on the joint, 0 from the radius on."""
    direction: Float[Tensor, "B J 3 H W"]
    """Unit vector to the joint."""


def encode(
    joints: Float[Tensor, "B J 3"],
    points: Float[Tensor, "B 3 H W"],
    foreground: Bool[Tensor, "B H W"],
    *,
    radius: float,
) -> Field:
    """The field of known joints; everything in the space and unit of `points`."""
    offset = joints[..., None, None] - points[:, None]
    distance = offset.square().sum(2).add(1e-12).sqrt()
    inside = (distance < radius) & foreground[:, None]
    closeness = (1 - distance / radius) * inside
    return Field(closeness, offset / distance.unsqueeze(2) * inside.unsqueeze(2))


def votes(field: Field, points: Float[Tensor, "B 3 H W"], *, radius: float) -> Float[Tensor, "B J 3 H W"]:
    """Where each pixel says each joint lies, the inverse of `encode` within the radius: DenseReg, Algorithm 1."""
    distance = radius * (1 - field.closeness)
    return points[:, None] + distance.unsqueeze(2) * field.direction


def shrink(points: Float[Tensor, "B 3 S S"], size: int) -> Float[Tensor, "B 3 size size"]:
    """Every (S / size)-th point, none mixed with its neighbors: a mean across an edge lies on no surface.

    Raises ValueError where `size` does not divide S.
    """
    step, rest = divmod(points.shape[-1], size)
    if rest:
        raise ValueError(f"a point map of {points.shape[-1]} pixels cannot be shrunk to {size}: use a multiple of it")
    return points[..., step // 2 :: step, step // 2 :: step]


def foreground(points: Float[Tensor, "B 3 H W"]) -> Bool[Tensor, "B H W"]:
    """Pixels that show something inside the cube; the background's depth is 1."""
    return points[:, 2] < 1
