"""Where a hand may be in a whole depth picture: a few rough centres, most likely first. The localizer decides.

The picture is reduced to about 160 x 120 cells that keep the nearest supported reading; cells joined by continuous
depth are one surface. The surfaces are covered with seeds about 45 mm apart, but for the insides of flat ones
(walls, desks). Each seed is drawn once to the centroid of its surface within a hand's reach, so that what starts on
a fingertip ends in the hand; a linear score of shape and distance then orders what is left.
"""

import inspect
import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar, cast

import numpy as np
from jaxtyping import Float, Float32, Float64, Int32
from numba import njit  # pyright: ignore[reportUnknownVariableType]

from handkit.geometry.camera import Camera

NEAR, FAR = 150.0, 1500.0
"""Range in which hands are looked for, mm."""

_CELLS = (176, 132)
"""Most cells of the reduced picture, across and down."""
_STEP_MM = 12.0
"""Neighboring cells are one surface when their depths differ by at most this, and 1.2 times their distance more."""
_SEED_MM = 45.0
_SEEDS = 256
_REACH_MM = 75.0
"""Radius of the ball whose centroid a seed is drawn to."""
_PITCH_MM = 14.0
"""Spacing of the samples that a surface is measured with."""
_BALL_MM, _SHELL_MM = 90.0, 150.0
"""Radii of the balls in which the surface about a center is measured."""
_APART_MM = 60.0
"""Least distance between two candidates."""
_FLAT_MM, _FLAT_REACH_MM, _FLAT_SHARE = 25.0, 110.0, 0.75
"""A seed is inside a flat surface when this share of pairs of opposite points around it has it in their middle."""
_DIRECTIONS = tuple((math.cos(k * math.pi / 8), math.sin(k * math.pi / 8)) for k in range(8))

_WEIGHTS = np.array([0.18, 0.044, -0.00029, 2.0, -0.0115, -3.0])
"""Of thickness (mm), breadth (mm), surface in the shell (mm2), its one-sidedness, depth (mm), share out of the picture.

A conditional logit over the centres of a picture, fitted to synthetic pictures of seven devices, a quarter of them cut
near the hand. A hand is thick for its reach, where walls are flat; little surface continues beyond it, and what does
(the arm) goes one way; it is near. The last weight was -6.4 and is halved: people do reach in from the border.
"""

Function = TypeVar("Function", bound=Callable[..., object])
Point = tuple[float, float, float]


class Grid(NamedTuple):
    """The reduced picture: nearest readings (mm, 0 for none), the surface each is on, and its camera in cells."""

    depth: Float32[np.ndarray, "h w"]
    surface: Int32[np.ndarray, "h w"]
    fx: float
    fy: float
    cx: float
    cy: float


def kernel(function: Function) -> Function:
    """Compile with numba; unwrapped first, since under test every function arrives wrapped in a type checker."""
    compiled = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})
    return cast(Function, cast(Callable[[object], object], compiled)(inspect.unwrap(function)))


def propose(
    depth: Float32[np.ndarray, "H W"], camera: Camera, *, limit: int = 8
) -> Float32[np.ndarray, "N 3"]:
    """At most `limit` rough hand centres, camera mm, most likely first and at least 60 mm apart.

    `depth` is in mm; 0, NaN, infinity and everything outside `NEAR` to `FAR` is no reading. Empty where nothing is
    within that range.
    """
    grid = _reduced(depth, camera)
    order = np.argsort(grid.depth.astype(np.uint16), axis=None, kind="stable").astype(np.int32)
    order = order[np.count_nonzero(grid.depth == 0) :]
    centers, measures = _candidates(grid, order)
    ranked = centers[np.argsort(-(measures @ _WEIGHTS), kind="stable")]
    return _apart(ranked, limit).astype(np.float32)


def _reduced(depth: Float32[np.ndarray, "H W"], camera: Camera) -> Grid:
    """Surfaces of the picture in cells of `step` x `step` pixels; what does not fill a cell at the border is left out."""
    height, width = depth.shape
    step = max(1, math.ceil(width / _CELLS[0]), math.ceil(height / _CELLS[1]))
    cells = _nearest_readings(depth, step)
    ((fx, _, cx), (_, fy, cy), _) = camera.matrix.reshape(3, 3).tolist()
    middle = (step - 1) / 2
    fx, fy, cx, cy = fx / step, fy / step, (cx - middle) / step, (cy - middle) / step
    return Grid(cells, _surfaces(cells, 1.2 / fx), fx, fy, cx, cy)


@kernel
def _nearest_readings(depth: Float32[np.ndarray, "H W"], step: int) -> Float32[np.ndarray, "h w"]:
    """Of every cell the middle of its three nearest readings, where these lie together; else 0.

    Where they do not, what is nearer stands alone (a stray reading, the rim of a hole) and is passed over.
    """
    size = max(step, 2)
    cells = np.zeros(((depth.shape[0] - size) // step + 1, (depth.shape[1] - size) // step + 1), np.float32)
    least = np.empty((3, cells.shape[1]), np.float32)
    for i in range(cells.shape[0]):
        floor = np.full(cells.shape[1], np.float32(NEAR))
        for _ in range(3):
            least[:] = FAR
            for row in range(i * step, i * step + size, max(1, step // 2)):
                for column in range(size):
                    _sort_in(depth[row, column:], floor, least, step)
            if _settle(cells[i], floor, least) == 0:
                break
    return cells


@kernel
def _sort_in(
    readings: Float32[np.ndarray, "n"], floor: Float32[np.ndarray, "w"], least: Float32[np.ndarray, "3 w"], step: int
) -> None:
    """Keep the three least readings of every cell, from its floor up: one more reading of each, `step` apart.

    Written for the compiler to handle many cells at once: nothing but comparisons and choices.
    """
    for j in range(floor.size):
        first, second, third = least[0, j], least[1, j], least[2, j]
        value = readings[j * step] if readings[j * step] >= floor[j] else np.float32(FAR)
        larger = second if second > value else value
        least[2, j] = larger if larger < third else third
        larger = first if first > value else value
        least[1, j] = larger if larger < second else second
        least[0, j] = first if first < value else value


@kernel
def _settle(
    cells: Float32[np.ndarray, "w"], floor: Float32[np.ndarray, "w"], least: Float32[np.ndarray, "3 w"]
) -> int:
    """Fill the cells whose nearest readings lie together, raise the floor of the others; how many are left."""
    left = 0
    for j in range(cells.size):
        together = least[2, j] - least[0, j] < np.float32(_STEP_MM) + np.float32(0.012) * least[0, j]
        some = least[2, j] < FAR
        cells[j] = least[1, j] if some and together and cells[j] == 0 else cells[j]
        floor[j] = least[1, j] if some and not together else FAR
        left += some and not together
    return left


@kernel
def _surfaces(cells: Float32[np.ndarray, "h w"], slope: float) -> Int32[np.ndarray, "h w"]:
    """Number of the surface of every cell, from 1; 0 where there is no reading."""
    surface = np.zeros(cells.shape, np.int32)
    stack = np.empty(cells.size, np.int32)
    count = 0
    for start in range(cells.size):
        i, j = start // cells.shape[1], start % cells.shape[1]
        if cells[i, j] > 0 and surface[i, j] == 0:
            count += 1
            surface[i, j] = count
            stack[0] = start
            _flood(cells, surface, stack, slope)
    return surface


@kernel
def _flood(
    cells: Float32[np.ndarray, "h w"], surface: Int32[np.ndarray, "h w"], stack: Int32[np.ndarray, "n"], slope: float
) -> None:
    """Spread the number of the cell on the stack over all that is joined to it."""
    height, width = cells.shape
    waiting = 1
    while waiting > 0:
        waiting -= 1
        i, j = stack[waiting] // width, stack[waiting] % width
        limit = _STEP_MM + slope * cells[i, j]
        for a, b in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
            new = 0 <= a < height and 0 <= b < width and surface[a, b] == 0 and cells[a, b] > 0
            if new and abs(cells[a, b] - cells[i, j]) <= limit:
                surface[a, b] = surface[i, j]
                stack[waiting] = a * width + b
                waiting += 1


@kernel
def _candidates(
    grid: Grid, order: Int32[np.ndarray, "n"]
) -> tuple[Float64[np.ndarray, "N 3"], Float64[np.ndarray, "N K"]]:
    """Centers on the surfaces, and what `_measure` says of each. `order` is the cells, nearest first."""
    covered = np.zeros(grid.depth.shape, np.bool_)
    centers, measures = np.empty((_SEEDS, 3)), np.empty((_SEEDS, 6))
    count, width = 0, grid.depth.shape[1]
    for cell in order:
        i, j = cell // width, cell % width
        if covered[i, j]:
            continue
        if count == _SEEDS:
            break
        z = grid.depth[i, j]
        seed = ((j - grid.cx) / grid.fx * z, (i - grid.cy) / grid.fy * z, z)
        _cover(grid, covered, i, j)
        if _flatness(grid, i, j) >= _FLAT_SHARE:
            continue
        center = _centroid(_around(grid, seed, grid.surface[i, j], _REACH_MM))
        centers[count] = center
        measures[count] = _measure(grid, center, grid.surface[i, j])
        count += 1
    return centers[:count], measures[:count]


@kernel
def _apart(ranked: Float64[np.ndarray, "N 3"], limit: int) -> Float64[np.ndarray, "M 3"]:
    """The first `limit` of those that are not near an earlier one."""
    chosen = np.empty((limit, 3))
    count = 0
    for center in ranked:
        near = False
        for k in range(count):
            near = near or ((center - chosen[k]) ** 2).sum() < _APART_MM**2
        if not near and count < limit:
            chosen[count] = center
            count += 1
    return chosen[:count]


@kernel
def _cover(grid: Grid, covered: np.ndarray, i: int, j: int) -> None:
    """Mark what a seed stands for: its surface within `_SEED_MM`."""
    z, surface = grid.depth[i, j], grid.surface[i, j]
    down, across = int(_SEED_MM * grid.fy / z), int(_SEED_MM * grid.fx / z)
    for a in range(max(0, i - down), min(grid.depth.shape[0], i + down + 1)):
        for b in range(max(0, j - across), min(grid.depth.shape[1], j + across + 1)):
            if grid.surface[a, b] == surface and abs(grid.depth[a, b] - z) < _SEED_MM:
                covered[a, b] = True


@kernel
def _flatness(grid: Grid, i: int, j: int) -> float:
    """Share of the pairs of opposite points around a cell, on its surface, that have the cell in their middle."""
    height, width = grid.depth.shape
    z, surface = grid.depth[i, j], grid.surface[i, j]
    flat, pairs = 0, 0
    for x, y in _DIRECTIONS:
        down, across = round(_FLAT_REACH_MM * grid.fy / z * y), round(_FLAT_REACH_MM * grid.fx / z * x)
        if min(i + down, i - down, j + across, j - across) < 0:
            continue
        if max(i + down, i - down) >= height or max(j + across, j - across) >= width:
            continue
        pairs += 1
        same = grid.surface[i + down, j + across] == surface and grid.surface[i - down, j - across] == surface
        bend = grid.depth[i + down, j + across] + grid.depth[i - down, j - across] - 2 * z
        flat += same and abs(bend) < _FLAT_MM
    return flat / max(pairs, 2)


@kernel
def _around(grid: Grid, center: Point, surface: int, radius: float) -> Float64[np.ndarray, "n 4"]:
    """Samples (x, y, z, area; mm, mm2) of a surface within `radius` of a point, about `_PITCH_MM` apart."""
    x0, y0, z0 = center
    stride = max(1, int(_PITCH_MM * grid.fx / z0))
    middle, reach = round(y0 / z0 * grid.fy + grid.cy), int(radius * grid.fy / z0)
    rows = range(middle - min(middle, reach) // stride * stride, min(grid.depth.shape[0], middle + reach + 1), stride)
    middle, reach = round(x0 / z0 * grid.fx + grid.cx), int(radius * grid.fx / z0)
    columns = range(middle - min(middle, reach) // stride * stride, min(grid.depth.shape[1], middle + reach + 1), stride)
    found = np.empty((len(rows) * len(columns), 4))
    count = 0
    for i in rows:
        for j in columns:
            z = grid.depth[i, j]
            x, y = (j - grid.cx) / grid.fx * z, (i - grid.cy) / grid.fy * z
            near = (x - x0) ** 2 + (y - y0) ** 2 + (z - z0) ** 2 < radius * radius
            if near and grid.surface[i, j] == surface:
                found[count, 0], found[count, 1], found[count, 2] = x, y, z
                found[count, 3] = z * z * stride * stride / (grid.fx * grid.fy)
                count += 1
    return found[:count]


@kernel
def _centroid(samples: Float64[np.ndarray, "n 4"]) -> Point:
    """Mean over the area."""
    x, y, z, total = 0.0, 0.0, 0.0, 0.0
    for k in range(len(samples)):
        area = samples[k, 3]
        x, y, z = x + area * samples[k, 0], y + area * samples[k, 1], z + area * samples[k, 2]
        total += area
    return x / total, y / total, z / total


@kernel
def _measure(grid: Grid, center: Point, surface: int) -> tuple[float, ...]:
    """What `_WEIGHTS` weighs, in its order."""
    samples = _around(grid, center, surface, _SHELL_MM)
    ball, shell = 1.0, 1.0
    out_x, out_y, out_z, xx, yy, zz, xy, xz, yz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(len(samples)):
        x, y, z, area = samples[k, 0] - center[0], samples[k, 1] - center[1], samples[k, 2] - center[2], samples[k, 3]
        distance = math.sqrt(x * x + y * y + z * z)
        if distance < _BALL_MM:
            ball += area
            xx, yy, zz = xx + area * x * x, yy + area * y * y, zz + area * z * z
            xy, xz, yz = xy + area * x * y, xz + area * x * z, yz + area * y * z
        else:
            shell += area
            out_x, out_y, out_z = out_x + area * x / distance, out_y + area * y / distance, out_z + area * z / distance
    thickness, breadth = _two_least((xx / ball, yy / ball, zz / ball), (xy / ball, xz / ball, yz / ball))
    one_sided = math.sqrt(out_x * out_x + out_y * out_y + out_z * out_z) / shell
    return (thickness, breadth, shell, one_sided, center[2], _beyond(grid, center))


@kernel
def _two_least(diagonal: Point, beside: Point) -> tuple[float, float]:
    """Square roots of the two least eigenvalues of a symmetric 3x3 matrix (trigonometric solution), least first."""
    xx, yy, zz = diagonal
    xy, xz, yz = beside
    mean = (xx + yy + zz) / 3
    xx, yy, zz = xx - mean, yy - mean, zz - mean
    spread = math.sqrt((xx * xx + yy * yy + zz * zz + 2 * (xy * xy + xz * xz + yz * yz)) / 6) + 1e-9
    determinant = xx * (yy * zz - yz * yz) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz)
    angle = math.acos(min(1.0, max(-1.0, determinant / (2 * spread**3)))) / 3
    least = mean + 2 * spread * math.cos(angle + 2 * math.pi / 3)
    most = mean + 2 * spread * math.cos(angle)
    return math.sqrt(max(least, 0.0)), math.sqrt(max(3 * mean - least - most, 0.0))


@kernel
def _beyond(grid: Grid, center: Point) -> float:
    """Share of the square of half side `_SHELL_MM` about a center that lies outside the picture."""
    u, v = center[0] / center[2] * grid.fx + grid.cx, center[1] / center[2] * grid.fy + grid.cy
    across, down = _SHELL_MM * grid.fx / center[2], _SHELL_MM * grid.fy / center[2]
    wide = min(grid.depth.shape[1] - 0.5, u + across) - max(-0.5, u - across)
    high = min(grid.depth.shape[0] - 0.5, v + down) - max(-0.5, v - down)
    return 1 - wide * high / (4 * across * down)
