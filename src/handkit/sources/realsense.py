"""RealSense cameras, and their recordings (`.db3`, and the older `.bag`), through pyrealsense2.

https://github.com/realsenseai/librealsense. Only depth is asked for, in the camera's own default resolution.
"""

from collections.abc import Generator
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from handkit.camera import Camera
from handkit.errors import HandkitError, SourceError
from handkit.extras import load
from handkit.sources.live import Live
from handkit.sources.source import Calibration, Played, RawFrame, Report

WAIT_MS = 1000
STUCK_S = 5.0
"""A recording that gives nothing for this long, and does not say that it ended, is damaged."""


def open_realsense(serial: str, calibration: Calibration, report: Report) -> Live:
    """`serial`: empty for the first camera."""
    return Live(RealSense(serial, calibration), report)


def found() -> list[str]:
    """Name and serial number of every camera that is plugged in."""
    rs = load("pyrealsense2", extra="realsense")
    return [f"{_info(rs, device, 'name')} ({_info(rs, device, 'serial_number')})" for device in _devices(rs)]


class RealSense:
    """A `live.Device`: a RealSense camera or one of its recordings; raises MissingExtraError without its package."""

    def __init__(self, serial: str, calibration: Calibration) -> None:
        self.name = f"realsense:{serial}" if serial else "realsense"
        self._serial, self._calibration = serial, calibration
        self._rs = load("pyrealsense2", extra="realsense")
        self._pipeline: Any = None
        self._device: Any = None

    def open(self) -> None:
        rs = self._rs
        devices = [each for each in _devices(rs) if self._serial in {"", _info(rs, each, "serial_number")}]
        if not devices:
            named = f" with the serial number {self._serial}" if self._serial else ""
            raise SourceError(f"no RealSense camera{named} is plugged in; see `handkit cameras`")
        self._device, self._pipeline = devices[0], rs.pipeline()
        config = rs.config()
        config.enable_stream(rs.stream.depth)
        try:
            self._pipeline.set_device(self._device)
            self._pipeline.start(config)
        except RuntimeError as error:
            self._pipeline = None
            raise SourceError(f"{self.name} cannot start: {error}; is another program using it?") from None

    def read(self) -> RawFrame | None:
        try:
            came, frames = self._pipeline.try_wait_for_frames(WAIT_MS)
            if came and (frame := frames.get_depth_frame()):
                return _raw_frame(frame, self._calibration)
            lost = not self._device.is_connected()
        except RuntimeError as error:
            raise SourceError(f"{self.name} is gone ({error})") from None
        if lost:
            raise SourceError(f"{self.name} is unplugged")
        return None

    def close(self) -> None:
        try:
            if self._pipeline is not None:
                self._pipeline.stop()
        except RuntimeError:
            pass  # it has stopped by itself
        self._pipeline = None


def open_recording(given: str, calibration: Calibration, report: Report) -> Played:
    """Raises SourceError for a file that pyrealsense2 does not open, or without depth."""
    if not Path(given).is_file():
        raise SourceError(f"{given} does not exist")
    rs = load("pyrealsense2", extra="realsense")
    _load(rs, given)
    return Played(given, partial(_played, rs, given, calibration), report)


def _played(rs: Any, given: str, calibration: Calibration) -> Generator[RawFrame | HandkitError]:  # noqa: ANN401
    """Ends with what pyrealsense2 raises, which has no class of its own."""
    try:
        yield from _frames(rs, given, calibration)
    except RuntimeError as error:
        yield SourceError(f"is damaged: pyrealsense2 has failed ({error})", source=given)


def _frames(rs: Any, given: str, calibration: Calibration) -> Generator[RawFrame | HandkitError]:  # noqa: ANN401
    device, pipeline, config = _load(rs, given), rs.pipeline(), rs.config()
    device.set_real_time(False)  # the player waits for whoever looks at the frames: none is dropped
    config.enable_stream(rs.stream.depth)
    pipeline.set_device(device)
    pipeline.start(config)
    heard = monotonic()
    try:
        while True:
            came, frames = pipeline.try_wait_for_frames(100)
            if came and (frame := frames.get_depth_frame()):
                yield _raw_frame(frame, calibration)
                heard = monotonic()
            elif device.current_status() == rs.playback_status.stopped:
                return
            elif monotonic() - heard > STUCK_S:
                yield SourceError("is damaged: it gives no more frames and does not end", source=given)
                return
    finally:
        pipeline.stop()


def _load(rs: Any, given: str) -> Any:  # noqa: ANN401
    """The recording as a device; raises SourceError."""
    try:
        device = rs.context().load_device(given)
        streams = [each.stream_type() for sensor in device.query_sensors() for each in sensor.get_stream_profiles()]
    except RuntimeError as error:
        raise SourceError(f"{given} is no whole RealSense recording: {error}") from None
    if rs.stream.depth not in streams:
        raise SourceError(f"{given} has no depth stream")
    return device


def _raw_frame(frame: Any, calibration: Calibration) -> RawFrame:  # noqa: ANN401
    intrinsics = frame.profile.as_video_stream_profile().get_intrinsics()
    scale = float(f"{frame.get_units():.6g}")  # 32 bits: 0.001 comes as 0.0010000000475
    camera = calibration.fit(Camera.from_realsense(intrinsics, depth_scale=scale))
    return RawFrame(np.array(frame.get_data()), camera, round(frame.get_timestamp() * 1e6))


def _devices(rs: Any) -> list[Any]:  # noqa: ANN401
    return list(rs.context().query_devices())


def _info(rs: Any, device: Any, what: str) -> str:  # noqa: ANN401
    info = getattr(rs.camera_info, what)
    return device.get_info(info) if device.supports(info) else ""
