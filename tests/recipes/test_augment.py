"""Jitter moves the cube, within its ranges, and never the joints."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from handkit.camera import Camera
from handkit.geometry.crop import Space, crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.geometry.intrinsics import Intrinsics
from handkit.recipes import augment
from handkit.recipes.augment import Augment, disturb, jitter

COUNT = 4000


def cubes(count=COUNT) -> Cube:
    return Cube.around(torch.tensor([[10.0, 20.0, 500.0]]).expand(count, 3), edge=250.0)


def jittered(policy: Augment, *, seed=0, count=COUNT) -> Cube:
    return jitter(cubes(count), policy, torch.Generator().manual_seed(seed))


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


def test_a_share_is_perturbed_more():
    moved = jittered(Augment(center_mm=1.0, far_mm=30.0, far=0.25)).center - cubes().center
    far = moved.abs().amax(1) > 2.6
    # Of those perturbed more, nearly all leave the range of the others: P(|x| < 2.6 on three axes) = 0.0003.
    assert float(far.float().mean()) == pytest.approx(0.25, abs=0.02)
    assert float(moved.abs().max()) == pytest.approx(75.0, abs=1e-3)


def test_scale_and_roll_are_uniform_in_their_ranges():
    jittered_cubes = jittered(Augment(scale=0.1, roll=math.pi))
    ratio = jittered_cubes.edges / 250.0
    assert torch.equal(ratio[:, 0], ratio[:, 2]), "one factor for the three edges"
    assert 0.9 <= float(ratio.min()) < 0.901
    assert 1.099 < float(ratio.max()) <= 1.1001
    assert float(jittered_cubes.roll.abs().max()) <= math.pi
    assert float(jittered_cubes.roll.std()) == pytest.approx(math.pi / math.sqrt(3), rel=0.03)
    assert torch.equal(jittered_cubes.center, cubes().center)


def test_rolls_add():
    start = dataclasses.replace(cubes(3), roll=torch.tensor([0.5, 1.0, -2.0]))
    jittered_cubes = jitter(start, Augment(roll=0.1), torch.Generator().manual_seed(0))
    assert ((jittered_cubes.roll - start.roll).abs() <= 0.1).all()


def test_the_generator_decides():
    policy = Augment(center_mm=8.0, scale=0.1, roll=1.0)
    assert torch.equal(jittered(policy).center, jittered(policy).center)
    assert not torch.equal(jittered(policy).center, jittered(policy, seed=1).center)


@given(st.integers(0, 10_000), st.sampled_from(Space))
def test_jitter_never_moves_joints(seed, space):
    camera = Camera(fx=110.0, fy=101.0, cx=31.0, cy=23.0, width=64, height=48)
    frame = DepthFrame.single(torch.full((48, 64), 500.0), camera)
    joints = cubes(1).center[:, None] + torch.randn(1, 21, 3, generator=torch.Generator().manual_seed(seed)) * 40
    strong = Augment(center_mm=10.0, far_mm=30.0, far=0.3, scale=0.1, roll=math.pi)
    crop = crop_hand(frame, jittered(strong, seed=seed, count=1), 16)
    again = crop.denormalize(crop.normalize(joints, space), space)
    torch.testing.assert_close(again, joints, rtol=0, atol=0.01)


@pytest.mark.parametrize(
    ("policy", "share"),
    [
        (augment.CROSSINFONET, 0.25),
        (augment.SRN, 0.25),
        (augment.SRN_HANDS17, 0.25),
    ],
)
def test_exactly_one_of_the_kinds(policy, share):
    """Never two at once; each as often as none, among the kinds that the policy has."""
    jittered_cubes = jittered(policy)
    moved = (jittered_cubes.center != cubes().center).any(1)
    rolled, scaled = jittered_cubes.roll != 0, (jittered_cubes.edges != 250.0).any(1)
    count = moved.int() + rolled.int() + scaled.int()
    assert int(count.max()) == 1
    for kind in (moved, rolled, scaled if policy.scale else moved, count == 0):
        assert float(kind.float().mean()) == pytest.approx(share, abs=0.03)


def test_laws_of_the_policies():
    """SRN's noise is uniform and ends at 10 mm and 10 %; CrossInfoNet's is normal, cut at 2.5 deviations."""
    srn, cross = jittered(augment.SRN), jittered(augment.CROSSINFONET)
    moved = [
        (jittered_cubes.center - cubes().center)[(jittered_cubes.center != cubes().center).any(1)]
        for jittered_cubes in (srn, cross)
    ]
    assert 9.9 < float(moved[0].abs().max()) <= 10.0
    assert float(moved[0].std()) == pytest.approx(10 / math.sqrt(3), rel=0.05)
    assert float(moved[1].abs().max()) == pytest.approx(25.0, abs=0.1)
    ratio = [jittered_cubes.edges[jittered_cubes.edges != 250.0] / 250 - 1 for jittered_cubes in (srn, cross)]
    assert 0.098 < float(ratio[0].abs().max()) <= 0.1001
    assert 0.11 < float(ratio[1].abs().max()) <= 0.1251
    assert float(ratio[1].std()) == pytest.approx(0.05 * 0.993, rel=0.06)


def test_translation_in_pixels_moves_the_crop_by_as_many():
    """Ten pixels of 128, whatever the cube's size: a point at the cube's depth moves by at most ten in the crop."""
    camera = Intrinsics.of(Camera(fx=300.0, fy=290.0, cx=80.0, cy=60.0, width=160, height=120))
    moved = jittered(Augment(center_px=10.0, scale=0.1))
    shift = (moved.center - cubes().center) / moved.edges * 128
    assert not shift[:, 2].any()
    assert 9.9 < float(shift[:, :2].abs().max()) <= 10.0001
    frame = DepthFrame(torch.full((1, 120, 160), 500.0), camera)
    one = moved[:1]
    crop = crop_hand(frame, one, 128)
    middle = crop.normalize(cubes(1).center[:, None], Space.IMAGE)[0, 0, :2] * 64
    torch.testing.assert_close(middle, -shift[0, :2], rtol=0, atol=0.01)


def test_aspect_is_cut_and_leaves_the_depth_alone():
    ratio = jittered(augment.DENSEREG).edges / 250
    assert torch.equal(ratio[:, 2], torch.ones(COUNT))
    assert float(ratio[:, :2].min()) == pytest.approx(0.9)
    assert float(ratio[:, :2].max()) == pytest.approx(1.1)
    # N(1, 0.2) lies within 0.1 of 1 in 38 % of the cases: the rest are cut.
    inside = ((ratio[:, :2] - 1).abs() < 0.0999).float().mean()
    assert float(inside) == pytest.approx(0.383, abs=0.02)
    assert float((ratio[:, 0] * ratio[:, 1] == ratio[:, 0].square()).float().mean()) < 0.5, "not the same for both"


def test_random_edges():
    edges = jittered(Augment(edges_mm=(150.0, 160.0, 170.0))).edges
    assert sorted(set(edges[:, 0].tolist())) == [150.0, 160.0, 170.0]
    assert torch.equal(edges[:, 0], edges[:, 2])
    assert float((edges[:, 0] == 150).float().mean()) == pytest.approx(1 / 3, abs=0.03)


def seen(count=60):
    """A slope that fills the left half of the image, in front of nothing."""
    camera = Intrinsics.of(Camera(fx=100.0, fy=100.0, cx=31.5, cy=31.5, width=64, height=64))
    depth = torch.zeros(count, 64, 64)
    depth[:, :, :32] = torch.linspace(450, 550, 64)[:, None]
    camera = Intrinsics(camera.matrix.expand(count, 3, 3), 64, 64)
    cube = Cube.around(torch.tensor([[0.0, 0.0, 500.0]]).expand(count, 3), edge=250.0)
    return crop_hand(DepthFrame(depth, camera), cube, 48)


def test_nothing_disturbed_is_the_same_crop():
    crop = seen()
    same = disturb(crop, augment.SRN, torch.Generator().manual_seed(0))
    assert torch.equal(same.depth, crop.depth)
    assert torch.equal(same.foreground, crop.foreground)


def test_depth_noise_is_millimeters_on_valid_depth_only():
    crop = seen()
    noisy = disturb(crop, Augment(depth_noise_mm=4.0), torch.Generator().manual_seed(0))
    change = (noisy.depth - crop.depth) * 125
    assert float(change[crop.foreground].std()) == pytest.approx(4.0 * 0.993, rel=0.03)
    assert not change[~crop.foreground].any()
    assert torch.equal(noisy.foreground, crop.foreground)
    assert float(noisy.depth.abs().max()) <= 1


def test_erasing_takes_a_rectangle_from_a_share_of_the_crops():
    crop = seen(400)
    holed = disturb(crop, Augment(erase=0.5), torch.Generator().manual_seed(0))
    lost = crop.foreground & ~holed.foreground
    assert not (holed.foreground & ~crop.foreground).any()
    assert (holed.depth[lost] == 1).all()
    assert torch.equal(holed.depth[holed.foreground], crop.depth[holed.foreground])
    # Half of the crops are chosen; of those, a rectangle may lie where there is invalid.
    assert 0.2 < float(lost.flatten(1).any(1).float().mean()) < 0.5
    for row in lost[lost.flatten(1).any(1)]:
        rows, columns = row.any(1), row.any(0)
        assert torch.equal(row, (rows[:, None] & columns[None]) & crop.foreground[0])


@pytest.mark.parametrize("strong", [Augment(depth_noise_mm=5.0, erase=1.0)])
def test_disturbing_never_moves_joints(strong):
    crop = seen(3)
    joints = crop.cube.center[:, None] + torch.randn(3, 21, 3, generator=torch.Generator().manual_seed(0)) * 40
    after = disturb(crop, strong, torch.Generator().manual_seed(1))
    assert not torch.equal(after.depth, crop.depth)
    for space in Space:
        assert torch.equal(after.normalize(joints, space), crop.normalize(joints, space))


def test_one_of_three_moves_in_pixels_too():
    """CrossInfoNet as printed: a quarter each is moved by up to 10 of 128 pixels, rolled, scaled, or left alone."""
    cube = Cube.around(torch.zeros(4000, 3), edge=256.0)
    found = jitter(cube, augment.CROSSINFONET_PRINTED, torch.Generator().manual_seed(0))
    moved, rolled, scaled = found.center.abs().sum(1) > 0, found.roll != 0, found.edges[:, 0] != 256
    assert (moved.int() + rolled.int() + scaled.int()).max() == 1
    for share in (moved, rolled, scaled):
        assert float(share.float().mean()) == pytest.approx(0.25, abs=0.03)
    assert 18 < float(found.center[:, :2].abs().max()) <= 20
    assert found.center[:, 2].abs().max() == 0
