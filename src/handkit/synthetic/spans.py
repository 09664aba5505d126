"""Where a sphere or an edge lies in the image: for each row the span of columns it covers.

A span is [left, right] in fractional pixels; an empty row holds [inf, -inf].
Camera millimeters in, pixels out.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from .compiled import kernel

NEAR = 20.0
"""Millimeters. What comes nearer is cut off: nothing is drawn through the lens."""

Ball = tuple[float, float, float, float]
"""x, y, z and radius of a sphere in camera millimeters."""

Vector = tuple[float, float, float]


class View(NamedTuple):
    """The camera and window of one frame: focal lengths and principal point in pixels."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int


@kernel
def dot(first: Vector, second: Vector) -> float:
    return first[0] * second[0] + first[1] * second[1] + first[2] * second[2]


@kernel
def along(origin: Vector, direction: Vector, step: float) -> Vector:
    return (
        origin[0] + step * direction[0],
        origin[1] + step * direction[1],
        origin[2] + step * direction[2],
    )


@kernel
def cross(first: Vector, second: Vector) -> Vector:
    return (
        first[1] * second[2] - first[2] * second[1],
        first[2] * second[0] - first[0] * second[2],
        first[0] * second[1] - first[1] * second[0],
    )


@kernel
def normals(level: Ball, other: Ball) -> tuple[bool, Vector, Vector]:
    """Both unit n with n . level[:3] = level[3] and n . other[:3] = other[3]; False if there is none."""
    first, second = (level[0], level[1], level[2]), (other[0], other[1], other[2])
    across = cross(first, second)
    gram = dot(across, across)
    if gram <= 1e-12 * dot(first, first) * dot(second, second):
        return False, across, across
    # n = a first + b second +- c (first x second): a, b from the two equations, c from |n| = 1.
    mixed = dot(first, second)
    a = (level[3] * dot(second, second) - other[3] * mixed) / gram
    b = (other[3] * dot(first, first) - level[3] * mixed) / gram
    base = along(along((0.0, 0.0, 0.0), first, a), second, b)
    rest = (1.0 - dot(base, base)) / gram
    if rest < 0.0:
        return False, across, across
    return True, along(base, across, math.sqrt(rest)), along(base, across, -math.sqrt(rest))


@kernel
def widen_by_ball(spans: Float[np.ndarray, "H 2"], ball: Ball, view: View) -> None:
    """Widen each row's span [left, right] (pixels) by the sphere's image, an ellipse."""
    x, y, z, radius = ball
    constant = x * x + y * y + z * z - radius * radius
    squared = y * y + z * z - radius * radius
    # Tangent planes through the camera's x axis bound the rows.
    root = radius * math.sqrt(squared)
    depth = z * z - radius * radius
    first = max(math.ceil(view.fy * (y * z - root) / depth + view.cy), 0)
    last = min(math.floor(view.fy * (y * z + root) / depth + view.cy), spans.shape[0] - 1)
    for row in range(first, last + 1):
        slope = (row - view.cy) / view.fy
        reach = slope * y + z
        middle = x * reach / squared
        half = math.sqrt(max(constant * (reach * reach / squared - 1.0 - slope * slope) / squared, 0.0))
        spans[row, 0] = min(spans[row, 0], view.fx * (middle - half) + view.cx)
        spans[row, 1] = max(spans[row, 1], view.fx * (middle + half) + view.cx)


@kernel
def widen_by_edge(spans: Float[np.ndarray, "H 2"], start: Vector, end: Vector, view: View) -> None:
    """Widen each row's span by the image of a straight edge in front of the camera."""
    u, v = view.fx * start[0] / start[2] + view.cx, view.fy * start[1] / start[2] + view.cy
    du, dv = view.fx * end[0] / end[2] + view.cx - u, view.fy * end[1] / end[2] + view.cy - v
    if dv == 0.0:
        return
    first = max(math.ceil(min(v, v + dv)), 0)
    last = min(math.floor(max(v, v + dv)), spans.shape[0] - 1)
    for row in range(first, last + 1):
        column = u + du * (row - v) / dv
        spans[row, 0] = min(spans[row, 0], column)
        spans[row, 1] = max(spans[row, 1], column)


@kernel
def chord(row: int, circle: Ball, normal: Vector, view: View) -> tuple[bool, float, float]:
    """Columns where an image row enters and leaves a disc of unit normal; False where it misses it."""
    center, slope = (circle[0], circle[1], circle[2]), (row - view.cy) / view.fy
    # The row's plane y = slope z cuts the disc's plane in a line.
    across = (0.0, 1.0, -slope)
    direction = cross(across, normal)
    squared = dot(direction, direction)
    if squared <= 1e-12:
        return False, 0.0, 0.0
    gap = dot(across, center)
    rest = circle[3] * circle[3] - gap * gap / squared
    if rest < 0.0:
        return False, 0.0, 0.0
    foot = along(center, along(across, normal, -dot(across, normal)), -gap / squared)
    half = math.sqrt(rest / squared)
    start, end = along(foot, direction, -half), along(foot, direction, half)
    first, second = view.fx * start[0] / start[2] + view.cx, view.fx * end[0] / end[2] + view.cx
    return True, min(first, second), max(first, second)


@kernel
def widen_by_disc(spans: Float[np.ndarray, "H 2"], circle: Ball, normal: Vector, view: View) -> None:
    """Widen each row's span by a disc in front of the camera."""
    for row in range(spans.shape[0]):
        found, left, right = chord(row, circle, normal, view)
        if found:
            spans[row, 0] = min(spans[row, 0], left)
            spans[row, 1] = max(spans[row, 1], right)


@kernel
def widen_by_ellipsoid(
    spans: Float[np.ndarray, "H 2"], center: Vector, axes: tuple[Vector, Vector, Vector], view: View
) -> None:
    """Widen each row's span by an ellipsoid (half axes in mm) in front of the camera: its outline is a conic."""
    (x, y, z), (a, b, c) = center, axes
    # The lines (l, m, n) tangent to the outline obey l . K l = 0; the outline itself has the adjugate of K.
    xx, xy = x * x - a[0] * a[0] - b[0] * b[0] - c[0] * c[0], x * y - a[0] * a[1] - b[0] * b[1] - c[0] * c[1]
    yy, yz = y * y - a[1] * a[1] - b[1] * b[1] - c[1] * c[1], y * z - a[1] * a[2] - b[1] * b[2] - c[1] * c[2]
    zz, xz = z * z - a[2] * a[2] - b[2] * b[2] - c[2] * c[2], x * z - a[0] * a[2] - b[0] * b[2] - c[0] * c[2]
    square = yy * zz - yz * yz
    root = math.sqrt(max(-square, 0.0))
    first = max(math.ceil(view.fy * (yz - root) / zz + view.cy), 0)
    last = min(math.floor(view.fy * (yz + root) / zz + view.cy), spans.shape[0] - 1)
    for row in range(first, last + 1):
        slope = (row - view.cy) / view.fy
        mixed = (xz * yz - xy * zz) * slope + xy * yz - xz * yy
        rest = ((xx * zz - xz * xz) * slope + 2.0 * (xy * xz - xx * yz)) * slope + xx * yy - xy * xy
        middle = -mixed / square
        half = math.sqrt(max(middle * middle - rest / square, 0.0))
        spans[row, 0] = min(spans[row, 0], view.fx * (middle - half) + view.cx)
        spans[row, 1] = max(spans[row, 1], view.fx * (middle + half) + view.cx)


@kernel
def clear(spans: Float[np.ndarray, "H 2"]) -> None:
    spans[:, 0] = np.inf
    spans[:, 1] = -np.inf
