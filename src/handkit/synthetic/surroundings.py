"""What stands around a hand: its owner's body, another hand, clutter, walls and desks. Camera mm throughout."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def uniform(generator: torch.Generator, *shape: int) -> Tensor:
    """U(0, 1)."""
    return torch.rand(*shape, generator=generator)


def chance(generator: torch.Generator, count: int, probability: float) -> Bool[Tensor, " B"]:
    """True with `probability`."""
    return torch.rand(count, generator=generator) < probability


def body(
    joints: Float[Tensor, "B N 3"],
    elbow: Float[Tensor, "B 3"],
    generator: torch.Generator,
    *,
    probability: float = 0.5,
) -> Float[Tensor, "B 4 8"]:
    """Two sides of the chest, head and upper arm of the hand's owner, 120 to 700 mm behind it."""
    count = len(joints)
    back = joints[..., 2].amax(1) + 120 + 580 * uniform(generator, count)
    side = joints.mean(1)[:, :2] + torch.randn(count, 2, generator=generator) * torch.tensor([160.0, 110.0])
    back = torch.maximum(back, elbow[:, 2] + 60)
    size = 0.8 + 0.4 * uniform(generator, count)

    def ball(dx: float, dy: float, dz: float, radius: float) -> Tensor:
        center = torch.cat([side, back[:, None]], -1) + torch.tensor([dx, dy, dz]) * size[:, None]
        return torch.cat([center, radius * size[:, None]], dim=-1)

    left, right, hip, head = (
        ball(-150, 0, 60, 65),
        ball(150, 0, 60, 65),
        ball(0, 420, 90, 130),
        ball(0, -190, 40, 85),
    )
    chin = ball(0, -110, 45, 60)
    arm_end = torch.where((elbow[:, :1] > side[:, :1]), right, left)
    arm = torch.cat([elbow, 42 * size[:, None], arm_end[:, :3], arm_end[:, 3:] * 0.85], dim=-1)
    cones = [torch.cat(pair, dim=-1) for pair in ((left, hip), (right, hip), (head, chin))]
    present = chance(generator, count, probability)[:, None, None]
    return torch.stack([*cones, arm], dim=1) * present


def clutter(joints: Float[Tensor, "B N 3"], generator: torch.Generator) -> Float[Tensor, "B 6 8"]:
    """Bars and balls beside and behind the hand, few in front; none touches a joint."""
    count, things = len(joints), 6
    spread = torch.tensor([150.0, 150.0, 90.0])
    middle = joints.mean(1, keepdim=True) + torch.randn(count, things, 3, generator=generator) * spread
    front = chance(generator, count, 0.15)[:, None] & (torch.arange(things) == 0)
    forward = torch.where(front, -1.0, 1.0) * (middle[..., 2] - joints.mean(1, keepdim=True)[..., 2]).abs()
    middle = torch.cat([middle[..., :2], joints.mean(1)[:, None, 2:] + forward[..., None]], dim=-1)
    along = torch.nn.functional.normalize(torch.randn(count, things, 3, generator=generator), dim=-1)
    half = along * (10 + 90 * uniform(generator, count, things, 1))
    ends = torch.stack([middle - half, middle + half], dim=2)
    radius = 4 + 36 * uniform(generator, count, things, 1) ** 2
    samples = torch.cat([ends, middle[:, :, None], (ends + middle[:, :, None]) / 2], dim=2).flatten(1, 2)
    gap = torch.cdist(samples, joints).amin(-1).unflatten(1, (things, -1)).amin(-1)
    clear = gap > radius[..., 0] + 16
    many = torch.randint(0, things + 1, (count, 1), generator=generator) * chance(generator, count, 0.5)[:, None]
    present = (clear & (torch.arange(things) < many))[..., None]
    return torch.cat([ends[:, :, 0], radius, ends[:, :, 1], radius], dim=-1) * present


def second_hand(
    cones: Tensor,
    wedges: Tensor,
    joints: Float[Tensor, "B N 3"],
    generator: torch.Generator,
    *,
    probability: float,
) -> tuple[Tensor, Tensor]:
    """Now and then another person's hand (the next row's, half of them mirrored) in the neighborhood."""
    count = len(joints)
    offset = torch.nn.functional.normalize(torch.randn(count, 3, generator=generator), dim=-1)
    offset = offset * (190 + 110 * uniform(generator, count, 1))
    mirror = torch.where(chance(generator, count, 0.5), -1.0, 1.0)
    origin = joints.roll(1, 0).mean(1)
    present = chance(generator, count, probability if count > 1 else 0.0)

    def move(balls: Tensor) -> Tensor:
        split = balls.roll(1, 0).unflatten(-1, (-1, 4))
        center = split[..., :3] - origin[:, None, None]
        center = center * torch.stack([mirror, torch.ones(count), torch.ones(count)], -1)[:, None, None]
        center = center + (joints.mean(1) + offset)[:, None, None]
        return torch.cat([center, split[..., 3:]], dim=-1).flatten(-2) * present[:, None, None]

    return move(cones), move(wedges)


def planes(
    joints: Float[Tensor, "B N 3"], elbow: Float[Tensor, "B 3"], generator: torch.Generator
) -> Float[Tensor, "B 2 4"]:
    """A wall behind everything and a surface (desk, other wall) that the hand hovers over."""
    count = len(joints)
    points = torch.cat([joints, elbow[:, None]], dim=1)
    tilt = torch.randn(count, 2, generator=generator) * torch.tensor([[0.12, 0.12]])
    wall = torch.nn.functional.normalize(torch.cat([tilt, torch.full((count, 1), -1.0)], -1), dim=-1)
    slope = torch.randn(count, 2, generator=generator) * torch.tensor([[0.5, 0.9]])
    desk = torch.nn.functional.normalize(torch.cat([slope, torch.full((count, 1), -0.8)], -1), dim=-1)
    gaps = [60 + 2500 * uniform(generator, count) ** 2, 22 + 140 * uniform(generator, count) ** 1.5]
    kept = [chance(generator, count, 0.7), chance(generator, count, 0.3)]
    rows: list[Tensor] = []
    for normal, gap, keep in zip((wall, desk), gaps, kept, strict=True):
        offset = (points @ normal[..., None])[..., 0].amin(1) - gap
        rows.append(torch.cat([normal, offset[:, None]], dim=-1) * keep[:, None])
    return torch.stack(rows, dim=1)
