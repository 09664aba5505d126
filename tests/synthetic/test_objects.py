"""Hands that hold things: they touch and are not cut, and a seed decides them."""

import pytest
import torch

from handkit.synthetic.grasps import FREE, GRASP_NAMES, tables
from handkit.synthetic.hand import articulate, sample_shapes
from handkit.synthetic.objects import DEEPEST, depth_of, hold

COUNT = 160


@pytest.fixture(scope="module")
def grasped():
    generator = torch.Generator().manual_seed(0)
    shape = sample_shapes(COUNT, generator)
    return shape, hold(shape, generator)


def test_what_is_held_touches_and_does_not_cut(grasped):
    shape, held = grasped
    depth = depth_of(shape, held.pose, held.parts)[held.present]
    assert depth.max() <= DEEPEST
    taken = tables().way[held.grasp[held.present]] != FREE
    # A gap of 3 mm is what the coarse spheres along a finger leave.
    assert (depth[taken] > -3.0).float().mean() > 0.9


def test_most_grasps_succeed_and_others_hold_nothing(grasped):
    _, held = grasped
    assert held.present.float().mean() > 0.75
    nothing = torch.cat([part[~held.present].flatten(1) for part in held.parts], dim=1)
    assert not nothing.any()
    assert set(held.grasp.tolist()) == set(range(len(GRASP_NAMES)))


def test_a_seed_decides_the_grasp():
    one, other = (hold(sample_shapes(12, g), g) for g in (torch.Generator().manual_seed(5) for _ in range(2)))
    assert all(torch.equal(a, b) for a, b in zip(one.parts, other.parts, strict=True))
    assert torch.equal(one.pose.fingers, other.pose.fingers)


def test_joints_are_those_of_the_pose_that_holds(grasped):
    shape, held = grasped
    bones = articulate(shape, held.pose).joints[:, 5:].unflatten(1, (4, 4)).diff(dim=2).norm(dim=-1)
    flat = articulate(shape, held.pose._replace(fingers=0 * held.pose.fingers)).joints
    assert torch.allclose(bones, flat[:, 5:].unflatten(1, (4, 4)).diff(dim=2).norm(dim=-1), atol=1e-3)
