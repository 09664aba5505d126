"""A pinhole camera in plain numbers: where a point is in the image, and what one unit of a depth value is.

Canonical frame: x right, y down, z forward, millimeters; pixel centers at integers. No torch: batches of cameras are
`geometry.intrinsics.Intrinsics`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from numbers import Integral, Real
from typing import Any

import cv2
import numpy as np

from handkit.errors import CameraError, FrameError, SourceError, shown
from handkit.lens import COEFFICIENTS, distort, undistort
from handkit.named_cameras import CAMERAS, suggest_camera
from handkit.shapes import Float, Float32

LARGEST_PX, LARGEST_UNIT_MM = 1e5, 1e5
"""No focal length, principal point or unit is larger."""
LARGEST_INT = 10**300
"""A whole number beyond it is no float."""
WIDEST = 150.0
"""No camera shows more degrees from side to side in an undistorted image."""

KEYS = ("fx", "fy", "cx", "cy", "width", "height", "unit_mm", "distortion")
"""Of a camera in JSON."""
NEEDED = set(KEYS[:6])


@dataclass(frozen=True, kw_only=True)
class Camera:
    """Focal lengths and principal point in pixels, the image's size, mm per unit of depth, and the lens's distortion.

    Raises CameraError where the numbers are no camera's.

    >>> camera = Camera(fx=128.0, fy=128.0, cx=50.0, cy=40.0, width=101, height=81)
    >>> camera.project(np.array([[125.0, 0.0, 500.0]])).tolist()
    [[82.0, 40.0]]
    >>> camera.unproject(np.array([[82.0, 40.0]]), np.array([500.0])).tolist()
    [[125.0, 0.0, 500.0]]
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    unit_mm: float = 1.0
    distortion: tuple[float, ...] | None = None
    """4, 5 or 8 coefficients in OpenCV's order; None or zeros: a lens without distortion."""

    def __post_init__(self) -> None:
        _check_numbers(self)
        object.__setattr__(self, "distortion", _coefficients(self.distortion))

    @classmethod
    def named(cls, name: str) -> "Camera":
        """One of `CAMERAS`, in any case; raises CameraError that suggests the nearest name."""
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise CameraError(f"a camera's name is text, such as 'kinect2'; got {shown(name)}")
        sheet = CAMERAS.get(name.lower())
        if sheet is None:
            raise CameraError(f"unknown camera {name!r}; {suggest_camera(name.lower())}or give fx,fy,cx,cy", status=2)
        fx, fy, cx, cy, width, height, _, unit_mm = sheet
        return cls(fx=fx, fy=fy, cx=cx, cy=cy, width=width, height=height, unit_mm=unit_mm)

    @classmethod
    def from_matrix(
        cls,
        matrix: object,
        *,
        width: int,
        height: int,
        unit_mm: float = 1.0,
        distortion: Sequence[float] | None = None,
    ) -> "Camera":
        """From K, 3x3 or its nine numbers row by row; raises CameraError where it has skew or another last row."""
        try:
            k = np.array(matrix, np.float64).reshape(3, 3)
        except (TypeError, ValueError):
            raise CameraError(f"a camera matrix has 3 x 3 numbers; got {shown(matrix)}") from None
        (fx, skew, cx), (zero, fy, cy), last = k.tolist()
        if abs(skew) > 1e-6 * abs(fx) or zero != 0 or last != [0.0, 0.0, 1.0]:
            raise CameraError(f"a camera matrix is (fx 0 cx, 0 fy cy, 0 0 1); got {k.tolist()}")
        lens = _coefficients(distortion)
        return cls(fx=fx, fy=fy, cx=cx, cy=cy, width=width, height=height, unit_mm=unit_mm, distortion=lens)

    @classmethod
    def from_ros(cls, info: object, *, unit_mm: float = 1.0) -> "Camera":
        """From a CameraInfo message (of ROS 1 or 2), or a mapping with its fields; 16UC1 has mm, 32FC1 `unit_mm=1000`.

        Raises CameraError where a field is missing, or the distortion is a fisheye's.
        """
        model = str(_field(info, "distortion_model", default="plumb_bob") or "plumb_bob")
        if model not in {"plumb_bob", "rational_polynomial"}:
            raise CameraError(f"the distortion model {model!r} is not known here; rectify the depth image first")
        return cls.from_matrix(
            _field(info, "K", "k"),
            width=_field(info, "width"),
            height=_field(info, "height"),
            unit_mm=unit_mm,
            distortion=_coefficients(_field(info, "D", "d", default=())),
        )

    @classmethod
    def from_realsense(cls, intrinsics: Any, *, depth_scale: float = 0.001) -> "Camera":  # noqa: ANN401
        """From pyrealsense2's intrinsics of the depth stream; `depth_scale` is what the sensor says, meters per unit.

        Raises CameraError for distortion that is not Brown and Conrady's.
        """
        for name in ("fx", "fy", "ppx", "ppy", "width", "height", "coeffs", "model"):
            if not hasattr(intrinsics, name):
                raise CameraError(f"intrinsics of pyrealsense2 have {name}; {shown(intrinsics)} has none")
        if not isinstance(depth_scale, Real):
            raise CameraError(f"a depth scale is a number of meters a unit; got {shown(depth_scale)}")
        coefficients = _coefficients(intrinsics.coeffs)
        model = str(intrinsics.model).rpartition(".")[2].lower()
        if coefficients and model != "brown_conrady":
            raise CameraError(
                f"the distortion model {model!r} is not known here; give Camera(fx=..., fy=..., cx=..., cy=...) "
                "without it, which is a pixel or two off at the border"
            )
        return cls(
            fx=intrinsics.fx, fy=intrinsics.fy, cx=intrinsics.ppx, cy=intrinsics.ppy,
            width=intrinsics.width, height=intrinsics.height,
            unit_mm=depth_scale * 1000, distortion=coefficients,
        )  # fmt: skip

    @property
    def matrix(self) -> Float[np.ndarray, "3 3"]:
        """K."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    @property
    def pinhole(self) -> "Camera":
        """The same camera of an image in mm that is undistorted, as a `DepthImage` holds it."""
        return replace(self, unit_mm=1.0, distortion=None)

    def project(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
        """Camera mm to pixels of the image as it was taken; z must be positive, and where it is 0 the pixel is nan.

        Raises CameraError for other shapes.
        """
        _check_rows(points, 3)
        z = points[..., 2:]
        ray = points[..., :2] / np.where(z == 0, np.nan, z)
        if self.distortion is not None:
            ray = distort(ray, self.distortion)
        return ray * np.array([self.fx, self.fy], ray.dtype) + np.array([self.cx, self.cy], ray.dtype)

    def unproject(
        self, pixels: Float[np.ndarray, "*batch 2"], depth: Float[np.ndarray, "*batch"]
    ) -> Float[np.ndarray, "*batch 3"]:
        """Inverse of `project`: pixels and their depth (z, mm) to camera mm."""
        _check_rows(pixels, 2)
        if getattr(depth, "shape", None) != pixels.shape[:-1]:
            raise CameraError(f"there is a depth for each of the pixels {pixels.shape}; got {shown(depth)}")
        seen = (pixels - np.array([self.cx, self.cy], pixels.dtype)) / np.array([self.fx, self.fy], pixels.dtype)
        ray = seen if self.distortion is None else undistort(seen, self.distortion)
        return np.concatenate([ray * depth[..., None], depth[..., None]], axis=-1)


def camera_to_dict(camera: Camera) -> dict[str, Any]:
    """As JSON holds it, all digits: the keys `KEYS`; the distortion is a list, empty for a lens without.

    >>> camera = Camera(fx=500, fy=500, cx=319.5, cy=239.5, width=640, height=480, unit_mm=0.125)
    >>> camera_from_dict(camera_to_dict(camera)) == camera
    True
    """
    numbers = {name: float(getattr(camera, name)) for name in ("fx", "fy", "cx", "cy")}
    size = {"width": int(camera.width), "height": int(camera.height)}
    return numbers | size | {"unit_mm": float(camera.unit_mm), "distortion": list(camera.distortion or ())}


def camera_from_dict(record: object) -> Camera:
    """Inverse of `camera_to_dict`; without `unit_mm` depth values are mm, without `distortion` the lens has none.

    Raises CameraError where a number is missing, or a key is another.
    """
    if not isinstance(record, Mapping):
        raise CameraError(f"a camera is a mapping with {', '.join(KEYS)}; got {shown(record)}")
    given: dict[str, Any] = {str(name): value for name, value in record.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if not NEEDED <= given.keys() <= set(KEYS):
        raise CameraError(f"a camera has {', '.join(KEYS)}; this one has {', '.join(given) or 'nothing'}")
    given["distortion"] = _coefficients(given.get("distortion"))
    return Camera(**given)


def of_another_size(camera: Camera, width: int, height: int) -> str:
    """Words to append for an image of that size: the camera's numbers for it, if it may be the whole image, resized."""
    scale = width / camera.width
    if round(camera.height * scale) != height:
        return ""
    numbers = (camera.fx * scale, camera.fy * scale, (camera.cx + 0.5) * scale - 0.5, (camera.cy + 0.5) * scale - 0.5)
    return f"; if the whole image was resized: {','.join(f'{number:.6g}' for number in numbers)}"


@dataclass(frozen=True)
class CameraChoice:
    """A camera by name, or intrinsics that take the size of whatever depth image they are used on."""

    name: str
    numbers: tuple[float, ...]
    """fx, fy, cx, cy in pixels, and the distortion's coefficients if there are any."""
    known: Camera | None = None
    """A named camera."""

    @classmethod
    def parse(cls, text: str) -> "CameraChoice":
        """`sr305`, `476.0,476.0,313.7,242.8`, or that and 4, 5 or 8 coefficients; raises CameraError, status 2.

        Blanks, semicolons and brackets are as good, and so are names: `fx=476.0 fy=476.0 cx=313.7 cy=242.8`.

        >>> CameraChoice.parse("500,500,319.5,239.5").numbers
        (500.0, 500.0, 319.5, 239.5)
        >>> CameraChoice.parse("[cx: 319.5, cy: 239.5, fx: 500, fy: 501]").numbers
        (500.0, 501.0, 319.5, 239.5)
        """
        parts = re.sub(r"\s*[=:]\s*", "=", text.strip(" ()[]{}")).replace(",", " ").replace(";", " ").split()
        if len(parts) < 2 and "=" not in text:
            named = Camera.named(text)
            return cls(text.lower(), (named.fx, named.fy, named.cx, named.cy), named)
        try:
            numbers = _numbers(parts)
        except ValueError:
            numbers = ()
        if len(numbers) - 4 not in {0, *COEFFICIENTS}:
            raise CameraError(
                f"camera {text!r} is not four numbers fx,fy,cx,cy in pixels (or these and 4, 5 or 8 coefficients of "
                "a distortion), with points for decimals and commas between them",
                status=2,
            )
        choice = cls(text, numbers)
        try:
            choice.fit(1, 1)
        except CameraError as error:
            raise CameraError(f"camera {text!r}: {error}", status=2) from None
        return choice

    def fit(self, width: int, height: int, *, source: str = "the image") -> Camera:
        """The camera of a depth image of this size; raises SourceError where a named camera has another size."""
        if self.known is None:
            fx, fy, cx, cy = self.numbers[:4]
            return Camera(fx=fx, fy=fy, cx=cx, cy=cy, width=width, height=height, distortion=self.numbers[4:] or None)
        if (width, height) != (self.known.width, self.known.height):
            same = [name for name, sheet in CAMERAS.items() if (sheet.width, sheet.height) == (width, height)]
            others = f"the camera that took it (of that size: {', '.join(same)})" if same else "its camera"
            raise SourceError(
                f"is {width}x{height} but the camera {self.name!r} is "
                f"{self.known.width}x{self.known.height}; name {others} or give its fx,fy,cx,cy"
                f"{of_another_size(self.known, width, height)}",
                source=source,
                kind=f"not of the size of the camera {self.name!r}",
            )
        return self.known


def _numbers(parts: Sequence[str]) -> tuple[float, ...]:
    """In the order fx, fy, cx, cy where they are named, else as they come; raises ValueError."""
    if not any("=" in part for part in parts):
        return tuple(map(float, parts))
    named = {name.lower(): float(number) for name, _, number in (part.partition("=") for part in parts)}
    if len(named) != len(parts) or named.keys() != {"fx", "fy", "cx", "cy"}:
        raise ValueError(parts)
    return named["fx"], named["fy"], named["cx"], named["cy"]


@lru_cache(maxsize=4)
def undistortion(camera: Camera) -> tuple[Float32[np.ndarray, "H W"], Float32[np.ndarray, "H W"]]:
    """Columns and rows of the image as taken where each pixel of the undistorted image looks, for `cv2.remap`."""
    v, u = np.indices((camera.height, camera.width), np.float64)
    ideal = camera.pinhole.unproject(np.stack([u, v], axis=-1), np.ones_like(u))
    seen = camera.project(ideal).astype(np.float32)
    return np.ascontiguousarray(seen[..., 0]), np.ascontiguousarray(seen[..., 1])


def undistorted(depth: Float32[np.ndarray, "H W"], camera: Camera) -> Float32[np.ndarray, "H W"]:
    """The nearest pixel of each ray; raises FrameError where no ray has one."""
    columns, rows = undistortion(camera)
    straight = cv2.remap(depth, columns, rows, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0.0)
    if depth.any() and not straight.any():
        raise FrameError(
            "undistorted, nothing is left of the depth image: give the coefficients of its lens in OpenCV's order "
            "(k1,k2,p1,p2,k3), or none"
        )
    return straight


def _check_numbers(camera: Camera) -> None:
    numbers = {name: getattr(camera, name) for name in ("fx", "fy", "cx", "cy", "width", "height", "unit_mm")}
    for name, value in numbers.items():
        kind, words = (Integral, "a whole number") if name in {"width", "height"} else (Real, "a number")
        if isinstance(value, bool) or not isinstance(value, kind) or _is_no_float(value):
            raise CameraError(f"a camera's {name} is {words}; got {shown(value)}")
    lengths = {"fx": camera.fx, "fy": camera.fy}
    points = {"cx": camera.cx, "cy": camera.cy}
    for name, value in (lengths | points).items():
        if not math.isfinite(value) or abs(value) > LARGEST_PX:
            raise CameraError(f"a camera has finite numbers of pixels, at most {LARGEST_PX:g}; got {name}={value:g}")
    for name, value in lengths.items():
        if value < 1:
            raise CameraError(f"a camera has positive focal lengths, of at least a pixel; got {name}={value:g}")
    if camera.width < 1 or camera.height < 1:
        raise CameraError(f"a camera has a positive size; got {camera.width}x{camera.height}")
    _check_view(camera)
    if not 0 < camera.unit_mm <= LARGEST_UNIT_MM:
        raise CameraError(
            f"the unit of a depth value is a positive number of mm, at most {LARGEST_UNIT_MM:g}; got {camera.unit_mm:g}"
        )


def _check_view(camera: Camera) -> None:
    """Raise CameraError for a view that no camera has; its detector's image would be larger than memory."""
    for name, value, side in (("fx", camera.fx, camera.width), ("fy", camera.fy, camera.height)):
        if (angle := degrees_of(side, value)) > WIDEST:
            raise CameraError(
                f"with {name} {value:g} an image of {side} pixels shows {angle:.0f} degrees, which no camera does; "
                "focal lengths are in pixels, not in mm"
            )


def degrees_of(pixels: int, focal_px: float) -> float:
    """What an image shows from one side to the other."""
    return math.degrees(2 * math.atan(pixels / 2 / focal_px))


def _is_no_float(value: object) -> bool:
    """Of a whole number, whether it is too large for one."""
    return isinstance(value, int) and abs(value) > LARGEST_INT


def _coefficients(lens: object) -> tuple[float, ...] | None:
    """A lens's distortion, as short as OpenCV takes it; None where all are 0. Raises CameraError."""
    try:
        found = () if lens is None else tuple(map(float, lens))  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError):
        found = (math.nan,)
    if len(found) not in {0, *COEFFICIENTS} or not all(map(math.isfinite, found)):
        raise CameraError(f"a distortion has 4, 5 or 8 finite coefficients in OpenCV's order; got {shown(lens)}")
    for shorter in COEFFICIENTS[::-1]:
        found = found if any(found[shorter:]) else found[:shorter]
    return found if any(found) else None


def _check_rows(array: object, columns: int) -> None:
    if not isinstance(array, np.ndarray) or array.shape[-1:] != (columns,):
        raise CameraError(f"expected an array (..., {columns}); got {shown(array)}")


def _field(info: object, *names: str, default: object = None) -> Any:  # noqa: ANN401
    """The first of these fields that a message or a mapping has."""
    for name in names:
        value = info.get(name) if isinstance(info, Mapping) else getattr(info, name, None)
        if value is not None:
            return value
    if default is None:
        raise CameraError(f"a CameraInfo has a field {names[0]!r}; this {type(info).__name__} has none")
    return default
