"""A hand in front of a depth camera: forearm, body, wall, desk and clutter around it, seen by a real device.

`sample_scenes` decides everything that is random about the world; `look` renders a window of it, or the whole picture,
through a sensor. Labels never depend on the window.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from handkit.geometry.camera import CAMERAS, Camera
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.synthetic.hand import articulate, forearm_cones, sample_shapes, surface
from handkit.synthetic.poses import sample_articulations, sample_views
from handkit.synthetic.rasterize import Surface, render
from handkit.synthetic.sensor import Sensor, sample_sensors, sense

DEVICES = ("kinect1", "kinect2", "sr300", "d435", "l515", "azure-kinect", "icvl")
HAND_CONES, OWN_CONES = 16, 30
"""Of a scene's cones the first are the hand's; up to the second number come forearm, body and clutter."""
NEAR, FAR = 240.0, 1100.0
"""Distance of the hand from the camera, mm."""


class Scene(NamedTuple):
    """B worlds; every row has its own camera and its own sensor."""

    cones: Float[Tensor, "B P 8"]
    wedges: Float[Tensor, "B W 12"]
    planes: Float[Tensor, "B Q 4"]
    joints: Float[Tensor, "B 21 3"]
    """HAND21, camera mm; always a right hand."""
    intrinsics: Float[Tensor, "B 6"]
    """fx, fy, cx, cy, width, height of the device, pixels."""
    sensor: Sensor
    seeds: np.ndarray

    def camera(self) -> Camera:
        """The device of every row; its picture's size is that of the first row."""
        width, height = (int(size) for size in self.intrinsics[0, 4:])
        return Camera(_matrices(self.intrinsics), width, height)


def sample_scenes(count: int, generator: torch.Generator, *, device: str | None = None) -> Scene:
    """Random worlds, seen by one named camera or by a mixture of jittered `DEVICES`."""
    intrinsics = _sample_intrinsics(count, generator, device)
    shape = sample_shapes(count, generator)
    posed = articulate(shape, sample_articulations(shape, generator))
    rotation = sample_views(count, generator)
    position = _sample_positions(posed.joints @ rotation.mT, intrinsics, generator)

    length = 40 + 240 * _uniform(generator, count) ** 0.7
    sleeve = torch.where(_chance(generator, count, 0.3), 2 + 14 * _uniform(generator, count), 0.0)
    cones, wedges = surface(shape, posed)
    cones = torch.cat([cones, forearm_cones(shape, posed, length=length, sleeve=sleeve)], dim=1)
    cones, wedges = (_place(balls, rotation, position) for balls in (cones, wedges))
    joints = posed.joints @ rotation.mT + position[:, None]
    elbow = (cones[:, -4, 4:7] + cones[:, -3, 4:7]) / 2

    other, other_wedges = _second_hand(cones, wedges, joints, generator)
    things = torch.cat([_body(joints, elbow, generator), _clutter(joints, generator), other], dim=1)
    sensor = _calibrated(sample_sensors(count, generator), joints)
    seeds = torch.randint(0, 2**62, (count,), generator=generator).numpy().astype(np.uint64)
    return Scene(
        torch.cat([cones, things], dim=1),
        torch.cat([wedges, other_wedges], dim=1),
        _planes(joints, elbow, generator),
        joints,
        intrinsics,
        sensor,
        seeds,
    )


def look(scene: Scene, cube: Cube, *, resolution: int) -> DepthFrame:
    """The window of the picture that holds `cube`, as the device reads it, in `resolution` x `resolution` pixels.

    The pixel pitch is the device's own, or coarser where the device has more pixels than the window; beyond the
    device's picture there is no reading.
    """
    center = Camera(_matrices(scene.intrinsics), 1, 1).project(cube.center[:, None])[:, 0]
    native = scene.intrinsics[:, :2] * (cube.edges[:, :2] / cube.center[:, 2:])
    pitch = (resolution / native).clamp(max=1.0).amin(1, keepdim=True)
    middle = (resolution - 1) / 2
    window = torch.cat([scene.intrinsics[:, :2] * pitch, middle + (scene.intrinsics[:, 2:4] - center) * pitch], -1)
    depth = _read(scene, window, width=resolution, height=resolution, far=cube.center[:, 2] + cube.edges[:, 2])

    steps = (torch.arange(resolution) - middle) / pitch
    inside = [
        (center[:, axis, None] + steps >= 0) & (center[:, axis, None] + steps <= scene.intrinsics[:, 4 + axis, None] - 1)
        for axis in (0, 1)
    ]
    depth = depth * (inside[1][:, :, None] & inside[0][:, None, :])
    return DepthFrame(depth, Camera(_matrices(window), resolution, resolution), scene.joints, cube)


def whole_frames(scene: Scene) -> DepthFrame:
    """The full pictures; every row of the scene must come from one named device."""
    camera = scene.camera()
    far = torch.full((len(scene.joints),), 8000.0)
    depth = _read(scene, scene.intrinsics[:, :4], width=camera.width, height=camera.height, far=far)
    return DepthFrame(depth, camera, scene.joints)


def _read(scene: Scene, intrinsics: Tensor, *, width: int, height: int, far: Tensor) -> Float[Tensor, "B H W"]:
    """Render and sense."""
    numbers = intrinsics.numpy()
    faces = Surface(scene.cones.numpy(), scene.wedges.numpy(), scene.planes.numpy())
    clean = render(faces, numbers, width=width, height=height, far=far.numpy())
    return torch.from_numpy(sense(clean, numbers, scene.sensor, scene.seeds))


def _sample_intrinsics(count: int, generator: torch.Generator, device: str | None) -> Float[Tensor, "B 6"]:
    if device is not None:
        return torch.tensor(CAMERAS[device][:6]).expand(count, 6)
    table = torch.tensor([CAMERAS[name][:6] for name in DEVICES])
    chosen = table[torch.randint(0, len(table), (count,), generator=generator)]
    zoom = 1 + 0.12 * (_uniform(generator, count, 1) * 2 - 1)
    return torch.cat([chosen[:, :2] * zoom, chosen[:, 2:]], dim=-1)


def _sample_positions(
    joints: Float[Tensor, "B 21 3"], intrinsics: Float[Tensor, "B 6"], generator: torch.Generator
) -> Float[Tensor, "B 3"]:
    """Wrist positions that put the joint mean anywhere in the picture (now and then cut by its border)."""
    count = len(joints)
    reach = joints[..., 2].mean(1) - joints[..., 2].amin(1)
    near = torch.maximum(NEAR + reach, torch.tensor(NEAR))
    depth = near * (FAR / near) ** (_uniform(generator, count) ** 1.3)
    extent = intrinsics[:, :2] * 95 / depth[:, None]
    margin = torch.where(_chance(generator, count, 0.05)[:, None], 0.2 * extent, extent)
    margin = torch.minimum(margin, intrinsics[:, 4:] * 0.45)
    pixel = margin + (intrinsics[:, 4:] - 2 * margin) * _uniform(generator, count, 2)
    plane = (pixel - intrinsics[:, 2:4]) / intrinsics[:, :2] * depth[:, None]
    return torch.cat([plane, depth[:, None]], dim=-1) - joints.mean(1)


def _calibrated(sensor: Sensor, joints: Float[Tensor, "B 21 3"]) -> Sensor:
    """The same sensor without bias, with the hand in its range: labels are in the millimetres that it reads."""
    near, far = (joints[..., 2].amin(1).numpy(), joints[..., 2].amax(1).numpy())
    return sensor._replace(
        scale=np.zeros_like(sensor.scale),
        offset=np.zeros_like(sensor.offset),
        nearest=np.minimum(sensor.nearest, near - 30).astype(np.float32),
        farthest=np.maximum(sensor.farthest, far + 150).astype(np.float32),
        reach=np.maximum(sensor.reach, 1.6 * far).astype(np.float32),
    )


def _place(balls: Float[Tensor, "B N K"], rotation: Tensor, position: Tensor) -> Float[Tensor, "B N K"]:
    """Move balls (x, y, z, r, ...) from the hand frame to the camera's."""
    split = balls.unflatten(-1, (-1, 4))
    center = torch.einsum("bij,bnkj->bnki", rotation, split[..., :3]) + position[:, None, None]
    return torch.cat([center, split[..., 3:]], dim=-1).flatten(-2)


def _body(
    joints: Float[Tensor, "B 21 3"], elbow: Float[Tensor, "B 3"], generator: torch.Generator
) -> Float[Tensor, "B 4 8"]:
    """Upper arm, shoulders, chest and head of the hand's owner, 120 to 700 mm behind it; absent for half."""
    count = len(joints)
    back = joints[..., 2].amax(1) + 120 + 580 * _uniform(generator, count)
    side = joints.mean(1)[:, :2] + torch.randn(count, 2, generator=generator) * torch.tensor([160.0, 110.0])
    back = torch.maximum(back, elbow[:, 2] + 60)
    size = 0.8 + 0.4 * _uniform(generator, count)

    def ball(dx: float, dy: float, dz: float, radius: float) -> Tensor:
        center = torch.cat([side, back[:, None]], -1) + torch.tensor([dx, dy, dz]) * size[:, None]
        return torch.cat([center, radius * size[:, None]], dim=-1)

    left, right, hip, head = ball(-150, 0, 60, 65), ball(150, 0, 60, 65), ball(0, 420, 90, 130), ball(0, -190, 40, 85)
    chin = ball(0, -110, 45, 60)
    arm_end = torch.where((elbow[:, :1] > side[:, :1]), right, left)
    arm = torch.cat([elbow, 42 * size[:, None], arm_end[:, :3], arm_end[:, 3:] * 0.85], dim=-1)
    cones = [torch.cat(pair, dim=-1) for pair in ((left, hip), (right, hip), (head, chin))]
    present = _chance(generator, count, 0.5)[:, None, None]
    return torch.stack([*cones, arm], dim=1) * present


def _clutter(joints: Float[Tensor, "B 21 3"], generator: torch.Generator) -> Float[Tensor, "B 6 8"]:
    """Bars and balls beside and behind the hand, few in front; none touches a joint."""
    count, things = len(joints), 6
    spread = torch.tensor([150.0, 150.0, 90.0])
    middle = joints.mean(1, keepdim=True) + torch.randn(count, things, 3, generator=generator) * spread
    front = _chance(generator, count, 0.15)[:, None] & (torch.arange(things) == 0)
    forward = torch.where(front, -1.0, 1.0) * (middle[..., 2] - joints.mean(1, keepdim=True)[..., 2]).abs()
    middle = torch.cat([middle[..., :2], joints.mean(1)[:, None, 2:] + forward[..., None]], dim=-1)
    along = torch.nn.functional.normalize(torch.randn(count, things, 3, generator=generator), dim=-1)
    half = along * (10 + 90 * _uniform(generator, count, things, 1))
    ends = torch.stack([middle - half, middle + half], dim=2)
    radius = 4 + 36 * _uniform(generator, count, things, 1) ** 2
    samples = torch.cat([ends, middle[:, :, None], (ends + middle[:, :, None]) / 2], dim=2).flatten(1, 2)
    gap = torch.cdist(samples, joints).amin(-1).unflatten(1, (things, -1)).amin(-1)
    clear = gap > radius[..., 0] + 16
    many = torch.randint(0, things + 1, (count, 1), generator=generator) * _chance(generator, count, 0.5)[:, None]
    present = (clear & (torch.arange(things) < many))[..., None]
    return torch.cat([ends[:, :, 0], radius, ends[:, :, 1], radius], dim=-1) * present


def _second_hand(
    cones: Tensor, wedges: Tensor, joints: Float[Tensor, "B 21 3"], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """In one scene of twelve another person's hand (the next row's, half of them mirrored) in the neighborhood."""
    count = len(joints)
    offset = torch.nn.functional.normalize(torch.randn(count, 3, generator=generator), dim=-1)
    offset = offset * (190 + 110 * _uniform(generator, count, 1))
    mirror = torch.where(_chance(generator, count, 0.5), -1.0, 1.0)
    origin = joints.roll(1, 0).mean(1)
    present = _chance(generator, count, 1 / 12 if count > 1 else 0.0)

    def move(balls: Tensor) -> Tensor:
        split = balls.roll(1, 0).unflatten(-1, (-1, 4))
        center = split[..., :3] - origin[:, None, None]
        center = center * torch.stack([mirror, torch.ones(count), torch.ones(count)], -1)[:, None, None]
        center = center + (joints.mean(1) + offset)[:, None, None]
        return torch.cat([center, split[..., 3:]], dim=-1).flatten(-2) * present[:, None, None]

    return move(cones), move(wedges)


def _planes(
    joints: Float[Tensor, "B 21 3"], elbow: Float[Tensor, "B 3"], generator: torch.Generator
) -> Float[Tensor, "B 2 4"]:
    """A wall behind everything and a surface (desk, other wall) that the hand hovers over."""
    count = len(joints)
    points = torch.cat([joints, elbow[:, None]], dim=1)
    tilt = torch.randn(count, 2, generator=generator) * torch.tensor([[0.12, 0.12]])
    wall = torch.nn.functional.normalize(torch.cat([tilt, torch.full((count, 1), -1.0)], -1), dim=-1)
    slope = torch.randn(count, 2, generator=generator) * torch.tensor([[0.5, 0.9]])
    desk = torch.nn.functional.normalize(torch.cat([slope, torch.full((count, 1), -0.8)], -1), dim=-1)
    gaps = [60 + 2500 * _uniform(generator, count) ** 2, 22 + 140 * _uniform(generator, count) ** 1.5]
    kept = [_chance(generator, count, 0.7), _chance(generator, count, 0.3)]
    rows: list[Tensor] = []
    for normal, gap, keep in zip((wall, desk), gaps, kept, strict=True):
        offset = (points @ normal[..., None])[..., 0].amin(1) - gap
        rows.append(torch.cat([normal, offset[:, None]], dim=-1) * keep[:, None])
    return torch.stack(rows, dim=1)


def _matrices(intrinsics: Float[Tensor, "B K"]) -> Float[Tensor, "B 3 3"]:
    fx, fy, cx, cy = intrinsics[:, :4].unbind(-1)
    zero, one = torch.zeros_like(fx), torch.ones_like(fx)
    return torch.stack([fx, zero, cx, zero, fy, cy, zero, zero, one], dim=-1).unflatten(-1, (3, 3))


def _uniform(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=generator)


def _chance(generator: torch.Generator, count: int, probability: float) -> Tensor:
    return torch.rand(count, generator=generator) < probability
