"""iPhone and iPad (TrueDepth or LiDAR) on a cable, with the Record3D app: https://github.com/marek-simonik/record3d.

The app's depth images of the TrueDepth camera, which faces the user, are mirrored: they are turned back here, so that a
right hand is a right hand.
"""

import threading
from time import monotonic_ns
from typing import Any

import numpy as np

from handkit.camera import Camera
from handkit.errors import SourceError, UsageError
from handkit.extras import load
from handkit.sources.live import Live
from handkit.sources.source import Calibration, RawFrame, Report

TRUEDEPTH = 0
"""`get_device_type` of the camera beside the screen; 1 is the LiDAR at the back."""
WAIT_S = 1.0


def open_record3d(number: str, calibration: Calibration, report: Report) -> Live:
    """`number`: which of several phones, counted from 0; empty for the first."""
    if number and not number.isdecimal():
        raise UsageError(f"record3d:{number} is no phone; give its number, from 0")
    return Live(Record3d(int(number or 0), calibration), report)


def found() -> list[str]:
    """Product and id of every phone that is plugged in."""
    devices = load("record3d", extra="record3d").Record3DStream.get_connected_devices()
    return [f"iOS device {each.product_id} ({each.udid})" for each in devices]


class Record3d:
    """A `live.Device`: the depth of a phone; raises MissingExtraError without its package."""

    name = "record3d"

    def __init__(self, number: int, calibration: Calibration) -> None:
        self._number, self._calibration = number, calibration
        self._package = load("record3d", extra="record3d")
        self._stream: Any = None
        self._came, self._ended = threading.Event(), threading.Event()
        self._time_ns = 0

    def open(self) -> None:
        devices = self._package.Record3DStream.get_connected_devices()
        if len(devices) <= self._number:
            raise SourceError(
                f"{len(devices)} iPhones or iPads are plugged in; unlock it, open Record3D, and choose USB streaming"
            )
        self._stream = self._package.Record3DStream()
        self._came.clear()
        self._ended.clear()
        self._stream.on_new_frame = self._arrived
        self._stream.on_stream_stopped = self._ended.set
        if not self._stream.connect(devices[self._number]):
            raise SourceError("the phone does not answer: open Record3D, choose USB streaming and start it")

    def read(self) -> RawFrame | None:
        if self._ended.is_set():
            raise SourceError("the phone has stopped streaming, or is unplugged")
        if not self._came.wait(WAIT_S):
            return None
        self._came.clear()
        values = np.array(self._stream.get_depth_frame(), np.float32)
        camera = self._calibration.fit(self._camera(*values.shape))
        if self._stream.get_device_type() == TRUEDEPTH:
            values = np.ascontiguousarray(values[:, ::-1])
        return RawFrame(values, camera, self._time_ns)

    def close(self) -> None:
        if self._stream is not None and not self._ended.is_set():
            self._stream.disconnect()
        self._stream = None

    def _arrived(self) -> None:
        """Called by the package's own thread. A frame has no time of its own: that of its arrival."""
        self._time_ns = monotonic_ns()
        self._came.set()

    def _camera(self, height: int, width: int) -> Camera:
        """The intrinsics are those of the color image, which is a whole multiple of the depth image's size."""
        k = self._stream.get_intrinsic_mat()
        color_height, color_width = self._stream.get_rgb_frame().shape[:2]
        across, down = width / color_width, height / color_height
        cx, cy = (k.tx + 0.5) * across - 0.5, (k.ty + 0.5) * down - 0.5
        if self._stream.get_device_type() == TRUEDEPTH:
            cx = width - 1 - cx
        return Camera(fx=k.fx * across, fy=k.fy * down, cx=cx, cy=cy, width=width, height=height, unit_mm=1000.0)
