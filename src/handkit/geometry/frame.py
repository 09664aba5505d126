"""Batches of depth images with their cameras, and the same with labels."""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from handkit.camera import Camera
from handkit.errors import check_kind
from handkit.geometry.checked import check_tensor
from handkit.geometry.cube import Cube
from handkit.geometry.intrinsics import Intrinsics

Frame = TypeVar("Frame")


def each_tensor(frame: Frame, change: Callable[[Tensor], Tensor]) -> Frame:
    """The same with every tensor in it changed, those of its camera and cube too."""
    whole: Any = frame
    changed: dict[str, Any] = {}
    for field in fields(whole):
        part = getattr(whole, field.name)
        if isinstance(part, Tensor):
            changed[field.name] = change(part)
        elif is_dataclass(part):
            changed[field.name] = each_tensor(part, change)
    return replace(whole, **changed)


@dataclass(frozen=True)
class DepthFrame:
    """Depth in millimeters (0: invalid) with its camera.

    `depth` and `camera.matrix` share the batch axis; `camera.width` and `height` are those of `depth`.
    """

    depth: Float[Tensor, "B H W"]
    camera: Intrinsics

    def __post_init__(self) -> None:
        """Raise UsageError for another shape, or what is no batch of cameras."""
        check_tensor("depth", self.depth, "B H W")
        check_kind("camera", self.camera, Intrinsics)

    @classmethod
    def single(cls, depth: Float[Tensor, "H W"], camera: Camera) -> "DepthFrame":
        """A batch of one."""
        check_tensor("depth", depth, "H W")
        return DepthFrame(depth[None], Intrinsics.of(camera))

    def patch(self, *, left: int, top: int, width: int, height: int) -> "DepthFrame":
        """The integer window of every frame, 0 outside the image, with the camera that goes with it."""
        rows = torch.arange(top, top + height, device=self.depth.device)[:, None]
        columns = torch.arange(left, left + width, device=self.depth.device)
        bottom, right = self.depth.shape[1] - 1, self.depth.shape[2] - 1
        inside = (rows >= 0) & (rows <= bottom) & (columns >= 0) & (columns <= right)
        depth = self.depth[:, rows.clamp(0, bottom), columns.clamp(0, right)].where(inside, 0)
        shift = torch.eye(2, 3, dtype=self.camera.matrix.dtype, device=self.depth.device)
        shift[0, 2], shift[1, 2] = -left, -top
        camera = self.camera.warp(shift.expand(len(depth), 2, 3), width=width, height=height)
        return replace(self, depth=depth, camera=camera)

    def __getitem__(self, index: Tensor | slice) -> "DepthFrame":
        return DepthFrame(self.depth[index], replace(self.camera, matrix=self.camera.matrix[index]))

    def to(self, device: torch.device | str) -> "DepthFrame":
        return DepthFrame(self.depth.to(device), self.camera.to(device))

    def pin_memory(self) -> "DepthFrame":
        """In memory that a GPU copies from while the processor goes on; a loader of frames calls this."""
        return each_tensor(self, Tensor.pin_memory)

    def __len__(self) -> int:
        return len(self.depth)


@dataclass(frozen=True)
class LabeledFrame(DepthFrame):
    """Frames of right hands with their joints (camera mm), and the cubes to look at them through."""

    joints: Float[Tensor, "B J 3"]
    cube: Cube

    def __post_init__(self) -> None:
        """Raise UsageError for other shapes."""
        super().__post_init__()
        check_tensor("joints", self.joints, "B J 3")
        check_kind("cube", self.cube, Cube)

    def __getitem__(self, index: Tensor | slice) -> "LabeledFrame":
        frame = super().__getitem__(index)
        return LabeledFrame(frame.depth, frame.camera, self.joints[index], self.cube[index])

    def to(self, device: torch.device | str) -> "LabeledFrame":
        frame = super().to(device)
        return LabeledFrame(frame.depth, frame.camera, self.joints.to(device), self.cube.to(device))
