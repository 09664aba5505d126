"""Luxonis OAK stereo cameras through depthai 3: https://docs.luxonis.com. Depth in mm of the rectified right camera."""

import os
from datetime import timedelta
from typing import Any

import numpy as np

from handkit.camera import Camera
from handkit.errors import SourceError
from handkit.extras import load
from handkit.sources.live import Live
from handkit.sources.source import Calibration, RawFrame, Report

SIZE = (640, 400)
WAIT = timedelta(seconds=1)


def open_oak(device: str, calibration: Calibration, report: Report) -> Live:
    """`device`: its id, empty for the first camera."""
    return Live(Oak(device, calibration), report)


def found() -> list[str]:
    """Name and id of every camera that is plugged in."""
    devices = _depthai().Device.getAllAvailableDevices()
    return [f"{each.name} ({each.getDeviceId()})" for each in devices]


class Oak:
    """A `live.Device`: the stereo depth of an OAK camera; raises MissingExtraError without its package."""

    def __init__(self, device: str, calibration: Calibration) -> None:
        self.name = f"oak:{device}" if device else "oak"
        self._id, self._calibration = device, calibration
        self._dai = _depthai()
        self._pipeline: Any = None
        self._queue: Any = None

    def open(self) -> None:
        dai = self._dai
        infos = [each for each in dai.Device.getAllAvailableDevices() if self._id in {"", each.getDeviceId()}]
        if not infos:
            raise SourceError("no OAK camera is plugged in; see `handkit cameras`")
        try:
            self._pipeline = dai.Pipeline(dai.Device(infos[0]))
            stereo = self._pipeline.create(dai.node.StereoDepth)
            for socket, side in (
                (dai.CameraBoardSocket.CAM_B, stereo.left),
                (dai.CameraBoardSocket.CAM_C, stereo.right),
            ):
                self._pipeline.create(dai.node.Camera).build(socket).requestOutput(SIZE).link(side)
            self._queue = stereo.depth.createOutputQueue(maxSize=1, blocking=False)
            self._pipeline.start()
        except RuntimeError as error:
            self._pipeline = None
            raise SourceError(f"{self.name} cannot start: {error}") from None

    def read(self) -> RawFrame | None:
        try:
            frame = self._queue.get(WAIT)
            running = self._pipeline.isRunning()
        except RuntimeError as error:
            raise SourceError(f"{self.name} is gone ({error})") from None
        if frame is not None:
            return self._raw_frame(frame)
        if not running:
            raise SourceError(f"{self.name} is unplugged")
        return None

    def close(self) -> None:
        try:
            if self._pipeline is not None:
                self._pipeline.stop()
        except RuntimeError:
            pass  # it has stopped by itself
        self._pipeline = self._queue = None

    def _raw_frame(self, frame: Any) -> RawFrame:  # noqa: ANN401
        values = np.array(frame.getFrame())
        height, width = values.shape[:2]
        matrix = frame.getTransformation().getIntrinsicMatrix()
        camera = Camera.from_matrix(matrix, width=width, height=height)
        time_ns = frame.getTimestampDevice() // timedelta(microseconds=1) * 1000
        return RawFrame(values, self._calibration.fit(camera), time_ns)


def _depthai() -> Any:  # noqa: ANN401
    """Without its signal handlers: they end a process that writes past a limit on files, where Python raises."""
    os.environ.setdefault("DEPTHAI_INSTALL_SIGNAL_HANDLER", "0")
    return load("depthai", extra="oak")
