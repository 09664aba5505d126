"""Surfaces over spans: the depth of a quadric or a plane along image rows.

Sphere, ellipsoid and cone share one equation. A ray through pixel (u, v) has the direction
d = ((u - cx) / fx, (v - cy) / fy, 1), so the ray parameter is the depth z itself, and

    A z^2 - 2 (p . d) z + C = 0,    A = d . M d,    z = C / (p . d + sqrt((p . d)^2 - A C)),

with p the pole and M the form: s^2 I - w w^T for a cone of unit axis w and half angle acos s, the identity
for a sphere (p its center), the sum of q q^T with q = h / |h|^2 over the half axes h of an ellipsoid. Along an
image row all terms are polynomials in u: they are expanded in double precision about the middle of the row's
span, and the pixels run in single precision, eight at a time.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from .compiled import kernel
from .spans import Ball, Vector, View, dot

BLOCK = 8
"""Pixels drawn together: one vector register of single precision."""


Form = tuple[float, float, float, float, float, float]
"""A symmetric matrix: xx, yy, zz, xy, xz, yz."""


class Quadric(NamedTuple):
    """The coefficients p, C, M of the equation above; a hit counts for z (w . d) in [low, high].

    Drawn where rays enter it, or (a wall seen from within) where they leave it.
    """

    pole: Vector
    constant: float
    form: Form
    axis: Vector
    low: float
    high: float
    leaving: bool


class Row(NamedTuple):
    """The terms of the equation along a row, as polynomials in pixels from the span's middle."""

    pole: tuple[np.float32, np.float32]
    square: tuple[np.float32, np.float32, np.float32]
    root: tuple[np.float32, np.float32, np.float32]
    axis: tuple[np.float32, np.float32]


@kernel
def _draw_outside(line: Float32[np.ndarray, " W8"], blocks: tuple[int, int], quadric: Quadric, row: Row) -> None:
    """Lower a row's depth to z = C / (p . d + root)."""
    middle = (blocks[0] + blocks[1]) * BLOCK // 2
    constant, low, high = np.float32(quadric.constant), np.float32(quadric.low), np.float32(quadric.high)
    zero = np.float32(0.0)
    for block in range(blocks[0], blocks[1]):
        for lane in range(BLOCK):
            at = block * BLOCK + lane
            x = np.float32(at - middle)
            inside = (row.root[2] * x + row.root[1]) * x + row.root[0]
            depth = constant / (row.pole[1] * x + row.pole[0] + np.sqrt(max(inside, zero)))
            along = depth * (row.axis[1] * x + row.axis[0])
            hit = (inside >= zero) & (depth > zero) & (along >= low) & (along <= high) & (depth < line[at])
            line[at] = depth if hit else line[at]


@kernel
def _draw_within(line: Float32[np.ndarray, " W8"], blocks: tuple[int, int], quadric: Quadric, row: Row) -> None:
    """The same by z = (p . d - root) / A, for a camera inside the cone's extension, where C <= 0."""
    middle = (blocks[0] + blocks[1]) * BLOCK // 2
    low, high = np.float32(quadric.low), np.float32(quadric.high)
    zero = np.float32(0.0)
    for block in range(blocks[0], blocks[1]):
        for lane in range(BLOCK):
            at = block * BLOCK + lane
            x = np.float32(at - middle)
            inside = (row.root[2] * x + row.root[1]) * x + row.root[0]
            square = (row.square[2] * x + row.square[1]) * x + row.square[0]
            depth = (row.pole[1] * x + row.pole[0] - np.sqrt(max(inside, zero))) / square
            along = depth * (row.axis[1] * x + row.axis[0])
            hit = (inside >= zero) & (depth > zero) & (along >= low) & (along <= high) & (depth < line[at])
            line[at] = depth if hit else line[at]


@kernel
def _draw_leaving(line: Float32[np.ndarray, " W8"], blocks: tuple[int, int], quadric: Quadric, row: Row) -> None:
    """The same by z = (p . d + root) / A: where the ray leaves a cone, its wall seen from within."""
    middle = (blocks[0] + blocks[1]) * BLOCK // 2
    low, high = np.float32(quadric.low), np.float32(quadric.high)
    zero = np.float32(0.0)
    for block in range(blocks[0], blocks[1]):
        for lane in range(BLOCK):
            at = block * BLOCK + lane
            x = np.float32(at - middle)
            inside = (row.root[2] * x + row.root[1]) * x + row.root[0]
            square = (row.square[2] * x + row.square[1]) * x + row.square[0]
            depth = (row.pole[1] * x + row.pole[0] + np.sqrt(max(inside, zero))) / square
            along = depth * (row.axis[1] * x + row.axis[0])
            hit = (inside >= zero) & (depth > zero) & (along >= low) & (along <= high) & (depth < line[at])
            line[at] = depth if hit else line[at]


@kernel
def draw_quadric(
    image: Float32[np.ndarray, "H W8"], spans: Float[np.ndarray, "H 2"], quadric: Quadric, view: View
) -> None:
    """Lower the depth in each row's span to the quadric's nearest valid hit."""
    pole, constant, axis = quadric.pole, quadric.constant, quadric.axis
    xx, yy, zz, xy, xz, yz = quadric.form
    step = 1.0 / view.fx
    p1, w1 = pole[0] * step, axis[0] * step
    a2 = xx * step * step
    for row in range(spans.shape[0]):
        left, right = max(spans[row, 0], 0.0), min(spans[row, 1], view.width - 1.0)
        if not math.ceil(left) <= right:
            continue
        blocks = (int(left) // BLOCK, int(right) // BLOCK + 1)
        middle = (blocks[0] + blocks[1]) * BLOCK // 2
        ray = ((middle - view.cx) * step, (row - view.cy) / view.fy, 1.0)
        p0, w0 = dot(pole, ray), dot(axis, ray)
        x, y, _ = ray
        a0 = (xx * x + 2.0 * (xy * y + xz)) * x + (yy * y + 2.0 * yz) * y + zz
        a1 = 2.0 * step * (xx * x + xy * y + xz)
        terms = Row(
            (np.float32(p0), np.float32(p1)),
            (np.float32(a0), np.float32(a1), np.float32(a2)),
            (
                np.float32(p0 * p0 - constant * a0),
                np.float32(2.0 * p0 * p1 - constant * a1),
                np.float32(p1 * p1 - constant * a2),
            ),
            (np.float32(w0), np.float32(w1)),
        )
        if quadric.leaving:
            _draw_leaving(image[row], blocks, quadric, terms)
        elif constant > 0.0:
            _draw_outside(image[row], blocks, quadric, terms)
        else:
            _draw_within(image[row], blocks, quadric, terms)


@kernel
def cone_form(axis: Vector, cosine_squared: float) -> Form:
    """M of a cone: s^2 I - w w^T."""
    x, y, z = axis
    return (cosine_squared - x * x, cosine_squared - y * y, cosine_squared - z * z, -x * y, -x * z, -y * z)


@kernel
def draw_plane(image: Float32[np.ndarray, "H W8"], spans: Float[np.ndarray, "H 2"], plane: Ball, view: View) -> None:
    level, slope = np.float32(plane[3]), np.float32(plane[0] / view.fx)
    for row in range(spans.shape[0]):
        left, right = max(spans[row, 0], 0.0), min(spans[row, 1], view.width - 1.0)
        if not math.ceil(left) <= right:
            continue
        line = image[row]
        start = np.float32(plane[2] + plane[1] * (row - view.cy) / view.fy - plane[0] * view.cx / view.fx)
        for column in range(math.ceil(left), int(right) + 1):
            depth = level / (slope * np.float32(column) + start)
            line[column] = depth if (depth > np.float32(0.0)) & (depth < line[column]) else line[column]
