"""What stands around hands: bodies, things, furniture, desks and walls. Camera mm throughout."""

from functools import cache
from random import Random
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from handkit.geometry.kinematics import axis_rotation
from handkit.synthetic import clutter, furniture, machines, people
from handkit.synthetic.arms import hidden
from handkit.synthetic.assemblies import Solids, join, place, reach, shift, stack
from handkit.synthetic.viewpoints import Viewpoint, chance, uniform

VARIANTS = 24
"""Of each kind of thing this many are built, once; scenes turn, scale and combine them."""
FOREARM_BALL = 32
"""Which of a stage's balls is the first arm's elbow."""
SMALL_SLOTS = 4
"""Small things in a scene, at most."""
SMALL: tuple[clutter.Kind, ...] = (
    *(
        clutter.mug,
        clutter.glass,
        clutter.bottle,
        clutter.can,
        clutter.fruit,
        clutter.bananas,
        clutter.phone,
        clutter.boxes,
    ),
    *(clutter.pens, clutter.pencil_cup, clutter.rake, clutter.brush, clutter.scissors, clutter.cable, clutter.plant),
    *(clutter.cloth, clutter.toy, machines.keyboard, machines.mouse, machines.laptop, machines.lamp),
    *(machines.gripper, machines.three_fingers),
)
LARGE: tuple[clutter.Kind, ...] = (
    *(furniture.table, furniture.cabinet, furniture.cabinet, furniture.shelf, furniture.chair, furniture.pillar),
    *(furniture.stand, machines.monitor, machines.robot_arm, machines.gripper, machines.lamp, clutter.plant),
)
PEOPLE: tuple[clutter.Kind, ...] = (*[people.bust] * 5, *people.PARTS)


class Group(NamedTuple):
    """A collection that scenes draw from; `center` is the middle of each thing's bounding box, in its own frame."""

    solids: Solids
    center: Float[Tensor, "N 3"]


class Stage(NamedTuple):
    """What things are arranged around."""

    focus: Float[Tensor, "B 3"]
    """Where the hand is, or would be."""
    balls: Float[Tensor, "B N 4"]
    """Hands and arms, roughly: nothing may touch these. Radius 0: not there."""
    view: Viewpoint


class Around(NamedTuple):
    """The surroundings of B scenes."""

    solids: Solids
    planes: Float[Tensor, "B 3 4"]
    places: Float[Tensor, "B M 3"]
    """The middle of each thing (mm); 0, 0, 0 where it is not there."""


@cache
def group(kinds: tuple[clutter.Kind, ...]) -> Group:
    """`VARIANTS` of each kind, always the same."""
    built = [
        kind(Random(f"{kind.__name__} {number * VARIANTS + i}"))
        for number, kind in enumerate(kinds)
        for i in range(VARIANTS)
    ]
    solids = stack(built)
    axes = torch.eye(3)[:, None].expand(3, len(built), 3)
    center = torch.stack([(reach(solids, axis) - reach(solids, -axis)) / 2 for axis in axes], dim=-1)
    return Group(solids, center)


def surround(stage: Stage, generator: torch.Generator, *, elbow: Float[Tensor, "B 3"] | None) -> Around:
    """Everything that stands around; from the first hand's `elbow`, if given, an upper arm leads to its owner."""
    flats, standing = planes(stage, generator)
    body, body_place = _body(stage, elbow, generator)
    large, large_place = _furniture(stage, generator)
    small, small_places = _small_things(stage, flats[:, 0], standing, generator)
    places = torch.cat([body_place[:, None], large_place[:, None], small_places], dim=1)
    return Around(join([body, large, small.merged()]), flats, places)


def planes(stage: Stage, generator: torch.Generator) -> tuple[Float[Tensor, "B 3 4"], Bool[Tensor, " B"]]:
    """Desk or floor, a wall behind and one beside; and whether the first is a desk, on which things can stand."""
    count, up = len(stage.focus), stage.view.up
    upright = upright_frames(up, 0.5 * torch.randn(count, generator=generator))
    tilt = torch.randn(count, 3, generator=generator) * torch.tensor([0.12, 0.12, 0.0])
    wall = torch.where(chance(generator, count, 0.3)[:, None], tilt - torch.tensor([0.0, 0, 1]), -upright[..., 1])
    side = torch.where(chance(generator, count, 0.5)[:, None], upright[..., 0], -upright[..., 0])
    wobble = torch.randn(count, 3, generator=generator) * 0.05
    normals = torch.nn.functional.normalize(torch.stack([up + wobble, wall, side], dim=1), dim=-1)
    desk = chance(generator, count, torch.tensor([0.55, 0.95, 0.25, 0.35])[stage.view.kind])
    below = torch.where(desk, 2 + 150 * uniform(generator, count) ** 1.7, 350 + 1000 * uniform(generator, count))
    gaps = torch.stack(
        [below, 60 + 2500 * uniform(generator, count) ** 2, 60 + 2200 * uniform(generator, count)], dim=1
    )
    offset = -_extent(stage.balls, -normals) - gaps
    kept = torch.stack([desk | chance(generator, count, 0.5), *(chance(generator, count, p) for p in (0.7, 0.25))], 1)
    kept &= offset < -20  # or the camera would be behind it
    return torch.cat([normals, offset[..., None]], dim=-1) * kept[..., None], desk & kept[:, 0]


def upright_frames(up: Float[Tensor, "B 3"], yaw: Float[Tensor, " B"]) -> Float[Tensor, "B 3 3"]:
    """Frames (x right, y away from the camera, z up) in camera axes, turned about `up` by `yaw`."""
    ahead = torch.tensor([1e-3, -2e-3, 1.0]).expand_as(up)
    y = torch.nn.functional.normalize(ahead - (ahead * up).sum(-1, keepdim=True) * up, dim=-1)
    return torch.stack([torch.linalg.cross(y, up), y, up], dim=-1) @ axis_rotation("z", yaw)


def _extent(balls: Float[Tensor, "B N 4"], directions: Float[Tensor, "B T 3"]) -> Float[Tensor, "B T"]:
    """How far the balls that are there reach along the directions."""
    along = directions @ balls[..., :3].mT + balls[:, None, :, 3]
    return along.where(balls[:, None, :, 3] > 0, -torch.inf).amax(-1)


def _arrange(
    drawn: Solids,
    stage: Stage,
    *,
    rotation: Float[Tensor, "B T 3 3"],
    scale: Float[Tensor, "B T"],
    direction: Float[Tensor, "B T 3"],
    gap: Float[Tensor, "B T"],
    aside: Float[Tensor, "B T 3"],
) -> tuple[Solids, Float[Tensor, "B T 3"]]:
    """Things (their middle in the origin) behind a plane that lies `gap` beyond hands and arms along `direction`.

    Two sets with a plane between them do not touch, and what is beyond it as seen from the camera hides no hand.
    """
    drawn = place(drawn, rotation=rotation, scale=scale, position=torch.zeros_like(direction))
    distance = _extent(stage.balls, direction) + reach(drawn, -direction) + gap
    middle = stage.focus[:, None] + aside
    middle = middle + (distance - (middle * direction).sum(-1))[..., None] * direction
    return shift(drawn, middle), middle


def _draw(kinds: tuple[clutter.Kind, ...], *shape: int, generator: torch.Generator) -> tuple[Solids, Tensor]:
    """Random things of a group, their middles in the origin, and their numbers."""
    here = group(kinds)
    index = torch.randint(0, len(here.center), shape, generator=generator)
    return shift(here.solids.at(index), -here.center[index]), index


def _body(
    stage: Stage, elbow: Float[Tensor, "B 3"] | None, generator: torch.Generator
) -> tuple[Solids, Float[Tensor, "B 3"]]:
    """The hand's owner or somebody else behind or beside it, or a part of a person; and an upper arm."""
    count = len(stage.focus)
    drawn, index = _draw(PEOPLE, count, 1, generator=generator)
    beside = chance(generator, count, 0.25)
    side = torch.where(chance(generator, count, 0.5), 1.0, -1.0)
    ahead = torch.randn(count, 3, generator=generator) * 0.2 + torch.tensor([0.0, 0.0, 1.0])
    sideways = torch.stack([side, torch.zeros(count), 0.5 * uniform(generator, count)], dim=-1)
    direction = torch.nn.functional.normalize(torch.where(beside[:, None], sideways, ahead), dim=-1)
    gap = torch.where(beside, 8 + 90 * uniform(generator, count), 20 + 600 * uniform(generator, count) ** 1.5)
    aside = torch.randn(count, 3, generator=generator) * torch.tensor([170.0, 130.0, 90.0])
    yaw = torch.where(chance(generator, count, 0.12), torch.pi, 0.0) + 0.5 * torch.randn(count, generator=generator)
    rotation = upright_frames(stage.view.up, yaw)[:, None]
    tumbled = rotation @ axis_rotation("x", 0.25 * torch.randn(count, 1, generator=generator))
    scale = 0.85 + 0.25 * uniform(generator, count, 1)
    placed, middle = _arrange(
        drawn,
        stage,
        rotation=tumbled,
        scale=scale,
        direction=direction[:, None],
        gap=gap[:, None],
        aside=aside[:, None],
    )
    likely = torch.tensor([0.12, 0.15, 0.75, 0.35])[stage.view.kind]
    here = chance(generator, count, likely)
    placed = placed.merged().where(here.float())
    owner = here & (index[:, 0] < 5 * VARIANTS)
    if elbow is None:
        return placed, middle[:, 0] * here[:, None]
    cones = torch.cat([placed.cones, _upper_arm(placed.cones, stage, elbow, owner, generator)[:, None]], dim=1)
    return placed._replace(cones=cones), middle[:, 0] * here[:, None]


def _upper_arm(
    cones: Tensor, stage: Stage, elbow: Float[Tensor, "B 3"], owner: Bool[Tensor, " B"], generator: torch.Generator
) -> Float[Tensor, "B 8"]:
    """From the elbow to the nearer shoulder of its owner; without one, mostly out of the image."""
    count = len(elbow)
    shoulders = cones[:, : people.SHOULDERS, :4]
    gaps = (shoulders[..., :3] - elbow[:, None]).norm(dim=-1)
    shoulder = shoulders[torch.arange(count), gaps.argmin(1)]
    away = torch.nn.functional.normalize(elbow - stage.focus, dim=-1)
    away = torch.nn.functional.normalize(away + 0.6 * torch.randn(count, 3, generator=generator), dim=-1)
    away = torch.cat([away[:, :2], away[:, 2:].abs() * torch.where(elbow[:, 2:] > 300, 1.0, -1.0)], dim=-1)
    other = torch.cat([elbow + 290 * away, torch.full((count, 1), 50.0)], dim=-1)
    end = torch.where((owner & (gaps.amin(1) < 900))[:, None], shoulder, other)
    arm = torch.cat([elbow, torch.full((count, 1), 36.0), end], dim=-1)
    along = torch.linspace(0, 1, 9)[:, None]
    balls = torch.lerp(arm[:, None, :4], arm[:, None, 4:], along)
    there = stage.balls[:, FOREARM_BALL, 3] > 0
    keep = there & (owner | chance(generator, count, 0.7)) & (hidden(stage.balls[:, :21, :3], balls) < 0.3)
    return arm * keep[:, None]


def _furniture(stage: Stage, generator: torch.Generator) -> tuple[Solids, Float[Tensor, "B 3"]]:
    """Half of all hands are before, over or beside something large, often near in depth."""
    count = len(stage.focus)
    drawn, _ = _draw(LARGE, count, 1, generator=generator)
    behind = torch.randn(count, 3, generator=generator) * torch.tensor([0.5, 0.3, 0.15]) + torch.tensor([0.0, 0, 1])
    under = -stage.view.up + torch.randn(count, 3, generator=generator) * 0.1
    low = chance(generator, count, 0.25) & (under[:, 2] > 0)
    direction = torch.nn.functional.normalize(torch.where(low[:, None], under, behind), dim=-1)
    gap = 8 + 800 * uniform(generator, count, 1) ** 2
    aside = torch.randn(count, 1, 3, generator=generator) * 220
    rotation = upright_frames(stage.view.up, 0.6 * torch.randn(count, generator=generator))
    placed, middle = _arrange(
        drawn,
        stage,
        rotation=rotation[:, None],
        scale=0.7 + 0.5 * uniform(generator, count, 1),
        direction=direction[:, None],
        gap=gap,
        aside=aside,
    )
    here = chance(generator, count, torch.tensor([0.45, 0.3, 0.45, 0.5])[stage.view.kind])
    return placed.merged().where(here.float()), middle[:, 0] * here[:, None]


def _small_things(
    stage: Stage, desk: Float[Tensor, "B 4"], standing: Bool[Tensor, " B"], generator: torch.Generator
) -> tuple[Solids, Float[Tensor, "B T 3"]]:
    """On the desk, beside, behind, a few in front; more where there is a desk."""
    shape = (len(desk), SMALL_SLOTS)
    drawn, _ = _draw(SMALL, *shape, generator=generator)
    toward = torch.nn.functional.normalize(torch.randn(*shape, 3, generator=generator), dim=-1)
    up = stage.view.up[:, None]
    level = torch.nn.functional.normalize(toward - (toward * up).sum(-1, keepdim=True) * up, dim=-1)
    stands = standing[:, None] & (uniform(generator, *shape) < 0.85)
    direction = torch.where(stands[..., None], level, toward)
    hides = (direction * stage.focus[:, None]).sum(-1) < 0
    turned = hides & (uniform(generator, *shape) < 0.85)
    direction = torch.where(turned[..., None], -direction, direction)

    yaw = uniform(generator, *shape) * 2 * torch.pi
    rotation = upright_frames(up.expand(*shape, 3).flatten(0, 1), yaw.flatten()).unflatten(0, shape)
    tip = torch.where(uniform(generator, *shape) < 0.3, torch.pi / 2, 0.15 * torch.randn(shape, generator=generator))
    tip = torch.where(stands & (tip < 1.5), 0.0, tip)
    free = (uniform(generator, *shape) - 0.5) * 2 * torch.pi
    rotation = rotation @ axis_rotation("x", torch.where(stands, tip, free)) @ axis_rotation("z", yaw)
    placed, middle = _arrange(
        drawn,
        stage,
        rotation=rotation,
        scale=0.8 + 0.45 * uniform(generator, *shape),
        direction=direction,
        gap=3 + 260 * uniform(generator, *shape) ** 1.8,
        aside=torch.randn(*shape, 3, generator=generator) * 90,
    )
    down = -desk[:, None, :3].expand(*shape, 3)
    lift = torch.where(stands, desk[:, 3:] + reach(placed, down), 0.0)[..., None]
    move = -lift * down
    nearest = move[..., 2] - reach(placed, torch.tensor([0.0, 0.0, -1.0]).expand(*shape, 3))
    many = torch.tensor([2.0, 2.6, 1.0, 1.6])[stage.view.kind] + torch.where(standing, 0.8, 0.0)
    here = (uniform(generator, *shape) < (many / SMALL_SLOTS)[:, None]) & (nearest > 110)
    return shift(placed, move).where(here.float()), (middle + move) * here[..., None]
