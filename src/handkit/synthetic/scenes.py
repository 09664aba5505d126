"""A hand in front of a depth camera: forearm, body, wall, desk and clutter around it, seen by a real device.

`sample_scenes` decides everything that is random about the world; `look` renders a window of it, or the whole picture,
through a sensor. Labels never depend on the window.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame, LabeledFrame
from handkit.geometry.intrinsics import Intrinsics
from handkit.geometry.kinematics import axis_rotation
from handkit.named_cameras import CAMERAS
from handkit.synthetic.hand import (
    Articulation,
    HandShape,
    Posed,
    articulate,
    forearm_cones,
    sample_shapes,
    surface,
)
from handkit.synthetic.poses import sample_articulations, sample_views
from handkit.synthetic.rasterize import Surface, render
from handkit.synthetic.sensor import Sensor, sample_sensors, sense
from handkit.synthetic.surroundings import body, chance, clutter, planes, second_hand, uniform

DEVICES = ("kinect1", "kinect2", "sr300", "d435", "l515", "azure-kinect", "icvl")
HAND_CONES, ARM_CONES, OWN_CONES = 16, 20, 30
"""Of a scene's cones the first are the hand's; then come its forearm's; then body and clutter."""
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

    def camera(self) -> Intrinsics:
        """The device of every row; its picture's size is that of the first row."""
        width, height = (int(size) for size in self.intrinsics[0, 4:])
        return Intrinsics(_matrices(self.intrinsics), width, height)


def sample_scenes(
    count: int, generator: torch.Generator, *, device: str | None = None, second_hands: float = 1 / 12
) -> Scene:
    """Random worlds, seen by one named camera or by a mixture of jittered `DEVICES`.

    `second_hands` is the share of scenes in which another hand is near.
    """
    intrinsics = _sample_intrinsics(count, generator, device)
    shape = sample_shapes(count, generator)
    posed = articulate(shape, sample_articulations(shape, generator))
    rotation = sample_views(posed.forearm, generator)
    position = _sample_positions(posed.joints @ rotation.mT, intrinsics, generator)
    length = 40 + 240 * uniform(generator, count) ** 0.7
    sleeve = torch.where(chance(generator, count, 0.3), 2 + 14 * uniform(generator, count), 0.0)
    arm = _Arm(shape, posed, rotation, position, length, sleeve)

    cones, wedges, joints, elbow = arm.place()
    other, other_wedges = second_hand(cones, wedges, joints, generator, probability=second_hands)
    things = torch.cat([body(joints, elbow, generator), clutter(joints, generator), other], dim=1)
    sensor = _calibrated(sample_sensors(count, generator), joints)
    faces = torch.cat([cones, things], dim=1), torch.cat([wedges, other_wedges], dim=1)
    return Scene(*faces, planes(joints, elbow, generator), joints, intrinsics, sensor, _seeds(count, generator))


def record(count: int, generator: torch.Generator, *, device: str) -> Scene:
    """`count` successive frames of one hand that moves in front of one named camera, its owner behind it."""
    keys = max(count // 12, 1) + 1
    time = torch.linspace(0, keys - 1, count)
    one = sample_shapes(1, generator)
    shape = HandShape(*(field.expand(count, *field.shape[1:]) for field in one))
    drawn = sample_articulations(HandShape(*(field.expand(keys, *field.shape[1:]) for field in one)), generator)
    posed = articulate(shape, Articulation(*(_glide(field, time) for field in drawn)))
    facing = axis_rotation("z", torch.pi + 0.5 * torch.randn(keys, generator=generator))
    facing = facing @ axis_rotation("y", 0.5 * torch.randn(keys, generator=generator))
    facing = facing @ axis_rotation("x", 0.35 * torch.randn(keys, generator=generator))
    u, _, vh = torch.linalg.svd(_glide(facing, time))
    spread = torch.tensor([70.0, 50.0, 60.0])
    center = torch.tensor([0.0, 0.0, 520.0]) + torch.randn(keys, 3, generator=generator) * spread
    position = _glide(center, time) - (posed.joints @ (u @ vh).mT).mean(1)
    arm = _Arm(shape, posed, u @ vh, position, torch.full((count,), 240.0), torch.zeros(count))

    cones, wedges, joints, elbow = arm.place()
    owner = body(joints.reshape(1, -1, 3), elbow.mean(0, keepdim=True), generator, probability=1.0)[:, :-1]
    wall = planes(torch.cat([joints, elbow[:, None]], dim=1).reshape(1, -1, 3), elbow[:1], generator)
    sensor = sample_sensors(1, generator, kind="structured light")
    sensor = _calibrated(Sensor(*(np.repeat(field, count) for field in sensor)), joints)
    cones = torch.cat([cones, owner.expand(count, -1, -1)], dim=1)
    intrinsics = _sample_intrinsics(count, generator, device)
    return Scene(cones, wedges, wall.expand(count, -1, -1), joints, intrinsics, sensor, _seeds(count, generator))


class _Arm(NamedTuple):
    """A posed hand and its forearm, and where they are: `camera = rotation @ hand + position`."""

    shape: HandShape
    posed: Posed
    rotation: Float[Tensor, "B 3 3"]
    position: Float[Tensor, "B 3"]
    length: Float[Tensor, " B"]
    sleeve: Float[Tensor, " B"]

    def place(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Cones (the last four the forearm's), wedges, joints and elbow in camera mm."""
        cones, wedges = surface(self.shape, self.posed)
        forearm = forearm_cones(self.shape, self.posed, length=self.length, sleeve=self.sleeve)
        cones = torch.cat([cones, forearm], dim=1)
        cones, wedges = (_place(balls, self.rotation, self.position) for balls in (cones, wedges))
        joints = self.posed.joints @ self.rotation.mT + self.position[:, None]
        return cones, wedges, joints, (cones[:, -4, 4:7] + cones[:, -3, 4:7]) / 2


def _glide(keys: Float[Tensor, "K *shape"], time: Float[Tensor, " B"]) -> Float[Tensor, "B *shape"]:
    """Values between successive keys, at rest on each: time 0 is the first key, K - 1 the last."""
    before = time.long().clamp(max=len(keys) - 2)
    part = (time - before).clamp(0, 1).view(-1, *[1] * (keys.ndim - 1))
    return torch.lerp(keys[before], keys[before + 1], part * part * (3 - 2 * part))


def _seeds(count: int, generator: torch.Generator) -> np.ndarray:
    return torch.randint(0, 2**62, (count,), generator=generator).numpy().astype(np.uint64)


def look(scene: Scene, cube: Cube, *, resolution: int) -> LabeledFrame:
    """The window of the picture that holds `cube`, as the device reads it, in `resolution` x `resolution` pixels.

    The pixel pitch is the device's own, or coarser where the device has more pixels than the window; beyond the
    device's picture there is no reading.
    """
    center = Intrinsics(_matrices(scene.intrinsics), 1, 1).project(cube.center[:, None])[:, 0]
    native = scene.intrinsics[:, :2] * (cube.edges[:, :2] / cube.center[:, 2:])
    pitch = (resolution / native).clamp(max=1.0).amin(1, keepdim=True)
    middle = (resolution - 1) / 2
    window = torch.cat([scene.intrinsics[:, :2] * pitch, middle + (scene.intrinsics[:, 2:4] - center) * pitch], -1)
    depth = _read(scene, window, width=resolution, height=resolution, far=cube.center[:, 2] + cube.edges[:, 2])

    steps = (torch.arange(resolution) - middle) / pitch
    inside = [
        (center[:, axis, None] + steps >= 0)
        & (center[:, axis, None] + steps <= scene.intrinsics[:, 4 + axis, None] - 1)
        for axis in (0, 1)
    ]
    depth = depth * (inside[1][:, :, None] & inside[0][:, None, :])
    return LabeledFrame(depth, Intrinsics(_matrices(window), resolution, resolution), scene.joints, cube)


def whole_frames(scene: Scene) -> DepthFrame:
    """The full pictures; every row of the scene must come from one named device."""
    camera = scene.camera()
    far = torch.full((len(scene.joints),), 8000.0)
    depth = _read(scene, scene.intrinsics[:, :4], width=camera.width, height=camera.height, far=far)
    return DepthFrame(depth, camera)


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
    zoom = 1 + 0.12 * (uniform(generator, count, 1) * 2 - 1)
    return torch.cat([chosen[:, :2] * zoom, chosen[:, 2:]], dim=-1)


def _sample_positions(
    joints: Float[Tensor, "B 21 3"], intrinsics: Float[Tensor, "B 6"], generator: torch.Generator
) -> Float[Tensor, "B 3"]:
    """Wrist positions that put the joint mean anywhere in the picture (now and then cut by its border)."""
    count = len(joints)
    reach = joints[..., 2].mean(1) - joints[..., 2].amin(1)
    near = torch.maximum(NEAR + reach, torch.tensor(NEAR))
    depth = near * (FAR / near) ** (uniform(generator, count) ** 1.3)
    extent = intrinsics[:, :2] * 95 / depth[:, None]
    margin = torch.where(chance(generator, count, 0.03)[:, None], 0.2 * extent, extent)
    margin = torch.minimum(margin, intrinsics[:, 4:] * 0.45)
    pixel = margin + (intrinsics[:, 4:] - 2 * margin) * uniform(generator, count, 2)
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
    )


def _place(balls: Float[Tensor, "B N K"], rotation: Tensor, position: Tensor) -> Float[Tensor, "B N K"]:
    """Move balls (x, y, z, r, ...) from the hand frame to the camera's."""
    split = balls.unflatten(-1, (-1, 4))
    center = torch.einsum("bij,bnkj->bnki", rotation, split[..., :3]) + position[:, None, None]
    return torch.cat([center, split[..., 3:]], dim=-1).flatten(-2)


def _matrices(intrinsics: Float[Tensor, "B K"]) -> Float[Tensor, "B 3 3"]:
    fx, fy, cx, cy = intrinsics[:, :4].unbind(-1)
    zero, one = torch.zeros_like(fx), torch.ones_like(fx)
    return torch.stack([fx, zero, cx, zero, fy, cy, zero, zero, one], dim=-1).unflatten(-1, (3, 3))
