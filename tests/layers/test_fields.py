"""Fields by hand, and back to the joints they came from."""

import pytest
import torch

from handkit.layers.fields import encode, foreground, shrink, votes


def point_map(size: int) -> torch.Tensor:
    line = (torch.arange(size) + 0.5) / size * 2 - 1
    v, u = torch.meshgrid(line, line, indexing="ij")
    return torch.stack((u, v, torch.zeros_like(u)))[None]


def test_one_joint_by_hand():
    points = torch.tensor([[0.0, 3.0, 10.0], [0.0, 4.0, 0.0], [0.0, 0.0, 0.0]]).reshape(1, 3, 1, 3)
    field = encode(torch.zeros(1, 1, 3), points, torch.tensor([[[False, True, True]]]), radius=10.0)
    torch.testing.assert_close(field.closeness[0, 0, 0], torch.tensor([0.0, 0.5, 0.0]))  # off the hand; 5 of 10; beyond
    torch.testing.assert_close(field.direction[0, 0, :, 0, 1], torch.tensor([-0.6, -0.8, 0.0]))
    assert field.direction[0, 0, :, 0, 0].eq(0).all()
    assert field.direction[0, 0, :, 0, 2].eq(0).all()


def test_every_pixel_near_a_joint_votes_for_it():
    generator = torch.Generator().manual_seed(0)
    points, joints = point_map(16), torch.rand(1, 5, 3, generator=generator) - 0.5
    field = encode(joints, points, foreground(points), radius=0.8)
    error = (votes(field, points, radius=0.8) - joints[..., None, None]).norm(dim=2)
    near = field.closeness > 0
    assert near.flatten(2).any(-1).all()
    assert error[near].max() < 1e-5


def test_a_joint_on_a_pixel_has_a_finite_gradient():
    points, joints = point_map(4), torch.zeros(1, 1, 3, requires_grad=True)
    shifted = points - points[:, :, :1, :1]
    field = encode(joints, shifted, foreground(points), radius=1.0)
    (field.closeness.sum() + field.direction.sum()).backward()
    assert joints.grad is not None
    assert joints.grad.isfinite().all()


def test_shrinking_keeps_points_that_are_there():
    points = torch.arange(3 * 8 * 8.0).reshape(1, 3, 8, 8)
    assert set(shrink(points, 4).flatten().tolist()) <= set(points.flatten().tolist())
    with pytest.raises(ValueError, match="8 pixels cannot be shrunk to 3"):
        shrink(points, 3)
