"""A hand in front of a depth camera, or none: arms, people, things, furniture and walls around, seen by a real device.

`sample_scenes` decides everything that is random about the world; `look` renders a window of it, `overview` and
`whole_frames` the whole image, through a sensor. Labels never depend on the window.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.utils._pytree import tree_map

from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame, LabeledFrame
from handkit.geometry.intrinsics import Intrinsics
from handkit.geometry.kinematics import axis_rotation
from handkit.synthetic.arms import Arm, arms_only, hand_parts
from handkit.synthetic.assemblies import Solids, join, visible
from handkit.synthetic.cast import sample_cast
from handkit.synthetic.hand import (
    Articulation,
    HandShape,
    articulate,
    sample_shapes,
)
from handkit.synthetic.poses import sample_articulations
from handkit.synthetic.rasterize import Surface, render
from handkit.synthetic.sensor import Sensor, perfect, sample_sensors, sense
from handkit.synthetic.surroundings import Stage, surround
from handkit.synthetic.viewpoints import (
    DEVICES,
    FAR,
    FRONTAL,
    NEAR,
    Viewpoint,
    chance,
    sample_cameras,
    sample_viewpoints,
)

__all__ = [
    "DEVICES",
    "EDITION",
    "FAR",
    "NEAR",
    "Scene",
    "World",
    "bare",
    "look",
    "overview",
    "record",
    "sample_scenes",
    "whole_frames",
]

EDITION = 3
"""Of the world: from the same seed another draws other frames, so a study does not go on with its trainings."""
HAND_CONES, HAND_WEDGES = hand_parts()
"""Of a scene's cones and wedges the first are the first hand's own."""
NOWHERE = 1e4
"""Added to the coordinates of joints that are not in the world, mm."""
BEYOND = 0.6
"""Share of a hand's joints that a border through it may leave out."""
LEAST_PX = 24
"""Sides of an image that is cut."""


class World(NamedTuple):
    """What there is to be seen: shares of all scenes."""

    second: float = 0.2
    """With a second hand, of those with a hand."""
    empty: float = 0.0
    """Without a hand: empty rooms, people whose hands are out of the image or hidden."""
    held: float = 0.25
    """With an object in the hand."""
    egocentric: float | None = None
    """Seen by the hand's owner; None: as usual."""
    cut: float = 0.0
    """With a border of the image through the hand, of those with a hand; beside those that stand at one anyway."""


class Scene(NamedTuple):
    """B worlds; every row has its own camera and its own sensor. Camera mm."""

    solids: Solids
    planes: Float[Tensor, "B Q 4"]
    hands: Float[Tensor, "B 2 21 3"]
    """HAND21. The first is always a right hand; one that is not in the world is `NOWHERE`."""
    left: Bool[Tensor, "B 2"]
    present: Bool[Tensor, "B 2"]
    """Whether a third of the hand's joints or more are within the image (maybe hidden by something nearer)."""
    focus: Float[Tensor, "B 3"]
    """The middle of the first hand, or where it would be."""
    places: Float[Tensor, "B M 3"]
    """Middles of things and people, and the elbow: where no hand is. 0, 0, 0 is padding."""
    intrinsics: Float[Tensor, "B 6"]
    """fx, fy, cx, cy, width, height of the device, pixels."""
    sensor: Sensor
    seeds: np.ndarray

    @property
    def joints(self) -> Float[Tensor, "B 21 3"]:
        """The first hand's."""
        return self.hands[:, 0]

    def rows(self, chosen: slice) -> "Scene":
        """Some of the worlds."""

        def pick(part: Tensor | np.ndarray) -> Tensor | np.ndarray:
            return part[chosen]

        return tree_map(pick, self)

    def camera(self) -> Intrinsics:
        """The device of every row; its image's size is that of the first row."""
        width, height = (int(size) for size in self.intrinsics[0, 4:])
        return Intrinsics(_matrices(self.intrinsics), width, height)


def sample_scenes(
    count: int, generator: torch.Generator, *, device: str | None = None, world: World | None = None
) -> Scene:
    """Random worlds, seen by one named camera or by a mixture; of the usual `World`, unless another is given."""
    world = world or World()
    intrinsics = sample_cameras(count, generator, device)
    view = sample_viewpoints(count, generator, egocentric=world.egocentric)
    empty = chance(generator, count, world.empty)
    cast = sample_cast(intrinsics, view, empty, generator, second=world.second, held=world.held)
    first, elbow = cast.first, cast.first.elbow()
    around = surround(Stage(cast.focus, cast.balls(), view), generator, elbow=elbow)

    hands = torch.full((count, 2, 21, 3), NOWHERE)
    hands[:, 0] = first.joints + torch.where(cast.has_hand(), 0.0, NOWHERE)[:, None, None]
    hands[cast.two, 1] = cast.other.joints
    left = torch.zeros(count, 2, dtype=torch.bool)
    left[cast.two, 1] = cast.left
    sensor = _calibrated(sample_sensors(count, generator), hands, cast.focus)
    places = torch.cat([around.places, (elbow * cast.has_arm()[:, None])[:, None]], dim=1)
    if world.cut > 0:
        through = chance(generator, count, world.cut) & _within(hands, intrinsics)[:, 0]
        intrinsics = torch.where(through[:, None], _cut_by_border(hands[:, 0], intrinsics, generator), intrinsics)
    return Scene(
        solids=join([cast.solids(), around.solids]),
        planes=around.planes,
        hands=hands,
        left=left,
        present=_within(hands, intrinsics),
        focus=cast.focus,
        places=places,
        intrinsics=intrinsics,
        sensor=sensor,
        seeds=_seeds(count, generator),
    )


def record(count: int, generator: torch.Generator, *, device: str, pace: int = 12) -> Scene:
    """`count` successive frames of one hand that moves in front of one named camera, things and people behind it.

    From posture to posture it takes `pace` frames.
    """
    arm = _moving_arm(count, generator, pace)
    first = arm.place()
    balls = first.balls()
    view = Viewpoint(torch.full((1,), FRONTAL), torch.tensor([[0.0, -1.0, 0.0]]))
    focus = first.joints.mean(1)
    around = surround(Stage(focus.mean(0, keepdim=True), balls.reshape(1, -1, 4), view), generator, elbow=None)
    sensor = sample_sensors(1, generator, kind="structured light")
    sensor = Sensor(*(np.repeat(field, count) for field in sensor))
    hands = torch.stack([first.joints, torch.full_like(first.joints, NOWHERE)], dim=1)
    intrinsics = sample_cameras(count, generator, device)
    return Scene(
        solids=join(
            [arms_only(first.cones, first.wedges), Solids(*(part.expand(count, -1, -1) for part in around.solids))]
        ),
        planes=around.planes.expand(count, -1, -1),
        hands=hands,
        left=torch.zeros(count, 2, dtype=torch.bool),
        present=_within(hands, intrinsics),
        focus=focus,
        places=torch.cat([around.places.expand(count, -1, -1), first.elbow()[:, None]], dim=1),
        intrinsics=intrinsics,
        sensor=_calibrated(sensor, hands, focus),
        seeds=_seeds(count, generator),
    )


def _moving_arm(count: int, generator: torch.Generator, pace: int) -> Arm:
    """One arm that glides from posture to posture, `pace` frames each."""
    keys = max(count // pace, 1) + 1
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
    nothing = arms_only(torch.zeros(count, 0, 8), torch.zeros(count, 0, 12))
    return Arm(shape, posed, u @ vh, position, torch.full((count,), 240.0), nothing)


def _glide(keys: Float[Tensor, "K *shape"], time: Float[Tensor, " B"]) -> Float[Tensor, "B *shape"]:
    """Values between successive keys, at rest on each: time 0 is the first key, K - 1 the last."""
    before = time.long().clamp(max=len(keys) - 2)
    part = (time - before).clamp(0, 1).view(-1, *[1] * (keys.ndim - 1))
    return torch.lerp(keys[before], keys[before + 1], part * part * (3 - 2 * part))


def _seeds(count: int, generator: torch.Generator) -> np.ndarray:
    return torch.randint(0, 2**62, (count,), generator=generator).numpy().astype(np.uint64)


def bare(scene: Scene) -> Scene:
    """The first hands alone, with nothing around them, through perfect sensors."""
    solids = arms_only(scene.solids.cones[:, :HAND_CONES], scene.solids.wedges[:, :HAND_WEDGES])
    return scene._replace(solids=solids, planes=scene.planes * 0, sensor=perfect(len(scene.planes)))


def look(scene: Scene, cube: Cube, *, resolution: int) -> LabeledFrame:
    """The window of the depth image that holds `cube`, as the device sees it, in `resolution` x `resolution` pixels.

    The pixel pitch is the device's own, or coarser where the device has more pixels than the window; beyond the
    device's image all is invalid.
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
    """The whole depth images; every row of the scene must come from one named device."""
    camera = scene.camera()
    far = torch.full((len(scene.joints),), 8000.0)
    depth = _read(scene, scene.intrinsics[:, :4], width=camera.width, height=camera.height, far=far)
    return DepthFrame(depth, camera)


def overview(scene: Scene, *, focal: float, width: int, height: int) -> DepthFrame:
    """The whole depth images of all cameras at one scale: what a detector looks at. Up to 8 m; 0 is invalid.

    Every image is resampled to the focal length `focal` (pixels, both axes) and stands in the middle of a canvas of
    `width` x `height`, with nothing around it. An image too large for the canvas is scaled down until it fits, so
    that its focal lengths are smaller: each row's are in `camera.matrix`. The sensor is applied at that pitch, as in
    `look`.
    """
    size = scene.intrinsics[:, 4:]
    canvas = torch.tensor([width, height])
    fit = (canvas / (size * (focal / scene.intrinsics[:, :2]))).amin(1, keepdim=True).clamp(max=1.0)
    pitch = focal * fit / scene.intrinsics[:, :2]
    middle = (canvas - 1) / 2
    shift = middle + (scene.intrinsics[:, 2:4] - (size - 1) / 2) * pitch
    window = torch.cat([scene.intrinsics[:, :2] * pitch, shift], dim=-1)
    far = torch.full((len(size),), 8000.0)
    depth = _read(scene, window, width=width, height=height, far=far)
    half = size / 2 * pitch
    rows = (torch.arange(height) - middle[1]).abs() <= half[:, 1:]
    columns = (torch.arange(width) - middle[0]).abs() <= half[:, :1]
    depth = depth * (rows[:, :, None] & columns[:, None, :])
    return DepthFrame(depth, Intrinsics(_matrices(window), width, height))


def _read(scene: Scene, intrinsics: Tensor, *, width: int, height: int, far: Tensor) -> Float[Tensor, "B H W"]:
    """Render what can be in the window, and sense."""
    numbers = intrinsics.numpy()
    seen = visible(scene.solids, intrinsics, width=width, height=height, far=far)
    cones, wedges, boxes, cylinders, ellipsoids = (part.numpy() for part in seen)
    surface = Surface(cones, wedges, scene.planes.numpy(), boxes, cylinders, ellipsoids)
    clean = render(surface, numbers, width=width, height=height, far=far.numpy())
    return torch.from_numpy(sense(clean, numbers, scene.sensor, scene.seeds))


def _within(hands: Float[Tensor, "B H 21 3"], intrinsics: Float[Tensor, "B 6"]) -> Bool[Tensor, "B H"]:
    """Whether a third of the joints are within the image."""
    focal, middle, size = intrinsics[:, None, None].split(2, dim=-1)
    pixel = hands[..., :2] / hands[..., 2:] * focal + middle
    inside = ((pixel >= 0) & (pixel <= size - 1)).all(-1) & (hands[..., 2] > 0) & (hands[..., 2] < NOWHERE / 2)
    return inside.sum(-1) >= 7


def _cut_by_border(
    joints: Float[Tensor, "B 21 3"], intrinsics: Float[Tensor, "B 6"], generator: torch.Generator
) -> Float[Tensor, "B 6"]:
    """The same cameras with a part of their view: the border that is nearer to the hand, of two opposite ones, runs
    through it and leaves out up to `BEYOND` of its joints."""
    focal, middle, size = intrinsics.split(2, dim=-1)
    pixel = (joints[..., :2] / joints[..., 2:] * focal[:, None] + middle[:, None]).sort(dim=1).values
    rows, count = torch.arange(len(joints)), joints.shape[1]
    axis = torch.randint(2, (len(joints),), generator=generator)
    beyond = (torch.rand(len(joints), generator=generator) * BEYOND * count).long()
    last = pixel[rows, count - 1 - beyond, axis].ceil()
    first = pixel[rows, beyond, axis].floor()
    low = pixel[rows, count // 2, axis] < size[rows, axis] / 2
    one = torch.nn.functional.one_hot(axis, 2)
    start = torch.where(low, first, 0.0).clamp(min=0)[:, None] * one
    end = torch.where(low[:, None] | (one == 0), size, torch.minimum(last[:, None] + 1, size))
    return torch.cat([focal, middle - start, (end - start).clamp(min=LEAST_PX)], dim=-1)


def _calibrated(sensor: Sensor, hands: Float[Tensor, "B H 21 3"], focus: Float[Tensor, "B 3"]) -> Sensor:
    """The same sensor without bias, with hands in its range: labels are in the millimeters that it reads."""
    depth = torch.cat([hands[..., 2].flatten(1), focus[:, 2:]], dim=1)
    depth = depth.where(depth < NOWHERE / 2, focus[:, 2:]).numpy()
    return sensor._replace(
        scale=np.zeros_like(sensor.scale),
        offset=np.zeros_like(sensor.offset),
        nearest=np.minimum(sensor.nearest, depth.min(1) - 30).astype(np.float32),
        farthest=np.maximum(sensor.farthest, depth.max(1) + 150).astype(np.float32),
    )


def _matrices(intrinsics: Float[Tensor, "B K"]) -> Float[Tensor, "B 3 3"]:
    fx, fy, cx, cy = intrinsics[:, :4].unbind(-1)
    zero, one = torch.zeros_like(fx), torch.ones_like(fx)
    return torch.stack([fx, zero, cx, zero, fy, cy, zero, zero, one], dim=-1).unflatten(-1, (3, 3))
