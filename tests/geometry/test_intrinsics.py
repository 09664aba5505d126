"""Batches of cameras by hand, there and back."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from handkit.camera import Camera
from handkit.errors import CameraError
from handkit.geometry.intrinsics import Intrinsics, inverse_2x2

number = st.floats(-1.0, 1.0, width=32)


def camera(*, fx=400.0, fy=300.0, cx=80.0, cy=60.0):
    return Intrinsics(torch.tensor([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]), 160, 120)


@st.composite
def affines(draw):
    """Turned, scaled, slightly sheared and shifted images, never flat."""
    angle = draw(st.floats(-3.2, 3.2))
    turn = torch.tensor(angle).cos(), torch.tensor(angle).sin()
    scale = draw(st.floats(0.25, 4.0))
    linear = torch.tensor([[turn[0], -turn[1]], [turn[1], turn[0]]]) * scale
    linear = linear @ torch.tensor([[1.0, 0.3 * draw(number)], [0.0, 1.0]])
    return torch.cat([linear, torch.tensor([[draw(number)], [draw(number)]]) * 200], dim=1)


def test_one_point_by_hand():
    """u = fx x / z + cx: 400 * 50 / 500 + 80 = 120; v = 300 * -25 / 500 + 60 = 45."""
    point, pixel = torch.tensor([[50.0, -25.0, 500.0]]), torch.tensor([[120.0, 45.0]])
    torch.testing.assert_close(camera().project(point), pixel)
    torch.testing.assert_close(camera().unproject(pixel, torch.tensor([500.0])), point)


def test_the_optical_axis_meets_the_principal_point():
    assert camera().project(torch.tensor([[0.0, 0.0, 700.0]])).tolist() == [[80.0, 60.0]]


def test_a_halved_image_by_hand():
    """Pixel centers at integers: halving maps u to (u + 0.5) / 2 - 0.5, so cx = 80 becomes 39.75."""
    half = torch.tensor([[0.5, 0.0, -0.25], [0.0, 0.5, -0.25]])
    small = camera().warp(half, width=80, height=60)
    assert small.matrix.tolist() == [[200.0, 0.0, 39.75], [0.0, 150.0, 29.75], [0.0, 0.0, 1.0]]
    assert (small.width, small.height) == (80, 60)


@given(affines(), st.tuples(number, number), st.floats(100.0, 3000.0, width=32))
def test_unproject_is_the_inverse_of_project(affine, ray, depth):
    warped = camera().warp(affine, width=160, height=120)
    point = torch.tensor([[ray[0] * depth / 2, ray[1] * depth / 2, depth]])
    again = warped.unproject(warped.project(point), point[:, 2])
    torch.testing.assert_close(again, point, rtol=1e-5, atol=0.01)


@given(affines(), affines())
def test_warps_compose(first, second):
    homogeneous = torch.cat([first, torch.tensor([[0.0, 0.0, 1.0]])])
    at_once = camera().warp(second @ homogeneous, width=9, height=8)
    in_turn = camera().warp(first, width=5, height=5).warp(second, width=9, height=8)
    torch.testing.assert_close(at_once.matrix, in_turn.matrix, rtol=1e-4, atol=1e-2)
    assert (in_turn.width, in_turn.height) == (9, 8)


@given(affines())
def test_a_warped_camera_sees_where_the_affine_moves_the_pixel(affine):
    point = torch.tensor([[30.0, -20.0, 600.0]])
    pixel = camera().project(point)
    moved = pixel @ affine[:, :2].T + affine[:, 2]
    torch.testing.assert_close(camera().warp(affine, width=9, height=9).project(point), moved, rtol=1e-4, atol=1e-2)


def test_batches_broadcast_over_points():
    pair = Intrinsics(torch.stack([camera().matrix, camera(cx=0.0).matrix]), 160, 120)
    points = torch.tensor([[0.0, 0.0, 500.0], [50.0, 0.0, 500.0]]).expand(2, 2, 3)
    assert pair.project(points)[..., 0].tolist() == [[80.0, 120.0], [0.0, 40.0]]
    assert torch.equal(pair.to("cpu").matrix, pair.matrix)


def test_gradients_pass():
    point = torch.tensor([[50.0, -25.0, 500.0]], requires_grad=True)
    camera().project(point).sum().backward()
    # du/dx = fx / z, dv/dy = fy / z, d(u + v)/dz = -(fx x + fy y) / z^2
    torch.testing.assert_close(point.grad, torch.tensor([[0.8, 0.6, -0.05]]))


@given(affines())
def test_inverse_of_a_two_by_two(affine):
    matrix = affine[:, :2]
    torch.testing.assert_close(matrix @ inverse_2x2(matrix), torch.eye(2), rtol=0, atol=1e-5)


def test_plain_numbers_there_and_back():
    plain = Camera(fx=400.0, fy=300.0, cx=80.0, cy=60.0, width=160, height=120)
    one = Intrinsics.of(plain)
    assert one.matrix.shape == (1, 3, 3)
    assert one.camera(0) == plain
    rolled = one.warp(torch.tensor([[[0.0, -1.0, 5.0], [1.0, 0.0, 5.0]]]), width=9, height=9)
    with pytest.raises(CameraError, match="a camera matrix is"):
        rolled.camera(0)
