"""Coarse centers of hands in a whole depth image. They are many and cheap; the localizer decides.

The surfaces are covered with seeds about 45 mm apart, but for the insides of flat ones (walls, desks). Each seed is
drawn once to the centroid of its surface within a hand's reach, so that what starts on a fingertip ends in the hand.
A linear score of shape and distance orders these centers, and the best that are not near a better one are kept.
"""

import math

import numpy as np

from handkit.camera import Camera
from handkit.locate.surfaces import Grid, find_surfaces, kernel
from handkit.shapes import Bool, Float32, Float64, Int32

_WEIGHTS = np.array([0.18, 0.044, -0.00029, 2.0, -0.0115, -3.0])
"""Of what `_measure` returns: a logit over the centers of one image.

Fitted to synthetic images of seven devices, a quarter of them cut near the hand. A hand is thick for its reach,
where walls are flat; little of its surface goes on beyond it, and what does (the arm) goes one way; it is near. The
last weight was fitted as -6.4 and is halved: people do reach in from the border.
"""
_SEEDS, _SEED_MM = 256, 45.0
"""Number of seeds at most, the nearest ones; each covers its surface within this radius (mm)."""
_REACH_MM = 75.0
"""Radius of the ball whose centroid a seed is drawn to."""
_BALL_MM, _SHELL_MM = 90.0, 150.0
"""A hand fits into the ball; what surrounds it lies in the shell around that, up to the second radius."""
_PITCH_MM = 18.0
"""Spacing of the samples that a surface is measured with."""
_APART_MM = 60.0
"""Least distance between two candidates."""
_FLAT_REACH_MM, _FLAT_MM, _FLAT_SHARE = 110.0, 25.0, 0.75
"""A seed is inside a flat surface when of the pairs of opposite points around it, at the first distance, at least this
share has it in their middle, within the second one (mm)."""
_DIRECTIONS = tuple((math.cos(k * math.pi / 8), math.sin(k * math.pi / 8)) for k in range(8))

Point = tuple[float, float, float]
Samples = Float64[np.ndarray, "4 n"]


def propose(depth: Float32[np.ndarray, "H W"], camera: Camera, *, limit: int = 8) -> Float32[np.ndarray, "N 3"]:
    """At most `limit` coarse centers, camera mm, most likely first and at least 60 mm apart.

    `depth` is in mm; 0, NaN, infinity and what is nearer than 150 or farther than 1500 mm is invalid. Empty where
    nothing else is left. The camera must be one as devices have it, without roll or skew.
    """
    grid = find_surfaces(depth, camera)
    nearest_first = np.argsort(grid.depth.astype(np.uint16), axis=None, kind="stable").astype(np.int32)
    centers, measures = _find_centers(grid, nearest_first[np.count_nonzero(grid.depth == 0) :])
    ranked = centers[np.argsort(-(measures @ _WEIGHTS), kind="stable")]
    return _keep_apart(ranked, limit).astype(np.float32)


@kernel
def _find_centers(
    grid: Grid, nearest_first: Int32[np.ndarray, " n"]
) -> tuple[Float64[np.ndarray, "N 3"], Float64[np.ndarray, "N 6"]]:
    """Centroids of the surface around seeds, and what `_measure` says of each."""
    covered = np.zeros(grid.depth.shape, np.bool_)
    centers, measures = np.empty((_SEEDS, 3)), np.empty((_SEEDS, 6))
    count = 0
    for cell in nearest_first:
        i, j = cell // grid.depth.shape[1], cell % grid.depth.shape[1]
        if covered[i, j]:
            continue
        _cover(grid, covered, i, j)
        if _flatness(grid, i, j) >= _FLAT_SHARE:
            continue
        center = _draw(grid, i, j)
        centers[count], measures[count] = center, _measure(grid, center, int(grid.surface[i, j]))
        count += 1
        if count == _SEEDS:
            break
    return centers[:count], measures[:count]


@kernel
def _cover(grid: Grid, covered: Bool[np.ndarray, "h w"], i: int, j: int) -> None:
    """Mark what the seed (i, j) covers."""
    z, surface = grid.depth[i, j], grid.surface[i, j]
    down, across = int(_SEED_MM * grid.fy / z), int(_SEED_MM * grid.fx / z)
    for a in range(max(0, i - down), min(grid.depth.shape[0], i + down + 1)):
        for b in range(max(0, j - across), min(grid.depth.shape[1], j + across + 1)):
            if grid.surface[a, b] == surface and abs(grid.depth[a, b] - z) < _SEED_MM:
                covered[a, b] = True


@kernel
def _flatness(grid: Grid, i: int, j: int) -> float:
    """Share of the pairs of opposite points around the seed, on its surface, that have it in their middle."""
    height, width = grid.depth.shape
    z, surface = grid.depth[i, j], grid.surface[i, j]
    flat, pairs = 0, 0
    for x, y in _DIRECTIONS:
        down, across = round(_FLAT_REACH_MM * grid.fy / z * y), round(_FLAT_REACH_MM * grid.fx / z * x)
        if abs(down) > min(i, height - 1 - i) or abs(across) > min(j, width - 1 - j):
            continue
        pairs += 1
        same = grid.surface[i + down, j + across] == grid.surface[i - down, j - across] == surface
        bend = grid.depth[i + down, j + across] + grid.depth[i - down, j - across] - 2 * z
        flat += same and abs(bend) < _FLAT_MM
    return flat / max(pairs, 2)


@kernel
def _draw(grid: Grid, i: int, j: int) -> Point:
    """Centroid, by area, of the seed's surface within a hand's reach."""
    z = grid.depth[i, j]
    seed = ((j - grid.cx) / grid.fx * z, (i - grid.cy) / grid.fy * z, z)
    samples = _around(grid, seed, grid.surface[i, j], _REACH_MM)
    x, y, z, total = 0.0, 0.0, 0.0, 0.0
    for k in range(samples.shape[1]):
        area = samples[3, k]
        x, y, z = x + area * samples[0, k], y + area * samples[1, k], z + area * samples[2, k]
        total += area
    return seed[0] + x / total, seed[1] + y / total, seed[2] + z / total


@kernel
def _around(grid: Grid, center: Point, surface: int, radius: float) -> Samples:
    """Samples of a surface within `radius` of a point: x, y, z from there (mm) and area (mm2)."""
    x0, y0, z0 = center
    stride = max(1, int(_PITCH_MM * grid.fx / z0))
    i0, down = round(y0 / z0 * grid.fy + grid.cy), int(radius * grid.fy / z0)
    j0, across = round(x0 / z0 * grid.fx + grid.cx), int(radius * grid.fx / z0)
    # From the middle outwards in whole strides: a seed's own cell is always among the samples.
    rows = range(i0 - min(i0, down) // stride * stride, min(grid.depth.shape[0], i0 + down + 1), stride)
    columns = range(j0 - min(j0, across) // stride * stride, min(grid.depth.shape[1], j0 + across + 1), stride)
    found = np.empty((4, len(rows) * len(columns)))
    count = 0
    for i in rows:
        for j in columns:
            if grid.surface[i, j] != surface:
                continue
            z = grid.depth[i, j]
            x, y = (j - grid.cx) / grid.fx * z - x0, (i - grid.cy) / grid.fy * z - y0
            if x * x + y * y + (z - z0) ** 2 < radius * radius:
                found[0, count], found[1, count], found[2, count] = x, y, z - z0
                found[3, count] = z * z * stride * stride / (grid.fx * grid.fy)
                count += 1
    return found[:, :count]


@kernel
def _measure(grid: Grid, center: Point, surface: int) -> tuple[float, float, float, float, float, float]:
    """Thickness and breadth of the surface in the ball (standard deviations, mm), its area in the shell (mm2) and how
    one-sided that is (0 to 1), depth (mm), and the share of the surroundings that lies outside the image."""
    samples = _around(grid, center, surface, _SHELL_MM)
    thickness, breadth = _two_least(*_moments(samples))
    shell, one_sided = _outward(samples)
    return thickness, breadth, shell, one_sided, center[2], _beyond(grid, center)


@kernel
def _moments(samples: Samples) -> tuple[Point, Point]:
    """Mean squares (xx, yy, zz) and products (xy, xz, yz) over the surface in the ball, mm2."""
    xx, yy, zz, xy, xz, yz, total = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0
    for k in range(samples.shape[1]):
        x, y, z, area = samples[0, k], samples[1, k], samples[2, k], samples[3, k]
        area = area if x * x + y * y + z * z < _BALL_MM**2 else 0.0
        xx, yy, zz = xx + area * x * x, yy + area * y * y, zz + area * z * z
        xy, xz, yz = xy + area * x * y, xz + area * x * z, yz + area * y * z
        total += area
    return (xx / total, yy / total, zz / total), (xy / total, xz / total, yz / total)


@kernel
def _outward(samples: Samples) -> tuple[float, float]:
    """Area of the surface in the shell (mm2), and the length of its mean direction: 1 if it all lies one way."""
    x_sum, y_sum, z_sum, shell = 0.0, 0.0, 0.0, 1.0
    for k in range(samples.shape[1]):
        x, y, z, area = samples[0, k], samples[1, k], samples[2, k], samples[3, k]
        distance = math.sqrt(x * x + y * y + z * z) + 1e-9
        area = area if distance >= _BALL_MM else 0.0
        x_sum, y_sum, z_sum = x_sum + area * x / distance, y_sum + area * y / distance, z_sum + area * z / distance
        shell += area
    return shell, math.sqrt(x_sum * x_sum + y_sum * y_sum + z_sum * z_sum) / shell


@kernel
def _two_least(diagonal: Point, beside: Point) -> tuple[float, float]:
    """Least two standard deviations from mean squares (xx, yy, zz) and products (xy, xz, yz), least first.

    They are the square roots of the eigenvalues, by the trigonometric solution of the cubic.
    """
    mean = (diagonal[0] + diagonal[1] + diagonal[2]) / 3
    a, b, c = diagonal[0] - mean, diagonal[1] - mean, diagonal[2] - mean
    d, e, f = beside
    spread = math.sqrt((a * a + b * b + c * c + 2 * (d * d + e * e + f * f)) / 6) + 1e-9
    determinant = a * (b * c - f * f) - d * (d * c - f * e) + e * (d * f - b * e)
    angle = math.acos(min(1.0, max(-1.0, determinant / (2 * spread**3)))) / 3
    most = mean + 2 * spread * math.cos(angle)
    least = mean + 2 * spread * math.cos(angle + 2 * math.pi / 3)
    return math.sqrt(max(least, 0.0)), math.sqrt(max(3 * mean - least - most, 0.0))


@kernel
def _beyond(grid: Grid, center: Point) -> float:
    """Share of the square of half side `_SHELL_MM` around a center that lies outside the image."""
    height, width = grid.depth.shape
    x, y, z = center
    u, v = x / z * grid.fx + grid.cx, y / z * grid.fy + grid.cy
    across, down = _SHELL_MM * grid.fx / z, _SHELL_MM * grid.fy / z
    inside = (min(width - 0.5, u + across) - max(-0.5, u - across)) * (
        min(height - 0.5, v + down) - max(-0.5, v - down)
    )
    return 1 - inside / (4 * across * down)


@kernel
def _keep_apart(ranked: Float64[np.ndarray, "N 3"], limit: int) -> Float64[np.ndarray, "M 3"]:
    """The first `limit` of those that are not near an earlier one."""
    kept = np.empty((limit, 3))
    count = 0
    for center in ranked:
        near = False
        for k in range(count):
            near = near or ((center - kept[k]) ** 2).sum() < _APART_MM**2
        if not near and count < limit:
            kept[count] = center
            count += 1
    return kept[:count]
