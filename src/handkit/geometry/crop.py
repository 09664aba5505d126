"""Frame -> crop -> camera: one camera, one cutter for stored patches, training and live use.

The crop has a camera of its own, that of the frame after an affine map of the image (`A @ K`), so nothing but the
camera is carried beside the image, and joints never move (DeepPrior++-style crop of docs/reference.md, 2.1, without its
integer rounding of the box).
"""

from dataclasses import dataclass, replace
from enum import Enum
from numbers import Integral

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from handkit.errors import UsageError, check_kind, shown
from handkit.geometry.checked import check_tensor
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.geometry.intrinsics import Intrinsics, inverse_2x2

BACKGROUND = 1.0
"""Normalized depth of a crop pixel without hand: the back face of the cube (docs/reference.md, 2.1, step 6)."""
HAIR = 1e-6
"""Pixels; see `_sample_nearest`."""


class Space(Enum):
    """What the three channels of a point map, and the three coordinates of a normalized joint, are."""

    IMAGE = "image"
    """(u, v, d): crop pixel `p` as `(p + 0.5) / S * 2 - 1`, and depth within the cube."""
    CUBE = "cube"
    """(x, y, z): metric, in the cube's own axes, divided by its half edges."""


@dataclass(frozen=True)
class Crop:
    """A square cut of S x S pixels: depth in [-1, 1] from the front to the back face of the cube."""

    depth: Float[Tensor, "B S S"]
    foreground: Bool[Tensor, "B S S"]
    camera: Intrinsics
    cube: Cube

    def __post_init__(self) -> None:
        """Raise UsageError for other shapes."""
        check_tensor("depth", self.depth, "B S S")
        check_tensor("foreground", self.foreground, "B S S")
        check_kind("camera", self.camera, Intrinsics)
        check_kind("cube", self.cube, Cube)

    def points(self, space: Space) -> Float[Tensor, "B 3 S S"]:
        """The point map of every pixel in `space`; channel 2 is the depth crop in both."""
        steps = torch.arange(self.depth.shape[-1], device=self.depth.device, dtype=self.depth.dtype)
        if space is Space.IMAGE:
            line = _to_unit(steps, len(steps))
            return torch.stack([line.expand_as(self.depth), line[:, None].expand_as(self.depth), self.depth], dim=1)
        v, u = torch.meshgrid(steps, steps, indexing="ij")
        pixels = torch.stack([u, v], dim=-1).reshape(1, -1, 2).expand(self.depth.shape[0], -1, -1)
        depth_mm = self.depth * (self.cube.edges[:, 2] / 2)[:, None, None] + self.cube.center[:, 2, None, None]
        points = self.camera.unproject(pixels, depth_mm.flatten(1))
        return self.cube.normalize(points).mT.unflatten(-1, self.depth.shape[1:])

    def normalize(self, joints: Float[Tensor, "B J 3"], space: Space) -> Float[Tensor, "B J 3"]:
        """Camera mm to `space`; inside the cube every coordinate is in [-1, 1]."""
        if space is Space.CUBE:
            return self.cube.normalize(joints)
        plane = _to_unit(self.camera.project(joints), self.depth.shape[-1])
        depth = (joints[..., 2] - self.cube.center[:, None, 2]) / (self.cube.edges[:, None, 2] / 2)
        return torch.cat([plane, depth[..., None]], dim=-1)

    def denormalize(self, joints: Float[Tensor, "B J 3"], space: Space) -> Float[Tensor, "B J 3"]:
        """Inverse of `normalize`: camera mm."""
        if space is Space.CUBE:
            return self.cube.denormalize(joints)
        resolution = self.depth.shape[-1]
        pixels = (joints[..., :2] + 1) * (resolution / 2) - 0.5
        depth = joints[..., 2] * (self.cube.edges[:, None, 2] / 2) + self.cube.center[:, None, 2]
        return self.camera.unproject(pixels, depth)


def crop_hand(frame: DepthFrame, cube: Cube, resolution: int) -> Crop:
    """Cut `cube` out of `frame`: nearest depth value per crop pixel, clamped to the front face, background behind it.

    A frame of one row serves all cubes, and is not copied.

    Nearest, because interpolating raw depth mixes hand and background (docs/reference.md, 5). What is nearer than
    the front face is clamped to it, what lies behind the back face is background (docs/reference.md, 2.1, step 3).
    Raises UsageError for other arguments.
    """
    check_kind("frame", frame, DepthFrame)
    check_kind("cube", cube, Cube)
    if not isinstance(resolution, Integral) or resolution < 1:
        raise UsageError(f"a resolution is a whole number of pixels, at least 1; got {shown(resolution)}")
    camera = crop_camera(cube, resolution)
    depth = _sample_nearest(frame, camera)
    half = cube.edges[:, 2, None, None] / 2
    normalized = (depth - cube.center[:, 2, None, None]) / half
    foreground = (depth > 0) & (normalized <= 1)
    normalized = normalized.clamp(min=-1).where(foreground, BACKGROUND)
    return Crop(normalized, foreground, replace(camera, matrix=camera.matrix.to(cube.center.dtype)), cube)


def crop_camera(cube: Cube, resolution: int) -> Intrinsics:
    """The camera whose image is filled by the cube's front view at its center's depth, whatever took the frame.

    In float64: a patch and its frame differ by an integer shift, and in float32 one crop pixel in some ten thousand
    would be read from the other neighbor.
    """
    center, edges = cube.center.double(), cube.edges.double()
    linear = cube.axes().double() * (resolution * center[:, 2:] / edges[:, :2])[..., None]
    shift = (resolution - 1) / 2 - linear @ (center[:, :2] / center[:, 2:])[..., None]
    upper = torch.cat([linear, shift], dim=-1)
    last = torch.nn.functional.pad(torch.ones_like(upper[:, :1, :1]), (2, 0))  # made where it is: nothing is copied
    return Intrinsics(torch.cat([upper, last], dim=1), resolution, resolution)


def _sample_nearest(frame: DepthFrame, camera: Intrinsics) -> Float[Tensor, "B S S"]:
    """Nearest depth value of the frame where each pixel of the crop's camera looks, 0 outside.

    All rows are indexed as one flat image: expanding a single one to every crop would copy it when it is flattened.
    Round numbers put whole crops half way between two pixels; `HAIR` lets rounding errors not decide there.
    """
    depth, resolution = frame.depth, camera.width
    rows, height, width = depth.shape
    matrix = frame.camera.matrix.double()
    inverse = matrix[:, :2, :2] @ inverse_2x2(camera.matrix[:, :2, :2])
    origin = 0.5 + HAIR + matrix[:, :2, 2:] - inverse @ camera.matrix[:, :2, 2:]
    steps = torch.arange(resolution, device=depth.device, dtype=torch.float64)
    column = inverse[:, :, 0, None] * steps + origin
    row = inverse[:, :, 1, None] * steps
    u, v = ((column[:, i, None, :] + row[:, i, :, None]).floor_().int() for i in (0, 1))
    near_u, near_v = u.clamp(0, width - 1), v.clamp(0, height - 1)
    inside = (near_u == u) & (near_v == v)
    first = torch.arange(rows, device=depth.device)[:, None, None] * (height * width)
    index: Int[Tensor, "B S S"] = (near_v * width + near_u).long() + first
    taken = depth.flatten().index_select(0, index.flatten()).view_as(index)
    return taken.where(inside, 0)


def _to_unit(pixels: Float[Tensor, "*shape"], resolution: int) -> Float[Tensor, "*shape"]:
    """Pixel centers to [-1, 1]: the crop's outer edges are -1 and 1 (docs/reference.md, 2.4, the AWR convention)."""
    return (pixels + 0.5) * (2 / resolution) - 1
