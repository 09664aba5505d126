"""Depth images in files, without the command: what comes of each, and how they are counted."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handkit.camera import Camera
from handkit.errors import UsageError
from handkit.estimator import HandPoseEstimator
from handkit.hand import Prediction
from handkit.predicting import predict_file, predict_files
from handkit.sources.source import Calibration

CAMERA = Camera(fx=90, fy=90, cx=40, cy=30, width=80, height=60)
WALL = np.full((60, 80), 600, np.uint16)


class Estimator(HandPoseEstimator):
    """Nobody is there; the number in the sentence is the image's own."""

    def __init__(self) -> None:
        """No networks."""

    def run(self, image: Any, **_: Any) -> Prediction:
        if image.depth[0, 0] == 777:
            raise UsageError("hands is 0")
        reason = f"no hand is sure enough ({image.depth[0, 0]:.0f})"
        return Prediction([], reason, {"total": 1.0}, ("edges sharpened",), "not sure")

    def doubt_of_camera(self, *images: Any) -> str | None:
        return f"fx {images[0].camera.fx:g}"


ESTIMATOR = Estimator()


def test_every_image_of_a_stack(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.stack([WALL, -WALL.astype(np.int16), WALL]))
    good, bad, last = predict_file(ESTIMATOR, path, Calibration(CAMERA))
    assert [each.name for each in (good, bad, last)] == [f"{path}[{i}]" for i in range(3)]
    assert last.path == tmp_path / "a-0002.npy"
    assert good.image is not None
    assert (bad.image, bad.prediction.cause) == (None, "refused")
    assert bad.error is not None
    assert bad.prediction.reason == str(bad.error)


def test_reasons_are_counted_by_their_cause(tmp_path: Path) -> None:
    for depth in (600, 700):
        np.save(tmp_path / f"{depth}.npy", np.full_like(WALL, depth))
    said: list[str] = []
    out, seen = io.StringIO(), list[tuple[int, int]]()
    counts = predict_files(
        ESTIMATOR, [str(tmp_path)], out=out, camera=CAMERA, report=said.append, watch=lambda *at: seen.append(at)
    )
    assert counts.reasons == {"no hand is sure enough": 2}
    assert (counts.processed, counts.with_hand, counts.refused, seen) == (2, 0, 0, [(1, 2), (2, 2)])
    assert said == ["warning: edges sharpened", "warning: fx 90"]
    reasons = [json.loads(line)["reason"] for line in out.getvalue().splitlines()]
    assert reasons == ["no hand is sure enough (600)", "no hand is sure enough (700)"]


def test_what_is_asked_wrongly_ends_it(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full_like(WALL, 777))
    with pytest.raises(UsageError, match="hands is 0"):
        predict_files(ESTIMATOR, [str(tmp_path)], out=io.StringIO(), camera=CAMERA)
    with pytest.raises(UsageError, match="at least one FRAME"):
        predict_files(ESTIMATOR, [], out=io.StringIO(), camera=CAMERA)
