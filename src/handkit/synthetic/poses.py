"""Plausible articulations and viewpoints of one hand.

Articulations of the families in postures.py: of a few candidates of one family the least colliding is kept, and a few
gradient steps on the joint angles push apart what still runs into something else, and bring pinching tips together.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from handkit.geometry.kinematics import axis_rotation
from handkit.synthetic.hand import Articulation, HandShape, angle_slopes, articulate, radians
from handkit.synthetic.interpenetration import interpenetration
from handkit.synthetic.postures import (
    FINGER_LIMITS,
    NAMES,
    PINCHING,
    THUMB_LIMITS,
    draw,
    sample_families,
    within,
)

TRIES, STEPS = 2, 5
"""Candidates for each hand, and gradient steps for the best of them."""
PINCHED = 14.0
"""Millimeters between the two tip joints of a closed pinch: their pads touch."""
SOFT, GOOD = 1.0, 1.0
"""Millimeters that flesh gives way, which are no collision; square millimeters of cost that need no step."""
_FINGER_EASE, _THUMB_EASE = (1.0, 0.4, 1.0, 0.6), (1.0, 1.0, 0.5, 1.0, 1.0)
"""How readily each angle moves in a gradient step."""


def sample_articulations(shape: HandShape, generator: torch.Generator) -> Articulation:
    """One articulation for every shape; about one in eight is a pinch."""
    count = len(shape.scale)
    # The family is the hand's, not the candidate's: of five candidates a fist would never be the least colliding.
    family = sample_families(count, generator)
    pinching = torch.isin(family, torch.tensor([NAMES.index(name) for name in PINCHING]))
    pinching = pinching & (torch.rand(count, generator=generator) < 0.22)
    pinched = torch.where(pinching, torch.randint(0, 4, (count,), generator=generator), -1)
    many = draw(family.repeat_interleave(TRIES), pinched.repeat_interleave(TRIES), generator)
    wide = HandShape(*(field.repeat_interleave(TRIES, 0) for field in shape))
    cost = (interpenetration(wide, articulate(wide, many).joints).depth - SOFT).clamp(min=0).square().sum(1)
    best = cost.unflatten(0, (-1, TRIES)).argmin(1) + torch.arange(count) * TRIES
    return settle(shape, Articulation(*(field[best] for field in many)), pinched)


def settle(shape: HandShape, pose: Articulation, pinched: Int[Tensor, " B"]) -> Articulation:
    """The same hands with what collides pushed apart, and tips that pinch (finger, or -1) brought together.

    Polyak steps toward a cost of zero, within the joint limits: fists stay fists.
    """
    fingers, thumb = pose.fingers.clone(), pose.thumb.clone()
    rows = torch.arange(len(pinched))
    ease = torch.tensor([*(_FINGER_EASE * 4), *_THUMB_EASE])
    for _ in range(STEPS):
        some, angles = shape[rows], Articulation(fingers[rows], thumb[rows], pose.wrist[rows], pose.cup[rows])
        joints = articulate(some, angles).joints
        cost, forces = _cost(some, joints, pinched[rows])
        slope = angle_slopes(angles, joints, forces)
        steep = (slope.square() * ease).sum(1).clamp(min=1e-3)
        step = 1.5 * (cost / steep)[:, None] * slope * ease
        step = step * (0.5 / step.abs().amax(1, keepdim=True).clamp(min=0.5))
        fingers[rows] = within(angles.fingers - step[:, :16].unflatten(1, (4, 4)), FINGER_LIMITS)
        thumb[rows] = within(angles.thumb - step[:, 16:], THUMB_LIMITS)
        rows = rows[cost > GOOD]
        if len(rows) == 0:
            break
    return pose._replace(fingers=fingers, thumb=thumb)


def _cost(
    shape: HandShape, joints: Float[Tensor, "B 21 3"], pinched: Int[Tensor, " B"]
) -> tuple[Float[Tensor, " B"], Float[Tensor, "B 21 3"]]:
    """Square millimeters of interpenetration and of an open pinch, and their slope along each joint's position."""
    contacts = interpenetration(shape, joints)
    row, tip = torch.arange(len(joints)), 8 + 4 * pinched.clamp(min=0)
    apart = joints[:, 4] - joints[row, tip]
    distance = apart.norm(dim=-1)
    reach = torch.where(pinched >= 0, distance - PINCHED, 0.0)
    forces = contacts.forces(soft=SOFT)
    pull = 2 * (reach / distance.clamp(min=1e-3))[:, None] * apart
    forces[:, 4] += pull
    forces[row, tip] -= pull
    return (contacts.depth - SOFT).clamp(min=0).square().sum(1) + reach.square(), forces


def sample_views(forearm: Float[Tensor, "B 3 3"], generator: torch.Generator) -> Float[Tensor, "B 3 3"]:
    """Rotations from hand to camera: all sides, fingers toward the camera, on edge, and as their owner sees them.

    `forearm` as in `Posed`. Fingers or a forearm that point away from the camera put the arm in front of its own hand:
    moderate in the owner's view, rare elsewhere.
    """
    count, tries = len(forearm), 4
    kind = torch.multinomial(torch.tensor(VIEWS), count, replacement=True, generator=generator).repeat_interleave(tries)
    views = (_around, _toward, _edge_on, _own)
    drawn = torch.stack([view(len(kind), generator) for view in views], dim=1)
    rotation = drawn[torch.arange(len(kind)), kind]
    along = (rotation[:, 2] * forearm[..., 1].repeat_interleave(tries, 0)).sum(-1)
    away = torch.maximum(rotation[:, 2, 1], along)
    accepted = (away < torch.where(kind == 3, 0.75, 0.55)) | (torch.rand(len(kind), generator=generator) < 0.06)
    first = accepted.unflatten(0, (count, tries)).float().argmax(1)
    return rotation[torch.arange(count) * tries + first]


VIEWS = (0.60, 0.11, 0.13, 0.16)
"""Shares of `_around`, `_toward`, `_edge_on`, `_own`."""


def _around(count: int, generator: torch.Generator) -> Float[Tensor, "B 3 3"]:
    """Palm and back alike, any roll, tilted up to about 88 degrees."""
    tilt_near = (torch.randn(count, generator=generator) * 28).abs()
    tilt_any = torch.rand(count, generator=generator) * 88
    tilt = torch.where(torch.rand(count, generator=generator) < 0.5, tilt_near, tilt_any).clamp(max=88)
    azimuth, roll = (torch.rand(2, count, generator=generator) * 2 * torch.pi).unbind()
    turn = axis_rotation("z", azimuth) @ axis_rotation("x", radians(1.0) * tilt) @ axis_rotation("z", -azimuth)
    return axis_rotation("z", roll) @ turn @ _flip(torch.rand(count, generator=generator) < 0.5)


def _toward(count: int, generator: torch.Generator) -> Float[Tensor, "B 3 3"]:
    """Fingers toward the camera, up to about 40 degrees off its axis."""
    tilt = radians(1.0) * (15 * torch.randn(2, count, generator=generator)).clamp(-40, 40)
    spin, roll = (torch.rand(2, count, generator=generator) * 2 * torch.pi).unbind()
    ahead = axis_rotation("x", torch.full((count,), -torch.pi / 2))
    return axis_rotation("z", roll) @ axis_rotation("x", tilt[0]) @ ahead @ axis_rotation("y", spin)


def _edge_on(count: int, generator: torch.Generator) -> Float[Tensor, "B 3 3"]:
    """The thumb's or the little finger's side, fingers across the line of sight."""
    side = torch.where(torch.rand(count, generator=generator) < 0.5, 90.0, -90.0)
    spin = radians(1.0) * (side + 14 * torch.randn(count, generator=generator))
    tilt = radians(20.0) * torch.randn(count, generator=generator)
    roll = torch.rand(count, generator=generator) * 2 * torch.pi
    return axis_rotation("z", roll) @ axis_rotation("x", tilt) @ axis_rotation("y", spin)


def _own(count: int, generator: torch.Generator) -> Float[Tensor, "B 3 3"]:
    """As its owner sees it: the forearm comes from below, fingers up and away, mostly the back."""
    up = axis_rotation("z", torch.pi + radians(28.0) * torch.randn(count, generator=generator))
    tilt = radians(1.0) * (70 * torch.rand(count, generator=generator) - 20)
    back = torch.rand(count, generator=generator) < 0.65
    spin = radians(32.0) * torch.randn(count, generator=generator)
    return up @ axis_rotation("x", tilt) @ axis_rotation("y", spin) @ _flip(back)


def _flip(back: Bool[Tensor, " B"]) -> Float[Tensor, "B 3 3"]:
    """The back of the hand (z) toward the camera, or the palm."""
    return axis_rotation("y", torch.where(back, torch.pi, 0.0))
