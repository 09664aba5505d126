"""Anatomy by hand: lengths, handedness, and where the joints lie inside the surface."""

import math

import numpy as np
import pytest
import torch

from handkit.geometry.kinematics import axis_rotation
from handkit.skeleton import HAND21
from handkit.synthetic.hand import (
    PALM,
    PHALANGES,
    THUMB_AXIS,
    THUMB_BONES,
    THUMB_NAIL,
    WRIST_LIFT,
    Articulation,
    HandShape,
    angle_slopes,
    articulate,
    forearm_cones,
    palm_wedges,
    radians,
    sample_shapes,
    surface,
)
from handkit.synthetic.poses import sample_articulations
from handkit.synthetic.rasterize import Surface, render
from handkit.synthetic.scenes import HAND_CONES

TIPS = list(HAND21.fingertips)
ONE = torch.ones(1)
AVERAGE = HandShape(ONE, torch.ones(1, 5, 3), ONE, ONE, ONE, torch.zeros(1, 5, 3), torch.zeros(1, 10, 4))
FLAT = Articulation(torch.zeros(1, 4, 4), torch.zeros(1, 5), torch.zeros(1, 2), torch.zeros(1))


def random_hands(count, *, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = sample_shapes(count, generator)
    return shape, sample_articulations(shape, generator)


def alone(shape, pose, *, turn=None):
    """Joints (N, 21, 3) in front of a camera of 1 pixel a mm, and the depth of the bare hands."""
    posed = articulate(shape, pose)
    turn = torch.eye(3) if turn is None else turn
    move = torch.tensor([0.0, 0.0, 600.0]) - posed.joints.mean(1, keepdim=True) @ turn.T

    def place(balls):
        split = balls.unflatten(-1, (-1, 4))
        center = split[..., :3] @ turn.T + move[:, None]
        return torch.cat([center, split[..., 3:]], dim=-1).flatten(-2).numpy()

    cones, wedges = surface(shape, posed)
    intrinsics = np.tile(np.array([600.0, 600.0, 160.0, 160.0], np.float32), (len(move), 1))
    faces = Surface(place(cones), place(wedges), np.zeros((len(move), 1, 4), np.float32))
    return posed.joints @ turn.T + move, torch.from_numpy(render(faces, intrinsics, width=321, height=321))


def depth_at(depth, joints):
    """The surface in each joint's pixel, mm."""
    column, row = (joints[..., axis] / joints[..., 2] * 600 + 160 for axis in (0, 1))
    return depth[torch.arange(len(depth))[:, None], row.round().long(), column.round().long()]


def test_the_flat_average_hand_by_hand():
    """The middle finger: 90 mm to its knuckle, bones of 47, 29 and 19 mm, then 6.9 mm of pad."""
    joints = articulate(AVERAGE, FLAT).joints[0]
    assert joints[0].tolist() == [0.0, 0.0, 0.0]
    torch.testing.assert_close(joints[12], torch.tensor([-4.0, 185.0, 3.0]))
    assert 180 < float(joints[12].norm()) < 190
    across = joints[[5, 9, 13, 17], 0]
    assert (across.diff() > 10).all(), "index to pinky along x"
    assert (joints[TIPS[1:], 1] > joints[[5, 9, 13, 17], 1] + 70).all()
    assert joints[TIPS[1:], 1].argmax() == 1, "the middle finger is the longest"
    assert joints[4, 0] < -60, "the thumb points to its own side"


def test_a_right_angle_by_hand():
    """Index MCP bent by 90 degrees: the finger goes straight to the palm's side (-z)."""
    bent = FLAT._replace(fingers=torch.zeros(1, 4, 4))
    bent.fingers[0, 0, 0] = math.pi / 2
    index = articulate(AVERAGE, bent).joints[0, 5:9]
    base = torch.tensor([-26.0, 88.0, 0.0])
    expected = base + torch.tensor([[0.0, 0, 0], [0, 0, -43], [0, 0, -68], [0, 0, -86]])
    torch.testing.assert_close(index, expected, rtol=0, atol=1e-3)


def test_abduction_is_toward_the_thumb():
    spread = FLAT._replace(fingers=torch.zeros(1, 4, 4))
    spread.fingers[..., 1] = radians(20.0)
    moved = articulate(AVERAGE, spread).joints - articulate(AVERAGE, FLAT).joints
    assert (moved[0, TIPS[1:], 0] < -20).all()


@pytest.mark.parametrize(("angle", "axis"), [(0, 2), (1, 0)])
def test_the_wrist_turns_the_forearm_only(angle, axis):
    """Flexion brings the palm to the forearm's inside: the forearm comes forward (-z) below the wrist."""
    bent = FLAT._replace(wrist=torch.zeros(1, 2))
    bent.wrist[0, angle] = radians(30.0)
    posed = articulate(AVERAGE, bent)
    assert torch.equal(posed.joints, articulate(AVERAGE, FLAT).joints)
    elbow = -posed.forearm[0, :, 1]
    expected = torch.zeros(3)
    expected[1], expected[axis] = -math.cos(math.pi / 6), -0.5
    torch.testing.assert_close(elbow, expected, rtol=0, atol=1e-6)


def test_bones_keep_their_length_whatever_the_pose():
    shape, pose = random_hands(200)
    joints = articulate(shape, pose).joints
    digits = joints[:, 1:].unflatten(1, (5, 4)).diff(dim=2).norm(dim=-1)
    expected = torch.tensor([THUMB_BONES, *PHALANGES]) * shape.lengths * shape.scale[:, None, None]
    torch.testing.assert_close(digits, expected, rtol=1e-4, atol=1e-3)


def test_shapes_are_people():
    """From a child's hand to a large man's, each as long and as broad as hands are."""
    shape = sample_shapes(2000, torch.Generator().manual_seed(0))
    joints = articulate(shape, Articulation(*(field.expand(2000, *field.shape[1:]) for field in FLAT))).joints
    length = joints[:, 12].norm(dim=-1)
    assert 110 < float(length.min()) < 140
    assert 200 < float(length.max()) < 245
    assert float(length.median()) == pytest.approx(180, abs=8)
    breadth = (joints[:, 5] - joints[:, 17]).norm(dim=-1) / length
    assert 0.25 < float(breadth.min()) < float(breadth.max()) < 0.42


def test_every_hand_is_a_right_hand():
    """Fingers curl about an axis that points to the thumb's side, in a right-handed frame.

    Held up with its back to the viewer, a right hand has its thumb on the left; up x away = left.
    """
    joints = articulate(*random_hands(500)).joints
    fingers = joints[:, 5:].unflatten(1, (4, 4)).diff(dim=2)
    first, second = (torch.nn.functional.normalize(fingers[:, :, i], dim=-1) for i in (0, 1))
    curl = torch.linalg.cross(first, second)
    thumbwards = torch.nn.functional.normalize(joints[:, 5] - joints[:, 17], dim=-1)[:, None]
    bent = curl.norm(dim=-1) > 0.3
    assert 0.3 < float(bent.float().mean()) < 0.95
    assert ((curl * thumbwards).sum(-1)[bent] > 0.1).all()
    assert (((joints[:, 1] - joints[:, 0]) * thumbwards[:, 0]).sum(-1) > 0).all(), "the thumb's base"


def test_joints_lie_inside_the_hand():
    """Seen from anywhere, something of the hand is in front of every joint."""
    shape, pose = random_hands(40)
    for turn in (torch.eye(3), axis_rotation("y", torch.tensor(2.0)), axis_rotation("x", torch.tensor(-1.2))):
        joints, depth = alone(shape, pose, turn=turn)
        seen = depth_at(depth, joints)
        assert (seen > 0).all()
        assert (joints[..., 2] - seen > 3.0).all()


def test_tips_lie_in_the_pad():
    """From the side where the least covers it, skin is 5 to 10 mm in front of a tip."""
    shape, pose = random_hands(100)
    sides = [axis_rotation("y", torch.tensor(0.5 * math.pi * i)) for i in range(4)]
    sides += [axis_rotation("x", torch.tensor(0.5 * math.pi * i)) for i in (1, 3)]
    cover = torch.stack([
        joints[:, TIPS, 2] - depth_at(depth, joints[:, TIPS])
        for joints, depth in (alone(shape, pose, turn=turn) for turn in sides)
    ])  # fmt: skip
    least = cover.amin(0) / shape.scale[:, None]
    assert float(least.min()) > 4.0
    assert 5.0 < float(least.median()) < 10.0
    assert float((least < 10.0).float().mean()) > 0.97


def test_the_forearm_begins_at_the_wrist():
    shape, pose = random_hands(50)
    posed = articulate(shape, pose)
    cones = forearm_cones(shape, posed, length=torch.full((50,), 200.0))
    wrist, elbow = ((cones[:, 0, i : i + 3] + cones[:, 1, i : i + 3]) / 2 for i in (0, 4))
    lift = wrist - posed.joints[:, 0]
    torch.testing.assert_close(lift, WRIST_LIFT * shape.scale[:, None] * posed.forearm[..., 2], rtol=0, atol=1e-3)
    torch.testing.assert_close(wrist - elbow, 200 * posed.forearm[..., 1], rtol=0, atol=1e-3)
    assert (cones[..., [3, 7]] > 10).all()


def test_the_forearm_is_one_limb_and_not_two_tubes():
    """Its middle reaches as far out as its sides, so that no groove runs along it: less than 1 mm deep anywhere."""
    posed = articulate(AVERAGE, FLAT)
    left, right, middle = forearm_cones(AVERAGE, posed, length=torch.full((1,), 200.0))[0]
    for side in (left, right):
        for end in (slice(0, 4), slice(4, 8)):
            half = float((side[end][:3] - middle[end][:3]).norm()) / 2
            radius = float(middle[end][3])
            assert radius == float(side[end][3])
            assert radius - math.sqrt(radius**2 - half**2) < 1.0


def test_tips_are_flatter_than_round():
    """An average index finger's end is 12.6 mm thick and 15.8 mm broad, as its nail lies; the thumb's 14.3 and 17.9."""
    joints, depth = alone(AVERAGE, FLAT)
    assert float(joints[0, 8, 2] - depth_at(depth, joints)[0, 8]) == pytest.approx(12.6 / 2, abs=0.2)
    lone = FLAT._replace(fingers=torch.zeros(1, 4, 4))
    lone.fingers[0, 1:, 0] = 1.5
    joints, depth = alone(AVERAGE, lone, turn=axis_rotation("y", torch.tensor(math.pi / 2)))
    assert float(joints[0, 8, 2] - depth_at(depth, joints)[0, 8]) == pytest.approx(15.8 / 2, abs=0.3)
    for toward, size in ((THUMB_NAIL, 14.3), (torch.linalg.cross(*map(torch.tensor, (THUMB_AXIS, THUMB_NAIL))), 17.9)):
        joints, depth = alone(AVERAGE, FLAT, turn=facing(torch.as_tensor(toward)))
        assert float(joints[0, 4, 2] - depth_at(depth, joints)[0, 4]) == pytest.approx(size / 2, abs=0.3)


def facing(direction):
    """A rotation that turns this direction, made upright to the thumb, toward the camera."""
    along = torch.nn.functional.normalize(torch.tensor(THUMB_AXIS), dim=0)
    out = torch.nn.functional.normalize(direction - (direction @ along) * along, dim=0)
    return torch.stack([torch.linalg.cross(along, -out), along, -out])


def test_no_two_palms_are_alike():
    """What `flesh` adds to a ball is what the surface has there more."""
    shape, pose = random_hands(200)
    assert (shape.flesh.std(0) > 0.4).all()
    assert float(shape.flesh.abs().max()) < 3.0
    posed = articulate(shape, pose)
    plain = palm_wedges(shape._replace(flesh=torch.zeros_like(shape.flesh)), posed)
    more = (palm_wedges(shape, posed) - plain)[:, : len(PALM)].unflatten(-1, (3, 4))
    expected = shape.scale[:, None, None, None] * shape.flesh[:, torch.tensor(PALM)]
    torch.testing.assert_close(more, expected, rtol=0, atol=1e-4)


def test_the_surface_has_the_cones_that_scenes_count():
    posed = articulate(AVERAGE, FLAT)
    cones, wedges = surface(AVERAGE, posed)
    assert cones.shape[1] == HAND_CONES
    assert (cones[..., [3, 7]] > 0).all()
    assert (wedges[..., 3::4] > 0).all()


def test_the_palm_is_filled():
    """No hole between wrist and knuckles, and skin between the knuckles of neighboring fingers."""
    joints, depth = alone(AVERAGE, FLAT)
    for weight in np.linspace(0.1, 0.95, 12):
        inner = joints[:, [5, 9, 13, 17]] * weight + joints[:, :1] * (1 - weight)
        between = (inner[:, 1:] + inner[:, :-1]) / 2
        assert (depth_at(depth, torch.cat([inner, between], dim=1)) > 0).all()


def test_the_palm_is_hollow():
    """From the front, the middle of the palm lies 2 to 8 mm behind its heel, and behind the thumb's ball."""
    joints, depth = alone(AVERAGE, FLAT)
    middle = depth_at(depth, joints[:, 9:10] * 0.7 + joints[:, :1] * 0.3)
    heel = depth_at(depth, joints[:, 17:18] * 0.34 + joints[:, :1] * 0.66)
    ball = depth_at(depth, (joints[:, 1:2] + joints[:, 2:3]) / 2)
    assert 2 < float(middle - heel) < 8
    assert 5 < float(middle - ball) < 25


def test_the_hand_is_as_thick_as_hands_are():
    """At the middle knuckle 26 to 30 mm, at the wrist's heel more, at the middle finger's last joint 17 mm."""
    front, back = (alone(AVERAGE, FLAT, turn=axis_rotation("y", torch.tensor(angle))) for angle in (0.0, math.pi))
    near, far = (depth_at(depth, joints) - joints[..., 2] for joints, depth in (front, back))
    thick = -(near + far)[0]
    assert 26 < float(thick[9]) < 30
    assert float(thick[11]) == pytest.approx(17.4, abs=0.6)
    assert 11 < float(thick[8]) < 15


def test_slopes_along_angles_are_those_of_autograd():
    shape, pose = random_hands(30)
    fingers, thumb = pose.fingers.clone().requires_grad_(), pose.thumb.clone().requires_grad_()
    joints = articulate(shape, pose._replace(fingers=fingers, thumb=thumb)).joints
    forces = torch.randn(30, 21, 3, generator=torch.Generator().manual_seed(1))
    slopes = torch.autograd.grad((joints * forces).sum(), (fingers, thumb))
    expected = torch.cat([slopes[0].flatten(1), slopes[1]], dim=1)
    torch.testing.assert_close(angle_slopes(pose, joints.detach(), forces), expected, rtol=1e-4, atol=1e-2)
