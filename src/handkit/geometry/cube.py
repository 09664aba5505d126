"""The metric box around one hand: it says where to cut."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Cube:
    """Centre (camera mm), three full edges (mm) and roll about the optical axis (rad), one row a hand.

    The box's axes are the camera's, turned by `roll` in the image plane; a positive roll turns the crop's content
    clockwise on the screen (x right, y down).
    """

    center: Float[Tensor, "B 3"]
    edges: Float[Tensor, "B 3"]
    roll: Float[Tensor, " B"]

    @classmethod
    def around(cls, center: Float[Tensor, "B 3"], *, edge: float) -> "Cube":
        """Upright cubes with one edge length in mm."""
        return cls(center, torch.full_like(center, edge), torch.zeros_like(center[:, 0]))

    def rotation(self) -> Float[Tensor, "B 2 2"]:
        """Camera x, y to the box's own axes."""
        cos, sin = torch.cos(self.roll), torch.sin(self.roll)
        return torch.stack([cos, -sin, sin, cos], dim=-1).unflatten(-1, (2, 2))

    def normalize(self, points: Float[Tensor, "B N 3"]) -> Float[Tensor, "B N 3"]:
        """Camera mm to the box's own axes, [-1, 1] inside."""
        offset = points - self.center[:, None]
        plane = offset[..., :2] @ self.rotation().mT
        return torch.cat([plane, offset[..., 2:]], dim=-1) / (self.edges[:, None] / 2)

    def denormalize(self, points: Float[Tensor, "B N 3"]) -> Float[Tensor, "B N 3"]:
        """Inverse of `normalize`."""
        offset = points * (self.edges[:, None] / 2)
        plane = offset[..., :2] @ self.rotation()
        return torch.cat([plane, offset[..., 2:]], dim=-1) + self.center[:, None]

    def __getitem__(self, index: Tensor | slice) -> "Cube":
        return Cube(self.center[index], self.edges[index], self.roll[index])

    def to(self, device: torch.device | str) -> "Cube":
        return Cube(self.center.to(device), self.edges.to(device), self.roll.to(device))
