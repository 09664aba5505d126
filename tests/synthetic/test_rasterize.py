"""The rasterizer by hand, and against its slow truth."""

import numpy as np
import pytest

from handkit.synthetic.rasterize import NEAR, Surface, render
from handkit.synthetic.rasterize_slowly import render_slowly

INTRINSICS = np.array([[80.0, 88.0, 18.3, 17.2]], np.float32)
SIZE = {"width": 37, "height": 36}


def scene(*, cones=(), wedges=(), planes=()):
    """One frame of a few primitives."""
    return Surface(
        np.array(cones, np.float32).reshape(1, -1, 8),
        np.array(wedges, np.float32).reshape(1, -1, 12),
        np.array(planes, np.float32).reshape(1, -1, 4),
    )


def assert_same(fast, slow):
    """Equal to 0.1 mm, but for the grooves of the slow one; silhouettes equal but for a pixel's width."""
    both = (fast > 0) & (slow > 0)
    assert both.sum() > 30
    assert np.isfinite(fast).all()
    assert np.mean(np.abs(fast - slow)[both] > 0.1) < 1e-3
    assert ((fast > 0) != (slow > 0)).sum() <= 2


def random_balls(random, count, *, spread=35.0, depth=(250.0, 330.0), radius=(6.0, 16.0)):
    """Spheres (x, y, z, radius) in view."""
    return np.column_stack(
        [
            random.uniform(-spread, spread, (count, 2)),
            random.uniform(*depth, count),
            random.uniform(*radius, count),
        ]
    )


def test_sphere_by_hand():
    """The nearest point of a sphere on the axis is z - r; its outline is at an angle of asin(r / z)."""
    ball = [0.0, 0.0, 300.0, 30.0]
    middle = np.array([[100.0, 100.0, 24.0, 24.0]], np.float32)
    depth = render(scene(cones=[ball + ball]), middle, width=49, height=49)[0]
    assert depth[24, 24] == pytest.approx(270.0, abs=1e-3)
    reach = 100.0 * np.tan(np.arcsin(0.1))
    assert (depth[24] > 0).sum() == 2 * int(reach) + 1
    np.testing.assert_allclose(depth, depth.T, atol=1e-3)
    # x = 7 / 100 z on the sphere: z^2 (1 + 0.0049) - 600 z + 90000 - 900 = 0.
    assert depth[24, 31] == pytest.approx((300.0 - np.sqrt(90000.0 - 1.0049 * 89100.0)) / 1.0049, abs=1e-2)


def test_side_of_a_capsule_by_hand():
    """Beside its end spheres a cylinder across the picture is flat along its axis."""
    middle = np.array([[100.0, 100.0, 24.0, 24.0]], np.float32)
    depth = render(scene(cones=[[-40.0, 0, 300, 9, 40, 0, 300, 9]]), middle, width=49, height=49)[0]
    np.testing.assert_allclose(depth[24, 14:35], 291.0, atol=1e-3)
    assert (depth[:20] == 0).all()


def test_face_of_a_wedge_by_hand():
    """The flat side of three equal spheres at one depth is at z - r."""
    wedge = [-40.0, -30, 300, 9, 40, -30, 300, 9, 0, 40, 300, 9]
    depth = render(scene(wedges=[wedge]), INTRINSICS, **SIZE)[0]
    np.testing.assert_allclose(depth[14:19, 15:20], 291.0, atol=1e-3)


def test_plane_by_hand():
    """n . x = d: a wall at 500 mm, and one that leans back by 0.5 mm a millimeter of height."""
    wall = render(scene(planes=[[0, 0, 1, 500]]), INTRINSICS, **SIZE)[0]
    np.testing.assert_allclose(wall, 500.0, rtol=1e-6)
    leaning = render(scene(planes=[[0, 0.5, 1, 500]]), INTRINSICS, **SIZE)[0]
    assert leaning[30, 0] == pytest.approx(500.0 / (1.0 + 0.5 * (30 - 17.2) / 88.0), rel=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_cones_equal_the_slow_truth(seed):
    random = np.random.default_rng(seed)
    cones = np.hstack([random_balls(random, 4), random_balls(random, 4)])
    surface = scene(cones=cones, planes=[[0.1, 0.2, 1.0, 310.0]])
    assert_same(render(surface, INTRINSICS, **SIZE), render_slowly(surface, INTRINSICS, **SIZE, steps=700))


@pytest.mark.parametrize("seed", range(2))
def test_wedges_equal_the_slow_truth(seed):
    random = np.random.default_rng(seed)
    balls = random_balls(random, 3, spread=16.0, depth=(270.0, 300.0))
    surface = scene(wedges=[balls.reshape(-1)])
    assert_same(render(surface, INTRINSICS, **SIZE), render_slowly(surface, INTRINSICS, **SIZE, steps=150))


@pytest.mark.parametrize(
    "cone",
    [
        [3.0, 2, 300, 20, 4, 2, 301, 30],  # one sphere inside the other
        [3.0, 2, 300, 20, 3, 2, 300, 20],  # the same sphere twice
        [3.0, 2, 300, 25, 3, 2, 300, 12],  # one center
        [0.0, 0, 300, 12, 0, 0, 400, 40],  # seen along the axis, the small end in front
        [0.0, 0, 300, 30, 0, 0, 400, 12],  # seen along the axis, the large end in front
        [20.0, 0, 300, 15, 40, 0, 600, 30],  # an axis through the camera
        [5.0, 5, 300, 15, 5, 5, 301, 16],  # nearly one sphere inside the other
        [-90.0, -80, 300, 15, 20, 20, 300, 15],  # cut by two borders
    ],
)
def test_odd_cones_equal_the_slow_truth(cone):
    surface = scene(cones=[cone])
    assert_same(render(surface, INTRINSICS, **SIZE), render_slowly(surface, INTRINSICS, **SIZE, steps=800))


@pytest.mark.parametrize(
    "wedge",
    [
        [0.0, 0, 300, 40, 5, 0, 300, 9, 0, 5, 300, 9],  # two spheres inside the first: no tangent plane
        [-30.0, 0, 300, 12, 0, 0, 300, 12, 30, 0, 300, 12],  # on one line
        [0.0, 0, 280, 12, 0, 0, 300, 12, 0, 0, 320, 12],  # on one ray
    ],
)
def test_odd_wedges_equal_the_slow_truth(wedge):
    surface = scene(wedges=[wedge])
    assert_same(render(surface, INTRINSICS, **SIZE), render_slowly(surface, INTRINSICS, **SIZE, steps=120))


def test_nothing_is_drawn_through_the_lens():
    behind = scene(cones=[[0, 0, -300, 20, 0, 5, -200, 20]], wedges=[[0, 0, 5, 9, 0, 0, 300, 9, 40, 0, 300, 9]])
    assert not render(behind, INTRINSICS, **SIZE).any()
    through = scene(cones=[[5, 5, 100, 12, 5, 8, -20, 12]])
    assert_same(render(through, INTRINSICS, **SIZE), render_slowly(through, INTRINSICS, **SIZE, steps=6000))
    around = scene(cones=[[0, 0, 400, 20, 0, 0, -400, 20]])
    depth = render(around, INTRINSICS, **SIZE)
    assert depth.min() == pytest.approx(NEAR, abs=0.1)


def test_padding_far_and_batches_change_nothing():
    random = np.random.default_rng(7)
    cones = np.concatenate([random_balls(random, 6), random_balls(random, 6)], axis=1).reshape(2, 3, 8)
    wedges = random_balls(random, 6).reshape(2, 1, 12)
    surface = Surface(*(part.astype(np.float32) for part in (cones, wedges, np.full((2, 1, 4), (0, 0, 1, 320)))))
    intrinsics = np.repeat(INTRINSICS, 2, axis=0)
    both = render(surface, intrinsics, **SIZE)
    padded = Surface(*(np.concatenate([part, np.zeros_like(part)], axis=1) for part in surface))
    assert np.array_equal(render(padded, intrinsics, **SIZE), both)
    second = render(Surface(*(part[1:] for part in surface)), intrinsics[1:], **SIZE)
    assert np.array_equal(second, both[1:])
    cut = render(surface, intrinsics, **SIZE, far=np.array([290.0, 400.0]))
    assert np.array_equal(cut[0], np.where(both[0] <= 290.0, both[0], 0.0))
    assert np.array_equal(cut[1], both[1])


def test_nothing_at_all():
    assert not render(scene(), INTRINSICS, **SIZE).any()
    assert not render_slowly(scene(), INTRINSICS, **SIZE).any()
