"""Orbbec cameras (Gemini, Femto, Astra 2) through pyorbbecsdk: https://github.com/orbbec/pyorbbecsdk."""

import os
import sys
from typing import Any

import numpy as np

from handkit.camera import Camera
from handkit.errors import SourceError
from handkit.extras import load
from handkit.sources.live import Live
from handkit.sources.source import Calibration, RawFrame, Report

WAIT_MS = 1000


def open_orbbec(serial: str, calibration: Calibration, report: Report) -> Live:
    """`serial`: empty for the first camera."""
    return Live(Orbbec(serial, calibration), report)


def found() -> list[str]:
    """Name and serial number of every camera that is plugged in."""
    devices = _load_sdk().Context().query_devices()
    return [
        f"{devices.get_device_name_by_index(i)} ({devices.get_device_serial_number_by_index(i)})"
        for i in range(devices.get_count())
    ]


class Orbbec:
    """A `live.Device`: an Orbbec camera; raises MissingExtraError without its package."""

    def __init__(self, serial: str, calibration: Calibration) -> None:
        self.name = f"orbbec:{serial}" if serial else "orbbec"
        self._serial, self._calibration = serial, calibration
        self._sdk = _load_sdk()
        self._context: Any = None
        self._pipeline: Any = None

    def open(self) -> None:
        sdk = self._sdk
        try:
            self._context = sdk.Context()
            devices = self._context.query_devices()
            if devices.get_count() == 0:
                raise SourceError("no Orbbec camera is plugged in; see `handkit cameras`")
            serial = self._serial
            device = devices.get_device_by_serial_number(serial) if serial else devices.get_device_by_index(0)
            self._pipeline, config = sdk.Pipeline(device), sdk.Config()
            profiles = self._pipeline.get_stream_profile_list(sdk.OBSensorType.DEPTH_SENSOR)
            config.enable_stream(profiles.get_default_video_stream_profile())
            self._pipeline.start(config)
        except (sdk.OBError, RuntimeError) as error:
            self._pipeline = None
            raise SourceError(f"{self.name} cannot start: {error}") from None

    def read(self) -> RawFrame | None:
        try:
            frames = self._pipeline.wait_for_frames(WAIT_MS)
            frame = frames.get_depth_frame() if frames is not None else None
            return None if frame is None else self._raw_frame(frame)
        except (self._sdk.OBError, RuntimeError) as error:
            raise SourceError(f"{self.name} is gone ({error})") from None

    def close(self) -> None:
        try:
            if self._pipeline is not None:
                self._pipeline.stop()
        except (self._sdk.OBError, RuntimeError):
            pass  # it has stopped by itself
        self._pipeline = self._context = None

    def _raw_frame(self, frame: Any) -> RawFrame:  # noqa: ANN401
        height, width = int(frame.get_height()), int(frame.get_width())
        values = np.frombuffer(frame.get_data(), np.uint16)
        if values.size != height * width:
            raise SourceError(f"{self.name} gives {values.size} depth values of 16 bits for {width}x{height} pixels")
        profile = frame.get_stream_profile().as_video_stream_profile()
        k, lens = profile.get_intrinsic(), profile.get_distortion()
        camera = Camera(
            fx=float(k.fx), fy=float(k.fy), cx=float(k.cx), cy=float(k.cy), width=width, height=height,
            unit_mm=float(f"{frame.get_depth_scale():.6g}"),
            distortion=tuple(float(getattr(lens, name)) for name in ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")),
        )  # fmt: skip
        time_ns = int(frame.get_timestamp_us()) * 1000
        return RawFrame(values.reshape(height, width).copy(), self._calibration.fit(camera), time_ns)


def _load_sdk() -> Any:  # noqa: ANN401
    """It prints to stdout as it is loaded, where records go: let that go to stderr. Nor a folder `Log` where one is."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        sdk = load("pyorbbecsdk", extra="orbbec")
        sdk.Context.set_logger_to_file(sdk.OBLogLevel.NONE, "")
        return sdk
    finally:
        os.dup2(kept, 1)
        os.close(kept)
