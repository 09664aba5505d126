"""How far a depth image travels from a command to its line of JSON: counted while it runs."""

import io
import sys
from collections.abc import Mapping
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import cv2
import numpy as np

import handkit
from handkit.depth import DepthImage
from handkit.estimator import HandPoseEstimator
from handkit.predicting import predict_files
from handkit.sources.demo import open_demo
from handkit.sources.source import Calibration

PACKAGE = Path(handkit.__file__).parent
MOST_FILES = 8


class Trip:
    """Which files' functions are given, or give, an image of this size."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._seen = set[CodeType]()
        self.files = set[str]()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        path = frame.f_code.co_filename
        if frame.f_code in self._seen or not path.startswith(str(PACKAGE)) or event not in {"call", "return"}:
            return
        given = frame.f_locals.values() if event == "call" else [argument]
        if any(map(self._holds, given)):
            self._seen.add(frame.f_code)
            self.files.add(str(Path(path).relative_to(PACKAGE)))

    def _holds(self, value: object) -> bool:
        if isinstance(value, np.ndarray):
            return value.shape[-2:] == self._size
        if isinstance(value, Mapping):
            return any(map(self._holds, value.values()))
        if isinstance(value, list | tuple):
            return any(map(self._holds, value))
        return isinstance(value, DepthImage) and value.depth.shape == self._size


def test_a_depth_image_enters_few_files(tmp_path: Path) -> None:
    with open_demo("", Calibration(), print) as source:
        frame = next(iter(source))
    camera, path = frame.image.camera, tmp_path / "frame.png"
    cv2.imwrite(str(path), np.rint(frame.image.depth).astype(np.uint16))
    estimator, out, before = HandPoseEstimator.from_pretrained(), io.StringIO(), sys.getprofile()
    trip = Trip(frame.image.depth.shape)
    sys.setprofile(trip)
    try:
        counts = predict_files(estimator, [str(path)], out=out, camera=camera)
    finally:
        sys.setprofile(before)
    assert counts.with_hand == 1, "it came through"
    assert {"predicting.py", "depth.py", "estimator.py", "locate.py", "backends/onnx.py"} <= trip.files, "it was seen"
    assert len(trip.files) <= MOST_FILES, sorted(trip.files)
