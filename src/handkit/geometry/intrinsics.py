"""Batches of pinhole cameras with an affine image map: crops and patches are cameras too.

Canonical frame: x right, y down, z forward, millimeters; pixel centers at integers.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from handkit.camera import Camera
from handkit.errors import check_kind
from handkit.geometry.checked import check_tensor


@dataclass(frozen=True)
class Intrinsics:
    """`pixel = matrix @ (x / z, y / z, 1)`, with a size that all rows share.

    The upper-left 2x2 block of `matrix` may be any invertible map (a rolled crop has one), the last row is (0, 0, 1).

    >>> camera = Intrinsics.of(Camera(fx=128.0, fy=128.0, cx=50.0, cy=40.0, width=101, height=81))
    >>> camera.project(torch.tensor([[[125.0, 0.0, 500.0]]])).tolist()
    [[[82.0, 40.0]]]
    >>> camera.unproject(torch.tensor([[[82.0, 40.0]]]), torch.tensor([[500.0]])).tolist()
    [[[125.0, 0.0, 500.0]]]
    """

    matrix: Float[Tensor, "*batch 3 3"]
    width: int
    height: int

    def __post_init__(self) -> None:
        """Raise UsageError for another shape."""
        check_tensor("matrix", self.matrix, "... 3 3")

    @classmethod
    def of(cls, camera: Camera) -> "Intrinsics":
        """One camera as a batch of one; its unit and distortion are undone where its images are checked."""
        check_kind("camera", camera, Camera)
        return cls(torch.from_numpy(camera.matrix).float()[None], camera.width, camera.height)

    def camera(self, row: int) -> Camera:
        """One row in plain numbers, of images in mm; raises CameraError where it is rolled or skewed."""
        return Camera.from_matrix(self.matrix[row].tolist(), width=self.width, height=self.height)

    def project(self, points: Float[Tensor, "*batch N 3"]) -> Float[Tensor, "*batch N 2"]:
        """Camera millimeters to pixels; z must be positive."""
        check_tensor("points", points, "... N 3")
        ray = points[..., :2] / points[..., 2:]
        linear, shift = self.matrix[..., :2, :2], self.matrix[..., None, :2, 2]
        return ray @ linear.mT + shift

    def unproject(
        self, pixels: Float[Tensor, "*batch N 2"], depth: Float[Tensor, "*batch N"]
    ) -> Float[Tensor, "*batch N 3"]:
        """Pixels and their depth (z, mm) to camera millimeters."""
        check_tensor("pixels", pixels, "... N 2")
        check_tensor("depth", depth, "... N")
        ray = (pixels - self.matrix[..., None, :2, 2]) @ inverse_2x2(self.matrix[..., :2, :2]).mT
        return torch.cat([ray * depth[..., None], depth[..., None]], dim=-1)

    def warp(self, affine: Float[Tensor, "*batch 2 3"], *, width: int, height: int) -> "Intrinsics":
        """The camera of the image after `new_pixel = affine @ (u, v, 1)`: simply `A @ K`."""
        linear = affine[..., :2] @ self.matrix[..., :2, :]
        upper = linear + torch.nn.functional.pad(affine[..., 2:], (2, 0))
        last = self.matrix[..., 2:, :].expand(*upper.shape[:-2], 1, 3)
        return Intrinsics(torch.cat([upper, last], dim=-2), width, height)

    def to(self, device: torch.device | str) -> "Intrinsics":
        return Intrinsics(self.matrix.to(device), self.width, self.height)


def inverse_2x2(matrix: Float[Tensor, "*batch 2 2"]) -> Float[Tensor, "*batch 2 2"]:
    """Closed-form inverse: exact where a solver is not, exportable, and it keeps gradients.

    >>> inverse_2x2(torch.tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
    [[0.5, -0.0], [-0.0, 0.25]]
    """
    a, b, c, d = matrix.flatten(-2).unbind(-1)
    adjugate = torch.stack([d, -b, -c, a], dim=-1).unflatten(-1, (2, 2))
    return adjugate / (a * d - b * c)[..., None, None]
