"""Signed distances against points packed on the surfaces that the renderer shows."""

import numpy as np
import pytest
import torch

from handkit.geometry.kinematics import axis_rotation
from handkit.synthetic.distances import Parts, signed_distance
from handkit.synthetic.rasterize import Surface, render

WIDTHS = (8, 12, 12, 9, 12)
ROWS = {
    "cones": [10, -20, 300, 12, -15, 25, 310, 28],
    "wedges": [-30, -30, 300, 9, 30, -30, 310, 9, 0, 40, 290, 9],
    "boxes": [5, 0, 300, 20, 20, 0, -9, 9, 0, 0, 0, 30],
    "cylinders": [10, -20, 300, 15, -15, 25, 310, 28, 0],
    "ellipsoids": [5, 0, 300, 20, 20, 0, -15, 15, 0, 0, 0, 30],
}


def parts(**rows):
    """One frame; primitives not given are padding."""
    return Parts(
        *(
            torch.tensor(rows.get(name, [0.0] * size)).float().view(1, 1, size)
            for name, size in zip(Parts._fields, WIDTHS, strict=True)
        )
    )


def surface_points(thing):
    """Points on the surface, in the frame of `thing`, seen from 14 sides by an orthogonal camera (almost)."""
    random, found = np.random.default_rng(0), []
    middle = torch.tensor([0.0, 0.0, 300.0])
    for _ in range(14):
        rotation = torch.from_numpy(np.linalg.qr(random.normal(size=(3, 3)))[0]).float()
        seen = thing.moved(rotation[None], (torch.tensor([0.0, 0.0, 5000.0]) - rotation @ middle)[None])
        cones, wedges, boxes, cylinders, ellipsoids = (part.numpy() for part in seen)
        faces = Surface(cones, wedges, np.zeros((1, 0, 4)), boxes, cylinders, ellipsoids)
        depth = torch.from_numpy(render(faces, np.array([[4000.0, 4000.0, 64.0, 64.0]]), width=129, height=129)[0])
        v, u = (depth > 0).nonzero().unbind(1)
        z = depth[v, u]
        points = torch.stack([(u - 64) / 4000 * z, (v - 64) / 4000 * z, z - 5000], dim=-1)
        found.append(points @ rotation + middle)
    return torch.cat(found)


@pytest.mark.parametrize("name", ROWS)
def test_zero_on_the_surface_and_the_distance_beyond(name):
    thing = parts(**{name: ROWS[name]})
    on = surface_points(thing)
    assert len(on) > 4000
    assert float(signed_distance(thing, on[None]).abs().max()) < 0.05
    random = torch.Generator().manual_seed(0)
    near = torch.tensor([0.0, 0.0, 300.0]) + 45 * torch.randn(400, 3, generator=random)
    truth = torch.cdist(near, on, compute_mode="donot_use_mm_for_euclid_dist").amin(1)
    distance = signed_distance(thing, near[None])[0]
    exact = name != "ellipsoids"
    outside = distance > 0
    assert 10 < int(outside.sum()) < 390
    error = (distance.abs() - truth).abs()
    assert float(error[outside].max()) < (2.0 if exact else 12.0)
    assert float(error[truth < 5].max()) < 2.0


def test_inside_is_negative_padding_infinite_and_the_nearest_counts():
    both = parts(boxes=[0, 0, 0, 10, 0, 0, 0, 20, 0, 0, 0, 30], cones=[50, 0, 0, 5, 60, 0, 0, 5])
    points = torch.tensor([[[0.0, 0, 0], [0, 18, 0], [13, 24, 0], [40, 0, 0], [30, 0, 0], [68, 0, 0]]])
    expected = torch.tensor([[-10.0, -2, 5, 5, 15, 3]])
    torch.testing.assert_close(signed_distance(both, points), expected)
    assert signed_distance(parts(), points).isinf().all()


def test_parts_move_rigidly():
    thing = parts(**ROWS)
    rotation = axis_rotation("x", torch.tensor([0.7])) @ axis_rotation("z", torch.tensor([1.9]))
    position = torch.tensor([[10.0, -30.0, 60.0]])
    points = torch.tensor([0.0, 0.0, 300.0]) + 60 * torch.randn(1, 200, 3, generator=torch.Generator().manual_seed(0))
    moved = signed_distance(thing.moved(rotation, position), points @ rotation.mT + position[:, None])
    torch.testing.assert_close(moved, signed_distance(thing, points), atol=1e-3, rtol=0)
