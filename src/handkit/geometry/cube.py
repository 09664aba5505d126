"""The metric box around one hand: it says where to cut, and how to look."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Real

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from handkit.errors import check_kind
from handkit.geometry.checked import check_tensor


@dataclass(frozen=True)
class Cube:
    """Center (camera mm), three full edges (mm), roll about the optical axis (rad) and mirrored or not, a row a hand.

    The box's axes are the camera's, turned by `roll` in the image plane; a positive roll turns the crop's content
    clockwise on the screen (x right, y down). A mirrored box has its x axis pointing the other way: a left hand in it
    looks, and is normalized, as a right hand.
    """

    center: Float[Tensor, "B 3"]
    edges: Float[Tensor, "B 3"]
    roll: Float[Tensor, " B"]
    mirrored: Bool[Tensor, " B"]

    def __post_init__(self) -> None:
        """Raise UsageError for other shapes."""
        for name, shape in (("center", "B 3"), ("edges", "B 3"), ("roll", "B"), ("mirrored", "B")):
            check_tensor(name, getattr(self, name), shape)

    @classmethod
    def around(cls, center: Float[Tensor, "B 3"], *, edge: float | Float[Tensor, "B 3"]) -> "Cube":
        """Upright boxes that mirror nothing, with one edge length in mm or with edges of their own."""
        check_tensor("center", center, "B 3")
        if not isinstance(edge, Tensor):
            check_kind("edge", edge, Real)
        edges = edge if isinstance(edge, Tensor) else torch.full_like(center, edge)
        zeros = torch.zeros_like(center[:, 0])
        return cls(center, edges, zeros, zeros.bool())

    def views(self, *, mirrored: Sequence[bool]) -> "Cube":
        """Every box plain or mirrored, as listed: rows are boxes x `mirrored`, the last fastest."""
        flips = torch.tensor(list(mirrored), device=self.roll.device)
        rows = self[torch.arange(len(self), device=self.roll.device).repeat_interleave(len(flips))]
        return replace(rows, mirrored=rows.mirrored ^ flips.repeat(len(self)))

    def axes(self) -> Float[Tensor, "B 2 2"]:
        """Camera x, y to the box's own axes; orthogonal."""
        cos, sin = torch.cos(self.roll), torch.sin(self.roll)
        side = torch.where(self.mirrored, -1.0, 1.0).to(cos.dtype)
        return torch.stack([side * cos, -side * sin, sin, cos], dim=-1).unflatten(-1, (2, 2))

    def normalize(self, points: Float[Tensor, "B N 3"]) -> Float[Tensor, "B N 3"]:
        """Camera mm to the box's own axes, [-1, 1] inside."""
        check_tensor("points", points, "B N 3")
        offset = points - self.center[:, None]
        plane = offset[..., :2] @ self.axes().mT
        return torch.cat([plane, offset[..., 2:]], dim=-1) / (self.edges[:, None] / 2)

    def denormalize(self, points: Float[Tensor, "B N 3"]) -> Float[Tensor, "B N 3"]:
        """Inverse of `normalize`."""
        check_tensor("points", points, "B N 3")
        offset = points * (self.edges[:, None] / 2)
        plane = offset[..., :2] @ self.axes()
        return torch.cat([plane, offset[..., 2:]], dim=-1) + self.center[:, None]

    def __getitem__(self, index: Tensor | slice) -> "Cube":
        return Cube(self.center[index], self.edges[index], self.roll[index], self.mirrored[index])

    def __len__(self) -> int:
        return len(self.center)

    def to(self, device: torch.device | str) -> "Cube":
        return Cube(self.center.to(device), self.edges.to(device), self.roll.to(device), self.mirrored.to(device))
