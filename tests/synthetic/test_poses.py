"""Articulations within limits, hands that seldom run into themselves, views from all sides."""

import pytest
import torch

from handkit.geometry.skeleton import HAND21
from handkit.synthetic import poses
from handkit.synthetic.hand import Articulation, articulate, radians, sample_shapes
from handkit.synthetic.poses import (
    FINGER_LIMITS,
    THUMB_LIMITS,
    WRIST_LIMITS,
    sample_articulations,
    sample_views,
)

COUNT = 600


@pytest.fixture(scope="module")
def drawn():
    """(shapes, articulations, joints) of many hands."""
    generator = torch.Generator().manual_seed(0)
    shape = sample_shapes(COUNT, generator)
    pose = sample_articulations(shape, generator)
    return shape, pose, articulate(shape, pose).joints


@pytest.fixture(scope="module")
def views(drawn):
    """(rotations, forearm frames in the camera) of four thousand hands."""
    forearm = articulate(*drawn[:2]).forearm.repeat(7, 1, 1)
    rotation = sample_views(forearm, torch.Generator().manual_seed(1))
    return rotation, rotation @ forearm


def test_limits_are_respected(drawn):
    _, pose, _ = drawn
    for angles, (low, high) in (
        (pose.fingers, FINGER_LIMITS), (pose.thumb, THUMB_LIMITS), (pose.wrist, WRIST_LIMITS)
    ):  # fmt: skip
        assert (angles >= radians(low) - 1e-6).all()
        assert (angles <= radians(high) + 1e-6).all()
    assert pose.cup.min() >= 0
    assert pose.cup.max() <= 1


def test_limits_are_used(drawn):
    """Every angle of fingers and thumb covers most of its range."""
    _, pose, _ = drawn
    for angles, (low, high) in ((pose.fingers.flatten(0, 1), FINGER_LIMITS), (pose.thumb, THUMB_LIMITS)):
        covered = (angles.quantile(0.995, 0) - angles.quantile(0.005, 0)) / (radians(high) - radians(low))
        assert float(covered.min()) > 0.7


def test_open_hands_and_fists_are_among_them(drawn):
    _, pose, joints = drawn
    mean_bend = torch.rad2deg(pose.fingers[..., 2]).mean(1)
    assert float((mean_bend < 15).float().mean()) > 0.1
    assert float((mean_bend > 75).float().mean()) > 0.05
    reach = (joints[:, HAND21.fingertips[1:]] - joints[:, :1]).norm(dim=-1)
    one_only = (reach > 0.8 * reach.amax(1, keepdim=True)).sum(1) == 1
    assert float(one_only.float().mean()) > 0.02, "pointing"


def test_tight_fists_survive_the_choice(drawn):
    """Fingertips nearer to the wrist than the knuckles are: about one hand in fourteen."""
    _, _, joints = drawn
    tips, knuckles = (
        (joints[:, part] - joints[:, :1]).norm(dim=-1).mean(1) for part in ([8, 12, 16, 20], [5, 9, 13, 17])
    )
    assert 0.04 < float((tips < knuckles).float().mean()) < 0.15


def test_choosing_makes_collisions_rare(drawn):
    shape, _, joints = drawn
    generator = torch.Generator().manual_seed(2)
    family = torch.multinomial(torch.tensor(poses.FAMILIES), COUNT, replacement=True, generator=generator)
    plain = poses._draw(family, torch.full((COUNT,), -1), generator)
    kept, thrown = poses._collision(joints), poses._collision(articulate(shape, plain).joints)
    assert float(kept.mean()) < 0.4 * float(thrown.mean())
    assert float((kept > 10).float().mean()) < 0.03


def test_flat_hands_do_not_collide_but_crossed_fingers_do():
    shape = sample_shapes(50, torch.Generator().manual_seed(0))
    flat = Articulation(torch.zeros(50, 4, 4), torch.zeros(50, 5), torch.zeros(50, 2), torch.zeros(50))
    assert float(poses._collision(articulate(shape, flat).joints).median()) < 1.0
    crossed = flat._replace(fingers=flat.fingers.clone())
    crossed.fingers[:, 0, 1], crossed.fingers[:, 1, 1] = radians(-22.0), radians(22.0)
    assert float(poses._collision(articulate(shape, crossed).joints).median()) > 10.0


@pytest.mark.parametrize("finger", range(4))
def test_pinches_close(finger):
    """Thumb and finger meet at the pads in most of the hands that shall pinch."""
    generator = torch.Generator().manual_seed(finger)
    shape = sample_shapes(80, generator)
    pinched = torch.full((80,), finger)
    family = torch.multinomial(torch.tensor(poses.FAMILIES), 400, replacement=True, generator=generator)
    drawn = poses._draw(family, pinched.repeat_interleave(5), generator)
    pose = poses._close(shape, poses._cheapest(shape, drawn, pinched, tries=5), pinched, generator)
    joints = articulate(shape, pose).joints
    gap = (joints[:, 4] - joints[:, HAND21.fingertips[1 + finger]]).norm(dim=-1)
    assert 12.0 < float(gap.median()) < (20.0 if finger < 3 else 26.0)
    assert float((gap < 30).float().mean()) > (0.85 if finger < 3 else 0.6)


def test_pinches_are_drawn(drawn):
    """About one hand in twelve touches its thumb with a finger; by chance one in a hundred would."""
    _, _, joints = drawn
    gap = (joints[:, 4:5] - joints[:, HAND21.fingertips[1:]]).norm(dim=-1).amin(1)
    assert 0.05 < float((gap < 18).float().mean()) < 0.2


def test_views_are_rotations(views):
    rotation, _ = views
    torch.testing.assert_close(rotation @ rotation.mT, torch.eye(3).expand_as(rotation), rtol=0, atol=1e-5)
    assert (torch.linalg.det(rotation) > 0.99).all()


def test_views_come_from_all_sides(views):
    """Palm and back alike, any roll, the palm's normal up to 80 degrees and more off the line of sight."""
    rotation, _ = views
    tilt = torch.rad2deg(rotation[:, 2, 2].abs().clamp(max=1).acos())
    assert float((tilt > 80).float().mean()) > 0.02
    assert float((tilt < 30).float().mean()) > 0.4
    assert 0.35 < float((rotation[:, 2, 2] < 0).float().mean()) < 0.65
    roll = torch.atan2(rotation[:, 1, 1], rotation[:, 0, 1])
    assert (torch.histc(roll, bins=8, min=-torch.pi, max=torch.pi) > len(roll) / 8 * 0.7).all()


def test_an_arm_in_front_of_its_own_hand_is_rare(views):
    """Fingers or wrist that point away from the camera by more than 33 degrees: the arm comes first."""
    rotation, forearm = views
    assert float((rotation[:, 2, 1] > 0.55).float().mean()) < 0.05
    assert float((forearm[:, 2, 1] > 0.55).float().mean()) < 0.05
    assert float((forearm[:, 2, 1] < -0.55).float().mean()) > 0.15, "arms that come from behind are common"


def test_a_seed_decides(drawn):
    generator = torch.Generator().manual_seed(0)
    again = sample_articulations(sample_shapes(COUNT, generator), generator)
    assert all(torch.equal(one, other) for one, other in zip(again, drawn[1], strict=True))
