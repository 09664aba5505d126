"""Errors by hand, and what counts as missed."""

import dataclasses
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import nn

from handkit.camera import Camera
from handkit.evaluation import MISSED_MM, Errors, LabeledImage, evaluate_crops, evaluate_images, joint_errors
from handkit.geometry.crop import Space
from handkit.geometry.cube import Cube
from handkit.geometry.frame import LabeledFrame
from handkit.geometry.intrinsics import Intrinsics
from handkit.hand import HandPose, Prediction
from handkit.inference import HandPoseEstimator
from handkit.skeleton import HAND21

Side = Literal["left", "right"]
CAMERA = Camera(fx=100.0, fy=100.0, cx=31.5, cy=23.5, width=64, height=48)
DEPTH = np.full((48, 64), 500.0, np.float32)
CENTER = torch.tensor([0.0, 0.0, 500.0])


class Middle(nn.Module):
    """Answers the middle of the crop for every joint."""

    space, resolution, skeleton = Space.CUBE, 16, HAND21
    arguments: dict[str, Any] = {}  # noqa: RUF012

    def forward(self, points):
        return points.new_zeros(len(points), 21, 3)

    def loss(self, points, joints):
        return {"none": points.sum() * 0 + joints.sum() * 0}


class Oracle(HandPoseEstimator):
    """Returns what it was given, image by image; None is no hand."""

    def __init__(self, offsets, side: Side = "right"):
        self.offsets, self.asked = list(offsets), []
        self.side: Side = side

    def check(self, handedness):
        self.asked.append(handedness)

    def run(self, image, *, handedness="auto"):
        offset = self.offsets.pop(0)
        if offset is None:
            return Prediction([], "nothing", {})
        joints = (CENTER + torch.tensor(offset)).expand(21, 3).numpy()
        return Prediction(
            [HandPose(joints, joints[:, :2], self.side, 1.0, HAND21, np.zeros(21, np.float32), 1.0)], None, {}
        )


def image(handedness: Side = "right") -> LabeledImage:
    return LabeledImage(DEPTH, CAMERA, CENTER.expand(21, 3).numpy(), handedness)


def test_errors_by_hand():
    """Distances 5 and 13, then 0 and 3."""
    truth = torch.zeros(2, 2, 3)
    estimated = torch.tensor([[[3.0, 4.0, 0.0], [3.0, 4.0, 12.0]], [[0.0, 0.0, 0.0], [0.0, 3.0, 0.0]]])
    errors = Errors(joint_errors(estimated, truth), "by hand")
    assert errors.per_joint_mm.tolist() == [[5.0, 13.0], [0.0, 3.0]]
    assert errors.mean_mm == pytest.approx(5.25)
    assert [errors.success(at) for at in (2.9, 3.0, 12.9, 13.0)] == [0.0, 0.5, 0.5, 1.0]


def test_crops_are_measured_with_their_own_cubes():
    joints = CENTER.expand(1, 21, 3) + torch.tensor([0.0, 0.0, 6.0])
    batches = [
        LabeledFrame(torch.from_numpy(DEPTH)[None], Intrinsics.of(CAMERA), joints, Cube.around(CENTER[None], edge=edge))
        for edge in (200.0, 300.0)
    ]
    errors = evaluate_crops(Middle(), batches, protocol="true cubes")
    torch.testing.assert_close(errors.per_joint_mm, torch.full((2, 21), 6.0))
    assert errors.protocol == "true cubes"


def test_lost_hands_count_apart():
    """None, too far, and just near enough; only the last and the good one enter the mean."""
    offsets = [None, (MISSED_MM + 1, 0.0, 0.0), (0.0, MISSED_MM - 1, 0.0), (0.0, 0.0, 1.0)]
    found = evaluate_images(Oracle(offsets), [image()] * 4, handedness="predicted")
    assert (found.images, found.missed, found.handedness_errors) == (4, 2, 0)
    assert found.errors.mean_mm == pytest.approx(MISSED_MM / 2)
    summary = found.summary()
    assert summary["success_20mm"] == 0.5
    assert summary["lost"] == 2
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
    assert found.errors.per_joint_mm.shape == (0, 21)
    assert np.isnan(found.summary()["mean_error_mm"])


def test_a_refused_image_is_a_missed_detection_and_ends_nothing():
    cut = dataclasses.replace(image(), depth=DEPTH[:5])
    found = evaluate_images(Oracle([(0.0, 0.0, 0.0)]), [cut, image()], handedness="predicted")
    assert (found.missed, found.images, found.errors.mean_mm) == (1, 2, 0.0)
