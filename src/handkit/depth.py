"""The one gate for depth images: what is checked here once is trusted everywhere after."""

from collections import deque
from dataclasses import dataclass
from os import PathLike

import numpy as np

from handkit.camera import Camera, of_another_size, undistorted
from handkit.cleaning import clean
from handkit.doubts import doubts_about
from handkit.errors import FrameError, UsageError, shown
from handkit.shapes import Float32, Shaped

METERS = 20.0
"""An image whose depth values are smaller than this many mm is in meters."""
UNITS = (
    ("micrometers", 0.001, 200_000.0),
    ("tenths of a millimeter", 0.1, 20_000.0),
    ("millimeters", 1.0, 150.0),
    ("centimeters", 10.0, 20.0),
    ("inches", 25.4, 6.0),
    ("meters", 1000.0, 0.0),
)
"""What depth values are stored in, its mm, and the least median of an image with a hand in it."""
UNMEASURED = (32001, 32767, 65535)
"""Stored by cameras for what they did not measure."""
EIGHTHS = 1500.0
"""Millimeters of which the median of an image with a hand in it is seldom more."""
NEAREST = 150.0
"""No camera measures nearer, mm."""
FARTHEST = 20_000.0
"""No camera that sees a hand has such a median depth, mm."""
SUPPORT_MM = 25.0
"""A joint that floats this far in front of the surface, or beside it, is not supported by the depth image."""

AROUND_MM = 15.0
"""Skin beside the joints of an outline, as wide as a thumb."""

_AROUND = np.indices((3, 3)).reshape(2, 9) - 1
"""Rows and columns of a pixel and its eight neighbors, from there."""


@dataclass(frozen=True, eq=False)
class DepthImage:
    """A depth image that can be used: millimeters, 0 where invalid, undistorted.

    `camera` is the one that took it, whose pixels answers are in; `camera.pinhole` is that of `depth`.
    """

    depth: Float32[np.ndarray, "H W"]
    camera: Camera
    notes: tuple[str, ...] = ()
    """What is unusual about the depth values, and what had to be done to them, a sentence each."""

    def __post_init__(self) -> None:
        """Raise FrameError for what `of` does not make."""
        check_camera(self.camera)
        shape = (self.camera.height, self.camera.width)
        if getattr(self.depth, "shape", None) != shape or self.depth.dtype != np.float32:
            raise FrameError(f"a DepthImage of this camera has float32 mm {shape}; give DepthImage.of(array, camera)")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is unusual about the camera and the depth values, and what had to be done to these, a sentence each."""
        return (*doubts_about(self.camera), *self.notes)

    @classmethod
    def of(cls, array: object, camera: Camera) -> "DepthImage":
        """Check depth values in units of `camera.unit_mm`: an array or tensor (H, W) or (H, W, 1).

        NaN, infinity, zero and negative values are invalid. Raises FrameError: another shape; 8-bit, boolean or complex
        numbers; a size that is not the camera's; values that can hardly be in that unit, or are all negative; blurred
        edges. What `cleaning.clean` can mend it mends, and says so in `notes`.
        """
        check_camera(camera)
        taken = _as_array(array)
        width, height = image_size(taken)
        taken = taken.reshape(height, width)
        if (width, height) != (camera.width, camera.height):
            raise FrameError(
                f"the depth image is {width}x{height} but the camera is {camera.width}x{camera.height}; "
                f"name the camera that took it, or give its fx,fy,cx,cy{of_another_size(camera, width, height)}",
                kind="another size than the camera's",
            )
        with np.errstate(over="ignore", invalid="ignore"):
            depth = taken.astype(np.float32)
            depth *= np.float32(camera.unit_mm)
        if not (depth.min() >= 0 and depth.max() < np.inf):  # NaN is neither
            depth = _without_invalid(depth)
        depth, notes = clean(depth)
        doubt = _check_unit(depth, camera.unit_mm)
        if camera.distortion is not None:
            depth = undistorted(depth, camera)
        return cls(depth, camera, (*notes, doubt) if doubt else notes)


class Handless:
    """Images in which no hand was seen: where most are such, other numbers of the camera are tried on a few of them."""

    def __init__(self) -> None:
        self._images, self._handless = 0, 0
        self._kept = deque[DepthImage](maxlen=4)

    def add(self, image: DepthImage, *, seen: bool) -> None:
        """One more image, with or without a hand; of those without the latest four of 0, 1, 3, 7, 15, ... are kept."""
        self._images += 1
        if seen:
            return
        if self._handless & (self._handless + 1) == 0:
            self._kept.append(image)
        self._handless += 1

    def doubtful(self) -> tuple[DepthImage, ...]:
        """For `HandPoseEstimator.doubt_of_camera`; none where a hand was seen in at least half of the images."""
        return tuple(self._kept) if 2 * self._handless > self._images else ()


def _as_array(given: object) -> Shaped[np.ndarray, "..."]:
    """Raises FrameError for what is no array or tensor of numbers."""
    if isinstance(given, DepthImage):
        raise FrameError("this is a DepthImage already: HandPoseEstimator.run and HandTracker.track take it")
    if isinstance(given, str | PathLike):
        raise FrameError(f"a depth image is an array; got the path {given}: read it with cv2.imread(path, -1)")
    tensor = getattr(given, "detach", None)
    try:
        taken = np.asarray(tensor().cpu().numpy() if tensor else given)
    except (TypeError, ValueError) as error:
        raise FrameError(f"a depth image is one array of numbers; {error}") from None
    if taken.ndim == 0 or taken.dtype.kind == "O":
        raise FrameError(f"a depth image is an array (H, W) of numbers; got {shown(given)}")
    return taken


def _without_invalid(depth: Float32[np.ndarray, "H W"]) -> Float32[np.ndarray, "H W"]:
    """Zero for what is not finite or negative; raises FrameError where nothing is positive, and something negative."""
    valid = np.isfinite(depth) & (depth > 0)
    if not valid.any() and (depth < 0).any():
        raise FrameError(
            "every depth value is negative: the axis points the other way; z goes forward from the camera, so "
            "give the array times -1"
        )
    return np.where(valid, depth, np.float32(0))


def check_camera(camera: object) -> None:
    """Raise FrameError for what is no Camera, or one without a principal point."""
    if not isinstance(camera, Camera):
        raise FrameError(
            f"camera is {shown(camera)}; it must be a Camera, such as Camera.named('kinect2') or "
            "Camera(fx=..., fy=..., cx=..., cy=..., width=..., height=...)"
        )
    if camera.cx == camera.cy == 0:
        raise FrameError(
            "the camera's principal point is (0, 0), as where cx and cy were left out; give its own, which are near "
            f"the middle of the image, ({camera.width / 2 - 0.5:g}, {camera.height / 2 - 0.5:g})"
        )


def check_image(image: object) -> None:
    """Raise UsageError for what is no DepthImage."""
    if not isinstance(image, DepthImage):
        raise UsageError(f"an image is a DepthImage, as DepthImage.of(array, camera) makes it; got {shown(image)}")


def image_size(array: Shaped[np.ndarray, "..."]) -> tuple[int, int]:
    """Width and height of an array (H, W) or (H, W, 1); raises FrameError where its shape or numbers are no depth's."""
    if array.ndim not in {2, 3} or array.shape[2:] not in {(), (1,)} or array.size == 0:
        remedy = ""
        if array.ndim == 3 and array.shape[2] > 4:
            remedy = "; give its images one by one, or all to predict_many"
        elif array.ndim == 3 and array.dtype.kind == "f":
            remedy = "; if these are points (x, y, z), give depth[..., 2]"
        elif array.ndim == 3:
            remedy = "; if it was read by OpenCV, read it with cv2.imread(path, cv2.IMREAD_UNCHANGED)"
        remedy = ": it is empty" if array.size == 0 else remedy
        raise FrameError(
            f"a depth image has two axes (H, W), or a third of one channel; this one has {array.shape}{remedy}"
        )
    if array.dtype.kind not in "uif" or array.dtype.itemsize < 2:
        lost = ", in which depth is lost: give what the camera gave" if array.dtype.itemsize < 2 else ""
        raise FrameError(f"depth needs 16-bit or floating-point numbers; this image has {array.dtype}{lost}")
    return array.shape[1], array.shape[0]


def _check_unit(depth: Float32[np.ndarray, "H W"], unit_mm: float) -> str | None:
    """Words for depth values that are unusual for millimeters, none for others; some of them are enough to tell.

    Raises FrameError where they can hardly be.
    """
    some = depth[::16, ::16]
    valid = some[some > 0]
    middle = float(np.median(valid)) if len(valid) else METERS
    if round(middle / unit_mm) in UNMEASURED and valid.min() == valid.max():
        value = f"{middle / unit_mm:.0f}"
        raise FrameError(f"every valid value is {value}: no depth was measured", kind="no depth was measured")
    if METERS <= middle <= FARTHEST:
        if not len(valid) or middle >= NEAREST:
            return None
        return f"the median depth is {middle:.4g} mm, nearer than cameras measure: is the unit, {unit_mm:g} mm, right?"
    stored = middle / unit_mm
    if stored > FARTHEST / UNITS[0][1]:
        raise FrameError(
            f"the median of the values is {stored:.4g}, no depth in any unit; give them as the camera has them",
            kind="no depth in any unit",
        )
    name, scale = next((name, scale) for name, scale, least in UNITS if stored >= least)
    rather = " (cameras that store quarters or eighths: 0.25 or 0.125)" if scale == 1 and stored > EIGHTHS else ""
    raise FrameError(
        f"the median depth is {middle:.4g} mm with {unit_mm:g} mm a unit; the values, {stored:.4g} in the median, look "
        f"like {name}: give --depth-scale {scale:g}{rather} (or Camera(unit_mm={scale:g}))",
        kind=f"these look like {name}",
    )


def supported(joints_mm: Float32[np.ndarray, "J 3"], image: DepthImage) -> float:
    """Share of joints (camera mm) in the image with a depth value at or in front of them, 3x3 pixels around: 0 to 1."""
    depth, (height, width) = image.depth, image.depth.shape
    column, row = np.rint(image.camera.pinhole.project(joints_mm)).astype(int).T
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    rows, columns = row[:, None] + _AROUND[0], column[:, None] + _AROUND[1]
    near = depth[rows.clip(0, height - 1), columns.clip(0, width - 1)]
    covered = ((near > 0) & (near < joints_mm[:, 2:] + SUPPORT_MM)).any(1)
    return float((inside & covered).mean())


def visible_area(joints_mm: Float32[np.ndarray, "J 3"], image: DepthImage) -> float:
    """Square centimeters of surface that the camera sees around joints (camera mm): in their box and a little more."""
    camera, (height, width) = image.camera.pinhole, image.depth.shape
    seen, middle = camera.project(joints_mm), float(joints_mm[:, 2].mean())
    margin = np.array([camera.fx, camera.fy]) * AROUND_MM / middle
    low, high = np.nan_to_num([seen.min(0) - margin, seen.max(0) + margin]).clip(0, [width, height]).astype(int)
    part = image.depth[low[1] : high[1] + 1, low[0] : high[0] + 1]
    near, far = joints_mm[:, 2].min() - SUPPORT_MM, joints_mm[:, 2].max() + SUPPORT_MM
    count = int(((part > max(near, 0)) & (part < far)).sum())
    return count * middle**2 / (camera.fx * camera.fy) / 100
