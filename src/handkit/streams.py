"""What a run trains on: batches of labelled frames with cubes, and what each network learns from them.

stream -> LabeledFrame with a jittered cube -> targets -> arguments of a network's loss
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol, cast, runtime_checkable

import torch
from jaxtyping import Bool
from torch import Tensor, nn
from torch.utils.data import Dataset

from handkit.geometry.crop import BACKGROUND, Space, crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import LabeledFrame
from handkit.inference import describe, estimate
from handkit.models import HandPoseModel
from handkit.models.localizer import Localizer
from handkit.recipes import Recipe
from handkit.recipes.augment import Augment, disturb, jitter
from handkit.synthetic.scenes import Scene, World, look, sample_scenes

HAND_WITHIN_MM = 100.0
"""A cube whose centre is nearer than this to the joint mean holds a hand (localizer)."""

SAMPLED = 256
"""Scenes that are sampled at a time."""

LOCATED_MARGIN = 1.8
"""Windows this many times as wide as their cubes hold what a localizer looks at, and what it moves the cubes to."""


@runtime_checkable  # for the shape checker that runs under pytest
class Targets(Protocol):
    """From frames with their labels, at a crop resolution, to the arguments of a network's loss."""

    def __call__(
        self,
        frame: Any,  # noqa: ANN401
        resolution: int,
        generator: torch.Generator | None = None,
    ) -> dict[str, Tensor]: ...


@dataclass(frozen=True)
class SyntheticFrames(Dataset[LabeledFrame]):
    """Endless labelled windows of synthetic scenes; item `i` is a whole batch, drawn from `seed` and `i` alone."""

    recipe: Recipe
    seed: int
    size: int
    resolution: int = 128
    margin: float = 1.0
    """Windows are so many times as wide as their cubes; rolled cubes get at least what their corners need."""

    def __getitem__(self, index: int) -> LabeledFrame:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        scene = _scenes(self.seed, index, size=self.size, empty=self.recipe.negatives / 2)
        center = scene.focus
        if self.recipe.negatives > 0:
            elsewhere = torch.rand(self.size, generator=generator) < self.recipe.negatives / 2
            center = torch.where(elsewhere[:, None], _another_place(scene, generator), center)
        cube = jitter(Cube.around(center, edge=self.recipe.cube.edge), self.recipe.augment, generator)
        margin = max(self.margin, math.sqrt(2) if self.recipe.augment.roll > 0 else 1.0)
        if margin == 1.0:
            return look(scene, cube, resolution=self.resolution)
        window = replace(cube, edges=cube.edges * margin)
        return replace(look(scene, window, resolution=round(self.resolution * margin)), cube=cube)


def _scenes(seed: int, index: int, *, size: int, empty: float) -> Scene:
    """Those of batch `index`: small batches are sampled several at a time, which costs a third."""
    batches = max(1, SAMPLED // size)
    group, place = divmod(index, batches)
    return _sampled(seed, group, size * batches, empty).rows(slice(place * size, (place + 1) * size))


@lru_cache(maxsize=2)
def _sampled(seed: int, group: int, count: int, empty: float) -> Scene:
    generator = torch.Generator().manual_seed(seed * 1_000_003 - 1 - group)
    return sample_scenes(count, generator, world=World(empty=empty))


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

    def targets(frame: LabeledFrame, resolution: int, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        crop = crop_hand(frame, frame.cube, resolution)
        if augment is not None and generator is not None:
            crop = disturb(crop, augment, generator)
        return {"points": crop.points(model.space), "joints": crop.normalize(frame.joints, model.space)}

    return targets


@torch.no_grad()
def relocate(frame: LabeledFrame, localizer: Localizer, *, edge_mm: float) -> LabeledFrame:
    """The same frames, their cubes moved to where `localizer` sees the hand; it looks at cubes of `edge_mm`."""
    wide = Cube.around(frame.cube.center, edge=edge_mm)
    offset = localizer(crop_hand(frame, wide, localizer.resolution).points(Space.IMAGE)).offset
    center = wide.denormalize(offset[:, None])[:, 0]
    return replace(frame, cube=replace(frame.cube, center=center))


def located_targets(targets: Targets, localizer: Localizer, edge_mm: float) -> Targets:
    """As `targets`, of cubes that the localizer has moved first: its place in training (docs/reference.md, 2.5)."""

    def located(frame: LabeledFrame, resolution: int, generator: torch.Generator | None = None) -> dict[str, Tensor]:
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


def location_targets(
    frame: LabeledFrame, resolution: int, generator: torch.Generator | None = None
) -> dict[str, Tensor]:
    """Points, offset to the joint mean in the cube's units, and whether a hand is there; every second row mirrored.

    The mirror turns a right hand's crop into a left hand's, so both are seen equally often.
    """
    cube = replace(frame.cube, mirrored=torch.arange(len(frame), device=frame.depth.device) % 2 == 1)
    offset = cube.normalize(frame.joints.mean(1, keepdim=True))[:, 0]
    hand = (offset * cube.edges / 2).norm(dim=-1) < HAND_WITHIN_MM
    return {"points": crop_hand(frame, cube, resolution).points(Space.IMAGE), "offset": offset, "hand": hand}


def handedness_targets(model: HandPoseModel) -> Targets:
    """Both hypotheses of `model`, which is not trained; every frame shows a right hand."""

    cast(nn.Module, model).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def targets(frame: LabeledFrame, resolution: int, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        described: list[Tensor] = []
        for side in (False, True):
            seen = replace(frame.cube, mirrored=torch.full_like(frame.cube.mirrored, side))
            joints = estimate(model, frame, seen, precision=torch.bfloat16)
            described.append(describe(crop_hand(frame, seen, model.resolution), joints))
        return dict(zip(("plain", "mirrored"), described, strict=True))

    return targets
