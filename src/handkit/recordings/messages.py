"""The ROS 2 messages of a recording, and depth values in and out of them without loss.

ROS 2 knows depth as 16UC1 in mm and 32FC1 in m (REP 118, https://ros.org/reps/rep-0118.html); both are metric wherever
they are opened. Values in another unit are stored in m: in 64 bits where 32 would not bring them back exactly.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np

from handkit.camera import Camera
from handkit.errors import SourceError
from handkit.shapes import Float, Shaped, UInt16

IMAGE, CAMERA_INFO = "sensor_msgs/msg/Image", "sensor_msgs/msg/CameraInfo"
POINTS, TEXT = "sensor_msgs/msg/PointCloud2", "std_msgs/msg/String"
OPTICAL_FRAME = "camera_depth_optical_frame"
"""x right, y down, z forward, as ROS has it for images (REP 103)."""
ENCODINGS = {"16UC1": "u2", "mono16": "u2", "32FC1": "f4", "64FC1": "f8"}

_LINE = "=" * 80
_HEADER = f"""{_LINE}
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
{_LINE}
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""
DEFINITIONS = {
    IMAGE: f"""std_msgs/Header header
uint32 height
uint32 width
string encoding
uint8 is_bigendian
uint32 step
uint8[] data
{_HEADER}""",
    CAMERA_INFO: f"""std_msgs/Header header
uint32 height
uint32 width
string distortion_model
float64[] d
float64[9] k
float64[9] r
float64[12] p
uint32 binning_x
uint32 binning_y
sensor_msgs/RegionOfInterest roi
{_HEADER}{_LINE}
MSG: sensor_msgs/RegionOfInterest
uint32 x_offset
uint32 y_offset
uint32 height
uint32 width
bool do_rectify
""",
    POINTS: f"""std_msgs/Header header
uint32 height
uint32 width
sensor_msgs/PointField[] fields
bool is_bigendian
uint32 point_step
uint32 row_step
uint8[] data
bool is_dense
{_HEADER}{_LINE}
MSG: sensor_msgs/PointField
uint8 INT8=1
uint8 UINT8=2
uint8 INT16=3
uint8 UINT16=4
uint8 INT32=5
uint8 UINT32=6
uint8 FLOAT32=7
uint8 FLOAT64=8
string name
uint32 offset
uint8 datatype
uint32 count
""",
    TEXT: "string data\n",
}
"""Of ROS 2 Jazzy: https://github.com/ros2/common_interfaces."""


def header(time_ns: int) -> dict[str, Any]:
    """`time_ns` since 1970."""
    return {"stamp": {"sec": time_ns // 10**9, "nanosec": time_ns % 10**9}, "frame_id": OPTICAL_FRAME}


def stamp_ns(message: Any) -> int:  # noqa: ANN401
    """The time in a message's header."""
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)


def image(values: Shaped[np.ndarray, "H W"], camera: Camera, time_ns: int) -> dict[str, Any]:
    """Depth values in units of `camera.unit_mm`; `values_of` gives them back."""
    stored, encoding = _stored(values, camera.unit_mm)
    height, width = values.shape
    return {
        "header": header(time_ns), "height": height, "width": width, "encoding": encoding, "is_bigendian": 0,
        "step": width * stored.itemsize, "data": stored.tobytes(),
    }  # fmt: skip


def _stored(values: Shaped[np.ndarray, "H W"], unit_mm: float) -> tuple[np.ndarray, str]:
    if unit_mm == 1 and values.dtype == np.uint16:
        return values.astype("<u2"), "16UC1"
    if unit_mm == 1 and values.dtype.kind in "ui" and values.min(initial=0) >= 0 and values.max(initial=0) < 1 << 16:
        return values.astype("<u2"), "16UC1"
    meters = values.astype(np.float64) * (unit_mm / 1000)
    short = meters.astype("<f4")
    if values.dtype.kind in "ui" or (unit_mm == 1000 and values.dtype.itemsize <= 4):
        return short, "32FC1"
    return meters.astype("<f8"), "64FC1"


def values_of(message: Any, *, unit_mm: float, kind: str) -> Shaped[np.ndarray, "H W"]:  # noqa: ANN401
    """Depth values in units of `unit_mm`, of the numpy type `kind`; raises SourceError for what is no whole depth."""
    stored = pixels_of(message)
    if message.encoding in {"16UC1", "mono16"}:
        return stored.astype(kind) if unit_mm == 1 else (stored / unit_mm).astype(kind)
    values = stored.astype(np.float64) * (1000 / unit_mm)
    if np.dtype(kind).kind in "ui":
        values = np.rint(values)
    return values.astype(kind)


def pixels_of(message: Any) -> UInt16[np.ndarray, "H W"] | Float[np.ndarray, "H W"]:  # noqa: ANN401
    """As stored: mm in 16 bits or m in floating point. Raises SourceError."""
    code = ENCODINGS.get(message.encoding)
    if code is None:
        raise SourceError(f"an image is {message.encoding!r}; expected one of {', '.join(ENCODINGS)}")
    kind = np.dtype((">" if message.is_bigendian else "<") + code)
    data, height, width, step = bytes(message.data), int(message.height), int(message.width), int(message.step)
    if step < width * kind.itemsize or step % kind.itemsize or len(data) != height * step:
        raise SourceError(f"an image of {width}x{height} {message.encoding} has {len(data)} bytes")
    rows = np.frombuffer(data, kind).reshape(height, step // kind.itemsize)
    return np.ascontiguousarray(rows[:, :width]).astype(kind.newbyteorder("="))


def camera_info(camera: Camera, time_ns: int) -> dict[str, Any]:
    """`Camera.from_ros` gives the camera back, but for its unit."""
    lens = camera.distortion or ()
    d = list(lens) + [0.0] * ((5 if len(lens) <= 5 else 8) - len(lens))
    k = camera.matrix.ravel().tolist()
    return {
        "header": header(time_ns), "height": camera.height, "width": camera.width,
        "distortion_model": "plumb_bob" if len(d) == 5 else "rational_polynomial", "d": d, "k": k,
        "r": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0], "p": [*k[:3], 0.0, *k[3:6], 0.0, *k[6:], 0.0],
        "binning_x": 0, "binning_y": 0,
        "roi": {"x_offset": 0, "y_offset": 0, "height": 0, "width": 0, "do_rectify": False},
    }  # fmt: skip


def camera_of(info: SimpleNamespace) -> Camera:
    """In mm; raises CameraError, SourceError for a camera without a calibration."""
    if not any(info.k):
        raise SourceError("the CameraInfo is not calibrated (K is all zeros); give --camera fx,fy,cx,cy")
    return Camera.from_ros(info)


def points(points_mm: Float[np.ndarray, "N 3"], time_ns: int) -> dict[str, Any]:
    """A cloud, in m."""
    data = (points_mm.reshape(-1, 3) / 1000).astype("<f4")
    fields = [{"name": name, "offset": 4 * i, "datatype": 7, "count": 1} for i, name in enumerate("xyz")]
    return {
        "header": header(time_ns), "height": 1, "width": len(data), "fields": fields, "is_bigendian": False,
        "point_step": 12, "row_step": 12 * len(data), "data": data.tobytes(), "is_dense": True,
    }  # fmt: skip
