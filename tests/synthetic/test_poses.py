"""Articulations within limits, hands that hardly run into themselves, fists that are closed, views from all sides."""

import pytest
import torch

from handkit.skeleton import HAND21
from handkit.synthetic.hand import articulate, radians, sample_shapes
from handkit.synthetic.interpenetration import interpenetration
from handkit.synthetic.poses import sample_articulations, sample_views, settle
from handkit.synthetic.postures import (
    FINGER_LIMITS,
    NAMES,
    THUMB_LIMITS,
    WRIST_LIMITS,
    draw,
    sample_families,
)

COUNT = 1500


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
    forearm = articulate(*drawn[:2]).forearm.repeat(3, 1, 1)
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


def closed_fingers(joints):
    """How many of the four fingers end within 55 mm (of an adult's hand) of the palm's middle; a straight one: 105."""
    palm = joints[:, [0, 5, 9, 13, 17]].mean(1, keepdim=True)
    size = joints[:, 9].norm(dim=-1, keepdim=True) / 90
    return ((joints[:, HAND21.fingertips[1:]] - palm).norm(dim=-1) / size < 55).sum(1)


def test_fists_and_pointing_are_frequent(drawn):
    """All fingers closed in at least one hand of ten, one finger out of a fist in another ten."""
    _, _, joints = drawn
    closed = closed_fingers(joints)
    assert 0.10 < float((closed == 4).float().mean()) < 0.3
    assert 0.08 < float((closed == 3).float().mean()) < 0.3


@pytest.mark.parametrize(("name", "fingers"), [("fist", 4), ("point", 3)])
def test_fists_stay_closed_when_they_settle(name, fingers):
    generator = torch.Generator().manual_seed(5)
    shape = sample_shapes(300, generator)
    nobody = torch.full((300,), -1)
    pose = draw(torch.full((300,), NAMES.index(name)), nobody, generator)
    closed = closed_fingers(articulate(shape, settle(shape, pose, nobody)).joints)
    assert float((closed >= fingers).float().mean()) > 0.8


def test_fists_have_their_thumb_over_inside_and_beside():
    """Tip in front of the middle phalanges, behind them, or on the thumb's side of the index finger."""
    generator = torch.Generator().manual_seed(6)
    shape = sample_shapes(400, generator)
    nobody = torch.full((400,), -1)
    pose = draw(torch.full((400,), NAMES.index("fist")), nobody, generator)
    joints = articulate(shape, settle(shape, pose, nobody)).joints
    beside = joints[:, 4, 0] < joints[:, 6, 0] - 6
    over = ~beside & (joints[:, 4, 2] < joints[:, [6, 10], 2].mean(1) - 8)
    assert float(beside.float().mean()) > 0.15
    assert float(over.float().mean()) > 0.25
    assert float((~beside & ~over).float().mean()) > 0.05


def test_hands_hardly_run_into_themselves(drawn):
    """Worst interpenetration beyond 3 mm in under 5 % of the hands, beyond 6 mm in under 1 %."""
    shape, _, joints = drawn
    worst = interpenetration(shape, joints).depth.amax(1)
    assert float((worst > 3).float().mean()) < 0.05
    assert float((worst > 6).float().mean()) < 0.01


def test_settling_mends_what_was_drawn():
    generator = torch.Generator().manual_seed(2)
    shape = sample_shapes(600, generator)
    nobody = torch.full((600,), -1)
    plain = draw(sample_families(600, generator), nobody, generator)
    before, after = (
        interpenetration(shape, articulate(shape, pose).joints).depth.amax(1)
        for pose in (plain, settle(shape, plain, nobody))
    )
    assert float((before > 3).float().mean()) > 0.3
    assert float((after > 3).float().mean()) < 0.2 * float((before > 3).float().mean())


@pytest.mark.parametrize("finger", range(4))
def test_pinches_close(finger):
    """Thumb and finger meet at the pads in most of the hands that shall pinch."""
    generator = torch.Generator().manual_seed(finger)
    shape = sample_shapes(200, generator)
    pinched = torch.full((200,), finger)
    pose = settle(shape, draw(torch.full((200,), NAMES.index("open")), pinched, generator), pinched)
    joints = articulate(shape, pose).joints
    gap = (joints[:, 4] - joints[:, HAND21.fingertips[1 + finger]]).norm(dim=-1)
    assert 12.0 < float(gap.median()) < (20.0 if finger < 3 else 26.0)
    assert float((gap < 30).float().mean()) > (0.85 if finger < 3 else 0.6)


def test_pinches_are_drawn(drawn):
    """About one hand in twelve touches its thumb with a finger; by chance one in a hundred would."""
    _, _, joints = drawn
    gap = (joints[:, 4:5] - joints[:, HAND21.fingertips[1:]]).norm(dim=-1).amin(1)
    assert 0.05 < float((gap < 18).float().mean()) < 0.25


def test_fingers_spell(drawn):
    """Horns (index and pinky alone), two fingers, the pinky alone and the thumb alone are all there."""
    _, _, joints = drawn
    size = joints[:, 9].norm(dim=-1, keepdim=True)
    out = (joints[:, HAND21.fingertips[1:]] - joints[:, :1]).norm(dim=-1) / size > 1.55
    for fingers in ((1, 0, 0, 1), (1, 1, 0, 0), (0, 0, 0, 1), (1, 1, 1, 0)):
        matching = (out == torch.tensor(fingers, dtype=torch.bool)).all(1)
        assert float(matching.float().mean()) > 0.008, fingers


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


def test_fingers_point_at_the_camera_in_one_view_of_eight(views):
    """Within 37 degrees of the viewing axis."""
    rotation, _ = views
    assert 0.09 < float((rotation[:, 2, 1] < -0.8).float().mean()) < 0.18


def test_hands_are_seen_on_edge(views):
    """The palm's normal within 20 degrees of the picture's plane, fingers across the line of sight."""
    rotation, _ = views
    edge = (rotation[:, 2, 2].abs() < 0.34) & (rotation[:, 2, 1].abs() < 0.6)
    assert 0.12 < float(edge.float().mean()) < 0.35


def test_an_arm_in_front_of_its_own_hand_is_rare(views):
    """Fingers or wrist that point away from the camera: moderately in the owner's view, strongly almost never."""
    rotation, forearm = views
    assert float((rotation[:, 2, 1] > 0.55).float().mean()) < 0.10
    assert float((forearm[:, 2, 1] > 0.55).float().mean()) < 0.10
    assert float((rotation[:, 2, 1] > 0.77).float().mean()) < 0.03
    assert float((forearm[:, 2, 1] > 0.77).float().mean()) < 0.03
    assert float((forearm[:, 2, 1] < -0.55).float().mean()) > 0.15, "arms that come from behind are common"


def test_a_seed_decides(drawn):
    generator = torch.Generator().manual_seed(0)
    again = sample_articulations(sample_shapes(COUNT, generator), generator)
    assert all(torch.equal(one, other) for one, other in zip(again, drawn[1], strict=True))
