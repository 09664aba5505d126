"""The slow truth of the rasterizer: the same scenes by sampling, with nothing shared but the row layouts."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Bool, Float

from .rasterize import Surface
from .spans import NEAR


class _Holds(Protocol):
    """Which points (camera mm) a solid holds."""

    def __call__(self, points: Float[np.ndarray, "*N 3"]) -> Bool[np.ndarray, "*N"]: ...


class _Solid(NamedTuple):
    """Its points, a sphere around all of them, and whether its near part is cut off or all of it left out."""

    holds: _Holds
    center: Float[np.ndarray, "3"]
    reach: float
    cut: bool


def _packed_spheres(surface: Surface, frame: int, *, steps: int) -> Float[np.ndarray, "N 4"]:
    """The spheres (x, y, z, radius) whose union a frame's hulls are, in the limit of many steps per edge."""
    fractions = np.linspace(0.0, 1.0, steps)[:, None]
    parts: list[Float[np.ndarray, "N 4"]] = []
    for cone in surface.cones[frame].astype(np.float64):
        spheres = cone[:4] * (1.0 - fractions) + cone[4:] * fractions
        parts.append(spheres[(spheres[:, 2] - spheres[:, 3] >= NEAR) & (cone[3] > 0.0)])
    second, third = (grid.reshape(-1, 1) for grid in np.meshgrid(fractions, fractions))
    second, third = second[second + third <= 1.0, None], third[second + third <= 1.0, None]
    for wedge in surface.wedges[frame].astype(np.float64):
        if wedge[3] > 0.0 and np.min(wedge[2::4] - wedge[3::4]) >= NEAR:
            parts.append(wedge[:4] + second * (wedge[4:8] - wedge[:4]) + third * (wedge[8:] - wedge[:4]))
    return np.concatenate([*parts, np.empty((0, 4))])


def _block(row: Float[np.ndarray, "12"], *, rounded: bool) -> _Solid:
    """A box, or the ellipsoid in it."""
    axes = row[3:].reshape(3, 3)
    scaled = axes / (axes * axes).sum(axis=1, keepdims=True)

    def holds(points: Float[np.ndarray, "*N 3"]) -> Bool[np.ndarray, "*N"]:
        local = (points - row[:3]) @ scaled.T
        return (local * local).sum(axis=-1) <= 1.0 if rounded else np.abs(local).max(axis=-1) <= 1.0

    return _Solid(holds, row[:3], float(np.linalg.norm(axes)), cut=not rounded)


def _cylinder(row: Float[np.ndarray, "9"]) -> _Solid:
    start, end, wall = row[:3], row[4:7], row[8]
    length = float(np.linalg.norm(end - start))
    axis = (end - start) / length

    def holds(points: Float[np.ndarray, "*N 3"]) -> Bool[np.ndarray, "*N"]:
        height = (points - start) @ axis
        distance = np.linalg.norm(points - start - height[..., None] * axis, axis=-1)
        radius = row[3] + (row[7] - row[3]) * height / length
        hollow = (wall > 0.0) & (height > wall) & (distance < radius - wall)
        return (height >= 0.0) & (height <= length) & (distance <= radius) & ~hollow

    return _Solid(holds, (start + end) / 2, length / 2 + max(row[3], row[7]), cut=False)


def _solids(surface: Surface, frame: int) -> Iterator[_Solid]:
    parts = [part[frame].astype(np.float64) if part.size else part.reshape(0, part.shape[-1]) for part in surface]
    boxes, cylinders, ellipsoids = parts[3:]
    for row in boxes[np.abs(boxes[:, 3:6]).sum(axis=1) > 0.0]:
        yield _block(row, rounded=False)
    for row in ellipsoids[np.abs(ellipsoids[:, 3:6]).sum(axis=1) > 0.0]:
        yield _block(row, rounded=True)
    for row in cylinders[cylinders[:, 3] > 0.0]:
        yield _cylinder(row)


def _walk(rays: Float[np.ndarray, "H W 3"], solid: _Solid, *, strides: int) -> Float[np.ndarray, "H W"]:
    """Depth where each ray enters a solid; infinity where it does not, or begins inside."""
    low, high = solid.center[2] - solid.reach - 1.0, solid.center[2] + solid.reach + 1.0
    depths = np.linspace(low, high, strides)
    inside = np.stack([solid.holds(rays * depth) for depth in depths])
    if not solid.cut and inside[depths < NEAR].any():
        return np.full(rays.shape[:2], np.inf)
    inside[depths < NEAR] &= solid.cut
    enters = inside[1:] & ~inside[:-1] & (depths[1:, None, None] >= NEAR)
    first = enters.argmax(axis=0)
    before, after = depths[first], depths[first + 1]
    for _ in range(40):
        middle = (before + after) / 2
        held = solid.holds(rays * middle[..., None])
        before, after = np.where(held, before, middle), np.where(held, middle, after)
    return np.where(enters.any(axis=0), after, np.inf)


def render_slowly(
    surface: Surface,
    intrinsics: Float[np.ndarray, "B 4"],
    *,
    width: int,
    height: int,
    steps: int = 200,
    strides: int = 2000,
) -> Float[np.ndarray, "B {height} {width}"]:
    """What `render` answers, by intersecting every ray with `steps` spheres along each edge of each hull.

    Sampling leaves grooves: depth is too large by about spacing^2 / (8 radius) where the surface faces the
    camera, and by more where it is seen at a grazing angle. Through boxes, cylinders and ellipsoids every ray
    walks in `strides` strides, and what is thinner than a stride may be missed.
    """
    v, u = np.mgrid[:height, :width]
    nearest = np.full((len(intrinsics), height, width), np.inf)
    for frame, (fx, fy, cx, cy) in enumerate(np.asarray(intrinsics, np.float64)):
        rays = np.stack([(u - cx) / fx, (v - cy) / fy, np.ones((height, width))], axis=-1)
        squared = (rays * rays).sum(axis=-1)[..., None]
        spheres = _packed_spheres(surface, frame, steps=steps)
        for some in np.array_split(spheres, len(spheres) // 64 + 1):
            reach = rays @ some[:, :3].T
            inside = reach * reach - squared * ((some[:, :3] ** 2).sum(axis=1) - some[:, 3] ** 2)
            depth = (reach - np.sqrt(np.maximum(inside, 0.0))) / squared
            hits = np.where(inside >= 0.0, depth, np.inf).min(axis=-1, initial=np.inf)
            nearest[frame] = np.minimum(nearest[frame], hits)
        for plane in surface.planes[frame].astype(np.float64):
            slope = rays @ plane[:3]
            depth = plane[3] / np.where(slope * plane[3] > 0.0, slope, np.inf)
            nearest[frame] = np.where(depth > 0.0, np.minimum(nearest[frame], depth), nearest[frame])
        for solid in _solids(surface, frame):
            nearest[frame] = np.minimum(nearest[frame], _walk(rays, solid, strides=strides))
    return np.where(np.isfinite(nearest), nearest, 0.0)
