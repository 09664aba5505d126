"""Errors by hand, and what counts as missed."""

import dataclasses
from typing import Literal

import numpy as np
import pytest

from handkit.camera import Camera
from handkit.estimator import HandPoseEstimator
from handkit.evaluation import MISSED_MM, LabeledImage, evaluate_images
from handkit.hand import HandPose, Prediction
from handkit.skeleton import HAND21

Side = Literal["left", "right"]
CAMERA = Camera(fx=100.0, fy=100.0, cx=31.5, cy=23.5, width=64, height=48)
DEPTH = np.full((48, 64), 500.0, np.float32)
CENTER = np.array([0.0, 0.0, 500.0], np.float32)


class Oracle(HandPoseEstimator):
    """Returns what it was given, image by image; None is no hand."""

    def __init__(self, offsets, side: Side = "right"):
        self.offsets, self.asked = list(offsets), []
        self.side: Side = side

    def run(self, image, **asked):
        self.asked.append(asked["handedness"])
        offset = self.offsets.pop(0)
        if offset is None:
            return Prediction([], "nothing", {})
        joints = np.tile(CENTER + np.array(offset, np.float32), (21, 1))
        return Prediction(
            [HandPose(joints, joints[:, :2], self.side, 1.0, HAND21, np.zeros(21, np.float32), 1.0)], None, {}
        )


def image(handedness: Side = "right") -> LabeledImage:
    return LabeledImage(DEPTH, CAMERA, np.tile(CENTER, (21, 1)), handedness)


def test_missed_hands_count_apart():
    """None, too far, and just near enough; only the last and the good one enter the mean."""
    offsets = [None, (MISSED_MM + 1, 0.0, 0.0), (0.0, MISSED_MM - 1, 0.0), (0.0, 0.0, 1.0)]
    found = evaluate_images(Oracle(offsets), [image()] * 4, handedness="predicted")
    assert (found.images, found.missed, found.handedness_errors) == (4, 2, 0)
    assert found.errors_mm.mean() == pytest.approx(MISSED_MM / 2)
    summary = found.summary()
    assert summary["success_20mm"] == 0.5
    assert summary["missed"] == 2
    assert "found automatically" in str(summary["protocol"])


def test_wrong_handedness_is_counted():
    oracle = Oracle([(0.0, 0.0, 0.0)] * 3, side="left")
    found = evaluate_images(oracle, [image("left"), image("right"), image("left")], handedness="predicted")
    assert found.handedness_errors == 1
    assert oracle.asked == ["auto"] * 3


def test_handedness_is_given_when_it_shall_be():
    oracle = Oracle([(0.0, 0.0, 0.0)] * 2)
    evaluate_images(oracle, [image("left"), image("right")], handedness="given")
    assert oracle.asked == ["left", "right"]


def test_nothing_found_is_no_crash():
    found = evaluate_images(Oracle([None]), [image()], handedness="predicted")
    assert (found.missed, found.images) == (1, 1)
    assert found.errors_mm.shape == (0, 21)
    assert np.isnan(found.summary()["mean_error_mm"])


def test_a_refused_image_is_a_missed_detection_and_ends_nothing():
    cut = dataclasses.replace(image(), depth=DEPTH[:5])
    found = evaluate_images(Oracle([(0.0, 0.0, 0.0)]), [cut, image()], handedness="predicted")
    assert (found.missed, found.images, found.errors_mm.mean()) == (1, 2, 0.0)
