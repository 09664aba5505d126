"""What every source of depth yields."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from handkit.geometry.camera import Camera
from handkit.geometry.cube import Cube


@dataclass(frozen=True)
class DepthFrame:
    """Depth in millimetres (0: no reading) with its camera, and labels where the source has them.

    `depth` and `camera.matrix` share the batch axis; `camera.width` and `height` are those of `depth`.
    """

    depth: Float[Tensor, "B H W"]
    camera: Camera
    joints: Float[Tensor, "B J 3"] | None = None
    cube: Cube | None = None

    @classmethod
    def single(cls, depth: Float[Tensor, "H W"], camera: Camera) -> "DepthFrame":
        """A batch of one; raises ValueError when the picture and the camera differ in size."""
        height, width = depth.shape
        if (width, height) != (camera.width, camera.height):
            raise ValueError(
                f"the depth picture is {width}x{height} but the camera is {camera.width}x{camera.height}; "
                "give the camera this picture was taken with"
            )
        return cls(depth[None], camera.batched())

    def patch(self, *, left: int, top: int, width: int, height: int) -> "DepthFrame":
        """The integer window of every frame, 0 outside the picture, with the camera that goes with it."""
        rows = torch.arange(top, top + height, device=self.depth.device)[:, None]
        columns = torch.arange(left, left + width, device=self.depth.device)
        bottom, right = self.depth.shape[1] - 1, self.depth.shape[2] - 1
        inside = (rows >= 0) & (rows <= bottom) & (columns >= 0) & (columns <= right)
        depth = self.depth[:, rows.clamp(0, bottom), columns.clamp(0, right)].where(inside, 0)
        shift = torch.eye(2, 3, dtype=self.camera.matrix.dtype, device=self.depth.device)
        shift[0, 2], shift[1, 2] = -left, -top
        camera = self.camera.warp(shift.expand(len(depth), 2, 3), width=width, height=height)
        return DepthFrame(depth, camera, self.joints, self.cube)

    def expand(self, count: int) -> "DepthFrame":
        """`count` views of a single frame, or all of so many: nothing is copied, an image is large."""
        if len(self) == count:
            return self
        camera = replace(self.camera, matrix=self.camera.matrix.expand(count, 3, 3))
        return DepthFrame(self.depth.expand(count, -1, -1), camera)

    def __getitem__(self, index: Tensor | slice) -> "DepthFrame":
        return DepthFrame(
            self.depth[index],
            Camera(self.camera.matrix[index], self.camera.width, self.camera.height),
            None if self.joints is None else self.joints[index],
            None if self.cube is None else self.cube[index],
        )

    def to(self, device: torch.device | str) -> "DepthFrame":
        return DepthFrame(
            self.depth.to(device),
            self.camera.to(device),
            None if self.joints is None else self.joints.to(device),
            None if self.cube is None else self.cube.to(device),
        )

    def __len__(self) -> int:
        return len(self.depth)
