"""How deep hands run into themselves: by hand, and against sampled capsules."""

import torch

from handkit.synthetic.hand import Articulation, HandShape, articulate, radians, sample_shapes
from handkit.synthetic.interpenetration import interpenetration
from handkit.synthetic.postures import draw, sample_families

ONE = torch.ones(1)
AVERAGE = HandShape(ONE, torch.ones(1, 5, 3), ONE, ONE, ONE, torch.zeros(1, 5, 3), torch.zeros(1, 10, 4))
FLAT = Articulation(torch.zeros(1, 4, 4), torch.zeros(1, 5), torch.zeros(1, 2), torch.zeros(1))


def random_hands(count):
    generator = torch.Generator().manual_seed(0)
    shape = sample_shapes(count, generator)
    pose = draw(sample_families(count, generator), torch.full((count,), -1), generator)
    return shape, articulate(shape, pose).joints


def test_the_flat_average_hand_touches_nothing():
    assert float(interpenetration(AVERAGE, articulate(AVERAGE, FLAT).joints).depth.max()) < 1.5


def test_a_thumb_through_the_index_by_hand():
    """Two tips in one place are as deep as their radii together: 7.6 + 6.7 mm."""
    joints = articulate(AVERAGE, FLAT).joints
    joints[:, 4] = joints[:, 8]
    assert float(interpenetration(AVERAGE, joints).depth.max()) >= 14.29


def test_crossed_fingers_are_deep():
    crossed = FLAT._replace(fingers=FLAT.fingers.clone())
    crossed.fingers[:, 0, 1], crossed.fingers[:, 1, 1] = radians(-22.0), radians(22.0)
    assert float(interpenetration(AVERAGE, articulate(AVERAGE, crossed).joints).depth.max()) > 15.0


def test_depth_grows_with_the_hand():
    """The same hand at twice the size runs twice as deep into itself."""
    shape, joints = random_hands(50)
    double = interpenetration(shape._replace(scale=2 * shape.scale), 2 * joints).depth
    torch.testing.assert_close(double, 2 * interpenetration(shape, joints).depth, rtol=1e-3, atol=1e-2)


def test_one_contact_is_that_of_two_fingertips():
    """The sampled distance of two distal phalanges is the closed form's, between the radii at their two ends."""
    shape, joints = random_hands(200)
    share = torch.linspace(0, 1, 60)[:, None]
    one, other = (joints[:, i - 1, None] + share * (joints[:, i] - joints[:, i - 1])[:, None] for i in (8, 12))
    sampled = torch.cdist(one, other).flatten(1).amin(1)
    contacts = interpenetration(shape, joints)
    radii = torch.tensor([8.5, 6.7, 8.7, 6.9]) * (shape.scale * shape.thickness)[:, None]
    least, most = radii[:, [1, 3]].sum(1) - sampled, radii[:, [0, 2]].sum(1) - sampled
    column = ((contacts.depth >= least[:, None] - 0.05) & (contacts.depth <= most[:, None] + 0.6)).all(0)
    assert column.any(), "one pair is that of these two phalanges"


def test_forces_are_the_slope_of_the_cost():
    """Against finite differences of the summed squares beyond 1 mm, where the hand runs into itself."""
    shape, joints = random_hands(400)
    step = 0.01 * torch.randn(400, 21, 3, generator=torch.Generator().manual_seed(3))

    def cost(points):
        return (interpenetration(shape, points).depth.double() - 1).clamp(min=0).square().sum(1)

    deep = cost(joints) > 4
    assert deep.sum() > 100
    change = (cost(joints + step) - cost(joints - step))[deep] / 2
    expected = (interpenetration(shape, joints).forces(soft=1.0).double() * step).sum((1, 2))[deep]
    # What a point of contact that slides along a tapering finger changes is left out: some hands are far off.
    off = (change - expected).abs() / expected.abs()
    assert float(off.median()) < 0.08
    assert float((off < 0.25).double().mean()) > 0.7
