"""Things made of the renderer's solids: built once in their own frame, then placed in many scenes at a time."""

from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

Point = tuple[float, float, float]


class Solids(NamedTuple):
    """The convex parts of B things or scenes, rows as in `rasterize.Surface`; a row of zeros is padding. Mm."""

    cones: Float[Tensor, "*B P 8"]
    wedges: Float[Tensor, "*B W 12"]
    boxes: Float[Tensor, "*B X 12"]
    cylinders: Float[Tensor, "*B C 9"]
    ellipsoids: Float[Tensor, "*B E 12"]

    def at(self, index: Tensor) -> "Solids":
        """The things of these numbers, repeated and in this order."""
        return Solids(*(part[index] for part in self))

    def merged(self) -> "Solids":
        """(B, T) things as one of each scene."""
        return Solids(*(part.flatten(1, 2) for part in self))

    def where(self, kept: Float[Tensor, "*B"]) -> "Solids":
        """Only things that are `kept`: the others become padding."""
        return Solids(*(part * kept[..., None, None] for part in self))


class Builder:
    """Collects the parts of one thing. Its frame: z up, y to the front, x to the right, origin where it stands; mm."""

    def __init__(self) -> None:
        self.rows: tuple[list[list[float]], ...] = ([], [], [], [], [])

    def rod(self, start: Point, end: Point, *, radius: float, taper: float = 1.0) -> None:
        """A bar with round ends; `taper` is the radius at the end over that at the start."""
        self.rows[0].append([*start, radius, *end, radius * taper])

    def ball(self, center: Point, *, radius: float) -> None:
        """A sphere."""
        self.rod(center, (center[0], center[1], center[2] + 0.02 * radius), radius=radius)

    def path(self, points: list[Point], *, radius: float, taper: float = 1.0) -> None:
        """Bars from point to point."""
        steps = len(points) - 1
        for i, (start, end) in enumerate(pairwise(points)):
            here, there = (1 + (taper - 1) * step / steps for step in (i, i + 1))
            self.rod(start, end, radius=radius * here, taper=there / here)

    def sheet(self, corners: tuple[Point, Point, Point], radii: Point) -> None:
        """The hull of three spheres."""
        row: list[float] = []
        for corner, radius in zip(corners, radii, strict=True):
            row += [*corner, radius]
        self.rows[1].append(row)

    def box(self, center: Point, size: Point, *, yaw: float = 0.0, pitch: float = 0.0) -> None:
        """A box of these edges, pitched about its x axis, then turned about z (rad)."""
        self.rows[2].append(_framed(center, size, yaw, pitch))

    def ellipsoid(self, center: Point, size: Point, *, yaw: float = 0.0, pitch: float = 0.0) -> None:
        """An ellipsoid with these diameters."""
        self.rows[4].append(_framed(center, size, yaw, pitch))

    def cylinder(self, start: Point, end: Point, *, radius: float, taper: float = 1.0, wall: float = 0.0) -> None:
        """Flat ends; with a `wall` (mm) it is open at its end and hollow."""
        self.rows[3].append([*start, radius, *end, radius * taper, wall])


def _framed(center: Point, size: Point, yaw: float, pitch: float) -> list[float]:
    turn, tip = torch.tensor(yaw), torch.tensor(pitch)
    x = torch.stack([turn.cos(), turn.sin(), torch.tensor(0.0)])
    level = torch.stack([-turn.sin(), turn.cos(), torch.tensor(0.0)])
    up = torch.tensor([0.0, 0.0, 1.0])
    y, z = level * tip.cos() + up * tip.sin(), up * tip.cos() - level * tip.sin()
    halves = torch.stack([x, y, z]) * torch.tensor(size)[:, None] / 2
    return [*center, *halves.flatten().tolist()]


WIDTHS = (8, 12, 12, 9, 12)


def stack(things: list[Builder]) -> Solids:
    """Many things as one batch, padded to the largest number of parts."""
    parts: list[Tensor] = []
    for kind, width in enumerate(WIDTHS):
        out = torch.zeros(len(things), max(len(thing.rows[kind]) for thing in things), width)
        for i, thing in enumerate(things):
            if thing.rows[kind]:
                out[i, : len(thing.rows[kind])] = torch.tensor(thing.rows[kind])
        parts.append(out)
    return Solids(*parts)


def join(sets: list[Solids]) -> Solids:
    """All parts of several sets of the same scenes."""
    return Solids(*(torch.cat(parts, dim=-2) for parts in zip(*sets, strict=True)))


def place(
    things: Solids,
    *,
    rotation: Float[Tensor, "*B 3 3"],
    scale: Float[Tensor, "*B"],
    position: Float[Tensor, "*B 3"],
) -> Solids:
    """The things `rotation @ (scale * x) + position`; padding stays padding."""
    size, shift = scale[..., None, None], position[..., None, :]
    turn = rotation.mT * size

    def move(vectors: Tensor) -> Tensor:
        return vectors @ turn

    def balls(rows: Tensor, count: int) -> Tensor:
        out: list[Tensor] = []
        for i in range(count):
            ball = rows[..., 4 * i : 4 * i + 4]
            out += [move(ball[..., :3]) + shift, ball[..., 3:] * size]
        return torch.cat([*out, rows[..., 4 * count :] * size], dim=-1) * (rows[..., 3:4] > 0)

    def framed(rows: Tensor) -> Tensor:
        center, *halves = (move(rows[..., i : i + 3]) for i in (0, 3, 6, 9))
        present = rows[..., 3:6].abs().sum(-1, keepdim=True) > 0
        return torch.cat([center + shift, *halves], dim=-1) * present

    return Solids(
        balls(things.cones, 2),
        balls(things.wedges, 3),
        framed(things.boxes),
        balls(things.cylinders, 2),
        framed(things.ellipsoids),
    )


def shift(things: Solids, offset: Float[Tensor, "*B 3"]) -> Solids:
    """The things, moved."""
    identity = torch.eye(3).expand(*offset.shape[:-1], 3, 3)
    return place(things, rotation=identity, scale=torch.ones(offset.shape[:-1]), position=offset)


def reach(things: Solids, direction: Float[Tensor, "*B 3"]) -> Float[Tensor, "*B"]:
    """How far the things extend along unit directions from the origin, mm (cylinders as if their ends were round)."""
    along = direction[..., None, :]

    def far(centers: Tensor, extent: Tensor, present: Tensor) -> Tensor:
        return ((centers * along).sum(-1) + extent).where(present, -torch.inf)

    ends = [far(rows[..., i : i + 3], rows[..., i + 3], rows[..., 3] > 0) for rows, i in _balls(things)]
    for rows, round_ in ((things.boxes, False), (things.ellipsoids, True)):
        halves = (rows[..., 3:].unflatten(-1, (3, 3)) * along[..., None, :]).sum(-1)
        extent = halves.norm(dim=-1) if round_ else halves.abs().sum(-1)
        ends.append(far(rows[..., :3], extent, rows[..., 3:6].abs().sum(-1) > 0))
    return torch.cat(ends, dim=-1).amax(-1)


def _balls(things: Solids) -> list[tuple[Tensor, int]]:
    counts = ((things.cones, 2), (things.wedges, 3), (things.cylinders, 2))
    return [(rows, 4 * i) for rows, count in counts for i in range(count)]


def visible(
    things: Solids, intrinsics: Float[Tensor, "B K"], *, width: int, height: int, far: Float[Tensor, " B"]
) -> Solids:
    """The same without what cannot be in the window (fx, fy, cx, cy, ... in pixels) or is beyond `far` (mm).

    A part is kept while its bounding sphere touches the window's pyramid: every one that is seen, and a few others.
    """
    middle = torch.tensor([(width - 1) / 2, (height - 1) / 2])
    half = torch.tensor([width / 2 + 1, height / 2 + 1]) / intrinsics[:, :2]
    ray = (middle - intrinsics[:, 2:4]) / intrinsics[:, :2]
    low, high, one = ray - half, ray + half, torch.ones_like(far)
    zero = torch.zeros_like(one)
    sides = [
        torch.stack([one, zero, -high[:, 0]], -1),
        torch.stack([-one, zero, low[:, 0]], -1),
        torch.stack([zero, one, -high[:, 1]], -1),
        torch.stack([zero, -one, low[:, 1]], -1),
    ]
    outward = torch.nn.functional.normalize(torch.stack(sides, dim=1), dim=-1)

    def within(rows: Tensor, spheres: list[tuple[Tensor, Tensor]]) -> Tensor:
        outside = torch.stack([center @ outward.mT - radius[..., None] for center, radius in spheres]).amin(0)
        near = torch.stack([center[..., 2] - radius for center, radius in spheres]).amin(0)
        return rows * ((outside <= 0).all(-1) & (near <= far[:, None]))[..., None]

    def balls(rows: Tensor, count: int) -> Tensor:
        return within(rows, [(rows[..., i : i + 3], rows[..., i + 3]) for i in range(0, 4 * count, 4)])

    def framed(rows: Tensor) -> Tensor:
        return within(rows, [(rows[..., :3], rows[..., 3:].norm(dim=-1))])

    return Solids(
        balls(things.cones, 2),
        balls(things.wedges, 3),
        framed(things.boxes),
        balls(things.cylinders, 2),
        framed(things.ellipsoids),
    )
