"""Augmentation moves the cube, never the joints."""

from dataclasses import dataclass

import torch

from handkit.geometry.cube import Cube


@dataclass(frozen=True)
class Augment:
    """How far a cube strays. Centre noise is Gaussian per axis; a share `far` of cubes strays `far_mm` instead."""

    center_mm: float = 0.0
    far_mm: float = 0.0
    far: float = 0.0
    scale: float = 0.0
    """Edges are multiplied by 1 + U(-scale, scale)."""
    roll: float = 0.0
    """Roll is U(-roll, roll), rad."""


def jitter(cube: Cube, augment: Augment, generator: torch.Generator) -> Cube:
    """Perturbed cubes; noise is cut at 2.5 standard deviations, so a hand stays within its patch's margin."""
    count, device = len(cube.roll), generator.device

    def uniform() -> torch.Tensor:
        return torch.rand(count, generator=generator, device=device) * 2 - 1

    strays = torch.rand(count, 1, generator=generator, device=device) < augment.far
    sigma = torch.where(strays, augment.far_mm, augment.center_mm)
    noise = torch.randn(count, 3, generator=generator, device=device).clamp(-2.5, 2.5)
    scale = 1 + augment.scale * uniform()
    return Cube(cube.center + noise * sigma, cube.edges * scale[:, None], cube.roll + augment.roll * uniform())
