"""What a depth picture must be, and what it says of joints."""

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from handkit.errors import FrameError
from handkit.geometry.camera import Camera
from handkit.geometry.cube import Cube

METERS = 20.0
"""A picture whose readings are smaller than this many mm is in metres."""
FARTHEST = 20_000.0
"""No camera that sees a hand has such a median reading, mm."""
SUPPORT_MM = 25.0
"""A joint that floats this far in front of the surface, or beside it, is not supported by the picture."""

_AROUND = np.indices((3, 3)).reshape(2, 9) - 1
"""Rows and columns of a pixel and its eight neighbors, from there."""


def check_depth(depth: np.ndarray | Tensor, camera: Camera) -> Float32[np.ndarray, "H W"]:
    """The picture as float32 mm with 0 for no reading.

    Raises FrameError: not (H, W); 8-bit, boolean or complex numbers; a size that is not the camera's; depth in another
    unit.
    """
    picture = depth.detach().cpu().numpy() if isinstance(depth, Tensor) else np.asarray(depth)
    if picture.ndim != 2:
        raise FrameError(f"a depth picture has two axes (H, W); this one has shape {picture.shape}")
    if picture.dtype.kind not in "uif" or picture.dtype.itemsize < 2:
        raise FrameError(f"depth in mm needs 16-bit or floating-point numbers; this picture has {picture.dtype}")
    height, width = picture.shape
    if (width, height) != (camera.width, camera.height):
        raise FrameError(
            f"the picture is {width}x{height} but the camera is {camera.width}x{camera.height}; "
            "name the camera that took it, or give its fx,fy,cx,cy"
        )
    with np.errstate(over="ignore"):
        picture = torch.from_numpy(np.ascontiguousarray(picture, np.float32))
    picture = picture.nan_to_num(nan=0, posinf=0, neginf=0).clamp_(min=0).numpy()
    _check_unit(picture)
    return picture


def _check_unit(picture: Float32[np.ndarray, "H W"]) -> None:
    """Raise FrameError where the readings can hardly be millimetres; some of them are enough to tell."""
    some = picture[::16, ::16]
    readings = some[some > 0]
    middle = float(np.median(readings)) if len(readings) else METERS
    if middle < METERS:
        raise FrameError(
            f"the median reading is {middle:.3g} mm, so this looks like metres; multiply by 1000 (--depth-scale 1000)"
        )
    if middle > FARTHEST:
        raise FrameError(
            f"the median reading is {middle / 1000:.3g} m, so the unit is not the millimetre; multiply by the mm of "
            "one unit (--depth-scale 0.1 where it is a tenth)"
        )


def supported(
    joints: Float32[np.ndarray, "J 3"],
    pixels: Float32[np.ndarray, "J 2"],
    picture: Float32[np.ndarray, "H W"],
) -> float:
    """Share of joints, 0 to 1, inside the picture with a reading at or in front of them (3x3 pixels around)."""
    height, width = picture.shape
    column, row = np.rint(pixels).astype(int).T
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    rows, columns = row[:, None] + _AROUND[0], column[:, None] + _AROUND[1]
    near = picture[rows.clip(0, height - 1), columns.clip(0, width - 1)]
    covered = ((near > 0) & (near < joints[:, 2:] + SUPPORT_MM)).any(1)
    return float((inside & covered).mean())


def framed(cube: Cube, camera: Camera) -> float:
    """Share, 0 to 1, of a single cube's front view that lies inside the picture: a hand at the border may be cut.

    >>> camera = Camera.from_intrinsics(fx=100.0, fy=100.0, cx=0.0, cy=50.0, width=101, height=101)
    >>> round(framed(Cube.around(torch.tensor([[0.0, 0.0, 500.0]]), edge=100.0), camera), 3)
    0.525
    """
    (x, y, z), (width, height, _) = cube.center[0].tolist(), cube.edges[0].tolist()
    corners = torch.tensor([[x - width / 2, y - height / 2, z], [x + width / 2, y + height / 2, z]])
    low, high = camera.project(corners).tolist()
    share = 1.0
    for first, last, size in zip(low, high, (camera.width, camera.height), strict=True):
        share *= max(min(last, size - 0.5) - max(first, -0.5), 0.0) / (last - first)
    return share
