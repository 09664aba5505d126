"""Rasterizer: hulls of spheres, boxes, cylinders, ellipsoids and planes to a depth image, exactly and on one core.

Cones and wedges are convex hulls of two or three spheres. Their surface is made of pieces with a closed form
(spheres, cones between circles of tangency, tangent triangles), and the nearest of the valid hits is where a
ray enters the hull. The closed forms are in quadrics.py, where in the image they lie in spans.py, and the
solids that are no hulls of spheres in solids.py. `render` is the fast path; `render_slowly` in
rasterize_slowly.py is the truth it is tested against.

Frame: camera millimeters, x right, y down, z forward; pixel centers at integers; depth 0 is invalid.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from .compiled import kernel
from .quadrics import BLOCK, Quadric, cone_form, draw_plane, draw_quadric
from .solids import draw_box, draw_cylinder, draw_ellipsoid
from .spans import NEAR, Ball, Vector, View, along, clear, dot, normals, widen_by_ball, widen_by_edge

_NO_SOLIDS, _NO_CYLINDERS = np.zeros((0, 0, 12), np.float32), np.zeros((0, 0, 9), np.float32)


class Surface(NamedTuple):
    """A batch of scenes in camera millimeters; a row whose first size is not positive is unused padding.

    A cone is the hull of two spheres, (x y z radius) twice. A wedge is the hull of three (palm, webs, fingertips).
    A plane n . x = d is (nx, ny, nz, d), seen from either side where z > 0; (0, 0, 0, 0) is padding.
    A box is its center (x y z) and three half edges, vectors (x y z) at right angles to each other; an ellipsoid
    is its center and three half axes likewise. Padding has a first half edge of (0, 0, 0); the others must not be.
    A cylinder has flat ends: (x y z radius) of its start, (x y z radius) of its end, both radii about the line
    between them, then its wall: 0 is solid, else it is open at its end, hollow inside a wall and bottom that thick.
    The start's radius is positive, the end's may be 0; one whose ends coincide is not drawn.
    """

    cones: Float[np.ndarray, "B P 8"]
    wedges: Float[np.ndarray, "B W 12"]
    planes: Float[np.ndarray, "B Q 4"]
    boxes: Float[np.ndarray, "B X 12"] = _NO_SOLIDS
    cylinders: Float[np.ndarray, "B C 9"] = _NO_CYLINDERS
    ellipsoids: Float[np.ndarray, "B E 12"] = _NO_SOLIDS


@kernel
def _draw_ball(image: Float32[np.ndarray, "H W8"], spans: Float[np.ndarray, "H 2"], ball: Ball, view: View) -> None:
    center = (ball[0], ball[1], ball[2])
    constant = dot(center, center) - ball[3] * ball[3]
    clear(spans)
    widen_by_ball(spans, ball, view)
    nowhere = (0.0, 0.0, 0.0)
    draw_quadric(
        image, spans, Quadric(center, constant, cone_form(nowhere, 1.0), nowhere, -np.inf, np.inf, leaving=False), view
    )


@kernel
def _draw_side(
    image: Float32[np.ndarray, "H W8"], spans: Float[np.ndarray, "H 2"], balls: tuple[Ball, Ball], view: View
) -> None:
    """Draw the cone between its circles of contact with the spheres; nothing if one holds the other."""
    start, end = balls
    a, b = (start[0], start[1], start[2]), (end[0], end[1], end[2])
    difference = along(b, a, -1.0)
    length = math.sqrt(dot(difference, difference))
    if length <= abs(start[3] - end[3]):
        return
    axis = along((0.0, 0.0, 0.0), difference, 1.0 / length)
    sine = (start[3] - end[3]) / length
    squared = 1.0 - sine * sine
    offset = dot(a, axis)
    spread = start[3] + sine * offset
    clear(spans)
    found, first, second = normals((a[0], a[1], a[2], start[3]), (b[0], b[1], b[2], end[3]))
    if found:
        # Tangent planes through the camera touch both spheres: their four points bound the side's image.
        corners = (
            along(a, first, -start[3]),
            along(b, first, -end[3]),
            along(b, second, -end[3]),
            along(a, second, -start[3]),
        )
        for corner in range(4):
            widen_by_edge(spans, corners[corner], corners[(corner + 1) % 4], view)
    # Only a circle that faces away bulges beyond the straight line between its tangent points.
    low = offset + sine * start[3]
    high = low + squared * length
    if low < 0.0 or not found:
        widen_by_ball(spans, start, view)
    if high > 0.0 or not found:
        widen_by_ball(spans, end, view)
    pole = along((squared * a[0], squared * a[1], squared * a[2]), axis, -low)
    constant = squared * (dot(a, a) - offset * offset) - spread * spread
    draw_quadric(image, spans, Quadric(pole, constant, cone_form(axis, squared), axis, low, high, leaving=False), view)


@kernel
def _draw_face(
    image: Float32[np.ndarray, "H W8"],
    spans: Float[np.ndarray, "H 2"],
    corners: tuple[Vector, Vector, Vector],
    plane: Ball,
    view: View,
) -> None:
    """Draw a triangle of the plane n . x = d, given as (n, d): z = d / (n . direction)."""
    clear(spans)
    for corner in range(3):
        widen_by_edge(spans, corners[corner], corners[(corner + 1) % 3], view)
    draw_plane(image, spans, plane, view)


@kernel
def _draw_wedge(
    image: Float32[np.ndarray, "H W8"],
    spans: Float[np.ndarray, "H 2"],
    wedge: Float[np.ndarray, "12"],
    view: View,
) -> None:
    """Three spheres, the three cones between them, and of the two tangent triangles those that face us."""
    first = (wedge[0], wedge[1], wedge[2], wedge[3])
    second = (wedge[4], wedge[5], wedge[6], wedge[7])
    third = (wedge[8], wedge[9], wedge[10], wedge[11])
    for ball in (first, second, third):
        _draw_ball(image, spans, ball, view)
    for pair in ((first, second), (second, third), (third, first)):
        _draw_side(image, spans, pair, view)
    # Outward unit normals: n . (second - first) = r1 - r2 and n . (third - first) = r1 - r3.
    x, y, z, radius = first
    found, one, other = normals(
        (second[0] - x, second[1] - y, second[2] - z, radius - second[3]),
        (third[0] - x, third[1] - y, third[2] - z, radius - third[3]),
    )
    if not found:
        return
    for normal in (one, other):
        level = normal[0] * x + normal[1] * y + normal[2] * z + radius
        if level < 0.0:
            corners = (
                along((x, y, z), normal, radius),
                along((second[0], second[1], second[2]), normal, second[3]),
                along((third[0], third[1], third[2]), normal, third[3]),
            )
            _draw_face(image, spans, corners, (normal[0], normal[1], normal[2], level), view)


@kernel
def _beyond_near(cone: Float[np.ndarray, "8"]) -> tuple[bool, Ball, Ball]:
    """The part of a cone whose spheres stay beyond NEAR: a shorter cone; False where nothing is left."""
    first, second = cone[2] - cone[3] - NEAR, cone[6] - cone[7] - NEAR
    start = first / (first - second) if first < 0.0 <= second else 0.0
    end = first / (first - second) if second < 0.0 <= first else 1.0
    change = (cone[4] - cone[0], cone[5] - cone[1], cone[6] - cone[2], cone[7] - cone[3])
    return (
        cone[3] > 0.0 and (first >= 0.0 or second >= 0.0),
        (
            cone[0] + start * change[0],
            cone[1] + start * change[1],
            cone[2] + start * change[2],
            cone[3] + start * change[3],
        ),
        (
            cone[0] + end * change[0],
            cone[1] + end * change[1],
            cone[2] + end * change[2],
            cone[3] + end * change[3],
        ),
    )


@kernel
def _draw_scene(
    image: Float32[np.ndarray, "H W8"],
    spans: Float[np.ndarray, "H 2"],
    scene: Surface,
    far: float,
    view: View,
) -> None:
    """Draw one row of the batch into an image that holds infinity."""
    previous = (0.0, 0.0, 0.0, 0.0)
    for cone in scene.cones:
        drawn, start, end = _beyond_near(cone)
        if not drawn or min(start[2] - start[3], end[2] - end[3]) > far:
            continue
        # In a chain the joint's sphere belongs to both cones.
        if start != previous:
            _draw_ball(image, spans, start, view)
        _draw_ball(image, spans, end, view)
        _draw_side(image, spans, (start, end), view)
        previous = end
    for wedge in scene.wedges:
        nearest = min(wedge[2] - wedge[3], wedge[6] - wedge[7], wedge[10] - wedge[11])
        if wedge[3] > 0.0 and NEAR <= nearest <= far:
            _draw_wedge(image, spans, wedge, view)
    _draw_solids(image, spans, scene, far, view)
    spans[:, 0] = 0.0
    spans[:, 1] = view.width - 1.0
    for plane in scene.planes:
        if plane[3] != 0.0:
            draw_plane(image, spans, (plane[0], plane[1], plane[2], plane[3]), view)


@kernel
def _draw_solids(
    image: Float32[np.ndarray, "H W8"],
    spans: Float[np.ndarray, "H 2"],
    scene: Surface,
    far: float,
    view: View,
) -> None:
    for box in scene.boxes:
        if box[3] != 0.0 or box[4] != 0.0 or box[5] != 0.0:
            draw_box(image, spans, box, far, view)
    for cylinder in scene.cylinders:
        if cylinder[3] > 0.0:
            draw_cylinder(image, spans, cylinder, far, view)
    for ellipsoid in scene.ellipsoids:
        if ellipsoid[3] != 0.0 or ellipsoid[4] != 0.0 or ellipsoid[5] != 0.0:
            draw_ellipsoid(image, spans, ellipsoid, far, view)


@kernel
def _render(
    surface: Surface,
    intrinsics: Float[np.ndarray, "B 4"],
    far: Float[np.ndarray, " B"],
    out: Float32[np.ndarray, "B H W"],
) -> None:
    _, height, width = out.shape
    image = np.empty((height, (width + BLOCK - 1) // BLOCK * BLOCK), np.float32)
    spans = np.empty((height, 2))
    nothing, infinite = np.float32(0.0), np.float32(np.inf)
    for frame in range(out.shape[0]):
        fx, fy, cx, cy = intrinsics[frame]
        view = View(fx, fy, cx, cy, width)
        limit = np.float32(far[frame])
        image[:] = infinite
        scene = Surface(
            surface.cones[frame],
            surface.wedges[frame],
            surface.planes[frame],
            surface.boxes[frame],
            surface.cylinders[frame],
            surface.ellipsoids[frame],
        )
        _draw_scene(image, spans, scene, far[frame], view)
        for row in range(height):
            for column in range(width):
                depth = image[row, column]
                out[frame, row, column] = depth if (depth <= limit) & (depth < infinite) else nothing


def render(
    surface: Surface,
    intrinsics: Float[np.ndarray, "B 4"],
    *,
    width: int,
    height: int,
    far: float | Float[np.ndarray, " B"] = np.inf,
) -> Float32[np.ndarray, "B {height} {width}"]:
    """Depth in millimeters of the nearest surface in each pixel; 0 where there is none or it is beyond far.

    Intrinsics are (fx, fy, cx, cy) in pixels. What comes nearer than NEAR is not drawn: a cone is cut where
    its sphere crosses that plane, a box where its faces do, and what else reaches it is left out whole.
    Single threaded, without the interpreter lock.
    """
    count = len(intrinsics)
    parts = [part if part.size else np.zeros((count, 0, part.shape[-1])) for part in surface]
    double = Surface(*(np.ascontiguousarray(part, dtype=np.float64) for part in parts))
    out = np.empty((count, height, width), np.float32)
    limits = np.ascontiguousarray(np.broadcast_to(np.asarray(far, np.float64), count))
    _render(double, np.ascontiguousarray(intrinsics, dtype=np.float64), limits, out)
    return out
