"""Rotations and chains by hand and in general."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from handkit.geometry.kinematics import axis_rotation, chain

angle = st.floats(-7.0, 7.0, width=32)
direction = st.tuples(*[st.floats(-1.0, 1.0, width=32)] * 3).filter(lambda v: sum(x * x for x in v) > 0.01)


def assert_rotation(matrix):
    torch.testing.assert_close(matrix @ matrix.mT, torch.eye(3).expand_as(matrix), rtol=0, atol=1e-5)
    torch.testing.assert_close(torch.linalg.det(matrix), torch.ones(matrix.shape[:-2]), rtol=0, atol=1e-5)


@given(st.sampled_from("xyz"), angle)
def test_axis_rotations_are_rotations_about_their_axis(axis, by):
    turn = axis_rotation(axis, torch.tensor([by, -by]))
    assert_rotation(turn)
    column = "xyz".index(axis)
    assert torch.equal(turn[0, :, column], torch.eye(3)[column])
    torch.testing.assert_close(turn[0] @ turn[1], torch.eye(3), rtol=0, atol=1e-5)
    assert float(turn[0].trace()) == pytest.approx(1 + 2 * math.cos(by), abs=1e-5)


@pytest.mark.parametrize(("axis", "start", "end"), [("x", 1, 2), ("y", 2, 0), ("z", 0, 1)])
def test_a_quarter_turn_is_right_handed(axis, start, end):
    quarter = axis_rotation(axis, torch.tensor(math.pi / 2))
    torch.testing.assert_close(quarter @ torch.eye(3)[start], torch.eye(3)[end], rtol=0, atol=1e-6)


def test_a_bent_finger_by_hand():
    """Along y by 40, then bent 90 degrees toward -z by 30, then another 90 degrees back along -y by 20."""
    bends = axis_rotation("x", torch.tensor([0.0, -math.pi / 2, -math.pi / 2]))
    lengths = torch.tensor([40.0, 30.0, 20.0])
    points, frames = chain(torch.tensor([1.0, 2.0, 3.0]), torch.eye(3), rotations=bends, lengths=lengths)
    expected = torch.tensor([[1.0, 2, 3], [1, 42, 3], [1, 42, -27], [1, 22, -27]])
    torch.testing.assert_close(points, expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(frames[1][:, 1], torch.tensor([0.0, 0.0, -1.0]), rtol=0, atol=1e-6)
    assert_rotation(frames)


@given(st.lists(angle, min_size=6, max_size=6))
def test_bending_keeps_lengths(angles):
    turns = axis_rotation("x", torch.tensor(angles)) @ axis_rotation("z", torch.tensor(angles).flip(0))
    lengths = torch.tensor([[45.0, 33.0, 24.0], [47.0, 29.0, 19.0]])
    points, frames = chain(
        torch.zeros(2, 3), torch.eye(3).expand(2, 3, 3), rotations=turns.view(2, 3, 3, 3), lengths=lengths
    )
    torch.testing.assert_close(points.diff(dim=1).norm(dim=-1), lengths, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(frames[..., 1] * lengths[..., None], points.diff(dim=1), rtol=1e-4, atol=1e-3)
