"""How deep the parts of one hand run into one another: exact distances between the capsules that it is made of.

Digits against digits, against the palm's metacarpals, and a bent finger's end against its own root. What grows together
is no collision: the roots of neighboring fingers, and the thumb's root with the palm.
"""

from itertools import combinations, product
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from handkit.synthetic.compiled import kernel
from handkit.synthetic.hand import FINGER_RADII, THUMB_RADII, HandShape

_PALM_RADIUS, _PALM_DEPTH = 12.0, 4.0
"""Metacarpals: radius, and how far they lie on the palm's side of the bones' joints (mm); 2 more than is drawn."""


class _Part(NamedTuple):
    """A capsule between two joints of HAND21, from share `start` of the way to share `end`."""

    joints: tuple[int, int]
    radii: tuple[float, float]
    start: float = 0.0
    end: float = 1.0
    palm: bool = False


def _parts_and_pairs() -> tuple[list[_Part], list[tuple[int, int]]]:
    """Every capsule, and which two must not meet."""
    radii = (THUMB_RADII, *FINGER_RADII)
    parts: list[_Part] = []
    for digit in range(5):
        for bone in range(3):
            joint, ends = 1 + 4 * digit + bone, (radii[digit][bone], radii[digit][bone + 1])
            parts.append(_Part((joint, joint + 1), ends))
    outer = len(parts)
    parts += [parts[3 * digit + (digit == 0)]._replace(start=0.5) for digit in range(5)]
    inner = len(parts)
    parts += [parts[3 * digit]._replace(end=0.6) for digit in range(1, 5)]
    palm = len(parts)
    parts += [_Part((0, 1 + 4 * digit), (_PALM_RADIUS, _PALM_RADIUS), start=0.3, palm=True) for digit in range(1, 5)]

    pairs: list[tuple[int, int]] = []
    for (one, other), a, b in product(combinations(range(5), 2), range(3), range(3)):
        roots = a == b == 0
        if roots and other == one + 1 and one > 0:
            pairs.append((outer + one, outer + other))
        elif not (roots and one == 0):
            pairs.append((3 * one + a, 3 * other + b))
    for finger in range(1, 5):
        pairs.append((3 * finger + 2, inner + finger - 1))
        pairs += [(3 * finger + bone, palm + k) for bone in (1, 2) for k in range(4)]
    pairs += [(part, palm + k) for part in (outer, 2) for k in range(4)]
    return parts, pairs


_PARTS, _PAIRS = _parts_and_pairs()


def _table(index: int, which: Literal["start", "end"]) -> Float[Tensor, "21 N"]:
    """For every pair, one end of its first or second capsule as a mixture of joints."""
    table = torch.zeros(21, len(_PAIRS))
    for column, pair in enumerate(_PAIRS):
        part = _PARTS[pair[index]]
        share = getattr(part, which)
        table[part.joints[0], column] += 1 - share
        table[part.joints[1], column] += share
    return table


def _radii(index: int, which: Literal["start", "end"]) -> Float[Tensor, " N"]:
    parts = [_PARTS[pair[index]] for pair in _PAIRS]
    return torch.tensor([part.radii[0] + getattr(part, which) * (part.radii[1] - part.radii[0]) for part in parts])


_STARTS = [_table(index, "start") for index in (0, 1)]
_ENDS = [_table(index, "end") for index in (0, 1)]
_THICK = [(_radii(index, "start"), _radii(index, "end")) for index in (0, 1)]
_IS_PALM = torch.tensor([[float(_PARTS[pair[index]].palm) for pair in _PAIRS] for index in (0, 1)])
_SEGMENTS = torch.cat([*_STARTS, _ENDS[0] - _STARTS[0], _ENDS[1] - _STARTS[1]], dim=1)
_TO_JOINTS = torch.cat([_STARTS[0], _ENDS[0], -_STARTS[1], -_ENDS[1]], dim=1)


class Contacts(NamedTuple):
    """Every pair that must not meet, where it is nearest."""

    depth: Float[Tensor, "B N"]
    """Interpenetration, mm at the hand's own scale; negative where there is air between."""
    normal: Float[Tensor, "B 3 N"]
    """From the second capsule to the first."""
    shares: tuple[Float[Tensor, "B N"], Float[Tensor, "B N"]]
    """How far along each capsule."""

    def forces(self, *, soft: float) -> Float[Tensor, "B 21 3"]:
        """Slope of the summed squares of all depths beyond `soft` mm along each joint's position."""
        push = (-2 * (self.depth - soft).clamp(min=0))[:, None] * self.normal
        s, t = (share[:, None] for share in self.shares)
        return _TO_JOINTS @ torch.cat([push * (1 - s), push * s, push * (1 - t), push * t], dim=-1).mT


def interpenetration(shape: HandShape, joints: Float[Tensor, "B 21 3"]) -> Contacts:
    """Contacts of hands whose joints are those of `articulate`, in the hand frame."""
    size, palm = (shape.scale * field for field in (shape.thickness, shape.palm_thickness))
    segments = (joints.mT.flatten(0, 1) @ _SEGMENTS).view(len(joints), 3, 4, -1)
    segments[:, 2, :2] -= (palm * _PALM_DEPTH)[:, None, None] * _IS_PALM
    nearest = torch.empty(len(joints), 6, len(_PAIRS))
    _find_nearest(segments.numpy(), nearest.numpy())
    gap, s, t = nearest[:, :3].unbind(1)
    depth = -gap
    for share, (start, end), is_palm in zip((s, t), _THICK, _IS_PALM, strict=True):
        scale = torch.lerp(size[:, None], palm[:, None], is_palm)
        depth = depth + (start + share * (end - start)) * scale
    return Contacts(depth, nearest[:, 3:], (s, t))


@kernel
def _find_nearest(segments: Float32[np.ndarray, "B 3 4 N"], nearest: Float32[np.ndarray, "B 6 N"]) -> None:
    """Gap, both shares and direction where the segments p + s u and q + t v are nearest.

    `segments` are p, q, u, v. Ericson, Real-Time Collision Detection (2005), section 5.1.9.
    """
    zero, one, least = np.float32(0.0), np.float32(1.0), np.float32(1e-3)
    for row in range(segments.shape[0]):
        x, y, z = segments[row, 0], segments[row, 1], segments[row, 2]
        out = nearest[row]
        for i in range(segments.shape[3]):
            wx, wy, wz = x[0, i] - x[1, i], y[0, i] - y[1, i], z[0, i] - z[1, i]
            ux, uy, uz = x[2, i], y[2, i], z[2, i]
            vx, vy, vz = x[3, i], y[3, i], z[3, i]
            a, e, b = ux * ux + uy * uy + uz * uz, vx * vx + vy * vy + vz * vz, ux * vx + uy * vy + uz * vz
            c, f = ux * wx + uy * wy + uz * wz, vx * wx + vy * wy + vz * wz
            s = min(max((b * f - c * e) / max(a * e - b * b, least), zero), one)
            t = min(max((b * s + f) / e, zero), one)
            s = min(max((b * t - c) / a, zero), one)
            dx, dy, dz = wx + s * ux - t * vx, wy + s * uy - t * vy, wz + s * uz - t * vz
            gap = np.sqrt(dx * dx + dy * dy + dz * dz)
            per = one / max(gap, least)
            out[0, i], out[1, i], out[2, i] = gap, s, t
            out[3, i], out[4, i], out[5, i] = dx * per, dy * per, dz * per
