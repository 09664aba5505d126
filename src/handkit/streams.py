"""What a run trains on: batches of labelled frames with cubes, and what each network learns from them.

stream -> DepthFrame with joints and a jittered cube -> targets -> arguments of a network's loss
"""

import math
from dataclasses import dataclass, replace
from typing import Protocol, cast, runtime_checkable

import torch
from jaxtyping import Bool
from torch import Tensor, nn
from torch.utils.data import Dataset

from handkit.data.augment import Augment, disturb, jitter
from handkit.geometry.crop import BACKGROUND, Crop, Space, crop_hand, mirror_joints, mirror_points
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.inference import two_readings
from handkit.models import HandPoseModel
from handkit.models.localizer import Localizer
from handkit.recipes import Recipe
from handkit.synthetic.scenes import Scene, World, look, sample_scenes

HAND_WITHIN_MM = 100.0
"""A cube whose centre is nearer than this to the joint mean holds a hand (localizer)."""

LOCATED_MARGIN = 1.8
"""Windows this many times as wide as their cubes hold what a localizer looks at, and what it moves the cubes to."""


@runtime_checkable  # for the shape checker that runs under pytest
class Targets(Protocol):
    """From frames with joints and cubes, at a crop resolution, to the arguments of a network's loss."""

    def __call__(
        self, frame: DepthFrame, resolution: int, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]: ...


@dataclass(frozen=True)
class SyntheticFrames(Dataset[DepthFrame]):
    """Endless labelled windows of synthetic scenes; item `i` is a whole batch, drawn from `seed` and `i` alone."""

    recipe: Recipe
    seed: int
    size: int
    resolution: int = 128
    margin: float = 1.0
    """Windows are so many times as wide as their cubes; rolled cubes get at least what their corners need."""

    def __getitem__(self, index: int) -> DepthFrame:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        scene = sample_scenes(self.size, generator, world=World(empty=self.recipe.negatives / 2))
        center = scene.focus
        if self.recipe.negatives > 0:
            elsewhere = torch.rand(self.size, generator=generator) < self.recipe.negatives / 2
            center = torch.where(elsewhere[:, None], _another_place(scene, generator), center)
        cube = jitter(Cube.around(center, edge=self.recipe.edge_mm), self.recipe.augment, generator)
        margin = max(self.margin, math.sqrt(2) if self.recipe.augment.roll > 0 else 1.0)
        if margin == 1.0:
            return look(scene, cube, resolution=self.resolution)
        window = replace(cube, edges=cube.edges * margin)
        return replace(look(scene, window, resolution=round(self.resolution * margin)), cube=cube)


def _another_place(scene: Scene, generator: torch.Generator) -> Tensor:
    """A point on something else in each scene: a thing, a body, a forearm, or beside the hand; on no second hand."""
    count = len(scene.focus)
    there = (scene.places[..., 2] > 0).float() + 1e-6
    thing = scene.places[torch.arange(count), torch.multinomial(there, 1, generator=generator)[:, 0]]
    mixed = scene.focus + torch.rand(count, 1, generator=generator) * (thing - scene.focus)
    beside = scene.focus + torch.randn(count, 3, generator=generator) * 130
    kind = torch.rand(count, 1, generator=generator)
    place = torch.where(kind < 0.45, thing, torch.where(kind < 0.75, mixed, beside))
    place = torch.cat([place[:, :2], place[:, 2:].clamp(min=150)], dim=-1)
    on_second = (place - scene.hands[:, 1].mean(1)).norm(dim=-1) < 1.5 * HAND_WITHIN_MM
    return torch.where(on_second[:, None], scene.focus, place)


def pose_targets(model: HandPoseModel, augment: Augment | None = None) -> Targets:
    """Points and joints in the space of `model`; readings are disturbed as `augment` says, given a generator."""

    def targets(frame: DepthFrame, resolution: int, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        crop, joints = _labelled_crop(frame, resolution)
        if augment is not None and generator is not None:
            crop = disturb(crop, augment, generator)
        return {"points": crop.points(model.space), "joints": crop.normalize(joints, model.space)}

    return targets


@torch.no_grad()
def relocate(frame: DepthFrame, localizer: Localizer, *, edge_mm: float) -> DepthFrame:
    """The same frames, their cubes moved to where `localizer` sees the hand; it looks at cubes of `edge_mm`."""
    assert frame.cube is not None
    wide = Cube.around(frame.cube.center, edge=edge_mm)
    offset = localizer(crop_hand(frame, wide, localizer.resolution).points(Space.IMAGE)).offset
    center = wide.denormalize(offset[:, None])[:, 0]
    return replace(frame, cube=replace(frame.cube, center=center))


def located_targets(targets: Targets, localizer: Localizer, edge_mm: float) -> Targets:
    """As `targets`, of cubes that the localizer has moved first: its place in training (SRN; reference facts, 2.5)."""

    def located(frame: DepthFrame, resolution: int, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        return targets(relocate(frame, localizer.to(frame.depth.device), edge_mm=edge_mm), resolution, generator)

    return located


def usable(targets: dict[str, Tensor]) -> Bool[Tensor, " B"]:
    """Rows that a network can learn from: all numbers finite, and something in the crop unless it is to show no hand.

    One other row in a batch would spoil its statistics, and through them every row and the running statistics.
    """
    finite = torch.stack([part.reshape(len(part), -1).isfinite().all(1) for part in targets.values()]).all(0)
    if "points" not in targets:
        return finite
    something = (targets["points"][:, 2] < BACKGROUND).flatten(1).any(1)
    return finite & (something | ~targets["hand"] if "hand" in targets else something)


def location_targets(frame: DepthFrame, resolution: int, generator: torch.Generator | None = None) -> dict[str, Tensor]:
    """Points, offset to the joint mean in the cube's units, and whether a hand is there; every second row mirrored.

    The mirror turns a right hand's crop into a left hand's, so both are seen equally often.
    """
    crop, joints = _labelled_crop(frame, resolution)
    offset = crop.cube.normalize(joints.mean(1, keepdim=True))[:, 0]
    hand = (offset * crop.cube.edges / 2).norm(dim=-1) < HAND_WITHIN_MM
    points = crop.points(Space.IMAGE)
    left = torch.arange(len(points), device=points.device) % 2 == 1
    points = torch.where(left[:, None, None, None], mirror_points(points), points)
    return {
        "points": points,
        "offset": torch.where(left[:, None], mirror_joints(offset), offset),
        "hand": hand,
    }


def handedness_targets(model: HandPoseModel) -> Targets:
    """Both readings of `model`, which is not trained; every frame shows a right hand."""

    cast(nn.Module, model).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def targets(frame: DepthFrame, resolution: int, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        crop, _ = _labelled_crop(frame, model.resolution)
        points = crop.points(model.space)
        with torch.no_grad(), torch.autocast(points.device.type, torch.bfloat16):  # as `read_both`, but cheaper
            plain, mirrored = model(torch.cat([points, mirror_points(points)])).float().chunk(2)
        plain, mirrored = (crop.denormalize(joints, model.space) for joints in (plain, mirror_joints(mirrored)))
        return dict(zip(("plain", "mirrored"), two_readings(crop, plain, mirrored), strict=True))

    return targets


def _labelled_crop(frame: DepthFrame, resolution: int) -> tuple[Crop, Tensor]:
    assert frame.cube is not None
    assert frame.joints is not None
    return crop_hand(frame, frame.cube, resolution), frame.joints
