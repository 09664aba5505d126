"""Frames and their integer windows."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from handkit.geometry.camera import Camera
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame

CAMERA = Camera.from_intrinsics(fx=100.0, fy=90.0, cx=2.0, cy=1.5, width=5, height=4)
DEPTH = torch.arange(1.0, 21.0).view(4, 5)


def test_a_picture_that_does_not_fit_its_camera_is_refused():
    with pytest.raises(ValueError, match="depth picture is 4x5 but the camera is 5x4"):
        DepthFrame.single(DEPTH.T, CAMERA)


def test_a_window_by_hand():
    patch = DepthFrame.single(DEPTH, CAMERA).patch(left=3, top=-1, width=3, height=3)
    assert patch.depth.tolist() == [[[0.0, 0.0, 0.0], [4.0, 5.0, 0.0], [9.0, 10.0, 0.0]]]
    assert patch.camera.matrix[0, :2, 2].tolist() == [-1.0, 2.5]
    assert (patch.camera.width, patch.camera.height) == (3, 3)


@given(*[st.integers(-9, 9)] * 2, *[st.integers(1, 9)] * 2)
def test_a_window_holds_the_same_pixels_of_the_same_points(left, top, width, height):
    frame = DepthFrame.single(DEPTH, CAMERA)
    patch = frame.patch(left=left, top=top, width=width, height=height)
    assert patch.depth.shape == (1, height, width)
    for row in range(height):
        for column in range(width):
            v, u = row + top, column + left
            inside = 0 <= v < 4 and 0 <= u < 5
            assert patch.depth[0, row, column] == (DEPTH[v, u] if inside else 0)
    point = torch.tensor([[[30.0, -20.0, 500.0]]])
    shift = torch.tensor([left, top])
    torch.testing.assert_close(patch.camera.project(point) + shift, frame.camera.project(point))


def test_rows_are_picked_together():
    joints = torch.arange(12.0).view(2, 2, 3)
    cube = Cube.around(joints[:, 0], edge=100.0)
    matrices = CAMERA.matrix.expand(2, 3, 3)
    frame = DepthFrame(torch.stack([DEPTH, DEPTH + 1]), Camera(matrices, 5, 4), joints, cube)
    assert len(frame) == 2
    second = frame[1:].to("cpu")
    assert second.depth[0, 0, 0] == 2.0
    assert second.joints is not None
    assert second.joints.tolist() == joints[1:].tolist()
    assert second.cube is not None
    assert second.cube.center.tolist() == [[6.0, 7.0, 8.0]]


def test_labels_may_be_absent():
    frame = DepthFrame.single(DEPTH, CAMERA)[:1].to("cpu")
    assert frame.joints is None
    assert frame.cube is None
