"""Projection from the point map alone, against the camera that made it."""

from dataclasses import replace

import pytest
import torch

from handkit.camera import Camera
from handkit.geometry.crop import Space, crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.geometry.intrinsics import Intrinsics
from handkit.layers.projection import project, unproject


def test_by_hand():
    """Center at (0, 100, 500), half edges 100: a = 0, c = b = 0.2; (0.5, 0.3, 0.5) -> (0.5, 0.2) / 1.1."""
    line = torch.tensor([-0.5, 0.5])
    v, u = torch.meshgrid(line, line, indexing="ij")
    depth = torch.tensor([[0.5, 1.0], [-1.0, 1.0]])
    points = torch.stack((u * (1 + 0.2 * depth), v * (1 + 0.2 * depth) + 0.2 * depth, depth))[None]
    pixel = project(torch.tensor([[[0.5, 0.3, 0.5]]]), points)
    torch.testing.assert_close(pixel, torch.tensor([[[0.5 / 1.1, 0.2 / 1.1]]]))


@pytest.mark.parametrize("empty", [False, True], ids=["hand", "background alone"])
def test_agrees_with_the_camera(empty: bool):
    """Centers off the optical axis, rolled cubes, fx != fy: within a hundredth of a pixel of 64."""
    generator = torch.Generator().manual_seed(0)
    count = 6
    camera = Intrinsics.of(Camera(fx=240.99, fy=236.0, cx=160.0, cy=120.0, width=320, height=240))
    center = torch.rand(count, 3, generator=generator) * torch.tensor([200.0, 150.0, 300.0])
    cube = Cube.around(center + torch.tensor([-100.0, -75.0, 300.0]), edge=250.0)
    cube = replace(cube, roll=6 * torch.rand(count, generator=generator) - 3)
    depth = cube.center[:, 2, None, None] + 240 * (torch.rand(count, 240, 320, generator=generator) - 0.5)
    frame = DepthFrame(depth * (not empty), Intrinsics(camera.matrix.expand(count, 3, 3), 320, 240))
    crop = crop_hand(frame, cube, 64)
    joints = cube.center[:, None] + 200 * (torch.rand(count, 14, 3, generator=generator) - 0.5)
    expected = crop.normalize(joints, Space.IMAGE)[..., :2]
    found = project(crop.normalize(joints, Space.CUBE), crop.points(Space.CUBE))
    assert (found - expected).abs().max() < 0.01 * 2 / 64
    back = unproject(crop.normalize(joints, Space.IMAGE), crop.points(Space.CUBE))
    assert (back - crop.normalize(joints, Space.CUBE)).abs().max() < 0.01 * 2 / 64


def test_image_coordinates_stay_what_they_are():
    line = (torch.arange(4) + 0.5) / 2 - 1
    v, u = torch.meshgrid(line, line, indexing="ij")
    points = torch.stack((u, v, torch.rand(4, 4, generator=torch.Generator().manual_seed(0))))[None]
    joints = torch.tensor([[[0.3, -0.4, 0.7], [0.1, 0.2, -0.9]]])
    torch.testing.assert_close(project(joints, points), joints[..., :2])
    torch.testing.assert_close(project(joints, points * torch.tensor([1.0, 1.0, 0.0])[:, None, None]), joints[..., :2])


def test_gradient_reaches_the_joints():
    joints = torch.tensor([[[0.3, -0.4, -50.0], [0.1, 0.2, 0.5]]], requires_grad=True)
    points = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    project(joints, points).sum().backward()
    assert joints.grad is not None
    assert joints.grad.isfinite().all()
    assert joints.grad[0, 1].ne(0).all()
