"""Boxes, flat-ended cylinders and cups, and ellipsoids: the solids of the renderer that are no hulls of spheres."""

import math

import numpy as np
from jaxtyping import Float, Float32

from .compiled import kernel
from .quadrics import Quadric, cone_form, draw_plane, draw_quadric
from .spans import (
    NEAR,
    Ball,
    Vector,
    View,
    along,
    chord,
    clear,
    dot,
    normals,
    widen_by_disc,
    widen_by_edge,
    widen_by_ellipsoid,
)

Image = Float32[np.ndarray, "H W8"]
Spans = Float[np.ndarray, "H 2"]
Ring = tuple[float, float, float, float, float]
"""Center, radius and hole (radius; 0: none) of a flat ring in camera mm."""
SLACK = 1e-3
"""Millimeters by which a wall reaches beyond its rims: no pixel falls between two pieces through rounding."""


@kernel
def _widen_by_face(spans: Spans, corners: tuple[Vector, Vector, Vector, Vector], view: View) -> None:
    """Widen each row's span by a rectangle, cut where it comes nearer than NEAR."""
    cuts, first, second = 0, corners[0], corners[0]
    for corner in range(4):
        start, end = corners[corner], corners[(corner + 1) % 4]
        if start[2] < NEAR and end[2] < NEAR:
            continue
        if start[2] < NEAR or end[2] < NEAR:
            cut = along(start, along(end, start, -1.0), (NEAR - start[2]) / (end[2] - start[2]))
            first, second, cuts = second, cut, cuts + 1
            if start[2] < NEAR:
                start = cut
            else:
                end = cut
        widen_by_edge(spans, start, end, view)
    if cuts == 2:
        widen_by_edge(spans, first, second, view)
    # Neighboring faces share their edge's pixels.
    for row in range(spans.shape[0]):
        spans[row, 0] -= 1e-6
        spans[row, 1] += 1e-6


@kernel
def draw_box(image: Image, spans: Spans, box: Float[np.ndarray, "12"], far: float, view: View) -> None:
    """The faces of a box that look at the camera (of one around the camera: none)."""
    center = (box[0], box[1], box[2])
    axes = ((box[3], box[4], box[5]), (box[6], box[7], box[8]), (box[9], box[10], box[11]))
    if not box[2] - abs(box[5]) - abs(box[8]) - abs(box[11]) <= far:
        return
    if box[2] + abs(box[5]) + abs(box[8]) + abs(box[11]) <= NEAR:
        return
    for face in range(6):
        axis, sign = face // 2, 1.0 - 2.0 * (face % 2)
        outward = along((0.0, 0.0, 0.0), axes[axis], sign)
        one, other = axes[(axis + 1) % 3], axes[(axis + 2) % 3]
        middle = along(center, outward, 1.0)
        level = dot(outward, middle)
        if level >= 0.0:
            continue
        left, right = along(middle, one, -1.0), along(middle, one, 1.0)
        clear(spans)
        corners = (
            along(left, other, -1.0),
            along(left, other, 1.0),
            along(right, other, 1.0),
            along(right, other, -1.0),
        )
        _widen_by_face(spans, corners, view)
        draw_plane(image, spans, (outward[0], outward[1], outward[2], level), view)


@kernel
def draw_ellipsoid(image: Image, spans: Spans, ellipsoid: Float[np.ndarray, "12"], far: float, view: View) -> None:
    center = (ellipsoid[0], ellipsoid[1], ellipsoid[2])
    a = (ellipsoid[3], ellipsoid[4], ellipsoid[5])
    b = (ellipsoid[6], ellipsoid[7], ellipsoid[8])
    c = (ellipsoid[9], ellipsoid[10], ellipsoid[11])
    if not NEAR <= center[2] - math.sqrt(a[2] * a[2] + b[2] * b[2] + c[2] * c[2]) <= far:
        return
    clear(spans)
    widen_by_ellipsoid(spans, center, (a, b, c), view)
    nowhere = (0.0, 0.0, 0.0)
    pole, constant, form = nowhere, -1.0, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for half in (a, b, c):
        x, y, z = along(nowhere, half, 1.0 / dot(half, half))
        place = x * center[0] + y * center[1] + z * center[2]
        pole = along(pole, (x, y, z), place)
        constant += place * place
        xx, yy, zz, xy, xz, yz = form
        form = (xx + x * x, yy + y * y, zz + z * z, xy + x * y, xz + x * z, yz + y * z)
    draw_quadric(image, spans, Quadric(pole, constant, form, nowhere, -np.inf, np.inf, leaving=False), view)


@kernel
def _draw_wall(image: Image, spans: Spans, rims: tuple[Ball, Ball], leaving: bool, view: View) -> None:  # noqa: FBT001 -- compiled code takes no keywords
    """The side between two rims, seen from outside, or from within."""
    start, end = rims
    a, b = (start[0], start[1], start[2]), (end[0], end[1], end[2])
    difference = along(b, a, -1.0)
    length = math.sqrt(dot(difference, difference))
    axis = along((0.0, 0.0, 0.0), difference, 1.0 / length)
    slope = (start[3] - end[3]) / length
    stretch = math.sqrt(1.0 + slope * slope)
    clear(spans)
    widen_by_disc(spans, start, axis, view)
    widen_by_disc(spans, end, axis, view)
    # The wall touches two spheres along the rims; so do the tangent planes through the camera.
    one, other = along(a, axis, -slope * start[3]), along(b, axis, -slope * end[3])
    found, first, second = normals(
        (one[0], one[1], one[2], start[3] * stretch), (other[0], other[1], other[2], end[3] * stretch)
    )
    if found:
        for normal in (first, second):
            top, bottom = along(one, normal, -start[3] * stretch), along(other, normal, -end[3] * stretch)
            widen_by_edge(spans, top, bottom, view)
    squared = 1.0 / (stretch * stretch)
    offset, lift = dot(a, axis), squared * start[3] * slope
    pole = along((squared * a[0], squared * a[1], squared * a[2]), axis, -offset - lift)
    constant = squared * (dot(a, a) - start[3] * start[3]) - offset * (offset + 2.0 * lift)
    low, high = offset - SLACK, offset + length + SLACK
    form = cone_form(axis, squared)
    draw_quadric(image, spans, Quadric(pole, constant, form, axis, low, high, leaving=leaving), view)


@kernel
def _draw_ring(image: Image, spans: Spans, ring: Ring, normal: Vector, view: View) -> None:
    """What faces along its unit normal."""
    circle, hole = (ring[0], ring[1], ring[2], ring[3]), (ring[0], ring[1], ring[2], ring[4])
    level = normal[0] * circle[0] + normal[1] * circle[1] + normal[2] * circle[2]
    if level >= 0.0:
        return
    plane = (normal[0], normal[1], normal[2], level)
    for side in range(1 + (ring[4] > 0.0)):
        clear(spans)
        for row in range(spans.shape[0]):
            found, left, right = chord(row, circle, normal, view)
            holed, first, second = chord(row, hole, normal, view)
            if found and side == 0:
                spans[row, 0], spans[row, 1] = left, first if holed and ring[4] > 0.0 else right
            elif found and holed:
                spans[row, 0], spans[row, 1] = second, right
        draw_plane(image, spans, plane, view)


@kernel
def draw_cylinder(image: Image, spans: Spans, cylinder: Float[np.ndarray, "9"], far: float, view: View) -> None:
    """Side and ends; of a hollow one the rim, the wall's inside and the bottom."""
    start = (cylinder[0], cylinder[1], cylinder[2], cylinder[3])
    end = (cylinder[4], cylinder[5], cylinder[6], cylinder[7])
    difference = (end[0] - start[0], end[1] - start[1], end[2] - start[2])
    length = math.sqrt(dot(difference, difference))
    axis = along((0.0, 0.0, 0.0), difference, 1.0 / length)
    lean = math.sqrt(max(1.0 - axis[2] * axis[2], 0.0))
    if not NEAR <= min(start[2] - start[3] * lean, end[2] - end[3] * lean) <= far:
        return
    _draw_wall(image, spans, (start, end), False, view)  # noqa: FBT003
    _draw_ring(image, spans, (*start, 0.0), along((0.0, 0.0, 0.0), axis, -1.0), view)
    wall = cylinder[8]
    bottom, top = start[3] + (end[3] - start[3]) * wall / length - wall, end[3] - wall
    if wall <= 0.0 or wall >= length or min(bottom, top) <= 0.0:
        _draw_ring(image, spans, (*end, 0.0), axis, view)
        return
    floor = (start[0] + wall * axis[0], start[1] + wall * axis[1], start[2] + wall * axis[2], bottom)
    _draw_ring(image, spans, (*end, top), axis, view)
    _draw_wall(image, spans, (floor, (end[0], end[1], end[2], top)), True, view)  # noqa: FBT003
    _draw_ring(image, spans, (*floor, 0.0), axis, view)
