"""Things that hands hold, from a card to a bag, as a few primitives each.

Every thing stands in a frame of its own, mm: y is its long axis, x the direction across which it is gripped (its
half thickness there is `half`), the origin where it is gripped. All other sizes are random.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor

from handkit.synthetic.distances import Parts

WIDTHS = {"cones": (4, 8), "wedges": (2, 12), "boxes": (3, 12), "cylinders": (3, 9), "ellipsoids": (1, 12)}
"""Rows and row lengths of each primitive in what `build` returns."""

Value = float | Tensor
Rows = dict[str, list[Tensor]]


def _row(half: Tensor, *values: Value) -> Float[Tensor, "B K"]:
    return torch.stack(
        [value if isinstance(value, Tensor) else half.new_full(half.shape, value) for value in values], -1
    )


def _box(half: Tensor, center: tuple[Value, Value, Value], halves: tuple[Value, Value, Value]) -> Float[Tensor, "B 12"]:
    """A box (or ellipsoid) along the axes."""
    x, y, z = halves
    return _row(half, *center, x, 0.0, 0.0, 0.0, y, 0.0, 0.0, 0.0, z)


def _pipe(
    half: Tensor, low: Value, high: Value, *, radii: tuple[Value, Value], wall: Value = 0.0
) -> Float[Tensor, "B 9"]:
    """A cylinder along y."""
    return _row(half, 0.0, low, 0.0, radii[0], 0.0, high, 0.0, radii[1], wall)


def ball(half: Tensor, r: Tensor) -> Rows:
    return {"ellipsoids": [_box(half, (0.0, 0.0, 0.0), (half, half, half))]}


def fruit(half: Tensor, r: Tensor) -> Rows:
    return {"ellipsoids": [_box(half, (0.0, 0.0, 0.0), (half, half * (1 + 0.5 * r[0]), half * (0.9 + 0.3 * r[1])))]}


def box(half: Tensor, r: Tensor) -> Rows:
    """From a matchbox to a book."""
    return {"boxes": [_box(half, (0.0, 0.0, 0.0), (half, 14 + 100 * r[0] ** 2, 10 + 65 * r[1] ** 2))]}


def card(half: Tensor, r: Tensor) -> Rows:
    return {"boxes": [_box(half, (0.0, 0.0, 0.0), (half, 38 + 10 * r[0], 24 + 6 * r[1]))]}


def phone(half: Tensor, r: Tensor) -> Rows:
    return {"boxes": [_box(half, (0.0, 0.0, 0.0), (half.clamp(3, 6), 66 + 14 * r[0], 32 + 7 * r[1]))]}


def can(half: Tensor, r: Tensor) -> Rows:
    reach = (0.8 + 2.2 * r[0]) * half.clamp(min=16)
    shift = 0.4 * reach * (r[1] - 0.5)
    return {"cylinders": [_pipe(half, shift - reach, shift + reach, radii=(half, half))]}


def glass(half: Tensor, r: Tensor) -> Rows:
    reach, taper = 32 + 38 * r[0], 0.3 * r[1]
    return {
        "cylinders": [_pipe(half, -reach, reach, radii=(half * (1 - taper), half * (1 + taper)), wall=1.5 + 2 * r[2])]
    }


def bottle(half: Tensor, r: Tensor) -> Rows:
    low, body = -50 - 60 * r[0], 20 + 50 * r[1]
    shoulder, neck, thin = 10 + 35 * r[2], 15 + 50 * r[3], half * (0.3 + 0.25 * r[4])
    top = body + shoulder
    return {
        "cylinders": [
            _pipe(half, low, body, radii=(half, half)),
            _pipe(half, body, top, radii=(half, thin)),
            _pipe(half, top, top + neck, radii=(thin, thin)),
        ]
    }


def _handle(half: Tensor, *, at: tuple[Value, Value], reach: Value, depth: Value) -> list[Tensor]:
    """Three cones: from a body's wall (y, z) out along z by `depth`, and back."""
    y, z = at
    points = [(y - reach, z), (y - 0.7 * reach, z + depth), (y + 0.7 * reach, z + depth), (y + reach, z)]
    pairs = pairwise(points)
    return [_row(half, 0.0, a, b, 4.5, 0.0, c, d, 4.5) for (a, b), (c, d) in pairs]


def mug(half: Tensor, r: Tensor) -> Rows:
    reach = 38 + 18 * r[0]
    handle = _handle(half, at=(4 * r[1], half - 2), reach=reach * 0.7, depth=22 + 14 * r[2])
    return {"cylinders": [_pipe(half, -reach, reach, radii=(half, half), wall=3 + 2 * r[3])], "cones": handle}


def mug_by_handle(half: Tensor, r: Tensor) -> Rows:
    """Gripped by the bar of its handle at the origin, the body at positive z."""
    radius, depth, reach = 34 + 10 * r[0], 32 + 8 * r[1], 42 + 12 * r[2]
    away = radius + depth
    body = _row(half, 0.0, -reach, away, radius, 0.0, reach, away, radius, 3.0 + r[3])
    joint, side = depth + 2.0, reach * 0.8
    bars = [
        _row(half, 0.0, -0.8 * side, 0.0, half, 0.0, 0.8 * side, 0.0, half),
        _row(half, 0.0, -0.8 * side, 0.0, half, 0.0, -side, joint, half),
        _row(half, 0.0, 0.8 * side, 0.0, half, 0.0, side, joint, half),
    ]
    return {"cylinders": [body], "cones": bars}


def bag(half: Tensor, r: Tensor) -> Rows:
    """A case under its handle: it hangs at positive z."""
    gap, deep = 34 + 12 * r[0], 40 + 110 * r[1]
    case = _box(half, (0.0, 0.0, gap + deep), (20 + 40 * r[2], 70 + 110 * r[3], deep))
    bars = [_row(half, 0.0, 62 * side, 0.0, half, 0.0, 66 * side, gap + 4.0, half) for side in (-1, 1)]
    return {"boxes": [case], "cones": [_row(half, 0.0, -62.0, 0.0, half, 0.0, 62.0, 0.0, half), *bars]}


def pen(half: Tensor, r: Tensor) -> Rows:
    """Gripped near its point, which is at negative y."""
    low, high = -24 - 10 * r[0], 85 + 40 * r[1]
    return {
        "cylinders": [
            _pipe(half, low, high, radii=(half, half)),
            _pipe(half, low - 14, low, radii=(half * 0.2, half)),
        ]
    }


def hammer(half: Tensor, r: Tensor) -> Rows:
    low, high = -50 - 40 * r[0], 90 + 100 * r[1]
    size = 10 + 10 * r[2]
    head = _box(half, (0.0, high, 8 * r[4]), (size, size * 1.1, 28 + 35 * r[3]))
    return {"cylinders": [_pipe(half, low, high, radii=(half, half * 0.8))], "boxes": [head]}


def screwdriver(half: Tensor, r: Tensor) -> Rows:
    end = 52 + 20 * r[0]
    thin = 1.8 + 2 * r[1]
    return {
        "cylinders": [
            _pipe(half, -end, end, radii=(half * 0.85, half)),
            _pipe(half, end, end + 45 + 100 * r[2], radii=(thin, thin)),
        ]
    }


def brush(half: Tensor, r: Tensor) -> Rows:
    """Brush, spatula or fork: a handle and a broad flat end."""
    low, high, deep = -40 - 40 * r[0], 70 + 70 * r[1], 15 + 30 * r[2]
    head = _box(half, (0.0, high + deep, 0.0), (4 + 10 * r[3], deep, 12 + 24 * r[4]))
    return {"cylinders": [_pipe(half, low, high, radii=(half, half * (0.5 + 0.5 * r[5])))], "boxes": [head]}


def gripper(half: Tensor, r: Tensor) -> Rows:
    """A handle with two jaws, as of pliers or of a robot."""
    high, apart, deep = 55 + 40 * r[0], 10 + 28 * r[1], 20 + 25 * r[2]
    jaws = [_box(half, (0.0, high + deep, side * apart), (6 + 5 * r[3], deep, 5.0)) for side in (-1, 1)]
    palm = _box(half, (0.0, high, 0.0), (9 + 6 * r[3], 9.0, apart + 7))
    return {"cylinders": [_pipe(half, -60 - 30 * r[4], high, radii=(half, half))], "boxes": [palm, *jaws]}


def banana(half: Tensor, r: Tensor) -> Rows:
    """An arc in the plane of y and z."""
    bend, step = 0.25 + 0.35 * r[0], 24 + 12 * r[1]
    angles = [bend * k for k in (-1.5, -0.5, 0.5, 1.5)]
    y, z = [-step * (angles[0].cos() + angles[1].cos())], [torch.zeros_like(half)]
    for angle in angles:
        y.append(y[-1] + step * angle.cos())
        z.append(z[-1] + step * angle.sin())
    middle = z[2]
    sizes = [half * 0.4, half * 0.9, half, half * 0.85, half * 0.3]
    return {
        "cones": [
            _row(half, 0.0, y[k], z[k] - middle, sizes[k], 0.0, y[k + 1], z[k + 1] - middle, sizes[k + 1])
            for k in range(4)
        ]
    }


def cloth(half: Tensor, r: Tensor) -> Rows:
    """A crumpled rag: a few lumps, and two flaps that hang from them."""
    spots = [
        (half * 0, half * 0),
        *((60 * (r[k] - 0.5) + half * 0, 60 * (r[k + 4] - 0.5) + half * 0) for k in range(4)),
    ]
    sizes = [half * (0.55 + 0.45 * r[k]) for k in range(5)]
    lumps = [
        _row(half, 0.0, *spots[k], half if k == 0 else sizes[k], 0.2 * half, *spots[k + 1], sizes[k + 1])
        for k in range(4)
    ]
    flaps = [
        _row(
            half, 0.0, *spots[k], 3.5, -15 + 30 * r[k], spots[k][0] + 50, spots[k][1] + 60 * (r[k + 3] - 0.5), 3.0,
            15 - 30 * r[k + 1], spots[k][0] + 40 * (r[k + 2] - 0.5), spots[k][1] + 60, 3.0,
        )
        for k in (1, 3)
    ]  # fmt: skip
    return {"cones": lumps, "wedges": flaps}


def plate(half: Tensor, r: Tensor) -> Rows:
    """Plate or bowl, gripped at its bottom: it opens to positive x."""
    deep, radius = 10 + 45 * r[0] ** 2, 45 + 60 * r[1]
    flat = _row(half, -half, 0.0, 0.0, radius * (0.55 + 0.35 * r[2]), deep - half, 0.0, 0.0, radius, 3.0)
    return {"cylinders": [flat]}


KINDS: dict[str, Callable[[Tensor, Tensor], Rows]] = {
    function.__name__: function
    for function in (
        ball, fruit, box, card, phone, can, glass, bottle, mug, mug_by_handle, bag, pen, hammer, screwdriver, brush,
        gripper, banana, cloth, plate,
    )
}  # fmt: skip
NAMES = tuple(KINDS)


def build(kind: Int[Tensor, " B"], half: Float[Tensor, " B"], generator: torch.Generator) -> Parts:
    """Things of the given kinds (places in `NAMES`) with the given half thickness (mm), the rest at random."""
    count = len(kind)
    r = torch.rand(8, count, generator=generator)
    parts = {name: torch.zeros(count, *size) for name, size in WIDTHS.items()}
    for index in kind.unique().tolist():
        rows = (kind == index).nonzero()[:, 0]
        for name, made in KINDS[NAMES[index]](half[rows], r[:, rows]).items():
            parts[name][rows, : len(made)] = torch.stack(made, dim=1)
    return Parts(**parts)
