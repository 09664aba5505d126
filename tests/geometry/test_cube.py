"""Cubes by hand, there and back."""

import math
from dataclasses import replace

import torch
from hypothesis import given
from hypothesis import strategies as st

from handkit.geometry.cube import Cube

CENTER = torch.tensor([[10.0, -20.0, 500.0]])


def test_a_corner_by_hand():
    cube = Cube.around(CENTER, edge=torch.tensor([[200.0, 100.0, 50.0]]))
    corner = torch.tensor([[[110.0, -70.0, 525.0]]])
    assert cube.normalize(corner).tolist() == [[[1.0, -1.0, 1.0]]]
    assert cube.denormalize(torch.tensor([[[1.0, -1.0, 1.0]]])).tolist() == corner.tolist()


def test_around_is_upright_and_cubic():
    cube = Cube.around(CENTER, edge=250.0)
    assert cube.edges.tolist() == [[250.0, 250.0, 250.0]]
    assert cube.roll.tolist() == [0.0]
    assert torch.equal(cube.center, CENTER)


def test_a_positive_roll_turns_content_clockwise_on_the_screen():
    """What lies to the right of the center is then below it (y down)."""
    cube = replace(Cube.around(CENTER, edge=200.0), roll=torch.tensor([math.pi / 2]))
    right = CENTER[:, None] + torch.tensor([100.0, 0.0, 0.0])
    torch.testing.assert_close(cube.normalize(right), torch.tensor([[[0.0, 1.0, 0.0]]]), atol=1e-6, rtol=0)


@given(
    st.tuples(*[st.floats(-200.0, 200.0, width=32)] * 2, st.floats(150.0, 1500.0, width=32)),
    st.tuples(*[st.floats(80.0, 400.0, width=32)] * 3),
    st.floats(-7.0, 7.0, width=32),
    st.booleans(),
)
def test_denormalize_is_the_inverse_of_normalize(center, edges, roll, mirrored):
    cube = Cube(*(torch.tensor([each]) for each in (center, edges, roll, mirrored)))
    points = cube.center[:, None] + torch.randn(1, 21, 3, generator=torch.Generator().manual_seed(0)) * 80
    torch.testing.assert_close(cube.denormalize(cube.normalize(points)), points, rtol=0, atol=0.01)
    assert torch.equal(cube.normalize(cube.center[:, None]), torch.zeros(1, 1, 3))


def test_rows_are_picked_together():
    cube = Cube(torch.arange(6.0).view(2, 3), torch.ones(2, 3), torch.tensor([0.0, 1.0]), torch.tensor([False, True]))
    second = cube[torch.tensor([1])]
    assert second.center.tolist() == [[3.0, 4.0, 5.0]]
    assert second.roll.tolist() == [1.0]
    assert second.mirrored.tolist() == [True]
    assert (len(cube), len(second)) == (2, 1)
    assert len(cube[:1].to("cpu").edges) == 1


def test_a_mirrored_cube_turns_left_into_right():
    """x points the other way in the box's own axes, whatever its roll; y and z are as they were."""
    plain = replace(Cube.around(CENTER, edge=200.0), roll=torch.tensor([0.7]))
    mirrored = replace(plain, mirrored=torch.tensor([True]))
    points = CENTER[:, None] + torch.randn(1, 21, 3, generator=torch.Generator().manual_seed(0)) * 80
    flip = torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(mirrored.normalize(points), plain.normalize(points) * flip)


def test_views_are_cubes_by_mirror():
    two = Cube.around(torch.tensor([[0.0, 0.0, 500.0], [1.0, 2.0, 600.0]]), edge=250.0)
    views = two.views(mirrored=(False, True))
    assert views.center.tolist() == [[0.0, 0.0, 500.0]] * 2 + [[1.0, 2.0, 600.0]] * 2
    assert views.mirrored.tolist() == [False, True] * 2
    left = two.views(mirrored=(True,))
    assert left.mirrored.tolist() == [True, True]
    assert left.views(mirrored=(True,)).mirrored.tolist() == [False, False], "a mirror twice is none"
