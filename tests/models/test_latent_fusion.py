"""Counts and interpretations of docs/reference.md, 3.4."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from handkit.layers.heatmaps import gaussian_heatmaps, spatial_softmax
from handkit.models.latent_fusion import (
    SIGMA,
    LatentFusion,
    Plane,
    shares_of,
)
from handkit.skeleton import HAND21, ICVL16, NYU14


def count(network: nn.Module | nn.Parameter | None) -> int:
    if isinstance(network, nn.Parameter):
        return network.numel()
    return 0 if network is None else sum(parameter.numel() for parameter in network.parameters())


def points(count: int, size: int) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(count)) * 2 - 1


def test_parts_have_the_sizes_of_table_6():
    network = LatentFusion(NYU14)
    assert count(network.features) == 509_568
    assert count(network.branches) + count(network.sharpness) == 1_418_978
    assert count(network.fusion) == 71_363


@pytest.mark.parametrize(
    ("skeleton", "total"),
    [(NYU14, 1_999_909), (ICVL16, 2_002_995), (HAND21, 2_010_710)],
    ids=["14", "16", "21"],
)
def test_whole_size(skeleton, total: int):
    assert count(LatentFusion(skeleton)) == total


def test_literal_table_6_is_smaller():
    network = LatentFusion(NYU14, reinjection=False)
    assert count(network) == 1_899_045
    assert count(network.fusion) == 31_939


@pytest.mark.parametrize("size", [64, 128])
def test_stage_shapes(size: int):
    network = LatentFusion(NYU14, resolution=size).eval()
    quarter = size // 4
    shapes: dict[str, torch.Size] = {}
    stages = {
        "stem": "features.0",
        "pooled": "features.2",
        "shared": "features",
        "branch": "branches.0.features",
        "maps": "branches.0.maps",
    }

    def note(name: str) -> Callable[[nn.Module, object, torch.Tensor], None]:
        return lambda _module, _inputs, output: shapes.update({name: output.shape})

    for name, path in stages.items():
        network.get_submodule(path).register_forward_hook(note(name))
    with torch.inference_mode():
        pose = network.outputs(points(2, size))
    assert shapes == {
        "stem": (2, 16, size // 2, size // 2),
        "pooled": (2, 32, quarter, quarter),
        "shared": (2, 128, quarter, quarter),
        "branch": (2, 128, quarter, quarter),
        "maps": (2, 28, quarter, quarter),
    }
    assert [maps.shape for maps in pose.heatmaps] == [(2, 14, quarter, quarter)] * 3
    assert pose.branches.shape == (2, 3, 14, 3)


def test_fused_pose_lies_among_the_branches():
    pose = LatentFusion(NYU14, resolution=32).outputs(points(4, 32))
    torch.testing.assert_close(pose.weights.sum(1), torch.ones(4))
    assert (pose.weights > 0).all()
    expected = torch.einsum("bk,bkjc->bjc", pose.weights, pose.branches)
    torch.testing.assert_close(pose.joints, expected)


def test_reads_the_depth_channel_only():
    network = LatentFusion(NYU14, resolution=32).eval()
    first = points(2, 32)
    second = first.clone()
    second[:, :2] = 0
    torch.testing.assert_close(network(first), network(second), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("plane", "arguments", "joint"),
    [
        ("xy", {}, (0.875, -0.875, 0.3)),
        ("xz", {}, (0.875, 0.3, -0.875)),
        ("yz", {}, (0.3, -0.875, 0.875)),
        ("yz", {"yz": "horizontal"}, (0.3, 0.875, -0.875)),
    ],
)
def test_branch_answers_its_plane_from_cells_and_the_other_axis_from_depth_maps(plane: Plane, arguments, joint):
    """All mass on the cell of column 7 and row 0, third coordinate 0.3 everywhere."""
    network = LatentFusion(NYU14, resolution=32, planes=[plane], **arguments).eval()
    scores = torch.zeros(1, 28, 8, 8)
    scores[:, :14, 0, 7] = 100.0
    scores[:, 14:] = 0.3
    network.get_submodule("branches.0.maps").register_forward_hook(lambda _module, _inputs, _output: scores)
    assert network(points(1, 32))[0, 5].tolist() == pytest.approx(joint)


@pytest.mark.parametrize("channels", [64, 96])
def test_a_narrower_network_is_one_argument_away(channels: int):
    narrow = LatentFusion(NYU14, resolution=32, planes=["xy"], channels=channels)
    assert 0.9 * (channels / 128) ** 2 < count(narrow) / count(LatentFusion(NYU14, planes=["xy"])) < channels / 128
    assert narrow(points(2, 32)).shape == (2, 14, 3)


def test_sharpness_starts_at_one_and_sharpens_its_own_joint():
    network = LatentFusion(NYU14, resolution=32, initial_std=None).eval()
    assert network.sharpness is not None
    assert torch.equal(network.sharpness, torch.ones(14))
    before = network.outputs(points(2, 32)).heatmaps
    with torch.no_grad():
        network.sharpness[3] = 50.0
    after = network.outputs(points(2, 32)).heatmaps
    for first, second in zip(before, after, strict=True):
        assert (second[:, 3].amax((1, 2)) > first[:, 3].amax((1, 2))).all()
        torch.testing.assert_close(second[:, 4:], first[:, 4:])


def test_ablations_are_arguments_away():
    single = LatentFusion(NYU14, resolution=32, planes=["yz"])
    mean = LatentFusion(NYU14, resolution=32, fusion="mean")
    assert single.fusion is None
    assert mean.fusion is None
    assert count(single) == 509_568 + 452_508 + 14
    assert count(mean) == 509_568 + 3 * 452_508 + 14
    joints = torch.zeros(2, 14, 3)
    assert set(single.loss(points(2, 32), joints)) == {"yz"}
    assert set(mean.loss(points(2, 32), joints)) == {"fused", "xy", "xz", "yz"}
    torch.testing.assert_close(mean.outputs(points(2, 32)).weights, torch.full((2, 3), 1 / 3))


def test_transition_makes_the_loss_absolute():
    """An error of 0.5 costs 0.5 * 0.25 below the transition, and 0.5 - 0.1 / 2 beyond one of 0.1."""
    for transition, cost in ((1.0, 0.125), (0.1, 0.45)):
        network = LatentFusion(NYU14, resolution=32, planes=["xy"], transition=transition).eval()
        joints = network(points(2, 32)).detach() + 0.5
        assert network.loss(points(2, 32), joints)["xy"].item() == pytest.approx(cost, rel=1e-4)


def test_weights_start_as_the_paper_says():
    network = LatentFusion(NYU14)
    weights = torch.cat([m.weight.flatten() for m in network.modules() if isinstance(m, nn.Conv2d)])
    assert weights.std().item() == pytest.approx(0.001, rel=0.01)
    assert weights.mean().abs() < 1e-5
    default = LatentFusion(NYU14, initial_std=None)
    assert default.get_parameter("features.0.0.weight").std() > 0.05


def test_two_hourglasses_keep_a_single_branch_nearly_as_large():
    """Each more is 8 blocks of 54,016; the modules of the first keep their names."""
    single = LatentFusion(NYU14, resolution=32, planes=["xz"], hourglasses=2)
    assert count(single) == 509_568 + 452_508 + 14 + 8 * 54_016
    assert count(single.get_submodule("branches.0.features.0")) == 7 * 54_016
    assert single(points(2, 32)).shape == (2, 14, 3)


def test_explicit_heat_maps_are_read_at_their_highest_cell_and_learn_gaussians():
    """Column 5 of 8 and a quarter to the left, row 2; maps of zeros are off by 1, a depth 0.2 off costs 0.02."""
    network = LatentFusion(NYU14, resolution=32, planes=["xy"], hourglasses=2, heatmaps="explicit")
    joints = torch.zeros(2, 14, 3)
    terms = network.loss(points(2, 32), joints)
    assert set(terms) == {"heatmaps", "depth"}
    torch.stack(list(terms.values())).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    maps = torch.zeros(2, 28, 8, 8)
    maps[:, 14:] = 0.2
    network.get_submodule("branches.0.maps").register_forward_hook(lambda _module, _inputs, _output: maps)
    terms = {name: term.item() for name, term in network.loss(points(2, 32), joints).items()}
    assert terms == pytest.approx({"heatmaps": 1.0, "depth": 0.02}, rel=0.02)
    maps[:, :14, 2, 5], maps[:, :14, 2, 4] = 1.0, 0.5
    joint = network(points(2, 32))[0, 3].tolist()
    assert joint == pytest.approx([5.25 / 8 * 2 - 1, 2.5 / 8 * 2 - 1, 0.2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resolution": 100}, "multiple of 16"),
        ({"resolution": 0}, "multiple of 16"),
        ({"planes": []}, "may be there once"),
        ({"planes": ["xy", "xy"]}, "may be there once"),
        ({"hourglasses": 0}, "hourglasses are 0, each branch must have at least 1"),
        ({"heatmaps": "explicit"}, r"explicit heat maps lie in the image: planes must be \['xy'\]"),
        ({"initial_std": -1.0}, "initial_std is -1, it must be at least 0, or None"),
        ({"transition": -1.0}, "transition is -1, it must be at least 0; the paper has 1"),
    ],
)
def test_refuses_what_cannot_be_built(arguments, message: str):
    with pytest.raises(ValueError, match=message):
        LatentFusion(NYU14, **arguments)


def test_the_depth_of_explicit_heat_maps_is_read_on_the_joint():
    """A softmax of values from 0 to 1 has 5 % of its mass within two deviations of the joint; the shares have 86 %."""
    joints = torch.tensor([[[0.1, -0.2, 0.3]]])
    heatmaps = gaussian_heatmaps(joints, 32, sigma=SIGMA)
    near = heatmaps > math.exp(-2)  # two deviations
    assert 0.02 < float(spatial_softmax(heatmaps)[near].sum()) < 0.06
    shares = shares_of(heatmaps)
    assert float(shares.sum()) == pytest.approx(1, abs=1e-5)
    assert float(shares[near].sum()) == pytest.approx(1 - math.exp(-2), abs=0.02)
    assert torch.allclose(shares_of(torch.zeros(1, 1, 4, 4)), torch.full((1, 1, 4, 4), 1 / 16))
