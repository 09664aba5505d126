"""What a depth picture must be, and what it says of joints."""

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from handkit.geometry.camera import Camera
from handkit.geometry.cube import Cube

METERS = 20.0
"""A picture whose readings are smaller than this many mm is in metres."""
FARTHEST = 20_000.0
"""No camera that sees a hand has such a median reading, mm."""
SUPPORT_MM = 25.0
"""A joint that floats this far in front of the surface, or beside it, is not supported by the picture."""


class FrameError(ValueError):
    """A depth picture that cannot be used: what was seen, what was expected, what mends it."""


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
        picture = picture.astype(np.float32)
    strange = ~np.isfinite(picture)
    if strange.any():
        picture[strange] = 0
    picture = np.maximum(picture, 0, out=picture)
    _check_unit(picture)
    return np.ascontiguousarray(picture)


def _check_unit(picture: Float32[np.ndarray, "H W"]) -> None:
    """Raise FrameError where the readings can hardly be millimetres; some of them are enough to tell."""
    readings = picture[::8, ::8][picture[::8, ::8] > 0]
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
    good = 0
    for (x, y), z in zip(np.rint(pixels).astype(int), joints[:, 2], strict=True):
        if not (0 <= x < width and 0 <= y < height):
            continue
        near = picture[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
        good += bool(((near > 0) & (near < z + SUPPORT_MM)).any())
    return good / len(joints)


def framed(cube: Cube, camera: Camera) -> float:
    """Share, 0 to 1, of a single cube's front view that lies inside the picture: a hand at the border may be cut.

    >>> camera = Camera.from_intrinsics(fx=100.0, fy=100.0, cx=0.0, cy=50.0, width=101, height=101)
    >>> round(framed(Cube.around(torch.tensor([[0.0, 0.0, 500.0]]), edge=100.0), camera), 3)
    0.525
    """
    half = torch.nn.functional.pad(cube.edges[0, :2] / 2, (0, 1))
    low, high = camera.project(torch.stack([cube.center[0] - half, cube.center[0] + half]).cpu()).unbind()
    size = torch.tensor([camera.width, camera.height])
    seen = torch.minimum(high, size - 0.5) - torch.maximum(low, torch.tensor(-0.5))
    return float((seen.clamp(min=0) / (high - low)).prod())
