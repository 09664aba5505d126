"""Hands that hold something: a thing is put where a grasp takes it, and the fingers close until they touch.

Everything happens in the hand frame of hand.py, right hands, mm. Fingers are rows of spheres along their bones, the
palm is the balls of its surface, and the thing is known by its signed distance. First whole fingers close, then
those that touched with their first bone go on with the outer joints, then the thumb, which touches fingers as well.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from handkit.geometry.kinematics import axis_rotation
from handkit.synthetic.distances import Parts, signed_distance
from handkit.synthetic.grasps import FREE, GRASP_NAMES, PINCHED, RELAXED, Tables, tables
from handkit.synthetic.hand import (
    Articulation,
    HandShape,
    articulate,
    finger_radii,
    palm_wedges,
    radians,
)
from handkit.synthetic.poses import sample_articulations
from handkit.synthetic.postures import FINGER_LIMITS, SPREAD, THUMB_LIMITS, within
from handkit.synthetic.things import NAMES, build

DENT = 0.4
"""Millimeters by which skin that touches gives way."""
DEEPEST = 2.0
"""Millimeters; a thing that goes deeper into its hand is taken away."""
SAMPLES = ((0.25, 0.5, 0.75, 1.0), (0.35, 0.7, 1.0), (0.5, 1.0))
"""Where on the three bones of a digit its spheres are."""
STAGES = (((1, 1, 1, 1), 0, 12), ((0, 0, 1, 1), 4, 8), ((0, 0, 0, 1), 7, 5))
"""Of closing fingers: the angles that move, the first sphere that counts, and steps."""
THUMB_STAGES = (((1, 1, 1, 1, 1), 0, 12), ((0, 0, 0, 1, 1), 4, 8))


class Held(NamedTuple):
    """Hands and what they hold, in the hand frame (mm), to be placed by the hand's own rigid motion."""

    pose: Articulation
    parts: Parts
    """All padding where nothing is held (the hand would have been cut)."""
    grasp: Int[Tensor, " B"]
    """Row of `grasps.GRASPS`."""
    kind: Int[Tensor, " B"]
    """Place in `things.NAMES`."""
    present: Bool[Tensor, " B"]


class _Digits(NamedTuple):
    """Angles of thumb and fingers that change while a hand closes."""

    thumb: Float[Tensor, "B 5"]
    fingers: Float[Tensor, "B 4 4"]


def hold(shape: HandShape, generator: torch.Generator) -> Held:
    """A grasp, a thing and the articulation that holds it, for every shape.

    What is cut by its thing is drawn once more, the same grasp of another thing.
    """
    grasp = torch.multinomial(tables().share, len(shape.scale), replacement=True, generator=generator)
    held = _hold(shape, grasp, generator)
    again = (~held.present).nonzero()[:, 0]
    if not len(again):
        return held
    other = _hold(shape[again], grasp[again], generator)
    pose = Articulation(*_put(held.pose, again, other.pose))
    kind, present = _put((held.kind, held.present), again, (other.kind, other.present))
    return Held(pose, Parts(*_put(held.parts, again, other.parts)), grasp, kind, present)


def _put(fields: tuple[Tensor, ...], rows: Int[Tensor, " N"], others: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Every field with those of its rows replaced."""
    return tuple(field.index_copy(0, rows, other) for field, other in zip(fields, others, strict=True))


def _hold(shape: HandShape, grasp: Int[Tensor, " B"], generator: torch.Generator) -> Held:
    """One try at each grasp."""
    table = tables()
    kind = torch.multinomial(table.kinds[grasp], 1, generator=generator)[:, 0]
    low, high = table.half[grasp].unbind(-1)
    half = (low + (high - low) * torch.rand(len(grasp), generator=generator) ** 1.2) * shape.scale
    parts = build(kind, half, generator)
    start, end = _ways(table, grasp, generator)
    pose = _relaxed(start, generator)
    way = table.way[grasp]
    parts = _place(shape, pose, (start, end), parts, chosen=_Chosen(grasp, kind, half, way), generator=generator)
    pose = _close(shape, pose, end, parts)
    free = (way == FREE).nonzero()[:, 0]
    if len(free):
        drawn = sample_articulations(shape[free], generator)
        pose = Articulation(*_put(pose, free, drawn))
        near = _approach(shape[free], drawn, Parts(*(part[free] for part in parts)), generator)
        parts = Parts(*_put(parts, free, near))
    present = depth_of(shape, pose, parts) <= DEEPEST
    parts = Parts(*(part * present[:, None, None] for part in parts))
    return Held(pose, parts, grasp, kind, present)


class _Chosen(NamedTuple):
    grasp: Int[Tensor, " B"]
    kind: Int[Tensor, " B"]
    half: Float[Tensor, " B"]
    way: Int[Tensor, " B"]


def _ways(table: Tables, grasp: Int[Tensor, " B"], generator: torch.Generator) -> tuple[_Digits, _Digits]:
    """Open and closed hands, disturbed."""
    count = len(grasp)
    taking = torch.arange(4) < table.fingers[grasp, None]
    relaxed = radians(RELAXED[0]), radians(RELAXED[1])
    bend = torch.rand(count, 1, 1, generator=generator) + 0.2 * torch.rand(count, 4, 1, generator=generator)
    idle = torch.lerp(relaxed[0].expand(count, 4, 4), relaxed[1].expand(count, 4, 4), bend.clamp(max=1))
    apart = radians(SPREAD[0]) * table.spread[grasp, None] * (0.6 + 0.8 * torch.rand(count, 1, generator=generator))
    apart = apart + radians(2.0) * torch.randn(count, 4, generator=generator)
    ends: list[_Digits] = []
    for side, angles in enumerate((table.opened, table.closed)):
        mcp, pip, dip = angles[grasp].unbind(-1)
        fingers = torch.stack([mcp, 0 * mcp, pip, dip], dim=-1)[:, None].expand(-1, 4, -1)
        fingers = torch.where(taking[..., None], fingers, idle if side else 0.6 * idle)
        fingers = fingers + radians(4.0) * torch.randn(count, 4, 4, generator=generator)
        fingers = torch.cat([fingers[..., :1], apart[..., None], fingers[..., 2:]], dim=-1)
        thumb = table.thumb[grasp, side] + radians(4.0) * torch.randn(count, 5, generator=generator)
        ends.append(_Digits(within(thumb, THUMB_LIMITS), within(fingers, FINGER_LIMITS)))
    return ends[0], ends[1]


def _relaxed(start: _Digits, generator: torch.Generator) -> Articulation:
    """An open hand on any wrist."""
    count = len(start.thumb)
    wrist = radians(1.0) * torch.randn(count, 2, generator=generator) * torch.tensor([22.0, 10.0])
    wrist = wrist.clamp(radians(-30.0), radians(30.0)) - torch.tensor([0.15, 0.0])
    return Articulation(start.fingers, start.thumb, wrist, 0.5 * torch.rand(count, generator=generator))


def _spheres(radii: Float[Tensor, "B 5 4"], joints: Float[Tensor, "B *K 21 3"]) -> Float[Tensor, "B *K 5 9 4"]:
    """Spheres along the bones of each digit, from its base on."""
    digits = joints[..., 1:, :].unflatten(-2, (5, 4))
    wide = radii.view(len(radii), *[1] * (digits.ndim - 4), 5, 4, 1).expand(*digits.shape[:-1], 1)
    balls = torch.cat([digits, wide], dim=-1)
    rows = [
        torch.lerp(balls[..., bone, :], balls[..., bone + 1, :], fraction)
        for bone, fractions in enumerate(SAMPLES)
        for fraction in fractions
    ]
    return torch.stack(rows, dim=-2)


def _palm(shape: HandShape, pose: Articulation) -> Float[Tensor, "B N 4"]:
    """Balls of the palm: those of its wedges, and one amid each three."""
    balls = palm_wedges(shape, articulate(shape, pose)).unflatten(-1, (3, 4))
    return torch.cat([balls.flatten(1, 2), balls.mean(2)], dim=1)


def _gaps(parts: Parts, balls: Float[Tensor, "B *N 4"]) -> Float[Tensor, "B *N"]:
    """Distance from each ball's surface to the thing; negative where it is inside."""
    flat = balls.flatten(1, -2)
    return (signed_distance(parts, flat[..., :3]) - flat[..., 3]).view(balls.shape[:-1])


def depth_of(shape: HandShape, pose: Articulation, parts: Parts) -> Float[Tensor, " B"]:
    """How deep (mm) the thing is in fingers or palm; negative: the gap between them."""
    digits = _spheres(finger_radii(shape), articulate(shape, pose).joints).flatten(1, 2)
    return -_gaps(parts, torch.cat([digits, _palm(shape, pose)], dim=1)).amin(1)


# Closing.


def _path(
    shape: HandShape, pose: Articulation, start: _Digits, end: _Digits, *, steps: int
) -> Float[Tensor, "B K 21 3"]:
    """Joints at equal steps from start to end."""
    count = len(shape.scale)
    part = torch.linspace(0, 1, steps)
    many = HandShape(*(field.repeat_interleave(steps, 0) for field in shape))
    fingers = torch.lerp(start.fingers[:, None], end.fingers[:, None], part[:, None, None])
    thumb = torch.lerp(start.thumb[:, None], end.thumb[:, None], part[:, None])
    poses = Articulation(
        fingers.flatten(0, 1),
        thumb.flatten(0, 1),
        pose.wrist.repeat_interleave(steps, 0),
        pose.cup.repeat_interleave(steps, 0),
    )
    return articulate(many, poses).joints.unflatten(0, (count, steps))


def _contact(gaps: Float[Tensor, "B K D"]) -> Float[Tensor, "B D"]:
    """Where from 0 to 1 on the path each digit first touches: 1 if never."""
    steps = gaps.shape[1]
    touching = gaps < -DENT
    first = touching.int().argmax(1, keepdim=True)
    before = (first - 1).clamp(min=0)
    outer, inner = gaps.gather(1, before), gaps.gather(1, first)
    part = ((outer + DENT) / (outer - inner).clamp(min=1e-6)).clamp(0, 1) * (first > 0)
    return torch.where(touching.any(1), (before + part)[:, 0] / (steps - 1), 1.0)


def _close(shape: HandShape, pose: Articulation, end: _Digits, parts: Parts) -> Articulation:
    """Fingers until they touch, joint after joint; then the thumb, against the thing and the fingers."""
    radii = finger_radii(shape)
    for moving, sphere, steps in STAGES:
        start = _Digits(pose.thumb, pose.fingers)
        goal = _Digits(pose.thumb, torch.where(torch.tensor(moving).bool(), end.fingers, pose.fingers))
        balls = _spheres(radii, _path(shape, pose, start, goal, steps=steps))[:, :, 1:, sphere:]
        part = _contact(_gaps(parts, balls).amin(-1))
        pose = pose._replace(fingers=torch.lerp(start.fingers, goal.fingers, part[..., None]))
    joints = articulate(shape, pose).joints[:, 5:].unflatten(1, (4, 4))
    digits = torch.cat([joints, radii[:, 1:, :, None]], dim=-1)
    bones = torch.cat([digits[:, :, :-1], digits[:, :, 1:]], dim=-1).flatten(1, 2)
    all_of_it = parts._replace(cones=torch.cat([parts.cones, bones], dim=1))
    for moving, sphere, steps in THUMB_STAGES:
        start = _Digits(pose.thumb, pose.fingers)
        goal = start._replace(thumb=torch.where(torch.tensor(moving).bool(), end.thumb, pose.thumb))
        balls = _spheres(radii, _path(shape, pose, start, goal, steps=steps))[:, :, :1, sphere:]
        gaps = _gaps(all_of_it, balls[..., 2:, :] if sphere == 0 else balls).amin(-1)
        pose = pose._replace(thumb=torch.lerp(start.thumb, goal.thumb, _contact(gaps)))
    return pose


# Placing.


def _frames(x: Float[Tensor, "B 3"], y: Float[Tensor, "B 3"]) -> Float[Tensor, "B 3 3"]:
    """Rotations whose first column is x, and whose second is y as far as it can be."""
    x = torch.nn.functional.normalize(x, dim=-1)
    y = torch.nn.functional.normalize(y - (y * x).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=-1)


def _is(kind: Int[Tensor, " B"], *names: str) -> Bool[Tensor, " B"]:
    return torch.isin(kind, torch.tensor([NAMES.index(name) for name in names]))


def _place(
    shape: HandShape,
    pose: Articulation,
    ways: tuple[_Digits, _Digits],
    parts: Parts,
    *,
    chosen: _Chosen,
    generator: torch.Generator,
) -> Parts:
    """The thing in the hand frame: pressed against palm and open fingers, or where the pads will meet it."""
    turn, center = _pressed(chosen, generator)
    turn = turn.clone()
    center = center * shape.scale[:, None] - torch.tensor([0.0, 0.0, 260.0])
    joints = _path(shape, pose, *ways, steps=12)
    pinch_turn, pinch_center = _pinched(shape, joints, parts, chosen, generator)
    pinched = chosen.way == PINCHED
    turn = torch.where(pinched[:, None, None], pinch_turn, turn)
    center = torch.where(pinched[:, None], pinch_center, center)
    parts = parts.moved(turn, center)
    fingers = _spheres(finger_radii(shape), joints[:, 0])[:, 1:].flatten(1, 2)
    fingers = torch.cat([fingers[..., :3], torch.where(pinched[:, None, None], -1e3, fingers[..., 3:])], dim=-1)
    balls = torch.cat([_palm(shape, pose), fingers], dim=1)
    away = torch.nn.functional.normalize(pinch_center - _middle(shape), dim=-1)
    toward = torch.where(pinched[:, None], -away, torch.tensor([0.0, 0.0, 1.0]))
    return _advance(parts, balls, toward, pinched)


def _middle(shape: HandShape) -> Float[Tensor, "B 3"]:
    """Of the palm."""
    return shape.scale[:, None] * torch.tensor([0.0, 52.0, 0.0])


def _advance(parts: Parts, balls: Tensor, toward: Float[Tensor, "B 3"], only_back: Bool[Tensor, " B"]) -> Parts:
    """Move the thing on until it touches a ball; or, `only_back`, away from those that it touches."""
    shift = torch.zeros_like(toward)
    for _ in range(9):
        moved = torch.cat([balls[..., :3] - shift[:, None], balls[..., 3:]], dim=-1)
        step = _gaps(parts, moved).amin(1).clamp(max=200)
        shift = shift + toward * torch.where(only_back, step.clamp(max=0), step)[:, None]
    return parts.moved(torch.eye(3).expand(len(shift), 3, 3), shift)


def _pressed(chosen: _Chosen, generator: torch.Generator) -> tuple[Float[Tensor, "B 3 3"], Float[Tensor, "B 3"]]:
    """Orientation of what is pressed against the hand, and its center in x and y for an average hand."""
    count = len(chosen.grasp)
    noise = torch.randn(count, 3, generator=generator)
    spin = torch.randn(count, 3, generator=generator)
    sign = torch.where(torch.rand(count, 1, generator=generator) < 0.5, 1.0, -1.0)
    slant = radians(1.0) * (18 + 12 * noise[:, 0])
    across = torch.stack([slant.cos(), -slant.sin(), 0.12 * noise[:, 1]], dim=-1) * sign
    wrap = _frames(torch.linalg.cross(across, spin), across)
    level = torch.stack([torch.ones(count), 0.1 * noise[:, 0], 0.08 * noise[:, 1]], dim=-1) * sign
    outward = torch.tensor([0.0, 0.8, -0.6]) + 0.1 * spin
    hook = _frames(torch.linalg.cross(level, outward), level)
    down = torch.tensor([0.0, 0.0, -1.0]) + 0.08 * noise
    flat = _frames(down, spin)
    standing = _is(chosen.kind, "can", "glass", "bottle", "mug") & (torch.rand(count, generator=generator) < 0.6)
    flat = torch.where(standing[:, None, None], _frames(torch.linalg.cross(down, spin), down), flat)
    options = {"sphere": (_frames(spin, noise), (2.0, 80.0, 0.0)), "hook": (hook, (5.0, 114.0, 0.0))}
    options["platform"] = (flat, (4.0, 74.0, 0.0))
    turn, center = wrap, torch.tensor([0.0, 77.0, 0.0]).expand(count, 3)
    for name, (rotation, place) in options.items():
        ours = chosen.grasp == GRASP_NAMES.index(name)
        turn = torch.where(ours[:, None, None], rotation, turn)
        center = torch.where(ours[:, None], torch.tensor(place), center)
    return turn, center + torch.randn(count, 3, generator=generator) * torch.tensor([5.0, 6.0, 0.0])


def _pinched(
    shape: HandShape, joints: Float[Tensor, "B K 21 3"], parts: Parts, chosen: _Chosen, generator: torch.Generator
) -> tuple[Float[Tensor, "B 3 3"], Float[Tensor, "B 3"]]:
    """Orientation and center of what is held between the thumb's pad and others, where they are that far apart."""
    count, radii = len(shape.scale), finger_radii(shape)
    number = tables().fingers[chosen.grasp]
    weights = (torch.arange(4) < number[:, None]) / number[:, None]
    weights = weights * torch.tensor([1.0, 1.0, 0.6, 0.2])
    weights = weights / weights.sum(1, keepdim=True)
    tips = (joints[:, :, [8, 12, 16, 20]] * weights[:, None, :, None]).sum(2)
    lateral = chosen.grasp == GRASP_NAMES.index("lateral")
    tips = torch.where(lateral[:, None, None], (joints[:, :, 6] + joints[:, :, 7]) / 2, tips)
    thumb, wide = joints[:, :, 4], radii[:, 1, 3] + lateral * (radii[:, 1, 1] - radii[:, 1, 3])
    room = torch.cdist(tips, thumb) - (wide + radii[:, 0, 3] + 2 * chosen.half)[:, None, None]
    # Of all pairs of steps that fit to 2 mm, one that leaves both digits something to close.
    late = torch.arange(joints.shape[1]) / joints.shape[1]
    fit = (room.abs() - 2).clamp(min=0) + 3 * (late[:, None] - 0.65).abs() + 3 * (late - 0.6).abs()
    found = fit.flatten(1).argmin(1)
    best, other = found // joints.shape[1], found % joints.shape[1]
    tip, pad = tips[torch.arange(count), best], thumb[torch.arange(count), other]
    grip = torch.nn.functional.normalize(pad - tip, dim=-1)
    point = tip + grip * ((pad - tip).norm(dim=-1) + wide - radii[:, 0, 3])[:, None] / 2

    outward = _frames(grip, point - _middle(shape))
    plate = _is(chosen.kind, "box", "card", "phone", "plate")
    angle = torch.randn(count, generator=generator) * torch.where(plate, 0.5, 0.6)
    angle = angle + torch.where(plate, 0.0, torch.pi / 2)
    turn = outward @ axis_rotation("x", angle)
    knuckle = joints[torch.arange(count), best, 5] + shape.scale[:, None] * torch.tensor([-11.0, -4.0, 9.0])
    tripod = chosen.grasp == GRASP_NAMES.index("tripod")
    turn = torch.where(tripod[:, None, None], _frames(grip, knuckle - point), turn)
    reach = (parts.boxes[:, 0, 7] - 11).clamp(min=0) * (0.4 + 0.6 * torch.rand(count, generator=generator))
    return turn, point + turn[..., 1] * (plate * reach)[:, None]


def _approach(shape: HandShape, pose: Articulation, parts: Parts, generator: torch.Generator) -> Parts:
    """Bring a thing to a hand from anywhere until they touch, or nearly."""
    count = len(shape.scale)
    toward = torch.nn.functional.normalize(torch.randn(count, 3, generator=generator), dim=-1)
    turn = _frames(*torch.randn(2, count, 3, generator=generator))
    joints = articulate(shape, pose).joints
    target = joints.mean(1) + 25 * torch.randn(count, 3, generator=generator)
    digits = _spheres(finger_radii(shape), joints).flatten(1, 2)
    parts = _advance(
        parts.moved(turn, target - 300 * toward),
        torch.cat([digits, _palm(shape, pose)], dim=1),
        toward,
        torch.zeros(count).bool(),
    )
    gap = 40 * torch.rand(count, generator=generator) ** 2 * (torch.rand(count, generator=generator) < 0.5)
    return parts.moved(torch.eye(3).expand(count, 3, 3), -toward * gap[:, None])
