"""Plausible articulations and viewpoints of one hand.

Families: open and spread hands, fists, pointing and counting, grasps, hooks, table tops, pinches with every finger,
thumbs beside, abducted, opposed and folded; half of all are on the way from one to another, all are disturbed and
clamped to the joint limits, and of several candidates the one with the least interpenetration is kept.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from handkit.geometry.kinematics import axis_rotation
from handkit.synthetic.hand import Articulation, HandShape, articulate, radians

FINGER_LIMITS = ((-25.0, -22.0, -5.0, -8.0), (95.0, 22.0, 112.0, 85.0))
"""MCP flexion, abduction, PIP and DIP flexion, degrees."""
THUMB_LIMITS = ((-35.0, -22.0, -15.0, -10.0, -30.0), (58.0, 52.0, 48.0, 62.0, 88.0))
"""CMC flexion, palmar abduction, twist, MCP flexion, IP flexion, degrees."""
WRIST_LIMITS = ((-80.0, -32.0), (78.0, 25.0))

STRAIGHT, CURLED, HALF = (0.0, 0.0, 5.0, 4.0), (78.0, 0.0, 98.0, 58.0), (38.0, 0.0, 45.0, 28.0)
FIST = (88.0, 0.0, 104.0, 68.0)
HOOKED, TABLE, POINTED = (8.0, 0.0, 92.0, 58.0), (78.0, 0.0, 8.0, 5.0), (45.0, 0.0, 12.0, 6.0)
SPREAD = ((16.0, 3.0, -8.0, -20.0),)
FAMILIES = (0.22, 0.22, 0.11, 0.10, 0.16, 0.09, 0.10)
"""Shares of open hands, counting, all fingers alike, each its own way, grasps, anything, fists."""
THUMBS = (
    (-18.0, 8.0, -5.0, 0.0, -5.0),  # stretched away from the palm
    (8.0, -12.0, 0.0, 8.0, 10.0),  # beside the index finger
    (-2.0, 38.0, 12.0, 8.0, 8.0),  # abducted in front of the palm
    (32.0, 32.0, 32.0, 20.0, 22.0),  # opposed
    (36.0, 14.0, 22.0, 42.0, 52.0),  # over a fist
    (46.0, 8.0, 30.0, 46.0, 68.0),  # folded into the palm
    (4.0, 12.0, 5.0, 12.0, 14.0),  # at rest
    (-25.0, -8.0, -8.0, -5.0, -18.0),  # thumb up
)
FISTS, OVER_FIST = 6, 4
"""Where fists stand in `FAMILIES`, and their thumb in `THUMBS`."""
TRIES = 5
"""Candidates for each hand."""
PINCHED = 14.0
"""Millimetres between the two tip joints of a closed pinch: their pads touch."""


def sample_articulations(shape: HandShape, generator: torch.Generator) -> Articulation:
    """One articulation for every shape; about one in seven is a pinch."""
    count = len(shape.scale)
    finger = torch.randint(0, 4, (count,), generator=generator)
    pinched = torch.where(torch.rand(count, generator=generator) < 0.15, finger, -1)
    # The family is the hand's, not the candidate's: of five candidates a fist would never be the least colliding.
    family = _choose(torch.tensor(FAMILIES), count, generator).repeat_interleave(TRIES)
    many = _draw(family, pinched.repeat_interleave(TRIES), generator)
    pose = _cheapest(shape, many, pinched, tries=TRIES)
    index = (pinched >= 0).nonzero()[:, 0]
    if len(index) == 0:
        return pose
    closed = _close(shape[index], Articulation(*(field[index] for field in pose)), pinched[index], generator)
    return Articulation(*(a.index_copy(0, index, b) for a, b in zip(pose, closed, strict=True)))


def _close(
    shape: HandShape, pose: Articulation, pinched: Int[Tensor, " B"], generator: torch.Generator
) -> Articulation:
    """Pinching hands with thumb and finger brought together: the best of random changes, then of smaller ones.

    Draws alone leave tips 35 mm apart.
    """
    tries = 40
    chosen = torch.nn.functional.one_hot(pinched, 4).bool().repeat_interleave(tries, 0)[..., None]
    for degrees in (17.0, 7.0):
        step = radians(degrees) * torch.randn(len(pinched), tries, 9, generator=generator)
        step[:, 0] = 0
        thumb, finger = step.flatten(0, 1).split([5, 4], dim=-1)
        finger = finger * torch.tensor([1.0, 0.4, 1.0, 0.7])
        many = Articulation(*(field.repeat_interleave(tries, 0) for field in pose))
        many = many._replace(
            fingers=_within(many.fingers + chosen * finger[:, None], FINGER_LIMITS),
            thumb=_within(many.thumb + thumb, THUMB_LIMITS),
        )
        pose = _cheapest(shape, many, pinched, tries=tries)
    return pose


def _cheapest(shape: HandShape, many: Articulation, pinched: Int[Tensor, " B"], *, tries: int) -> Articulation:
    """Of `tries` successive articulations for every hand, the one that collides least and closes best."""
    joints = articulate(HandShape(*(field.repeat_interleave(tries, 0) for field in shape)), many).joints
    pinched = pinched.repeat_interleave(tries)
    gap = (joints[:, 4, None] - joints[:, [8, 12, 16, 20]]).norm(dim=-1)
    reach = gap.gather(1, pinched.clamp(min=0)[:, None])[:, 0] - PINCHED
    cost = _collision(joints) + torch.where(pinched >= 0, reach.abs() * 2, 0)
    best = cost.unflatten(0, (-1, tries)).argmin(1) + torch.arange(len(shape.scale)) * tries
    return Articulation(*(field[best] for field in many))


def _within(angles: Tensor, limits: tuple[tuple[float, ...], tuple[float, ...]]) -> Tensor:
    """Angles (rad) within the limits (degrees)."""
    return torch.maximum(torch.minimum(angles, radians(limits[1])), radians(limits[0]))


def _collision(joints: Float[Tensor, "B 21 3"]) -> Float[Tensor, " B"]:
    """How deep (mm, summed) the digits run into each other and into the palm."""
    fingers = joints[:, 1:].unflatten(1, (5, 4))
    inner = fingers[:, :, 1:]
    middle = (fingers[:, :, 1:] + fingers[:, :, :-1]) / 2
    points = torch.cat([inner, middle], dim=2).flatten(1, 2)
    owner = torch.arange(5).repeat_interleave(6)
    depth = (15 - torch.cdist(points, points)).clamp(min=0)
    own = (depth * (owner[:, None] != owner)).sum((1, 2)) / 2
    knuckles = joints[:, [5, 9, 13, 17]]
    palm = torch.cat([knuckles * 0.8, knuckles * 0.45], dim=1) - torch.tensor([0.0, 0.0, 4.0])
    return own + (22 - torch.cdist(points[:, [1, 2, 4, 5, *range(6, 30)]], palm)).clamp(min=0).sum((1, 2))


def _draw(family: Int[Tensor, " B"], pinched: Int[Tensor, " B"], generator: torch.Generator) -> Articulation:
    """Random articulations of the `FAMILIES`, within the joint limits; half are on the way to another family."""
    count = len(pinched)
    other = _choose(torch.tensor(FAMILIES), count, generator)
    blend = torch.rand(count, 1, generator=generator) * (torch.rand(count, 1, generator=generator) < 0.5)
    fingers = torch.lerp(_fingers(family, generator), _fingers(other, generator), blend[..., None])
    thumb = torch.lerp(_thumbs(family, generator), _thumbs(other, generator), blend)
    fingers, thumb = _prepare_pinch(fingers, thumb, pinched, generator)
    fingers = fingers + torch.randn(count, 4, 4, generator=generator) * torch.tensor([7.0, 3.5, 8.0, 6.0])
    thumb = thumb + torch.randn(count, 5, generator=generator) * torch.tensor([8.0, 7.0, 6.0, 7.0, 9.0])
    wrist = torch.randn(count, 2, generator=generator) * torch.tensor([24.0, 11.0])
    reaching = torch.rand(count, generator=generator) < 0.25  # palm held out to the camera, forearm behind it
    wrist = wrist - torch.stack([reaching * 48.0, torch.zeros(count)], dim=-1)
    cup = torch.rand(count, generator=generator) ** 2 * (0.35 + 0.65 * (fingers[:, 3, 0] / 90).clamp(0, 1))

    # A bent finger cannot be spread: its collateral ligaments are tight.
    loose = (1 - fingers[..., 0].clamp(0, 90) / 110)[..., None]
    fingers = torch.cat([fingers[..., :1], fingers[..., 1:2] * loose, fingers[..., 2:]], dim=-1)
    fingers, thumb, wrist = (radians(1.0) * angles for angles in (fingers, thumb, wrist))
    return Articulation(
        _within(fingers, FINGER_LIMITS), _within(thumb, THUMB_LIMITS), _within(wrist, WRIST_LIMITS), cup
    )


def _fingers(family: Int[Tensor, " B"], generator: torch.Generator) -> Float[Tensor, "B 4 4"]:
    """Degrees of the four fingers."""
    count = len(family)
    table = torch.tensor([STRAIGHT, CURLED, HALF, HOOKED, TABLE, POINTED])
    each = torch.randint(0, len(table), (count, 4), generator=generator)
    numbers = torch.randint(0, 2, (count, 4), generator=generator)
    together = each[:, :1].expand(-1, 4)
    curl = torch.rand(count, 1, 1, generator=generator) * 1.05
    slope = torch.linspace(-0.15, 0.15, 4)[:, None] * torch.randn(count, 1, 1, generator=generator)
    grasp = (curl + slope).clamp(0, 1.1) * torch.tensor([68.0, 0.0, 78.0, 46.0])
    ends = torch.tensor([FINGER_LIMITS[0], FINGER_LIMITS[1]])
    wild = ends[0] + torch.rand(count, 4, 4, generator=generator) * (ends[1] - ends[0]) * 0.95
    fist = torch.tensor(FIST) * (0.85 + 0.15 * torch.rand(count, 1, 1, generator=generator)).expand(-1, 4, 4)
    options = torch.stack(
        [table[0].expand(count, 4, 4), table[numbers], table[together], table[each], grasp, wild, fist], dim=1
    )
    chosen = options[torch.arange(count), family]
    spread = torch.rand(count, 1, generator=generator) * 1.35 - 0.25
    apart = chosen[..., 1] + spread * torch.tensor(SPREAD)
    return torch.stack([chosen[..., 0], apart, chosen[..., 2], chosen[..., 3]], dim=-1)


def _thumbs(family: Int[Tensor, " B"], generator: torch.Generator) -> Float[Tensor, "B 5"]:
    """Degrees of the thumb: a named posture, or anything between the limits; over most fists."""
    count = len(family)
    posture = torch.randint(0, len(THUMBS), (count,), generator=generator)
    over = (family == FISTS) & (torch.rand(count, generator=generator) < 0.7)
    named = torch.tensor(THUMBS)[torch.where(over, OVER_FIST, posture)]
    low, high = torch.tensor(THUMB_LIMITS)
    wild = low + torch.rand(count, 5, generator=generator) * (high - low)
    return torch.where(torch.rand(count, 1, generator=generator) < 0.18, wild, named)


def _prepare_pinch(
    fingers: Tensor, thumb: Tensor, pinched: Int[Tensor, " B"], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Start pinching hands from an opposed thumb and a half bent finger, with room to search."""
    count = len(pinched)
    bend = torch.tensor([45.0, 0.0, 45.0, 25.0]) + torch.randn(count, 4, generator=generator) * torch.tensor(
        [14.0, 4.0, 18.0, 14.0]
    )
    opposed = torch.tensor([30.0, 32.0, 28.0, 18.0, 28.0]) + torch.randn(count, 5, generator=generator) * 12
    chosen = torch.nn.functional.one_hot(pinched.clamp(min=0), 4).bool() & (pinched >= 0)[:, None]
    fingers = torch.where(chosen[..., None], bend[:, None], fingers)
    return fingers, torch.where((pinched >= 0)[:, None], opposed, thumb)


def sample_views(forearm: Float[Tensor, "B 3 3"], generator: torch.Generator) -> Float[Tensor, "B 3 3"]:
    """Rotations from hand to camera: palm, back and sides, any roll, tilted up to about 85 degrees.

    Fingers or a forearm (as in `Posed`) that point away from the camera put the arm in front of its own hand;
    that is kept rare.
    """
    count, tries = len(forearm), 4
    many = count * tries
    tilt_near = (torch.randn(many, generator=generator) * 28).abs()
    tilt_any = torch.rand(many, generator=generator) * 88
    tilt = torch.where(torch.rand(many, generator=generator) < 0.5, tilt_near, tilt_any).clamp(max=88)
    back = torch.rand(many, generator=generator) < 0.5
    azimuth, roll = (torch.rand(2, many, generator=generator) * 2 * torch.pi).unbind()
    turn = axis_rotation("z", azimuth) @ axis_rotation("x", radians(1.0) * tilt) @ axis_rotation("z", -azimuth)
    flip = axis_rotation("y", torch.where(back, torch.pi, 0.0))
    rotation = axis_rotation("z", roll) @ turn @ flip
    along = (rotation[:, 2] * forearm[..., 1].repeat_interleave(tries, 0)).sum(-1)
    away = torch.maximum(rotation[:, 2, 1], along)
    accepted = (away < 0.55) | (torch.rand(many, generator=generator) < 0.06)
    first = accepted.unflatten(0, (count, tries)).float().argmax(1)
    return rotation[torch.arange(count) * tries + first]


def _choose(weights: Float[Tensor, " F"], count: int, generator: torch.Generator) -> Int[Tensor, " B"]:
    return torch.multinomial(weights, count, replacement=True, generator=generator)
