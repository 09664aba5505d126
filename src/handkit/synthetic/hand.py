"""An articulated right hand: shape parameters, forward kinematics, and a surface of tapered capsules and wedges.

Hand frame: origin at the wrist joint, y toward the middle knuckle, z out of the back of the hand, x toward the little
finger; millimeters. Lengths are those of an adult hand of 189 mm (wrist crease to middle tip); every hand is a
variation of it. Joints are labeled where OpenXR and MediaPipe put them: on the bones' axes, tips in the pad.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from handkit.geometry.kinematics import axis_rotation, chain

KNUCKLES = ((-26.0, 88.0, 0.0), (-4.0, 90.0, 3.0), (15.5, 84.0, 1.0), (33.0, 74.0, -4.0))
"""MCP joints of index, middle, ring, pinky (mm)."""
PHALANGES = ((43.0, 25.0, 18.0), (47.0, 29.0, 19.0), (44.0, 28.0, 19.0), (35.0, 20.0, 17.0))
FINGER_RADII = ((11.3, 9.8, 8.5, 6.7), (11.6, 10.0, 8.7, 6.9), (11.0, 9.4, 8.2, 6.5), (10.0, 8.3, 7.2, 5.8))
"""Radii at MCP, PIP, DIP and tip (mm)."""
TIP_FLATNESS, TIP_SPREAD = 0.94, 0.24
"""A tip is two balls of this share of its radius, so many radii to each side: broader than thick, as nails are."""
THUMB_BASE = (-21.0, 22.0, -9.0)
THUMB_BONES = (45.0, 33.0, 24.0)
THUMB_RADII = (15.5, 12.0, 10.3, 7.6)
THUMB_AXIS = (-0.62, 0.70, -0.35)
THUMB_NAIL = (-0.55, -0.30, 0.75)
"""Direction of the resting thumb and of its nail, in the hand frame."""
PALM = (
    (0, 2, 3), (0, 3, 4), (0, 4, 1), (1, 4, 5), (6, 2, 0), (1, 5, 7),
    (9, 6, 8), (9, 8, 2), (9, 2, 3), (9, 3, 4), (9, 4, 5), (9, 5, 7), (9, 7, 6),
)  # fmt: skip
"""Wedges of the palm, as numbers of `_palm_balls`: its back and sides, then its front, all around the hollow."""
WRIST_RADIUS, WRIST_SPREAD, WRIST_LIFT = 17.6, 9.6, 1.5
"""The wrist lies between two spheres, this far to each side and to the back: 54 mm broad, 35 mm thick."""


class HandShape(NamedTuple):
    """One hand's proportions; 1 is the average adult."""

    scale: Float[Tensor, " B"]
    lengths: Float[Tensor, "B 5 3"]
    breadth: Float[Tensor, " B"]
    thickness: Float[Tensor, " B"]
    palm_thickness: Float[Tensor, " B"]
    offsets: Float[Tensor, "B 5 3"]
    """Displacement of thumb base and four knuckles, mm before scaling."""
    flesh: Float[Tensor, "B 10 4"]
    """Added to x, y, z and radius of `_palm_balls`, mm before scaling: no two palms are alike."""

    def __getitem__(self, index: Tensor | slice) -> "HandShape":  # type: ignore[override]
        return HandShape(*(getattr(self, field)[index] for field in self._fields))


class Articulation(NamedTuple):
    """Joint angles (rad) of one hand; zero is the flat hand with fingers parallel."""

    fingers: Float[Tensor, "B 4 4"]
    """Per finger: MCP flexion, MCP abduction (positive toward the thumb), PIP flexion, DIP flexion."""
    thumb: Float[Tensor, "B 5"]
    """CMC flexion (across the palm), CMC palmar abduction, twist (opposition), MCP flexion, IP flexion."""
    wrist: Float[Tensor, "B 2"]
    """Flexion and deviation (positive toward the thumb) of the hand against the forearm."""
    cup: Float[Tensor, " B"]
    """0 flat to 1 hollow hand: ring and little knuckles come forward."""


class Posed(NamedTuple):
    """Where joints are in the hand frame, mm, and how nails and forearm lie."""

    joints: Float[Tensor, "B 21 3"]
    nails: Float[Tensor, "B 5 3"]
    """Unit vectors across each digit's nail."""
    forearm: Float[Tensor, "B 3 3"]
    """Its second axis points from the elbow to the wrist, its third out of the back of the forearm."""


def sample_shapes(count: int, generator: torch.Generator) -> HandShape:
    """Hands from a child's to a large man's, slender or stout (children a little stouter), no two proportions alike."""

    def around(spread: float, *shape: int) -> Tensor:
        return 1 + spread * torch.randn(count, *shape, generator=generator).clamp(-2.2, 2.2)

    small = torch.rand(count, generator=generator) < 0.12
    scale = torch.where(small, around(0.06) * 0.78, around(0.07) * 0.97)
    lengths = around(0.045, 1, 1) * around(0.03, 5, 1) * around(0.03, 5, 3)
    offsets = (around(1.0, 5, 3) - 1) * torch.tensor([[3.5], [1.6], [1.6], [1.6], [1.8]])
    stout = around(0.06) * torch.where(small, 1.04, 1.0)
    flesh = (around(1.0, 10, 4) - 1) * torch.tensor([1.2, 1.2, 0.9, 0.7])
    return HandShape(scale, lengths, around(0.05), around(0.07) * stout, around(0.08) * stout, offsets, flesh)


def articulate(shape: HandShape, pose: Articulation) -> Posed:
    """Forward kinematics: HAND21 joints of right hands in the hand frame."""
    count = len(shape.scale)
    stretch = torch.stack([shape.breadth, torch.ones_like(shape.breadth), torch.ones_like(shape.breadth)], -1)
    knuckles = (torch.tensor(KNUCKLES) + shape.offsets[:, 1:]) * stretch[:, None]
    hollow = torch.tensor([[1.0, 0.0, -1.0], [0.0, 0.0, 0.0], [-1.5, -1.0, -5.0], [-4.0, -2.0, -11.0]])
    knuckles = knuckles + pose.cup[:, None, None] * hollow
    lengths = torch.tensor([THUMB_BONES, *PHALANGES]) * shape.lengths

    flexion, abduction = -pose.fingers[..., [0, 2, 3]], pose.fingers[..., 1]
    bends = axis_rotation("x", flexion)
    first = axis_rotation("z", abduction) @ bends[:, :, 0]
    rotations = torch.cat([first[:, :, None], bends[:, :, 1:]], dim=2)
    frame = torch.eye(3).expand(count, 4, 3, 3)
    fingers, finger_frames = chain(knuckles, frame, rotations=rotations, lengths=lengths[:, 1:])

    base = (torch.tensor(THUMB_BASE) + shape.offsets[:, 0]) * stretch
    thumb, thumb_frames = chain(
        base,
        _thumb_frame().expand(count, 3, 3),
        rotations=_thumb_rotations(pose.thumb),
        lengths=lengths[:, 0],
    )
    wrist = torch.zeros(count, 1, 3)
    joints = torch.cat([wrist, thumb, fingers.flatten(1, 2)], dim=1) * shape.scale[:, None, None]
    nails = torch.cat([thumb_frames[:, None, -1, :, 0], finger_frames[:, :, -1, :, 0]], dim=1)
    forearm = axis_rotation("z", -pose.wrist[:, 1]) @ axis_rotation("x", pose.wrist[:, 0])
    return Posed(joints, nails, forearm)


def _thumb_frame() -> Float[Tensor, "3 3"]:
    along = torch.nn.functional.normalize(torch.tensor(THUMB_AXIS), dim=0)
    nail = torch.tensor(THUMB_NAIL)
    nail = torch.nn.functional.normalize(nail - (nail @ along) * along, dim=0)
    return torch.stack([torch.linalg.cross(along, nail), along, nail], dim=-1)


def _thumb_rotations(angles: Float[Tensor, "B 5"]) -> Float[Tensor, "B 3 3 3"]:
    spread, bend, twist = _thumb_turns(angles)
    mcp, ip = (axis_rotation("x", -angles[:, i]) for i in (3, 4))
    return torch.stack([spread @ bend @ twist, mcp, ip], dim=1)


def _thumb_turns(angles: Float[Tensor, "B 5"]) -> tuple[Tensor, Tensor, Tensor]:
    """The rotations of the thumb's base in their order: abduction, flexion, twist."""
    flexion, abduction, twist = angles[:, :3].unbind(-1)
    return axis_rotation("z", abduction), axis_rotation("x", -flexion), axis_rotation("y", twist)


def angle_slopes(
    pose: Articulation, joints: Float[Tensor, "B 21 3"], forces: Float[Tensor, "B 21 3"]
) -> Float[Tensor, "B 21"]:
    """Slope of a cost along the 16 angles of `fingers` and the 5 of `thumb`, from that along each joint's position.

    An angle about an axis through a joint moves what lies beyond: axis . sum (x - joint) x force.
    """
    digits, pulls = (field[:, 1:].unflatten(1, (5, 4)) for field in (joints, forces))
    turning = torch.linalg.cross(digits[:, :, None, 1:] - digits[:, :, :3, None], pulls[:, :, None, 1:])
    moment = (turning * _BEYOND[..., None]).sum(3)
    abduction = pose.fingers[..., 1]
    axis = torch.stack([abduction.cos(), abduction.sin(), torch.zeros_like(abduction)], dim=-1)
    bends = -(moment[:, 1:] * axis[:, :, None]).sum(-1)
    fingers = torch.stack([bends[..., 0], moment[:, 1:, 0, 2], bends[..., 1], bends[..., 2]], dim=-1)

    frame, turns = _thumb_frame(), _thumb_turns(pose.thumb)
    spread = frame @ turns[0]
    bent = spread @ turns[1]
    across = (bent @ turns[2])[..., 0]
    base, mcp, ip = moment[:, 0].unbind(1)
    thumb = [-spread[..., 0] * base, frame[:, 2] * base, bent[..., 1] * base, -across * mcp, -across * ip]
    return torch.cat([fingers.flatten(1), torch.stack(thumb, dim=1).sum(-1)], dim=1)


_BEYOND = torch.ones(3, 3).triu()
"""Which of a digit's last three joints each of its first three moves."""


def surface(shape: HandShape, posed: Posed) -> tuple[Float[Tensor, "B P 8"], Float[Tensor, "B W 12"]]:
    """Cones (two balls each) and wedges (three balls each) of the hand without its forearm, in the hand frame."""
    fingers = _finger_balls(shape, posed)
    bones = torch.cat([fingers[:, :, :-2], fingers[:, :, 1:-1]], dim=-1).flatten(1, 2)
    palm = _palm_balls(shape, posed)
    thenar = torch.cat([palm[:, 6], fingers[:, 0, 1]], dim=-1)
    ends = torch.cat([fingers[:, :, 2], _tip_balls(fingers[:, :, 3], posed).flatten(-2)], dim=-1)
    cones = torch.cat([bones, thenar[:, None]], dim=1)
    return cones, torch.cat([palm_wedges(shape, posed), ends], dim=1)


def palm_wedges(shape: HandShape, posed: Posed) -> Float[Tensor, "B V 12"]:
    """Those of `surface` that are no finger's: the palm, and the skin between digits."""
    fingers, palm = _finger_balls(shape, posed), _palm_balls(shape, posed)
    webs, knuckles = _web_balls(fingers), fingers[:, 1:, 0]
    wedges = [torch.cat([palm[:, i], palm[:, j], palm[:, k]], dim=-1) for i, j, k in PALM]
    wedges += [torch.cat([knuckles[:, i], knuckles[:, i + 1], webs[:, i]], dim=-1) for i in range(3)]
    wedges += [torch.cat([palm[:, i + 2], palm[:, i + 3], webs[:, i]], dim=-1) for i in range(3)]
    wedges.append(torch.cat([palm[:, 2], webs[:, 3], palm[:, 6]], dim=-1))
    wedges.append(torch.cat([palm[:, 8], webs[:, 3], palm[:, 2]], dim=-1))
    return torch.stack(wedges, dim=1)


def finger_radii(shape: HandShape) -> Float[Tensor, "B 5 4"]:
    """Of every digit at its joints, mm."""
    return torch.tensor([THUMB_RADII, *FINGER_RADII]) * (shape.scale * shape.thickness)[:, None, None]


def _finger_balls(shape: HandShape, posed: Posed) -> Float[Tensor, "B 5 4 4"]:
    """At the joints of every digit."""
    return torch.cat([posed.joints[:, 1:].unflatten(1, (5, 4)), finger_radii(shape)[..., None]], dim=-1)


def _tip_balls(tips: Float[Tensor, "B 5 4"], posed: Posed) -> Float[Tensor, "B 5 2 4"]:
    """Two beside each other for each tip: it is flatter than round, and broader."""
    radius = tips[..., 3:]
    side = torch.cat([posed.nails * TIP_SPREAD * radius, torch.zeros_like(radius)], dim=-1)
    flat = torch.cat([tips[..., :3], radius * TIP_FLATNESS], dim=-1)
    return torch.stack([flat - side, flat + side], dim=2)


def _palm_balls(shape: HandShape, posed: Posed) -> Float[Tensor, "B 10 4"]:
    """0, 1 carpus (thumb, little side), at the back, so that the palm is hollow; 2-5 palm under the knuckles;
    6 thenar; 7 hypothenar; 8 middle of the thenar; 9 the hollow between them.
    """
    joints, back = posed.joints, shape.scale[:, None] * torch.tensor([0.0, 0.0, 1.0])
    size = (shape.scale * shape.palm_thickness)[:, None]
    across = torch.nn.functional.normalize(joints[:, 17] - joints[:, 5], dim=-1)
    side = across * (shape.scale * shape.breadth)[:, None] * WRIST_SPREAD
    up = shape.scale[:, None] * torch.tensor([0.0, 1.0, 0.0])
    carpus = torch.stack([-side, side], dim=1) * 1.15 + (3 * back + 3 * up)[:, None]
    depth = torch.tensor([1.9, 2.1, 1.8, 1.4]) * size
    knuckles = joints[:, [5, 9, 13, 17]] - torch.nn.functional.pad(depth[..., None], (2, 0))
    thenar = joints[:, 1] * 0.85 - back * 3.0
    hypothenar = joints[:, 17] * 0.34 + side * 0.8 - back * 7.0
    middle = joints[:, 2] * 0.62 + joints[:, 9] * 0.12 - back * 3.0
    hollow = joints[:, [9, 13]].mean(1) * 0.46 - back * 5.5
    centers = torch.cat([carpus, knuckles, torch.stack([thenar, hypothenar, middle, hollow], dim=1)], dim=1)
    radii = torch.tensor([14.8, 14.8, 12.2, 12.5, 11.8, 10.8, 14.5, 13.5, 14.8, 12.0]) * size
    return torch.cat([centers, radii[..., None]], dim=-1) + shape.scale[:, None, None] * shape.flesh


def _web_balls(fingers: Float[Tensor, "B 5 4 4"]) -> Float[Tensor, "B 4 4"]:
    """Skin between neighboring fingers (three) and between thumb and index: it spans the gap and thins out."""
    part = fingers[:, 1:, 0] * 0.62 + fingers[:, 1:, 1] * 0.38
    webs = (part[:, :-1] + part[:, 1:]) / 2
    radius = torch.full_like(webs[..., 3:], 0.55) * part[:, :-1, 3:]
    thumb = fingers[:, 0, 1] * 0.50 + fingers[:, 1, 0] * 0.40 + fingers[:, 0, 0] * 0.10
    thumb = torch.cat([thumb[:, :3], thumb[:, 3:] * 0.55], dim=-1)
    return torch.cat([torch.cat([webs[..., :3], radius], dim=-1), thumb[:, None]], dim=1)


def forearm_cones(shape: HandShape, posed: Posed, *, length: Float[Tensor, " B"]) -> Float[Tensor, "B 3 8"]:
    """Forearm of `length` mm from the wrist on: its two sides, and between them what makes one limb of them."""
    scale, breadth = shape.scale, shape.breadth
    along, across = posed.forearm[..., 1], posed.forearm[..., 0]
    side = (scale * breadth * WRIST_SPREAD)[:, None] * across
    lift = (scale * WRIST_LIFT)[:, None] * posed.forearm[..., 2]
    reach = length[:, None] * along
    wrist_radius = (scale * shape.palm_thickness * WRIST_RADIUS * 0.97)[:, None]
    growth = (length / 260).clamp(0, 1)[:, None]
    elbow_radius = wrist_radius * (1 + 0.75 * growth)
    elbow_side = side * (1 + 0.5 * growth)
    cones = [
        torch.cat([lift + sign * side, wrist_radius, lift + sign * elbow_side - reach, elbow_radius], dim=-1)
        for sign in (-1, 1, 0)
    ]
    return torch.stack(cones, dim=1)


def radians(degrees: float | tuple[float, ...]) -> Tensor:
    """Angles as the anatomy books give them."""
    return torch.tensor(degrees) * (math.pi / 180)
