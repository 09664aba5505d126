"""What a run trains on: batches of labeled frames with cubes, and what each network learns from them.

stream -> LabeledFrame with a jittered cube -> targets -> arguments of a network's loss
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol, cast, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.utils.data import Dataset

from handkit.geometry.crop import BACKGROUND, Space, crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import LabeledFrame
from handkit.inference import describe, estimate, evidence_of
from handkit.models import HandPoseModel
from handkit.models.description import describe_crops
from handkit.models.localizer import Localizer
from handkit.recipes import Recipe
from handkit.recipes.augment import Augment, disturb, jitter
from handkit.synthetic.scenes import Scene, World, look, sample_scenes

HAND_WITHIN_MM = 100.0
"""A cube whose center is nearer than this to the joint mean holds a hand (localizer)."""

SAMPLED = 256
"""Scenes that are sampled at a time."""

LOCATED_MARGIN = 1.8
"""Windows this many times as wide as their cubes hold what a localizer looks at, and what it moves the cubes to."""


ON_SECOND = 0.5
"""Share of the scenes with a second hand in which a hypothesis looks at that one."""
ERROR_LIMIT_MM = 200.0
"""Joint errors count up to this much."""


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
    """Endless labeled windows of synthetic scenes; item `i` is a whole batch, drawn from `seed` and `i` alone."""

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


@dataclass(frozen=True)
class HypothesisFrame(LabeledFrame):
    """Frames with all hands that are in them; cubes that may be mirrored, or hold no hand. `joints` are the first's."""

    hands: Float[Tensor, "B N J 3"]
    """Camera mm; far away where there is none."""
    left: Bool[Tensor, "B N"]
    present: Bool[Tensor, "B N"]
    """Whether the hand is within the image."""

    def __getitem__(self, index: Tensor | slice) -> "HypothesisFrame":
        labels = (part[index] for part in (self.hands, self.left, self.present))
        frame = super().__getitem__(index)
        return HypothesisFrame(frame.depth, frame.camera, frame.joints, frame.cube, *labels)

    def to(self, device: torch.device | str) -> "HypothesisFrame":
        labels = (part.to(device) for part in (self.hands, self.left, self.present))
        frame = super().to(device)
        return HypothesisFrame(frame.depth, frame.camera, frame.joints, frame.cube, *labels)


@dataclass(frozen=True)
class Hypotheses(Dataset[HypothesisFrame]):
    """Endless hypotheses: cubes around a hand, a second hand, something else or nothing, mirrored or not.

    Item `i` is a whole batch, drawn from `seed` and `i` alone.
    """

    recipe: Recipe
    seed: int
    size: int
    resolution: int = 128

    def __getitem__(self, index: int) -> HypothesisFrame:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        scene = _scenes(self.seed, index, size=self.size, empty=self.recipe.negatives / 2)
        kind, side = torch.rand(2, self.size, generator=generator)
        second = scene.present[:, 1] & (torch.rand(self.size, generator=generator) < ON_SECOND)
        center = torch.where(second[:, None], scene.hands[:, 1].mean(1), scene.focus)
        elsewhere = kind < self.recipe.negatives / 2
        center = torch.where(elsewhere[:, None], _another_place(scene, generator), center)
        center = torch.cat([center[:, :2], center[:, 2:].clamp(min=150)], dim=-1)
        cube = jitter(Cube.around(center, edge=self.recipe.cube.edge), self.recipe.augment, generator)
        cube = replace(cube, mirrored=side < 0.5)
        frame = look(scene, cube, resolution=self.resolution)
        return HypothesisFrame(
            frame.depth, frame.camera, frame.joints, cube, hands=scene.hands, left=scene.left, present=scene.present
        )


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
    """Points and joints in the space of `model`; depth values are disturbed as `augment` says, given a generator."""

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


def confidence_targets(model: HandPoseModel) -> Targets:
    """Evidence of one hypothesis of `model`, which is not trained, a cube; and what is true of it (`judged`)."""
    cast(nn.Module, model).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    @torch.no_grad()
    def targets(frame: HypothesisFrame, resolution: int, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        crop = crop_hand(frame, frame.cube, model.resolution)
        points = crop.points(model.space)
        with torch.autocast(points.device.type, torch.bfloat16):
            described = describe_crops(cast(nn.Module, model), points)
        evidence = evidence_of(crop, described, model.space)
        joints = crop.denormalize(described.joints.float(), model.space)
        return {"tokens": evidence.tokens, "context": evidence.context} | judged(frame, joints)

    return targets


def judged(frame: HypothesisFrame, joints: Float[Tensor, "B J 3"]) -> dict[str, Tensor]:
    """What is true of answered joints (camera mm): whether a hand is in the cube, looks right there, and the errors.

    Of two hands it is the one nearest to the answer. A hand is in the cube when its middle is within `HAND_WITHIN_MM`
    of the cube's. Errors are in mm, at most `ERROR_LIMIT_MM`.
    """
    middles = frame.hands.mean(2)
    inside = frame.present & ((middles - frame.cube.center[:, None]).norm(dim=-1) < HAND_WITHIN_MM)
    away = (middles - joints.mean(1, keepdim=True)).norm(dim=-1)
    nearest = torch.where(inside, away, torch.inf).argmin(1)
    rows = torch.arange(len(joints), device=joints.device)
    errors = (joints - frame.hands[rows, nearest]).norm(dim=-1).clamp(max=ERROR_LIMIT_MM)
    right = frame.left[rows, nearest] == frame.cube.mirrored
    return {"hand": inside.any(1), "right": right, "errors_mm": errors}
