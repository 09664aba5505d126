"""Frames and their integer windows."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from handkit.camera import Camera
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame, LabeledFrame
from handkit.geometry.intrinsics import Intrinsics

CAMERA = Camera(fx=100.0, fy=90.0, cx=2.0, cy=1.5, width=5, height=4)
DEPTH = torch.arange(1.0, 21.0).view(4, 5)


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


def test_all_tensors_of_a_frame_are_pinned(monkeypatch):
    """Those of its camera and cube, too: what is not pinned is waited for when it is copied."""
    pinned: list[int] = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: pinned.append(tensor.data_ptr()) or tensor.clone())
    matrix, joints = Intrinsics.of(CAMERA).matrix.reshape(1, 3, 3), torch.ones(1, 2, 3)
    frame = LabeledFrame(DEPTH[None], Intrinsics(matrix, 5, 4), joints, Cube.around(joints[:, 0], edge=100.0))
    copied = frame.pin_memory()
    assert isinstance(copied, LabeledFrame)
    cube = frame.cube
    parts = [frame.depth, matrix, joints, cube.center, cube.edges, cube.roll, cube.mirrored]
    assert sorted(pinned) == sorted(part.data_ptr() for part in parts)
    assert torch.equal(copied.depth, frame.depth)
    assert (copied.camera.width, copied.camera.height) == (5, 4)


def test_rows_are_picked_together():
    joints = torch.arange(12.0).view(2, 2, 3)
    cube = Cube.around(joints[:, 0], edge=100.0)
    matrices = Intrinsics.of(CAMERA).matrix.expand(2, 3, 3)
    frame = LabeledFrame(torch.stack([DEPTH, DEPTH + 1]), Intrinsics(matrices, 5, 4), joints, cube)
    assert len(frame) == 2
    second = frame[1:].to("cpu")
    assert isinstance(second, LabeledFrame)
    assert second.depth[0, 0, 0] == 2.0
    assert second.joints.tolist() == joints[1:].tolist()
    assert second.cube.center.tolist() == [[6.0, 7.0, 8.0]]
