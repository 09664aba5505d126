"""A stand-in for the estimator: the commands are tested without weights."""

import numpy as np
import pytest

from handkit.errors import FrameError
from handkit.estimator import HandPoseEstimator
from handkit.hand import HandPose, Prediction
from handkit.skeleton import HAND21

STAGES = {"locate": 1.0, "estimate": 3.5, "total": 4.5}
REFUSED, INTERRUPTED = 666, 667
"""A first depth value of so many mm makes the stand-in raise."""


def answer(_, image, *, handedness="auto", **__) -> Prediction:
    """The same hand for every depth image with a valid value in it."""
    depth = image.depth
    if not depth.any():
        return Prediction(hands=[], reason="no depth value in the image", timings_ms=STAGES, cause="no depth")
    if depth[0, 0] == REFUSED:
        raise FrameError("this frame is refused")
    if depth[0, 0] == INTERRUPTED:
        raise KeyboardInterrupt
    joints_mm = np.linspace((-60, -60, 560), (60, 60, 640), 21).astype(np.float32)
    pose = HandPose(
        joints_mm=joints_mm,
        joints_px=joints_mm[:, :2] / joints_mm[:, 2:] * 500 + np.array([40, 30], np.float32),
        handedness="left" if handedness == "left" else "right",
        pose_confidence=0.9,
        skeleton=HAND21,
        uncertainty_mm=np.full(21, 3.0, np.float32),
        handedness_probability=1.0,
    )
    return Prediction(hands=[pose], reason=None, timings_ms=STAGES)


@pytest.fixture
def estimator(monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights, no network: `answer` for every frame."""
    monkeypatch.setattr(HandPoseEstimator, "from_pretrained", lambda *_, **__: object.__new__(HandPoseEstimator))
    monkeypatch.setattr(HandPoseEstimator, "run", answer)
    monkeypatch.setattr(HandPoseEstimator, "predict", lambda *_, **__: [])
