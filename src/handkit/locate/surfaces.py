"""A depth image in some 20,000 cells: the nearest supported depth value of each, and which of them are one surface."""

import inspect
import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar, cast

import numpy as np
from numba import njit  # pyright: ignore[reportUnknownVariableType]

from handkit.camera import Camera
from handkit.shapes import Float32, Int32

NEAR, FAR = 150.0, 1500.0
"""Range in which hands are looked for, mm."""

_CELLS = (176, 132)
"""Most cells across and down."""
_TOGETHER_MM, _TOGETHER_SHARE = 12.0, 0.012
"""Depth values of a cell agree within this plus this share of their depth: sensors grow coarser with distance."""
_JUMP_MM, _SLOPE = 12.0, 1.2
"""Neighboring cells are one surface when their depths differ by at most this, plus this times their distance."""

Function = TypeVar("Function", bound=Callable[..., object])


class Grid(NamedTuple):
    """The reduced image and its camera, in cells."""

    depth: Float32[np.ndarray, "h w"]
    """Millimeters; 0 where invalid."""
    surface: Int32[np.ndarray, "h w"]
    """Number of the surface, from 1; 0 where invalid."""
    fx: float
    fy: float
    cx: float
    cy: float


def kernel(function: Function) -> Function:
    """Compile with numba and keep the result on disk.

    Unwrapped first, since under test every function arrives wrapped in a type checker. A kernel calls kernels of its
    own file only: numba does not notice when a file that it calls into has changed.
    """
    compiled = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})
    return cast(Function, cast(Callable[[object], object], compiled)(inspect.unwrap(function)))


def find_surfaces(depth: Float32[np.ndarray, "H W"], camera: Camera) -> Grid:
    """Reduce an image (mm; 0, NaN, infinity and what is not within `NEAR` to `FAR` is invalid).

    Pixels at the right and lower border that do not fill a cell are dropped.
    """
    height, width = depth.shape
    step = max(1, math.ceil(width / _CELLS[0]), math.ceil(height / _CELLS[1]))
    cells = _nearest_values(depth, step)
    fx, fy, cx, cy = camera.fx, camera.fy, camera.cx, camera.cy
    middle = (step - 1) / 2
    surface = _number_surfaces(cells, _SLOPE * step / fx)
    return Grid(cells, surface, fx / step, fy / step, (cx - middle) / step, (cy - middle) / step)


@kernel
def _nearest_values(depth: Float32[np.ndarray, "H W"], step: int) -> Float32[np.ndarray, "h w"]:
    """Of every cell the middle of its three nearest depth values, where these agree; else 0.

    Where they do not, what is nearer is an outlier (a flying pixel, the edge of a hole) and is skipped.
    """
    size = max(step, 2)
    cells = np.zeros(((depth.shape[0] - size) // step + 1, (depth.shape[1] - size) // step + 1), np.float32)
    least = np.empty((3, cells.shape[1]), np.float32)
    for i in range(cells.shape[0]):
        floor = np.full(cells.shape[1], np.float32(NEAR))
        for _ in range(3):
            _find_three(depth[i * step : i * step + size], floor, least, step)
            if _settle(cells[i], floor, least) == 0:
                break
    return cells


@kernel
def _find_three(
    rows: Float32[np.ndarray, "size W"],
    floor: Float32[np.ndarray, " w"],
    least: Float32[np.ndarray, "3 w"],
    step: int,
) -> None:
    """The three least depth values of every cell in a row of cells, from its floor up; every other line is enough."""
    least[:] = FAR
    for row in range(0, rows.shape[0], max(1, step // 2)):
        for column in range(rows.shape[0]):
            _sort_in(rows[row, column:], floor, least, step)


@kernel
def _sort_in(
    values: Float32[np.ndarray, " N"],
    floor: Float32[np.ndarray, " w"],
    least: Float32[np.ndarray, "3 w"],
    step: int,
) -> None:
    """One more value of every cell, `step` apart. Only comparisons and choices, so that many are done at once."""
    for j in range(floor.size):
        first, second, third = least[0, j], least[1, j], least[2, j]
        value = values[j * step] if values[j * step] >= floor[j] else np.float32(FAR)
        larger = second if second > value else value
        least[2, j] = larger if larger < third else third
        larger = first if first > value else value
        least[1, j] = larger if larger < second else second
        least[0, j] = first if first < value else value


@kernel
def _settle(
    cells: Float32[np.ndarray, " w"], floor: Float32[np.ndarray, " w"], least: Float32[np.ndarray, "3 w"]
) -> int:
    """Fill the cells whose nearest values agree, raise the floor of the others; how many are left."""
    left = 0
    for j in range(cells.size):
        width = np.float32(_TOGETHER_MM) + np.float32(_TOGETHER_SHARE) * least[0, j]
        some, together = least[2, j] < FAR, least[2, j] - least[0, j] < width
        cells[j] = least[1, j] if some and together else cells[j]
        floor[j] = least[1, j] if some and not together else FAR
        left += some and not together
    return left


@kernel
def _number_surfaces(cells: Float32[np.ndarray, "h w"], slope: float) -> Int32[np.ndarray, "h w"]:
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
    cells: Float32[np.ndarray, "h w"],
    surface: Int32[np.ndarray, "h w"],
    stack: Int32[np.ndarray, " N"],
    slope: float,
) -> None:
    """Spread the number of the cell on the stack over all that is joined to it."""
    height, width = cells.shape
    waiting = 1
    while waiting > 0:
        waiting -= 1
        i, j = stack[waiting] // width, stack[waiting] % width
        limit = _JUMP_MM + slope * cells[i, j]
        for a, b in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
            new = 0 <= a < height and 0 <= b < width and surface[a, b] == 0 and cells[a, b] > 0
            if new and abs(cells[a, b] - cells[i, j]) <= limit:
                surface[a, b] = surface[i, j]
                stack[waiting] = a * width + b
                waiting += 1
