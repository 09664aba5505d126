"""What the hand detector learns from: whole depth images with all their hands, and the maps that are true of them.

scenes -> `HandsFrame` (cut to a canvas, half of them mirrored) -> `detection_targets` -> arguments of the loss
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import normalize
from torch.utils.data import Dataset

from handkit.geometry.frame import DepthFrame
from handkit.locate import FOCAL, STRIDE
from handkit.models.detector import HEIGHT, WIDTH, HandMaps
from handkit.recipes import Recipe
from handkit.synthetic.scenes import NOWHERE, Scene, World, overview, sample_scenes
from handkit.training.streams import CUT, WHOLE, Share

SPREAD_MM = 25.0
"""Standard deviation of a hand in the heat map."""
LEAST_CELLS = 0.8
"""It has at least this many cells."""
SEEN_SHARE = 0.25
"""A hand of which fewer joints are seen is neither a hand nor none."""
FRONT_MM, BEHIND_MM = 45.0, 25.0
"""A joint is seen where the surface is at most so far in front of it or behind it."""
IGNORED = 0.1
"""Cells with at least this heat of a hand that is not seen are left out."""
INSIDE_MM = 100.0
"""Where a view is cut, the first hand keeps this distance from the new border if it has it from the old one."""
PARTIAL, PART = 0.2, 0.3
"""Share of views that are cut further, as images around a hand are, and how much of their sides is left at least."""
SECOND = 0.4
"""Share of scenes with a hand that have two."""


@dataclass(frozen=True, kw_only=True)
class HandsFrame(DepthFrame):
    """Depth images with every hand in them; N places for hands in each."""

    hands: Float[Tensor, "B N J 3"]
    """Joints, camera mm."""
    left: Bool[Tensor, "B N"]
    present: Bool[Tensor, "B N"]
    """False where there is no such hand; what else is said of it means nothing."""

    def __getitem__(self, index: Tensor | slice) -> "HandsFrame":
        labels = {"hands": self.hands[index], "left": self.left[index], "present": self.present[index]}
        frame = super().__getitem__(index)
        return HandsFrame(depth=frame.depth, camera=frame.camera, **labels)

    def to(self, device: torch.device | str) -> "HandsFrame":
        return HandsFrame(
            depth=self.depth.to(device),
            camera=self.camera.to(device),
            hands=self.hands.to(device),
            left=self.left.to(device),
            present=self.present.to(device),
        )

    def mirrored(self, rows: Bool[Tensor, " B"]) -> "HandsFrame":
        """The same with these rows in a mirror: left hands become right hands."""
        depth = torch.where(rows[:, None, None], self.depth.flip(-1), self.depth)
        matrix = self.camera.matrix.clone()
        matrix[rows, 0, 2] = self.camera.width - 1 - matrix[rows, 0, 2]
        flipped = self.hands * self.hands.new_tensor([-1.0, 1.0, 1.0])
        hands = torch.where(rows[:, None, None, None], flipped, self.hands)
        camera = replace(self.camera, matrix=matrix)
        return replace(self, depth=depth, camera=camera, hands=hands, left=self.left ^ rows[:, None])


@dataclass(frozen=True)
class WholeFrames(Dataset[HandsFrame]):
    """Endless whole images of synthetic scenes; item `i` is a batch, drawn from `seed` and `i` alone."""

    recipe: Recipe
    seed: int
    size: int
    share: Share = WHOLE

    def __getitem__(self, index: int) -> HandsFrame:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        world = World(second=SECOND, empty=self.recipe.negatives, cut=CUT)
        scene = _cut(sample_scenes(self.size, generator, world=world), generator)
        mine = self.share.rows(self.size)
        scene = scene.rows(mine)
        seen = overview(scene, focal=FOCAL, width=WIDTH, height=HEIGHT)
        there = scene.hands[..., 0, 2] < NOWHERE / 2
        frame = HandsFrame(depth=seen.depth, camera=seen.camera, hands=scene.hands, left=scene.left, present=there)
        return frame.mirrored((torch.rand(self.size, generator=generator) < 0.5)[mine])


def _cut(scene: Scene, generator: torch.Generator) -> Scene:
    """The same scenes, seen by cameras with a part of the view: what fits on the canvas, now and then still less."""
    focal, middle, size = scene.intrinsics.split(2, dim=-1)
    room = torch.minimum(torch.tensor([WIDTH, HEIGHT]) * focal / FOCAL, size)
    part = PART + (1 - PART) * torch.rand(len(size), 1, generator=generator)
    room = room * torch.where(torch.rand(len(size), 1, generator=generator) < PARTIAL, part, 1.0)
    center = scene.focus
    place = center[:, :2] / center[:, 2:] * focal + middle
    border = torch.minimum(INSIDE_MM * focal / center[:, 2:], room * 0.45)
    first = torch.minimum((place + border - room).clamp(min=0), size - room)
    last = torch.minimum((place - border).clamp(min=0), size - room)
    shift = first + (last - first) * torch.rand(len(size), 2, generator=generator)
    return scene._replace(intrinsics=torch.cat([focal, middle - shift, room], dim=-1))


def detection_targets(
    frame: HandsFrame, resolution: int, generator: torch.Generator | None = None
) -> dict[str, Tensor]:
    """Arguments of the detector's loss; images keep their size, and nothing is drawn."""
    maps = hand_maps(frame)
    return {
        "depth": frame.depth[:, None],
        "heat": maps.heat,
        "offset": maps.offset,
        "depth_map": maps.depth,
        "left": maps.left,
        "axes": maps.axes,
        "ignored": maps.ignored,
    }


def hand_maps(frame: HandsFrame) -> HandMaps:
    """What is true of every cell: of its nearest hand, by the heat. Hands centered outside the image are none."""
    height, width = (side // STRIDE for side in frame.depth.shape[1:])
    center = frame.hands.mean(2)
    z = center[..., 2].clamp(min=1.0)
    place = (frame.camera.project(center) + 0.5) / STRIDE - 0.5
    cell = place.round()
    inside = (cell >= 0).all(-1) & (cell[..., 0] < width) & (cell[..., 1] < height)
    focal = frame.camera.matrix[:, 0, 0, None]
    spread = (SPREAD_MM * focal / z / STRIDE).clamp(min=LEAST_CELLS)
    rows = torch.arange(height, device=z.device)[:, None].expand(height, width)
    cells = torch.stack([torch.arange(width, device=z.device).expand(height, width), rows], dim=-1)
    away = (cells - cell[:, :, None, None]).square().sum(-1)
    heat = torch.exp(-away / (2 * spread.square()[..., None, None])) * frame.present[..., None, None]
    seen = inside & frame.present & (seen_share(frame) >= SEEN_SHARE)
    hidden = (heat * ~seen[..., None, None]).amax(1)
    heat, owner = (heat * seen[..., None, None]).max(1)
    batch = torch.arange(len(heat), device=z.device)[:, None, None]
    offset = (place[batch, owner] - cells).permute(0, 3, 1, 2)
    axes = hand_axes(frame)[batch, owner].permute(0, 3, 1, 2)
    return HandMaps(heat, offset, z[batch, owner], frame.left[batch, owner].float(), axes, hidden > IGNORED)


def hand_axes(frame: HandsFrame) -> Float[Tensor, "B N 9"]:
    """Unit vectors from the wrist to the middle finger, from the little to the index finger, and out of the palm."""
    wrist, index, middle, little = (frame.hands[:, :, joint] for joint in (0, 5, 9, 17))
    along, across = normalize(middle - wrist, dim=-1), normalize(index - little, dim=-1)
    palm = normalize(torch.linalg.cross(across, along), dim=-1)
    return torch.cat([along, across, torch.where(frame.left[..., None], -palm, palm)], dim=-1)


def seen_share(frame: HandsFrame) -> Float[Tensor, "B N"]:
    """Share of each hand's joints, 0 to 1, whose pixel shows the hand's surface rather than something in front."""
    count, height, width = frame.depth.shape
    column, row = frame.camera.project(frame.hands.flatten(1, 2)).round().long().unbind(-1)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    index = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
    gap = frame.hands.flatten(1, 2)[..., 2] - frame.depth.flatten(1).gather(1, index)
    seen = inside & (gap < FRONT_MM) & (gap > -BEHIND_MM)
    return seen.view(count, frame.hands.shape[1], -1).float().mean(-1)
