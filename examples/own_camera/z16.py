"""A source of one's own: a camera that Linux shows as 16-bit video (Z16), through OpenCV.

    pip install ./examples/own_camera
    handkit live --source z16:2 --camera 600,600,319.5,239.5 --depth-scale 1 --view

Written against a fake of OpenCV's capture; it was not run on a camera.
"""

from time import monotonic_ns

import cv2

from handkit.errors import SourceError
from handkit.sources.live import Live
from handkit.sources.source import Calibration, RawFrame, Report


class Z16:
    """What `Live` asks of a camera (`handkit.sources.live.Device`): open, read, close."""

    def __init__(self, number: int, calibration: Calibration) -> None:
        self.name, self._number, self._calibration = f"z16:{number}", number, calibration

    def open(self) -> None:
        self._video = cv2.VideoCapture(self._number, cv2.CAP_V4L2)
        self._video.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"Z16 "))
        self._video.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        if not self._video.isOpened():
            raise SourceError(f"there is no video device {self._number}; `v4l2-ctl --list-devices` names them")

    def read(self) -> RawFrame | None:
        there, values = self._video.read()
        if not there:
            raise SourceError(f"{self.name} is gone")
        height, width = values.shape[:2]
        # By --camera and --depth-scale; a camera that knows its own numbers gives `calibration.fit(Camera(...))`.
        return RawFrame(values, self._calibration.pick(width, height, name=self.name), monotonic_ns())

    def close(self) -> None:
        self._video.release()


def open_z16(argument: str, calibration: Calibration, report: Report) -> Live:
    """What the entry point names: `argument` is the text behind the colon."""
    if not (argument or "0").isdigit():
        raise SourceError(f"z16:{argument} is no number of a video device; give z16:0")
    return Live(Z16(int(argument or 0), calibration), report)
