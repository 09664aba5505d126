"""Augmentation moves the cube, never the joints; what the sensor did wrong is added to the crop's depth.

docs/reference.md, 2.3 holds what the papers do; their policies are at the end as constants. What differs: normal
noise is cut at 2.5 standard deviations, so that a hand stays within its patch's margin, and a new cube's depth is
clipped and normalized with its own edge (the papers' code clips with the old one).
"""

from dataclasses import dataclass, replace
from math import pi
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from handkit.geometry.crop import BACKGROUND, Crop
from handkit.geometry.cube import Cube

Law = Literal["normal", "uniform"]
CUT = 2.5
"""Standard deviations at which normal noise is cut."""
CROP = 128
"""`Augment.center_px` counts pixels of a crop of this many pixels a side."""
ERASED = (0.02, 0.15)
"""Least and largest share of the crop that an erased rectangle takes."""


@dataclass(frozen=True)
class Augment:
    """How far a cube is perturbed. The first five fields are those of every recipe; the others are off by default."""

    center_mm: float = 0.0
    """Noise of the center on each axis; `center_law` says which."""
    far_mm: float = 0.0
    far: float = 0.0
    """A share `far` of cubes is perturbed by `far_mm` instead."""
    scale: float = 0.0
    """Edges are multiplied by 1 + noise of this size; `scale_law` says which."""
    roll: float = 0.0
    """Roll is U(-roll, roll), rad."""
    center_px: float = 0.0
    """The center also moves by U(-center_px, center_px) crop pixels to the right and down."""
    aspect: float = 0.0
    """Width and height are each multiplied by N(1, aspect), cut at `aspect_cut` from 1."""
    aspect_cut: float = 0.1
    center_law: Law = "normal"
    scale_law: Law = "uniform"
    combine: Literal["all", "one"] = "all"
    """One: a cube is moved, rolled or scaled, of these what has a range, or left alone; each is as likely."""
    edges_mm: tuple[float, ...] = ()
    """If there are any, every cube has one of these edges."""
    depth_noise_mm: float = 0.0
    """Standard deviation of normal noise on every valid depth value."""
    erase: float = 0.0
    """Share of crops that lose a rectangle to the background."""


def jitter(cube: Cube, augment: Augment, generator: torch.Generator) -> Cube:
    """Perturbed cubes, on the generator's device."""
    draw = _Draw(generator, len(cube.roll))
    far = draw.uniform(1) < augment.far * 2 - 1
    size = torch.where(far, augment.far_mm, augment.center_mm)
    shift = draw.noise(augment.center_law, 3) * size
    factor = 1 + augment.scale * draw.noise(augment.scale_law, 1)
    roll = augment.roll * draw.uniform(1)[:, 0]
    moved = torch.ones_like(far[:, 0])
    if augment.combine == "one":
        moves = augment.center_mm > 0 or augment.center_px > 0
        moved, rolled, scaled = draw.one_of(moves, augment.roll > 0, augment.scale > 0)
        shift, roll, factor = shift * moved[:, None], roll * rolled, torch.where(scaled[:, None], factor, 1.0)
    edges = cube.edges
    if augment.edges_mm:
        chosen = draw.choice(len(augment.edges_mm))[:, None]
        for index, edge in enumerate(augment.edges_mm):
            edges = torch.where(chosen == index, edge, edges)
    edges = edges * factor
    if augment.aspect > 0:
        ratio = (augment.aspect * draw.normal(2)).clamp(-augment.aspect_cut, augment.aspect_cut)
        edges = edges * torch.nn.functional.pad(1 + ratio, (0, 1), value=1.0)
    if augment.center_px > 0:
        pixels = torch.nn.functional.pad(augment.center_px * draw.uniform(2), (0, 1))
        shift = shift + pixels * edges / CROP * moved[:, None]
    return replace(cube, center=cube.center + shift, edges=edges, roll=cube.roll + roll)


def disturb(crop: Crop, augment: Augment, generator: torch.Generator) -> Crop:
    """The crop with noise on its depth values and rectangles without any; its cube, and so the joints, stay."""
    depth, foreground = crop.depth, crop.foreground
    if augment.depth_noise_mm > 0:
        noise = torch.randn(depth.shape, generator=generator, device=generator.device).clamp(-CUT, CUT)
        half = crop.cube.edges[:, 2, None, None] / 2
        depth = torch.where(foreground, (depth + noise * augment.depth_noise_mm / half).clamp(-1, 1), BACKGROUND)
    if augment.erase > 0:
        foreground = foreground & ~_rectangles(depth, augment.erase, generator)
        depth = torch.where(foreground, depth, BACKGROUND)
    return replace(crop, depth=depth, foreground=foreground)


def _rectangles(depth: Float[Tensor, "B S S"], share: float, generator: torch.Generator) -> Bool[Tensor, "B S S"]:
    """A random rectangle in a `share` of the rows, half to twice as wide as high; cut by the border where it is."""
    count, size = depth.shape[:2]
    area, shape, u, v, chance = torch.rand(5, count, 1, generator=generator, device=generator.device)
    area = ERASED[0] + (ERASED[1] - ERASED[0]) * area
    width = (area * 2 ** (2 * shape - 1)).sqrt()
    steps = (torch.arange(size, device=generator.device) + 0.5) / size
    columns = (steps - u).abs() < width / 2
    rows = (steps - v).abs() < area / width / 2
    return rows[:, :, None] & columns[:, None, :] & (chance[:, :, None] < share)


@dataclass(frozen=True)
class _Draw:
    """Random numbers for `count` rows; the order of calls decides what each gets."""

    generator: torch.Generator
    count: int

    def uniform(self, columns: int) -> Float[Tensor, "B columns"]:
        """-1 to 1."""
        size = (self.count, columns)
        return torch.rand(size, generator=self.generator, device=self.generator.device) * 2 - 1

    def normal(self, columns: int) -> Float[Tensor, "B columns"]:
        """Standard normal, uncut."""
        return torch.randn(self.count, columns, generator=self.generator, device=self.generator.device)

    def noise(self, law: Law, columns: int) -> Float[Tensor, "B columns"]:
        """Of size 1: a standard deviation, or half the range."""
        return self.normal(columns).clamp(-CUT, CUT) if law == "normal" else self.uniform(columns)

    def choice(self, options: int) -> Tensor:
        """0 to `options` - 1."""
        return torch.randint(options, (self.count,), generator=self.generator, device=self.generator.device)

    def one_of(self, *possible: bool) -> tuple[Bool[Tensor, " B"], ...]:
        """For each kind, the rows that have it; one more kind, none of them, is as likely as each possible one."""
        kind = self.choice(1 + sum(possible))
        return tuple(kind == sum(possible[: index + 1]) if here else kind < 0 for index, here in enumerate(possible))


CROSSINFONET = Augment(center_mm=10.0, scale=0.05, roll=pi, scale_law="normal", combine="one")
"""Exactly one of {com, rot, none, sc}: N(0, 10 mm), +-180 degrees, cube times 1 + N(0, 0.05) (code; 2.3). The code
turns the image about the crop's center and keeps its depth; ours rolls the box about its own axis, as if the camera
were rolled, which for a hand off its cube's center differs by the perspective within the cube."""
CROSSINFONET_PRINTED = Augment(center_px=10.0, scale=0.1, roll=pi, combine="one")
"""The same as the paper words it: +-10 px, +-180 degrees, 0.9 to 1.1 (2.3)."""
SRN = Augment(center_mm=10.0, scale=0.1, roll=pi, center_law="uniform", combine="one")
"""Exactly one of {rot, com, sc, none}: U(-10, 10) mm per axis, +-180 degrees, cube times 1 + U(-0.1, 0.1) (2.3)."""
SRN_HANDS17 = replace(SRN, scale=0.2)
"""The same with the scale that the authors' `train.py` has for HANDS2017 (2.3)."""
LATENT_FUSION = Augment(center_px=10.0, scale=0.1, roll=pi / 12)
"""+-10 px, 0.9 to 1.1, +-15 degrees about the optical axis; how they combine is not said, here all at once (2.3)."""
DENSEREG = Augment(roll=pi, aspect=0.2)
"""Always both: +-180 degrees; width and height each times N(1, 0.2), cut to 0.9 to 1.1 (2.3)."""
ATTENTION_HOURGLASS = SRN
"""None is stated; SRN's, which docs/reference.md, 2.3 suggests."""
