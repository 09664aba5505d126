"""Cameras, and how a hand stands before them: egocentric, over a desk, in front of its owner, or any way at all."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from handkit.geometry.kinematics import axis_rotation
from handkit.named_cameras import CAMERAS
from handkit.synthetic.poses import sample_views

DEVICES = ("kinect1", "kinect2", "sr300", "d435", "l515", "azure-kinect", "icvl")
SIZES = ((160, 120), (176, 144), (224, 172), (320, 240), (424, 240), (480, 270), (512, 424), (640, 480), (640, 360),
         (640, 576), (848, 480), (1280, 720))  # fmt: skip
"""Widths and heights of cameras that have no name, pixels."""
FIELDS = (45.0, 95.0)
"""Their horizontal fields of view, degrees."""
NEAR, FAR = 180.0, 1600.0
"""Distance of the hand from the camera, mm."""
EGOCENTRIC, DESK, FRONTAL, FREE = range(4)
VIEWS = (0.22, 0.16, 0.34, 0.28)
"""Shares of these viewpoints."""


class Viewpoint(NamedTuple):
    """What each camera is for, and where it is up."""

    kind: Int[Tensor, " B"]
    up: Float[Tensor, "B 3"]
    """Unit vector against gravity in the camera's frame."""


def uniform(generator: torch.Generator, *shape: int) -> Tensor:
    """U(0, 1)."""
    return torch.rand(*shape, generator=generator)


def chance(generator: torch.Generator, count: int, probability: float | Tensor) -> Bool[Tensor, " B"]:
    """True with `probability`."""
    return torch.rand(count, generator=generator) < probability


def sample_cameras(count: int, generator: torch.Generator, device: str | None) -> Float[Tensor, "B 6"]:
    """fx, fy, cx, cy, width, height: one named device, or named ones jittered and unnamed ones mixed."""
    if device is not None:
        return torch.tensor(CAMERAS[device][:6]).expand(count, 6)
    table = torch.tensor([CAMERAS[name][:6] for name in DEVICES])
    named = table[torch.randint(0, len(table), (count,), generator=generator)]
    size = torch.tensor(SIZES, dtype=torch.float32)[torch.randint(0, len(SIZES), (count,), generator=generator)]
    field = FIELDS[0] + (FIELDS[1] - FIELDS[0]) * uniform(generator, count)
    focal = size[:, 0] / 2 / torch.tan(torch.deg2rad(field / 2))
    ratio = 1 + 0.03 * (uniform(generator, count) * 2 - 1)
    zoom = 1 + 0.12 * (uniform(generator, count, 1) * 2 - 1)
    shift = torch.randn(count, 2, generator=generator).clamp(-2, 2) * 0.02 * size
    own = torch.cat([focal[:, None], (focal * ratio)[:, None], (size - 1) / 2 + shift, size], dim=-1)
    named = torch.cat([named[:, :2] * zoom, named[:, 2:]], dim=-1)
    return torch.where(chance(generator, count, 0.5)[:, None], named, own)


def sample_viewpoints(count: int, generator: torch.Generator, *, egocentric: float | None = None) -> Viewpoint:
    """Egocentric cameras look down, those over a desk from above, frontal ones straight on, the others anywhere.

    `egocentric` is their share, if it is not that of `VIEWS`.
    """
    shares = torch.tensor(VIEWS)
    if egocentric is not None:
        shares = torch.cat([torch.tensor([egocentric]), shares[1:] / shares[1:].sum() * (1 - egocentric)])
    kind = torch.multinomial(shares, count, replacement=True, generator=generator)
    low = torch.tensor([15.0, 40.0, -12.0, -25.0])[kind]
    high = torch.tensor([75.0, 90.0, 38.0, 90.0])[kind]
    pitch = torch.deg2rad(low + (high - low) * uniform(generator, count))
    spread = torch.tensor([0.12, 1.6, 0.06, 0.5])[kind]
    roll = spread * torch.randn(count, generator=generator)
    up = torch.stack([torch.zeros(count), -pitch.cos(), -pitch.sin()], dim=-1)
    return Viewpoint(kind, (axis_rotation("z", roll) @ up[..., None])[..., 0])


def sample_rotations(
    forearm: Float[Tensor, "B 3 3"], view: Viewpoint, generator: torch.Generator
) -> Float[Tensor, "B 3 3"]:
    """From hand to camera, for forearms as in `Posed`."""
    count = len(forearm)
    free = sample_views(forearm, generator)

    # Egocentric: the forearm comes from a border, mostly the lower one, and leads away; its back is turned to us.
    below = torch.randn(count, generator=generator) * 0.75
    border = torch.where(chance(generator, count, 0.85), below, uniform(generator, count) * 2 * math.pi)
    slope = torch.deg2rad(-8 + 78 * uniform(generator, count))
    along = torch.stack([border.sin() * slope.cos(), -border.cos() * slope.cos(), slope.sin()], dim=-1)
    toward = torch.tensor([0.0, 0.0, -1.0]).expand(count, 3)
    own = _facing(along, toward, twist=torch.randn(count, generator=generator) * 0.9) @ forearm.mT

    # Over a desk: the forearm lies along it, palm down, on its edge, or up.
    heading = torch.randn(count, 3, generator=generator)
    flat = heading - (heading * view.up).sum(-1, keepdim=True) * view.up
    lift = torch.randn(count, 1, generator=generator) * 0.3
    along = torch.nn.functional.normalize(flat, dim=-1) - lift * view.up
    twist = torch.where(chance(generator, count, 0.2), math.pi, 0.0) + torch.randn(count, generator=generator) * 0.6
    flat = _facing(along, view.up, twist=twist) @ forearm.mT

    kind = view.kind[:, None, None]
    return torch.where(kind == EGOCENTRIC, own, torch.where(kind == DESK, flat, free))


def _facing(
    along: Float[Tensor, "B 3"], back: Float[Tensor, "B 3"], *, twist: Float[Tensor, " B"]
) -> Float[Tensor, "B 3 3"]:
    """Frames whose second axis is `along`, whose third is nearest to `back`; then twisted about `along` (rad)."""
    y = torch.nn.functional.normalize(along, dim=-1)
    z = torch.nn.functional.normalize(back + 1e-3 - ((back + 1e-3) * y).sum(-1, keepdim=True) * y, dim=-1)
    return torch.stack([torch.linalg.cross(y, z), y, z], dim=-1) @ axis_rotation("y", twist)


def sample_places(
    extent_mm: Float[Tensor, " B"],
    intrinsics: Float[Tensor, "B 6"],
    view: Viewpoint,
    generator: torch.Generator,
) -> Float[Tensor, "B 3"]:
    """Where hands are, camera mm: most between 250 and 900, anywhere in the image, one in twenty cut by its border.

    `extent_mm`: how much nearer than its middle each hand reaches.
    """
    count = len(extent_mm)
    near = NEAR + extent_mm.clamp(min=0)
    # Distances at arm's length, on a desk, at a desk camera's or a robot's: median and log deviation.
    middle = torch.tensor([360.0, 560.0, 560.0, 520.0])[view.kind]
    spread = torch.tensor([0.28, 0.35, 0.48, 0.48])[view.kind]
    depth = middle * torch.exp(spread * torch.randn(count, generator=generator))
    again = near + (FAR - near) * uniform(generator, count) ** 2
    depth = torch.where((depth < near) | (depth > FAR), again, depth)
    extent = intrinsics[:, :2] * 95 / depth[:, None]
    margin = torch.where(chance(generator, count, 0.05)[:, None], 0.2 * extent, extent)
    margin = torch.minimum(margin, intrinsics[:, 4:] * 0.45)
    pixel = margin + (intrinsics[:, 4:] - 2 * margin) * uniform(generator, count, 2)
    return torch.cat([(pixel - intrinsics[:, 2:4]) / intrinsics[:, :2] * depth[:, None], depth[:, None]], dim=-1)


def beyond_border(
    place: Float[Tensor, "B 3"], direction: Float[Tensor, "B 3"], intrinsics: Float[Tensor, "B 6"]
) -> Float[Tensor, "B 3"]:
    """The places moved in the image plane along `direction` (its x, y) until a hand there is out of the image."""
    heading = torch.nn.functional.normalize(direction[:, :2] + 1e-4, dim=-1)
    scale = place[:, 2:] / intrinsics[:, :2]
    low, high = -intrinsics[:, 2:4] * scale, (intrinsics[:, 4:] - intrinsics[:, 2:4]) * scale
    away = torch.where(heading > 0, high - place[:, :2], low - place[:, :2]) / heading
    step = away.amin(1, keepdim=True) + 130 / heading.abs().amax(1, keepdim=True)
    return torch.cat([place[:, :2] + step * heading, place[:, 2:]], dim=-1)
