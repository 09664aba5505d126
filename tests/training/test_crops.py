"""Errors of a network on crops, by hand."""

import numpy as np
import torch

from handkit.camera import Camera
from handkit.geometry.crop import Space
from handkit.geometry.cube import Cube
from handkit.geometry.frame import LabeledFrame
from handkit.geometry.intrinsics import Intrinsics
from handkit.models.network import HandPoseModel
from handkit.skeleton import HAND21
from handkit.training.crops import crop_errors


class Middle(HandPoseModel):
    """Answers the middle of the crop for every joint."""

    space, resolution, skeleton = Space.CUBE, 16, HAND21

    def forward(self, points):
        return points.new_zeros(len(points), 21, 3)

    def loss(self, points, joints):
        return {"none": points.sum() * 0 + joints.sum() * 0}


def test_crops_are_measured_with_their_own_cubes():
    camera = Intrinsics.of(Camera(fx=100.0, fy=100.0, cx=31.5, cy=23.5, width=64, height=48))
    center = torch.tensor([[0.0, 0.0, 500.0]])
    joints = center.expand(1, 21, 3) + torch.tensor([0.0, 0.0, 6.0])
    depth = torch.full((1, 48, 64), 500.0)
    batches = [
        LabeledFrame(depth, camera, joints, Cube.around(center + torch.tensor([aside, 0.0, 0.0]), edge=edge))
        for edge, aside in ((200.0, 0.0), (300.0, 8.0))
    ]
    errors = crop_errors(Middle(), batches)
    np.testing.assert_allclose(errors, [[6.0] * 21, [10.0] * 21], rtol=1e-5)
