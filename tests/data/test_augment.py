"""Jitter moves the cube, within its ranges, and never the joints."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from handkit.data.augment import Augment, jitter
from handkit.geometry.camera import Camera
from handkit.geometry.crop import Space, crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame

COUNT = 4000


def cubes(count=COUNT) -> Cube:
    return Cube.around(torch.tensor([[10.0, 20.0, 500.0]]).expand(count, 3), edge=250.0)


def jittered(augment: Augment, *, seed=0, count=COUNT) -> Cube:
    return jitter(cubes(count), augment, torch.Generator().manual_seed(seed))


def test_nothing_is_nothing():
    same = jittered(Augment())
    assert torch.equal(same.center, cubes().center)
    assert torch.equal(same.edges, cubes().edges)
    assert not same.roll.any()


def test_center_noise_is_gaussian_and_cut_at_two_and_a_half():
    moved = jittered(Augment(center_mm=8.0)).center - cubes().center
    # A standard normal cut (not rejected) at 2.5 has a standard deviation of 0.993.
    assert moved.std(0).tolist() == pytest.approx([8.0 * 0.993] * 3, rel=0.05)
    assert moved.mean(0).abs().max() < 0.5
    assert float(moved.abs().max()) == pytest.approx(20.0, abs=1e-3)


def test_a_share_strays_farther():
    moved = jittered(Augment(center_mm=1.0, far_mm=30.0, far=0.25)).center - cubes().center
    strayed = moved.abs().amax(1) > 2.6
    # Of those that stray, nearly all leave the range of the others: P(|x| < 2.6 on three axes) = 0.0003.
    assert float(strayed.float().mean()) == pytest.approx(0.25, abs=0.02)
    assert float(moved.abs().max()) == pytest.approx(75.0, abs=1e-3)


def test_scale_and_roll_are_uniform_in_their_ranges():
    turned = jittered(Augment(scale=0.1, roll=math.pi))
    ratio = turned.edges / 250.0
    assert torch.equal(ratio[:, 0], ratio[:, 2]), "one factor for the three edges"
    assert 0.9 <= float(ratio.min()) < 0.901
    assert 1.099 < float(ratio.max()) <= 1.1001
    assert float(turned.roll.abs().max()) <= math.pi
    assert float(turned.roll.std()) == pytest.approx(math.pi / math.sqrt(3), rel=0.03)
    assert torch.equal(turned.center, cubes().center)


def test_rolls_add():
    start = Cube(cubes(3).center, cubes(3).edges, torch.tensor([0.5, 1.0, -2.0]))
    turned = jitter(start, Augment(roll=0.1), torch.Generator().manual_seed(0))
    assert ((turned.roll - start.roll).abs() <= 0.1).all()


def test_the_generator_decides():
    augment = Augment(center_mm=8.0, scale=0.1, roll=1.0)
    assert torch.equal(jittered(augment).center, jittered(augment).center)
    assert not torch.equal(jittered(augment).center, jittered(augment, seed=1).center)


@given(st.integers(0, 10_000), st.sampled_from(Space))
def test_jitter_never_moves_joints(seed, space):
    camera = Camera.from_intrinsics(fx=110.0, fy=101.0, cx=31.0, cy=23.0, width=64, height=48)
    frame = DepthFrame.single(torch.full((48, 64), 500.0), camera)
    joints = cubes(1).center[:, None] + torch.randn(1, 21, 3, generator=torch.Generator().manual_seed(seed)) * 40
    strong = Augment(center_mm=10.0, far_mm=30.0, far=0.3, scale=0.1, roll=math.pi)
    crop = crop_hand(frame, jittered(strong, seed=seed, count=1), 16)
    again = crop.denormalize(crop.normalize(joints, space), space)
    torch.testing.assert_close(again, joints, rtol=0, atol=0.01)
