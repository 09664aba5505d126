"""Boxes, cylinders, cups and ellipsoids by hand, and against the slow truth."""

import numpy as np
import pytest

from handkit.synthetic.rasterize import NEAR, Surface, render
from handkit.synthetic.rasterize_slowly import render_slowly

INTRINSICS = np.array([[80.0, 88.0, 18.3, 17.2]], np.float32)
MIDDLE = np.array([[100.0, 100.0, 24.0, 24.0]], np.float32)
SIZE = {"width": 37, "height": 36}
NOTHING = np.zeros((1, 0, 8)), np.zeros((1, 0, 12)), np.zeros((1, 0, 4))


def solids(*, boxes=(), cylinders=(), ellipsoids=()):
    """One frame of a few solids."""
    shapes = ((boxes, 12), (cylinders, 9), (ellipsoids, 12))
    return Surface(*NOTHING, *(np.array(rows, np.float32).reshape(1, -1, size) for rows, size in shapes))


def assert_same(surface, *, seen=30, strides=3000):
    fast, slow = render(surface, INTRINSICS, **SIZE), render_slowly(surface, INTRINSICS, **SIZE, strides=strides)
    both = (fast > 0) & (slow > 0)
    assert both.sum() >= seen
    assert np.isfinite(fast).all()
    assert ((fast > 0) != (slow > 0)).sum() <= 2
    assert (np.abs(fast - slow)[both] > 0.02).sum() <= 2, "at an edge a ray may hit one surface or the next"


def turned(random, halves):
    """Three vectors of given lengths at right angles, in any direction."""
    rotation, _ = np.linalg.qr(random.normal(size=(3, 3)))
    return (rotation * np.array(halves)[:, None]).reshape(-1)


def test_box_by_hand():
    """A box of 60 x 40 mm whose front is at 280 mm: its front fills 30 / 280 x 100 pixels to each side."""
    depth = render(solids(boxes=[[0, 0, 300, 30, 0, 0, 0, 20, 0, 0, 0, 20]]), MIDDLE, width=49, height=49)[0]
    assert (depth > 0).sum() == 21 * 15
    np.testing.assert_allclose(depth[depth > 0], 280.0, rtol=1e-6)


def test_faces_of_a_box_leave_no_gap():
    """An edge that runs exactly through pixel centers."""
    box = [0, 0, 300, 30, 0, 30, -30, 0, 30, 0, 40, 0]
    depth = render(solids(boxes=[box]), MIDDLE, width=49, height=49)[0]
    assert (depth[15:34, 18:31] > 0).all()
    assert depth[24, 24] == pytest.approx(240.0, abs=1e-3)


def test_ellipsoid_by_hand():
    depth = render(solids(ellipsoids=[[0, 0, 300, 40, 0, 0, 0, 20, 0, 0, 0, 10]]), MIDDLE, width=49, height=49)[0]
    assert depth[24, 24] == pytest.approx(290.0, abs=1e-3)
    assert (depth[24] > 0).sum() > (depth[:, 24] > 0).sum() * 1.6


def test_a_ball_is_an_ellipsoid():
    ball = [5.0, -8, 300, 25]
    as_cone = Surface(np.array([[ball + ball]], np.float32), *NOTHING[1:])
    as_ellipsoid = solids(ellipsoids=[[5.0, -8, 300, 25, 0, 0, 0, 25, 0, 0, 0, 25]])
    one, other = (render(surface, INTRINSICS, **SIZE) for surface in (as_cone, as_ellipsoid))
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_cup_by_hand():
    """Looking into a cup of 80 mm whose rim is at 250 mm: rim, floor 4 mm above its bottom, and the wall between."""
    cup = [0, 0, 330, 40, 0, 0, 250, 40, 4]
    depth = render(solids(cylinders=[cup]), MIDDLE, width=49, height=49)[0]
    assert depth[24, 24] == pytest.approx(326.0, abs=1e-3)
    assert depth[24, 24 + 15] == pytest.approx(250.0, abs=1e-3), "38 mm from the axis"
    assert depth[24, 24 + 13] == pytest.approx(36 / 0.13, abs=1e-2), "the wall's inside is 36 mm from the axis"
    solid = render(solids(cylinders=[[*cup[:8], 0]]), MIDDLE, width=49, height=49)[0]
    np.testing.assert_allclose(solid[solid > 0], 250.0, rtol=1e-6)
    np.testing.assert_array_equal(solid > 0, depth > 0)
    closed = render(solids(cylinders=[[*cup[4:8], *cup[:4], 4]]), MIDDLE, width=49, height=49)[0]
    np.testing.assert_allclose(closed[closed > 0], 250.0, rtol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_boxes_and_ellipsoids_equal_the_slow_truth(seed):
    random = np.random.default_rng(seed)
    for kind in ("boxes", "ellipsoids"):
        center = random.uniform((-30, -30, 200), (30, 30, 330))
        halves = turned(random, random.uniform(6, 45, 3))
        assert_same(solids(**{kind: [[*center, *halves]]}), seen=15)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("wall", [0.0, 3.0])
def test_cylinders_equal_the_slow_truth(seed, wall):
    random = np.random.default_rng(seed)
    start = random.uniform((-30, -30, 230), (30, 30, 300))
    along = random.normal(size=3)
    end = start + along / np.linalg.norm(along) * random.uniform(10, 80)
    radii = random.uniform(8, 40, 2)
    assert_same(solids(cylinders=[[*start, radii[0], *end, radii[1], wall]]), strides=6000)


@pytest.mark.parametrize(
    "cylinder",
    [
        [0.0, 0, 200, 12, 0, 0, 400, 12, 0],  # seen along its axis
        [0.0, 0, 200, 12, 0, 0, 400, 50, 0],  # the camera inside its extension
        [0.0, 0, 400, 12, 0, 0, 200, 40, 3],  # looking into a funnel
        [0.0, 0, 400, 50, 0, 0, 200, 12, 3],  # looking into a bottle
        [5.0, 3, 300, 30, 5, 3, 200, 0, 0],  # a pointed one toward the camera
        [15.0, 3, 200, 0.1, 5, 3, 300, 30, 0],  # from its point on
        [-20.0, 0, 300, 30, 20, 0, 300, 30, 0],  # across
        [-200.0, -90, 300, 30, 20, 0, 300, 30, 0],  # cut by two borders
        [0.0, 60, 300, 60, 0, 62, 300, 40, 0],  # flat as a plate
        [3.0, 8, 90, 20, 30, 60, 120, 70, 2],  # wide and near
    ],
)
def test_odd_cylinders_equal_the_slow_truth(cylinder):
    assert_same(solids(cylinders=[cylinder]), strides=6000)


@pytest.mark.parametrize(
    "box",
    [
        [0.0, 40, 300, 900, 0, 0, 0, 3, 1, 0, -100, 300],  # a desk that comes from behind the camera
        [-90.0, 0, 100, 30, 0, 0, 0, 200, 0, 0, 0, 300],  # a cupboard beside it
        [10.0, 0, 22, 6, 0, 3, 0, 8, 0, -3, 0, 6],  # one corner too near
    ],
)
def test_boxes_are_cut_near_the_lens(box):
    assert_same(solids(boxes=[box]), strides=20000)


def test_nothing_is_drawn_through_the_lens():
    around = [[0.0, 0, 10, 50, 0, 0, 0, 50, 0, 0, 0, 50]]
    behind = [[0.0, 0, -100, 50, 0, 0, 0, 50, 0, 0, 0, 50]]
    for rows in (around, behind):
        for surface in (solids(boxes=rows), solids(ellipsoids=rows)):
            assert not render(surface, INTRINSICS, **SIZE).any()
            assert not render_slowly(surface, INTRINSICS, **SIZE).any()
    pipes = [
        [0.0, 0, -100, 50, 0, 0, 100, 50, 3],
        [0.0, 0, -100, 50, 0, 0, -200, 50, 0],
        [0, 0, NEAR - 1, 5, 0, 0, 90, 5, 0],
    ]
    for pipe in pipes:
        assert not render(solids(cylinders=[pipe]), INTRINSICS, **SIZE).any()
        assert not render_slowly(solids(cylinders=[pipe]), INTRINSICS, **SIZE).any()


def test_padding_and_far_change_nothing():
    box = [-20.0, 0, 300, 20, 0, 0, 0, 20, 0, 0, 0, 20]
    surface = solids(
        boxes=[box], cylinders=[[20.0, 0, 300, 10, 20, 20, 310, 14, 2]], ellipsoids=[[0.0, 30, 280, *box[3:]]]
    )
    whole = render(surface, INTRINSICS, **SIZE)
    padded = Surface(*(np.concatenate([np.zeros_like(part), part, np.zeros_like(part)], axis=1) for part in surface))
    assert np.array_equal(render(padded, INTRINSICS, **SIZE), whole)
    cut = render(surface, INTRINSICS, **SIZE, far=275.0)
    assert np.array_equal(cut, np.where(whole <= 275.0, whole, 0.0))
    assert 0 < (cut > 0).sum() < (whole > 0).sum()
