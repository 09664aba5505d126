"""Signed distance to solids: how far a point is outside (positive) or how deep inside one of several primitives.

Boxes, cylinders (taken as solid) and cones by the exact closed forms of Inigo Quilez
(https://iquilezles.org/articles/distfunctions); wedges are exact where their spheres are alike, ellipsoids near
their surface.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from .compiled import kernel
from .spans import Ball, Vector, along, dot


class Parts(NamedTuple):
    """Things made of primitives, mm, one frame for all; row layouts and padding as in `rasterize.Surface`."""

    cones: Float[Tensor, "B P 8"]
    wedges: Float[Tensor, "B W 12"]
    boxes: Float[Tensor, "B X 12"]
    cylinders: Float[Tensor, "B C 9"]
    ellipsoids: Float[Tensor, "B E 12"]

    def moved(self, rotation: Float[Tensor, "B 3 3"], position: Float[Tensor, "B 3"]) -> "Parts":
        """The same things in another frame: x becomes `rotation @ x + position`."""
        balls = [_move_balls(rows, rotation, position) for rows in (self.cones, self.wedges, self.cylinders[..., :8])]
        blocks = [_move_blocks(rows, rotation, position) for rows in (self.boxes, self.ellipsoids)]
        cylinders = torch.cat([balls[2], self.cylinders[..., 8:]], dim=-1)
        return Parts(balls[0], balls[1], blocks[0], cylinders, blocks[1])


def _move_balls(rows: Float[Tensor, "B N K"], rotation: Tensor, position: Tensor) -> Float[Tensor, "B N K"]:
    balls = rows.unflatten(-1, (-1, 4))
    centers = balls[..., :3] @ rotation[:, None].mT + position[:, None, None]
    return torch.cat([centers, balls[..., 3:]], dim=-1).flatten(-2)


def _move_blocks(rows: Float[Tensor, "B N 12"], rotation: Tensor, position: Tensor) -> Float[Tensor, "B N 12"]:
    turned = rows.unflatten(-1, (4, 3)) @ rotation[:, None].mT
    return torch.cat([turned[..., 0, :] + position[:, None], turned[..., 1:, :].flatten(-2)], dim=-1)


@kernel
def _to_cone(point: Vector, start: Ball, end: Ball) -> float:
    """The hull of two spheres, exactly."""
    axis = (end[0] - start[0], end[1] - start[1], end[2] - start[2])
    offset = (point[0] - start[0], point[1] - start[1], point[2] - start[2])
    squared, change = dot(axis, axis), start[3] - end[3]
    rest = squared - change * change
    if rest <= 1e-9:
        other = along(offset, axis, -1.0)
        return min(math.sqrt(dot(offset, offset)) - start[3], math.sqrt(dot(other, other)) - end[3])
    height = dot(offset, axis)
    across = along((offset[0] * squared, offset[1] * squared, offset[2] * squared), axis, -height)
    distance = dot(across, across)
    level = math.copysign(change * change * distance, change)
    beyond = height - squared
    if math.copysign(rest * beyond * beyond * squared, beyond) > level:
        return math.sqrt(distance + beyond * beyond * squared) / squared - end[3]
    if math.copysign(rest * height * height * squared, height) < level:
        return math.sqrt(distance + height * height * squared) / squared - start[3]
    return (math.sqrt(distance * rest / squared) + height * change) / squared - start[3]


@kernel
def _to_wedge(point: Vector, first: Ball, second: Ball, third: Ball) -> float:
    """Above the triangle of the centers its distance less the radius there; else the nearest of three cones."""
    one = (second[0] - first[0], second[1] - first[1], second[2] - first[2])
    other = (third[0] - first[0], third[1] - first[1], third[2] - first[2])
    offset = (point[0] - first[0], point[1] - first[1], point[2] - first[2])
    a, b, c = dot(one, one), dot(one, other), dot(other, other)
    x, y = dot(offset, one), dot(offset, other)
    gram = a * c - b * b
    nearest = min(_to_cone(point, first, second), _to_cone(point, second, third), _to_cone(point, third, first))
    if gram > 1e-9:
        u, v = (c * x - b * y) / gram, (a * y - b * x) / gram
        if u >= 0.0 and v >= 0.0 and u + v <= 1.0:
            gap = along(along(offset, one, -u), other, -v)
            radius = first[3] + u * (second[3] - first[3]) + v * (third[3] - first[3])
            nearest = min(nearest, math.sqrt(dot(gap, gap)) - radius)
    return nearest


@kernel
def _to_box(offset: Vector, axes: tuple[Vector, Vector, Vector]) -> float:
    outside, deepest = 0.0, -np.inf
    for axis in axes:
        half = math.sqrt(dot(axis, axis))
        beyond = abs(dot(offset, axis)) / half - half
        outside += max(beyond, 0.0) ** 2
        deepest = max(deepest, beyond)
    return math.sqrt(outside) + min(deepest, 0.0)


@kernel
def _to_ellipsoid(offset: Vector, axes: tuple[Vector, Vector, Vector]) -> float:
    """First order: f (f - 1) / |grad|, with f = 1 on the surface."""
    scaled, steep, least = 0.0, 0.0, np.inf
    for axis in axes:
        squared = dot(axis, axis)
        part = dot(offset, axis) / squared
        scaled += part * part
        steep += part * part / squared
        least = min(least, math.sqrt(squared))
    scaled = math.sqrt(scaled)
    return scaled * (scaled - 1.0) / math.sqrt(steep) if steep > 1e-12 else -least


@kernel
def _to_cylinder(point: Vector, start: Ball, end: Ball) -> float:
    axis = (end[0] - start[0], end[1] - start[1], end[2] - start[2])
    offset = (point[0] - start[0], point[1] - start[1], point[2] - start[2])
    length = math.sqrt(dot(axis, axis))
    height = dot(offset, axis) / length
    rho = math.sqrt(max(dot(offset, offset) - height * height, 0.0))
    half, change = length / 2.0, end[3] - start[3]
    height -= half
    flat = rho - min(rho, start[3] if height < 0.0 else end[3])
    over = abs(height) - half
    along_wall = (change * (rho - end[3]) + length * (height - half)) / -(change * change + length * length)
    part = min(max(along_wall, 0.0), 1.0)
    side, up = rho - end[3] + change * part, height - half + length * part
    distance = math.sqrt(min(flat * flat + over * over, side * side + up * up))
    return -distance if side < 0.0 and over < 0.0 else distance


@kernel
def _to_hulls(point: Vector, cones: Float[np.ndarray, "P 8"], wedges: Float[np.ndarray, "W 12"]) -> float:
    nearest = np.inf
    for a in cones:
        if a[3] > 0.0:
            nearest = min(nearest, _to_cone(point, (a[0], a[1], a[2], a[3]), (a[4], a[5], a[6], a[7])))
    for a in wedges:
        if a[3] > 0.0:
            first, second = (a[0], a[1], a[2], a[3]), (a[4], a[5], a[6], a[7])
            nearest = min(nearest, _to_wedge(point, first, second, (a[8], a[9], a[10], a[11])))
    return nearest


@kernel
def _to_blocks(point: Vector, rows: Float[np.ndarray, "N 12"], rounded: bool) -> float:  # noqa: FBT001 -- compiled code takes no keywords
    nearest = np.inf
    for a in rows:
        if a[3] != 0.0 or a[4] != 0.0 or a[5] != 0.0:
            axes = ((a[3], a[4], a[5]), (a[6], a[7], a[8]), (a[9], a[10], a[11]))
            offset = (point[0] - a[0], point[1] - a[1], point[2] - a[2])
            nearest = min(nearest, _to_ellipsoid(offset, axes) if rounded else _to_box(offset, axes))
    return nearest


@kernel
def _to_cylinders(point: Vector, cylinders: Float[np.ndarray, "C 9"]) -> float:
    nearest = np.inf
    for a in cylinders:
        if a[3] > 0.0:
            nearest = min(nearest, _to_cylinder(point, (a[0], a[1], a[2], a[3]), (a[4], a[5], a[6], a[7])))
    return nearest


@kernel
def _measure(
    balls: tuple[Float[np.ndarray, "B P 8"], Float[np.ndarray, "B W 12"], Float[np.ndarray, "B C 9"]],
    blocks: tuple[Float[np.ndarray, "B X 12"], Float[np.ndarray, "B E 12"]],
    points: Float[np.ndarray, "B N 3"],
    out: Float[np.ndarray, "B N"],
) -> None:
    for frame in range(points.shape[0]):
        for i in range(points.shape[1]):
            point = (points[frame, i, 0], points[frame, i, 1], points[frame, i, 2])
            out[frame, i] = min(
                _to_hulls(point, balls[0][frame], balls[1][frame]),
                _to_cylinders(point, balls[2][frame]),
                _to_blocks(point, blocks[0][frame], False),  # noqa: FBT003
                _to_blocks(point, blocks[1][frame], True),  # noqa: FBT003
            )


def signed_distance(parts: Parts, points: Float[Tensor, "B N 3"]) -> Float[Tensor, "B N"]:
    """Distance (mm) from each point to its row's parts, negative inside; infinite where there are none."""
    cones, wedges, boxes, cylinders, ellipsoids = (part.double().contiguous().numpy() for part in parts)
    out = np.empty(points.shape[:2])
    _measure((cones, wedges, cylinders), (boxes, ellipsoids), points.double().contiguous().numpy(), out)
    return torch.from_numpy(out).float()
