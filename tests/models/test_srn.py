"""Counts, shapes and interpretations of docs/reference.md, 3.2, and the way from a pose to maps and back."""

import dataclasses
import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from handkit.geometry.crop import Crop, Space, crop_hand
from handkit.layers.fields import Field, shrink, votes
from handkit.models.srn import MAPS, SRN, heat_maps
from handkit.recipes import LATENT_FUSION_SYNTHETIC
from handkit.skeleton import HAND21, ICVL16, MSRA21, NYU14
from handkit.training.streams import SyntheticFrames

EDGE_MM = LATENT_FUSION_SYNTHETIC.cube.edge


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def points(count: int, size: int) -> torch.Tensor:
    """A tilted sheet in front of the background."""
    line = (torch.arange(size) + 0.5) / size * 2 - 1
    v, u = torch.meshgrid(line, line, indexing="ij")
    tilt = torch.linspace(0.2, 0.8, count)[:, None, None]
    depth = torch.where(u.square() + v.square() < 0.5, tilt * u - 0.1, torch.tensor(1.0))
    return torch.stack((u.expand_as(depth), v.expand_as(depth), depth), dim=1)


def some_joints(count: int, joints: int = 14) -> torch.Tensor:
    return 1.2 * torch.rand(count, joints, 3, generator=torch.Generator().manual_seed(count)) - 0.6


@pytest.fixture(scope="module")
def hands() -> tuple[Crop, torch.Tensor]:
    """Four synthetic hands, and their joints in camera mm."""
    frame = SyntheticFrames(dataclasses.replace(LATENT_FUSION_SYNTHETIC, negatives=0.0), seed=3, size=4)[0]
    return crop_hand(frame, frame.cube, 128), frame.joints


@pytest.mark.parametrize(
    ("skeleton", "arguments", "total"),
    [
        (NYU14, {}, 22_304_020),
        (ICVL16, {}, 22_320_416),
        (MSRA21, {}, 22_361_406),
        (NYU14, {"stages": 1}, 11_191_786),
        (NYU14, {"stages": 3}, 33_487_934),
        (NYU14, {"backbone": "resnet50"}, 46_992_404),
        (MSRA21, {"backbone": "resnet50"}, 47_096_382),
        (NYU14, {"backbone": "resnet50", "stages": 1}, 23_587_818),
        (NYU14, {"backbone": "resnet101", "stages": 1}, 42_579_946),
        (NYU14, {"reparameterization": "heatmaps+depth"}, 22_268_180),
    ],
)
def test_whole_size(skeleton, arguments, total: int):
    """The last is the 21.24 x 2^20 that docs/reference.md, 3.2 names for 2D heat maps and depth."""
    with torch.device("meta"):
        assert count(SRN(skeleton, **arguments)) == total


@pytest.mark.parametrize(
    ("size", "backbone", "width"), [(64, "resnet18", 64), (128, "resnet18", 64), (32, "resnet50", 256)]
)
def test_stage_shapes(size: int, backbone, width: int):
    network = SRN(NYU14, resolution=size, backbone=backbone, stages=3).eval()
    shapes: dict[str, tuple[int, ...]] = {}
    paths = ["features.0", "features", *(f"stages.{t}.layers.{layer}" for t in range(3) for layer in range(3))]

    def note(path: str) -> Callable[[nn.Module, tuple[torch.Tensor], torch.Tensor], None]:
        return lambda _module, inputs, output: shapes.update({path: (inputs[0].shape[1], *output.shape)})

    for path in paths:
        network.get_submodule(path).register_forward_hook(note(path))
    with torch.inference_mode():
        pose = network.outputs(points(2, size))
    expected = {"features.0": (1, 2, 64, size // 2, size // 2), "features": (1, 2, width, size // 4, size // 4)}
    for t, layer in itertools.product(range(3), range(3)):
        inputs = width * 2**layer if layer else width + 56 * t
        side = size // (8 << layer)
        expected[f"stages.{t}.layers.{layer}"] = (inputs, 2, width * (2 << layer), side, side)
    assert shapes == expected
    assert pose.stages.shape == (2, 3, 14, 3)
    assert torch.equal(pose.joints, pose.stages[:, 2])


@pytest.mark.parametrize("space", ["image", "cube"])
def test_votes_of_a_perfect_field_are_the_joints(hands, space):
    """Every cell that knows of a joint says where it is, to 0.01 mm; almost every joint is known to some cell."""
    crop, joints_mm = hands
    network = SRN(HAND21, space=space)
    assert network.space is Space(space)
    cloud = crop.points(network.space)
    maps = network.maps(crop.normalize(joints_mm, network.space), cloud)
    assert maps.shape == (4, 84, 32, 32)
    field = Field(maps[:, 63:] / network.theta, maps[:, :63].unflatten(1, (21, 3)))
    found = votes(field, shrink(cloud, 32), radius=network.theta).movedim(2, -1)
    found_mm = crop.denormalize(found.flatten(1, 3), network.space).view_as(found)
    error = (found_mm - joints_mm[:, :, None, None]).norm(dim=-1)
    known = field.closeness > 0
    assert error[known].max() < 0.01
    assert known.flatten(2).any(-1).float().mean() > 0.9, "the others are behind something"


def test_field_maps_by_hand():
    """A cell 0.3 left of the joint at theta 0.4 has V = (1, 0, 0) and H = 0.1; off the hand both are 0."""
    network = SRN(NYU14, resolution=32)
    cloud = points(1, 32)
    cell = shrink(cloud, 8)[0, :, 4, 3]
    joints = (cell + torch.tensor([0.3, 0.0, 0.0])).expand(1, 14, 3)
    maps = network.maps(joints, cloud)
    torch.testing.assert_close(maps[0, 39:42, 4, 3], torch.tensor([1.0, 0.0, 0.0]), atol=1e-5, rtol=0)
    torch.testing.assert_close(maps[0, 42:, 4, 3], torch.full((14,), 0.1), atol=1e-5, rtol=0)
    assert shrink(cloud, 8)[0, 2, 0, 0] == 1
    assert SRN(NYU14, resolution=32, theta=9.0).maps(joints, cloud)[0, :, 0, 0].eq(0).all()


def test_heat_maps_are_those_of_the_released_code():
    """exp(-(d / 3.4)^2) on 32 cells, docs/reference.md, 7: by hand 1/e at 3.4 cells, and 0.9173 at one cell."""
    middle = -1 + 2 * 16.5 / 32
    joints = torch.full((1, 1, 3), middle)
    maps = heat_maps(joints, joints[..., :2], size=32)
    assert maps[0, 0, 16, 16] == 1
    assert float(maps[0, 0, 16, 17]) == pytest.approx(math.exp(-1 / 3.4**2))
    assert float(maps[0, 0, 19, 18]) == pytest.approx(math.exp(-13 / 3.4**2))


def test_heat_maps_peak_at_the_joint_and_carry_its_depth():
    """Also for points of the cube, whose view has to be found first: 1 + 0.25 z wide at z."""
    cloud, joints = points(1, 128), some_joints(1)
    perspective = cloud.clone()
    perspective[:, :2] *= 1 + 0.25 * cloud[:, 2:]
    seen = joints.clone()
    seen[..., :2] /= 1 + 0.25 * joints[..., 2:]
    image = SRN(NYU14, reparameterization="heatmaps+depth").maps(joints, cloud)
    assert image.shape == (1, 28, 32, 32)
    column = ((joints[0, :, 0] + 1) * 16).long()
    assert torch.equal(image[0, :14].amax(1).argmax(-1), column)
    torch.testing.assert_close(image[0, 14:], image[0, :14] * joints[0, :, 2, None, None])
    network = SRN(NYU14, reparameterization="heatmaps+depth", space="cube")
    torch.testing.assert_close(network.maps(joints, perspective), SRN.maps(network, seen, cloud), atol=1e-4, rtol=0)
    plain = SRN(NYU14, reparameterization="heatmaps").maps(joints, cloud)
    assert torch.equal(plain, image[:, :14])


@pytest.mark.parametrize("reparameterization", MAPS)
def test_later_stages_send_gradients_to_the_pose_before(reparameterization):
    network = SRN(NYU14, resolution=32, reparameterization=reparameterization)
    answer = network.outputs(points(2, 32)).joints.sum()
    gradient = torch.autograd.grad(answer, network.get_parameter("stages.0.joints.0.weight"))[0]
    assert gradient.isfinite().all()
    assert gradient.abs().max() > 0


VARIANTS = [
    *({"stages": stages} for stages in (1, 3)),
    *({"theta": theta} for theta in (0.3, 0.5, 0.6, 0.7, 0.8)),
    {"stages": 1, "loss": "squared", "space": "cube"},
    {"stages": 1, "space": "cube"},
    *({"reparameterization": kind, "space": space} for kind in MAPS for space in ("image", "cube")),
    {"backbone": "resnet50"},
]


@pytest.mark.parametrize("arguments", VARIANTS, ids=str)
def test_every_row_of_the_ablations_is_a_construction(arguments):
    network = SRN(NYU14, resolution=32, **arguments)
    assert network.arguments == {**SRN(NYU14, resolution=32).arguments, **arguments}
    terms = network.loss(points(2, 32), some_joints(2))
    assert set(terms) == {f"stage{index + 1}" for index in range(arguments.get("stages", 2))}
    assert all(term.isfinite() and term > 0 for term in terms.values())
    network.eval()
    assert network(points(2, 32)).shape == (2, 14, 3)


@pytest.mark.parametrize(
    ("loss", "expected"), [("smooth-l1", 0.0000125 + 0.00205), ("squared", 0.5 * (0.005**2 + 0.21**2))]
)
def test_loss_by_hand(loss, expected: float):
    """Errors of 0.005 in one coordinate, 0.21 in another: 0.5 * 25e-6 and 0.01 * 0.205, halved by two images."""
    network = SRN(NYU14, resolution=32, stages=1, loss=loss).eval()
    joints = network(points(2, 32)).detach()
    joints[0, 3, 1] += 0.005
    joints[1, 7, 2] -= 0.21
    assert network.loss(points(2, 32), joints)["stage1"].item() == pytest.approx(expected / 2, rel=1e-3)


def test_only_the_points_of_the_maps_are_read_beside_depth():
    """One stage reads depth alone; two read where the cells are as well."""
    cloud = points(2, 32)
    elsewhere = cloud * torch.tensor([0.5, 0.5, 1.0])[:, None, None]
    for stages, same in ((1, True), (2, False)):
        network = SRN(NYU14, resolution=32, stages=stages).eval()
        assert torch.equal(network(cloud), network(elsewhere)) is same


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"resolution": 48}, "multiple of 32, for example 128"),
        ({"resolution": 0}, "positive multiple of 32"),
        ({"stages": 0}, "stages are 0"),
        ({"theta": 0.0}, r"theta is 0\.0"),
        ({"theta": float("nan")}, "theta is nan, it must be positive; the paper has 0.4"),
        ({"transition": 0.0}, r"transition is 0\.0, it must be positive; the paper has 0.01"),
    ],
)
def test_refuses_what_cannot_be_built(arguments, sentence: str):
    with pytest.raises(Exception, match=sentence):
        SRN(NYU14, **arguments)
