"""Hands with their forearms in a scene: placed, dressed, and a second one brought near until it touches."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from handkit.synthetic.assemblies import Solids, place, shift
from handkit.synthetic.hand import Articulation, HandShape, Posed, articulate, forearm_cones, sample_shapes, surface
from handkit.synthetic.viewpoints import (
    chance,
    uniform,
)

FOREARM = 3
"""The last cones of an arm are its forearm's: two sides, then their middle."""


class Arm(NamedTuple):
    """A posed hand and its forearm, and where they are: `camera = rotation @ hand + position`."""

    shape: HandShape
    posed: Posed
    rotation: Float[Tensor, "B 3 3"]
    position: Float[Tensor, "B 3"]
    length: Float[Tensor, " B"]
    held: Solids
    """What is in the hand, in the hand frame."""

    def place(self) -> "Placed":
        """Into camera mm."""
        cones, wedges = surface(self.shape, self.posed)
        cones = torch.cat([cones, forearm_cones(self.shape, self.posed, length=self.length)], dim=1)
        cones, wedges = (_move(balls, self.rotation, self.position) for balls in (cones, wedges))
        joints = self.posed.joints @ self.rotation.mT + self.position[:, None]
        held = place(self.held, rotation=self.rotation, scale=torch.ones_like(self.length), position=self.position)
        return Placed(cones, wedges, joints, held)


class Placed(NamedTuple):
    """A hand and its arm in camera mm."""

    cones: Float[Tensor, "B P 8"]
    """The hand's, then its forearm's `FOREARM`."""
    wedges: Float[Tensor, "B W 12"]
    joints: Float[Tensor, "B 21 3"]
    held: Solids

    def elbow(self) -> Float[Tensor, "B 3"]:
        """The middle of the forearm's far end."""
        return self.cones[:, -1, 4:7]

    def balls(self) -> Float[Tensor, "B 33 4"]:
        """Joints, middles of the palm and of the first finger bones, three places on the forearm: with their flesh."""
        palm = torch.lerp(self.joints[:, :1], self.joints[:, [5, 9, 13, 17]], 0.55)
        bones = (self.joints[:, [2, 5, 9, 13, 17]] + self.joints[:, [3, 6, 10, 14, 18]]) / 2
        hand = torch.nn.functional.pad(torch.cat([self.joints, palm, bones], dim=1), (0, 1), value=12.5)
        middle, radius = self.cones[:, -1], self.cones[:, -1, 7:] + 6
        ends = [torch.lerp(middle[:, :3], middle[:, 4:7], part) for part in (0.25, 0.6, 1.0)]
        return torch.cat([hand, *(torch.cat([end, radius], -1)[:, None] for end in ends)], dim=1)

    def grips(self) -> Bool[Tensor, " B"]:
        """Whether there is something in the hand."""
        return torch.stack([(part != 0).flatten(1).any(1) for part in self.held]).any(0)

    def at(self, index: Tensor | slice) -> "Placed":
        """Those rows."""
        held = Solids(*(part[index] for part in self.held))
        return Placed(self.cones[index], self.wedges[index], self.joints[index], held)

    def moved(self, offset: Float[Tensor, "B 3"]) -> "Placed":
        """The same, elsewhere."""
        step = torch.nn.functional.pad(offset, (0, 1))[:, None]
        cones, wedges = self.cones + step.repeat(1, 1, 2), self.wedges + step.repeat(1, 1, 3)
        return Placed(cones, wedges, self.joints + offset[:, None], shift(self.held, offset))

    def mirrored(self, left: Bool[Tensor, " B"]) -> "Placed":
        """Left hands where `left`: x changes its sign."""
        flip = torch.where(left, -1.0, 1.0)[:, None, None]
        ball = torch.cat([flip, torch.ones(len(left), 1, 3)], dim=-1)
        cones, wedges = self.cones * ball.repeat(1, 1, 2), self.wedges * ball.repeat(1, 1, 3)
        turn = torch.diag_embed(ball[:, 0, :3])
        held = place(self.held, rotation=turn, scale=torch.ones(len(left)), position=torch.zeros(len(left), 3))
        return Placed(cones, wedges, self.joints * ball[..., :3], held)


def hand_parts() -> tuple[int, int]:
    """Numbers of cones and of wedges of one hand without its arm."""
    shape = sample_shapes(1, torch.Generator())
    flat = Articulation(torch.zeros(1, 4, 4), torch.zeros(1, 5), torch.zeros(1, 2), torch.zeros(1))
    cones, wedges = surface(shape, articulate(shape, flat))
    return cones.shape[1], wedges.shape[1]


def forearm_lengths(count: int, generator: torch.Generator) -> Float[Tensor, " B"]:
    """Most forearms are whole, the others end somewhere (mm)."""
    whole = 225 + 40 * uniform(generator, count)
    return torch.where(chance(generator, count, 0.65), whole, 40 + 200 * uniform(generator, count) ** 0.7)


def dress(arm: Placed, generator: torch.Generator) -> Float[Tensor, "B 6 8"]:
    """Cones of a sleeve, down to the wrist or rolled up to anywhere, and of a watch, a bracelet, a cuff."""
    count = len(arm.cones)
    start, end = arm.cones[:, -FOREARM:].unflatten(-1, (2, 4)).unbind(-2)

    def around(first: Tensor, last: Tensor, thick: Tensor, worn: Tensor) -> Tensor:
        here, there = (torch.lerp(start, end, part[:, None, None]) for part in (first, last))
        extra = torch.nn.functional.pad(thick[:, None, None], (3, 0))
        return torch.cat([here + extra, there + extra], dim=-1) * worn[:, None, None]

    none = torch.ones(count)
    cuff = torch.where(chance(generator, count, 0.5), 0.08 * uniform(generator, count), 0.9 * uniform(generator, count))
    sleeve = around(cuff, none, 2 + 16 * uniform(generator, count), chance(generator, count, 0.42))
    place = 0.06 + 0.16 * uniform(generator, count)
    band = place + 0.02 + 0.1 * uniform(generator, count) ** 2
    watch = around(place, band, 1.5 + 6 * uniform(generator, count) ** 2, chance(generator, count, 0.2))
    return torch.cat([sleeve, watch], dim=1)


def beside(first: Placed, other: Placed, generator: torch.Generator) -> Float[Tensor, "B 3"]:
    """How to move the `other` arms (around the origin) so that they come as near to the first as they shall.

    From far away along a random line toward the middle of the first hand, until the gap is 6 to 60 mm, or they touch,
    or the flesh gives by at most 8 mm, or at some distance; with something in either hand always at some distance.
    """
    count = len(first.joints)
    line = torch.randn(count, 3, generator=generator) * torch.tensor([1.2, 0.9, 0.8])
    line = torch.nn.functional.normalize(line, dim=-1)
    near = -8 + 13 * uniform(generator, count)
    beside = 6 + 54 * uniform(generator, count)
    apart = 60 + 330 * uniform(generator, count)
    kind = torch.where(first.grips() | other.grips(), 1.0, uniform(generator, count))
    gap = torch.where(kind < 0.38, near, torch.where(kind < 0.62, beside, apart))
    start = first.joints.mean(1) - other.joints.mean(1)
    aside = 35 * torch.randn(count, 3, generator=generator)
    start = start + aside - (aside * line).sum(-1, keepdim=True) * line
    one, two = first.balls(), other.balls()
    between = one[:, :, None, :3] - (two[:, None, :, :3] + start[:, None, None])
    along = (between * line[:, None, None]).sum(-1)
    across = between.square().sum(-1) - along.square()
    radii = one[:, :, None, 3] + two[:, None, :, 3]
    touch = (radii + gap[:, None, None].clamp(max=0)).clamp(min=0).square() - across
    first_contact = (along + touch.clamp(min=0).sqrt()).where(touch >= 0, -torch.inf).flatten(1).amax(1)
    # Lines that miss everything pass at their nearest.
    distance = first_contact.clamp(min=0) + gap.clamp(min=0)
    return start + distance[:, None] * line


def hidden(joints: Float[Tensor, "B J 3"], balls: Float[Tensor, "B N 4"]) -> Float[Tensor, " B"]:
    """The share of the joints before which the camera sees one of the balls."""
    ray = torch.nn.functional.normalize(joints, dim=-1)
    along = ray @ balls[..., :3].mT
    across = balls[..., :3].square().sum(-1)[:, None] - along.square()
    before = (across < balls[:, None, :, 3].square()) & (along > 0) & (along < joints.norm(dim=-1)[..., None])
    return before.any(-1).float().mean(-1)


def arms_only(cones: Float[Tensor, "B P 8"], wedges: Float[Tensor, "B W 12"]) -> Solids:
    """Without any of the other solids."""
    none = cones.new_zeros(len(cones), 0, 12)
    return Solids(cones, wedges, none, none[..., :9], none)


def _move(balls: Float[Tensor, "B N K"], rotation: Tensor, position: Tensor) -> Float[Tensor, "B N K"]:
    """Balls (x, y, z, r, ...) from the hand frame to the camera's."""
    split = balls.unflatten(-1, (-1, 4))
    center = torch.einsum("bij,bnkj->bnki", rotation, split[..., :3]) + position[:, None, None]
    return torch.cat([center, split[..., 3:]], dim=-1).flatten(-2)
