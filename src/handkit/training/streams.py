"""What a run trains on: batches of labeled frames with cubes, drawn from a seed and their number alone."""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.utils.data import Dataset

from handkit.geometry.cube import Cube
from handkit.geometry.frame import LabeledFrame
from handkit.recipes import Recipe
from handkit.recipes.augment import jitter
from handkit.synthetic.scenes import Scene, World, look, sample_scenes

HAND_WITHIN_MM = 100.0
"""A cube whose center is nearer than this to the joint mean holds a hand (localizer)."""

SAMPLED = 256
"""Scenes that are sampled at a time."""

LOCATED_MARGIN = 1.8
"""Windows this many times as wide as their cubes hold what a localizer looks at, and what it moves the cubes to."""

RECENTERED_MARGIN = 1.4
"""As `LOCATED_MARGIN`, where the pose network moves the cubes."""

NEAREST_MM = 150.0
"""No cube's center is nearer to the camera."""

CUT = 0.15
"""Share of the scenes with a border of the image through the hand: hands come and go that way."""

HIDDEN = 0.12
"""Share of the hypotheses with a flat thing before a part of the cube, or with nothing measured there."""
RANDOM_NUMBERS = 7
"""Of which `hidden` makes one thing."""

ON_SECOND = 0.5
"""Share of the scenes with a second hand in which a hypothesis looks at that one."""


class Share(NamedTuple):
    """Which part of every batch a process sees."""

    number: int = 0
    of: int = 1

    def rows(self, batch: int) -> slice:
        """Of a batch of this size; what is drawn for them does not depend on the share."""
        return slice(batch * self.number // self.of, batch * (self.number + 1) // self.of)


WHOLE = Share()


@dataclass(frozen=True)
class SyntheticFrames(Dataset[LabeledFrame]):
    """Endless labeled windows of synthetic scenes; item `i` is a whole batch, drawn from `seed` and `i` alone."""

    recipe: Recipe
    seed: int
    size: int
    resolution: int = 128
    margin: float = 1.0
    """Windows are this many times as wide as their cubes; rolled cubes get at least what their corners need."""
    share: Share = WHOLE

    def __getitem__(self, index: int) -> LabeledFrame:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        scene = _scenes(self.seed, index, size=self.size, empty=self.recipe.negatives / 2)
        center = scene.focus
        if self.recipe.negatives > 0:
            elsewhere = torch.rand(self.size, generator=generator) < self.recipe.negatives / 2
            center = torch.where(elsewhere[:, None], _another_place(scene, generator), center)
        cube = jitter(Cube.around(center, edge=self.recipe.cube.edge), self.recipe.augment, generator)
        mine = self.share.rows(self.size)
        cube, scene = cube[mine], scene.rows(mine)
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
    """Endless cubes around a hand, a second hand, something else or nothing.

    Item `i` is a whole batch, drawn from `seed` and `i` alone.
    """

    recipe: Recipe
    seed: int
    size: int
    resolution: int = 160
    share: Share = WHOLE

    def __getitem__(self, index: int) -> HypothesisFrame:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        scene = _scenes(self.seed, index, size=self.size, empty=self.recipe.negatives / 2)
        kind = torch.rand(self.size, generator=generator)
        second = scene.present[:, 1] & (torch.rand(self.size, generator=generator) < ON_SECOND)
        center = torch.where(second[:, None], scene.hands[:, 1].mean(1), scene.focus)
        elsewhere = kind < self.recipe.negatives / 2
        center = torch.where(elsewhere[:, None], _another_place(scene, generator), center)
        cube = jitter(Cube.around(before(center), edge=self.recipe.cube.edge), self.recipe.augment, generator)
        chance = torch.rand(self.size, RANDOM_NUMBERS, generator=generator)
        mine = self.share.rows(self.size)
        cube, scene = cube[mine], scene.rows(mine)
        window = replace(cube, edges=cube.edges * RECENTERED_MARGIN)
        frame = look(scene, window, resolution=self.resolution)
        depth = hidden(frame.depth, cube.center[:, 2], chance[mine], share=HIDDEN)
        return HypothesisFrame(
            depth, frame.camera, frame.joints, cube, hands=scene.hands, left=scene.left, present=scene.present
        )


def hidden(
    depth: Float[Tensor, "B H W"], center: Float[Tensor, " B"], chance: Float[Tensor, "B 7"], *, share: float
) -> Float[Tensor, "B H W"]:
    """The same windows, a `share` of them with half of a board or a bar before what is at this depth (mm), 10 to 235 mm
    nearer, or with nothing measured there, as before a third of the bars and half of the boards. `chance`, 0 to 1,
    decides; a hand takes up half of a window's width.
    """
    count, height, width = depth.shape
    there, kind, angle, place, thick, near, tilt = chance.T[:, :, None, None]
    down, across = torch.meshgrid(torch.linspace(-0.5, 0.5, height), torch.linspace(-0.5, 0.5, width), indexing="ij")
    angle = 2 * math.pi * angle
    from_edge = across * angle.cos() + down * angle.sin() - 0.3 * (place - 0.5)
    along = down * angle.cos() - across * angle.sin()
    bar, measured = kind % 0.5 < 0.25, kind < 0.6
    covered = torch.where(bar, from_edge.abs() < 0.04 + 0.08 * thick, from_edge > 0) & (there < share)
    board = center[:, None, None] - (25 + 175 * near - 100 * (tilt - 0.5) * along).clamp(min=10)
    board = torch.where(measured, board.clamp(min=NEAREST_MM / 2), 0.0).expand(count, height, width)
    behind = (depth == 0) | (depth > board)
    return torch.where(covered & behind, board, depth)


def before(center: Float[Tensor, "B 3"]) -> Float[Tensor, "B 3"]:
    """In front of the camera by `NEAREST_MM` at least."""
    return torch.cat([center[:, :2], center[:, 2:].clamp(min=NEAREST_MM)], dim=-1)


def _scenes(seed: int, index: int, *, size: int, empty: float) -> Scene:
    """Those of batch `index`: small batches are sampled several at a time, which costs a third."""
    batches = max(1, SAMPLED // size)
    group, place = divmod(index, batches)
    return _sampled(seed, group, size * batches, empty).rows(slice(place * size, (place + 1) * size))


@lru_cache(maxsize=2)
def _sampled(seed: int, group: int, count: int, empty: float) -> Scene:
    generator = torch.Generator().manual_seed(seed * 1_000_003 - 1 - group)
    return sample_scenes(count, generator, world=World(empty=empty, cut=CUT))


def _another_place(scene: Scene, generator: torch.Generator) -> Tensor:
    """A point on something else in each scene: a thing, a body, a forearm, or beside the hand; on no second hand."""
    count = len(scene.focus)
    there = (scene.places[..., 2] > 0).float() + 1e-6
    thing = scene.places[torch.arange(count), torch.multinomial(there, 1, generator=generator)[:, 0]]
    mixed = scene.focus + torch.rand(count, 1, generator=generator) * (thing - scene.focus)
    beside = scene.focus + torch.randn(count, 3, generator=generator) * 130
    kind = torch.rand(count, 1, generator=generator)
    place = torch.where(kind < 0.45, thing, torch.where(kind < 0.75, mixed, beside))
    place = before(place)
    on_second = (place - scene.hands[:, 1].mean(1)).norm(dim=-1) < 1.5 * HAND_WITHIN_MM
    return torch.where(on_second[:, None], scene.focus, place)
