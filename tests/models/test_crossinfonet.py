"""Counts, shapes and interpretations of docs/reference.md, 3.1, and palm and fingers put together again."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from handkit.models.crossinfonet import CrossInfoNet, CrossInfoPose
from handkit.skeleton import ICVL16, MSRA21, NYU14, SKELETONS


def count(network: nn.Module | None) -> int:
    return 0 if network is None else sum(parameter.numel() for parameter in network.parameters())


def points(count: int, size: int) -> torch.Tensor:
    """A tilted sheet in front of the background, looked at from far away: x and y are the crop's."""
    line = (torch.arange(size) + 0.5) / size * 2 - 1
    v, u = torch.meshgrid(line, line, indexing="ij")
    tilt = torch.linspace(0.2, 0.8, count)[:, None, None]
    depth = torch.where(u.square() + v.square() < 0.5, tilt * u - 0.1, torch.tensor(1.0))
    return torch.stack((u.expand_as(depth), v.expand_as(depth), depth), dim=1)


def some_joints(count: int, joints: int = 14) -> torch.Tensor:
    return 1.2 * torch.rand(count, joints, 3, generator=torch.Generator().manual_seed(count)) - 0.6


@pytest.mark.parametrize(
    ("skeleton", "arguments", "total"),
    [
        (NYU14, {}, 23_837_184),
        (ICVL16, {}, 23_864_864),
        (MSRA21, {}, 23_934_064),
        (NYU14, {"hidden": 2048}, 49_140_224),
    ],
    ids=["nyu14", "icvl16", "msra21", "width of the text"],
)
def test_whole_size(skeleton, arguments, total: int):
    with torch.device("meta"):
        assert count(CrossInfoNet(skeleton, **arguments)) == total


def test_gamma_is_the_first_spread_of_the_answers():
    """Batch normalization answers with a standard deviation of 1, where joints have 0.24 of a cube."""
    torch.manual_seed(0)
    for gamma in (1.0, 0.25):
        network = CrossInfoNet(NYU14, resolution=32, hidden=64, gamma=gamma)
        assert network(points(16, 32)).std(0).mean().item() == pytest.approx(gamma, rel=0.1)


def test_parts_have_their_sizes():
    """Of 21 joints, as docs/reference.md, 1.4 splits them."""
    network = CrossInfoNet(MSRA21)
    parts = {
        "pyramid.stem": 864,
        "pyramid.stages": 751_552,
        "pyramid.laterals": 182_272,
        "pyramid.merges": 198_144,
        "palm.own": 214_016,
        "fingers.own": 214_016,
        "palm.heatmaps": 79_884,
        "fingers.heatmaps": 100_638,
        "palm.hidden": 378_368 + 10_489_856,
        "fingers.hidden": 378_368 + 10_489_856,
        "palm.joints": 18_468,
        "fingers.joints": 46_170,
        "joints": 129_150,
        "heatmaps": 214_016 + 48_426,
    }
    assert {name: count(network.get_submodule(name)) for name in parts} == parts
    assert not [name for name, _ in network.named_parameters() if name.endswith("bias") and ".1." not in name]


@pytest.mark.parametrize("size", [32, 96])
def test_stage_shapes(size: int):
    network = CrossInfoNet(NYU14, resolution=size).eval()
    shapes: dict[str, tuple[int, ...]] = {}
    paths = ["pyramid.stem.0", "pyramid.stem", *(f"pyramid.stages.{index}" for index in range(4))]
    paths += [f"pyramid.laterals.{index}" for index in range(4)] + ["palm.own", "fingers.own"]
    paths += ["palm.heatmaps", "fingers.heatmaps", "palm.hidden.0", "palm.hidden.1", "fingers.hidden"]

    def note(path: str) -> Callable[[nn.Module, object, torch.Tensor], None]:
        return lambda _module, _inputs, output: shapes.update({path: tuple(output.shape[1:])})

    for path in paths:
        network.get_submodule(path).register_forward_hook(note(path))
    with torch.inference_mode():
        pose = network.outputs(points(2, size))

    def square(channels: int, step: int) -> tuple[int, int, int]:
        return channels, size // step, size // step

    assert shapes == {
        "pyramid.stem.0": square(32, 2),
        "pyramid.stem": square(32, 2),
        "pyramid.stages.0": square(64, 4),
        "pyramid.stages.1": square(128, 8),
        "pyramid.stages.2": square(256, 16),
        "pyramid.stages.3": square(256, 32),
        **{f"pyramid.laterals.{index}": square(256, 32 >> index) for index in range(4)},
        "palm.own": square(256, 8),
        "fingers.own": square(256, 8),
        "palm.heatmaps": square(9, 8),
        "fingers.heatmaps": square(5, 8),
        "palm.hidden.0": square(256, 8),
        "palm.hidden.1": square(256, 16),
        "fingers.hidden": (1024,),
    }
    expected = [(14, 3), (9, 3), (5, 3), square(14, 4), square(9, 4), square(5, 4)]
    assert [None if part is None else tuple(part.shape[1:]) for part in pose] == expected


def branch_joints(network: CrossInfoNet, pose: CrossInfoPose) -> torch.Tensor:
    """What the two branches say on their own, put together in the skeleton's order."""
    place = torch.tensor((*network.palm_joints, *network.finger_joints)).argsort()
    return torch.cat((pose.palm, pose.fingers), dim=1)[:, place]


@pytest.mark.parametrize("name", sorted(SKELETONS))
def test_palm_and_fingers_come_together_in_label_order(name: str):
    skeleton = SKELETONS[name]
    network = CrossInfoNet(skeleton, resolution=32, hidden=8).eval()
    joints = some_joints(2, len(skeleton))
    pose = network.outputs(points(2, 32))
    pose = pose._replace(palm=joints[:, list(skeleton.palm)], fingers=joints[:, list(skeleton.fingers)])
    assert torch.equal(branch_joints(network, pose), joints)


def test_each_branch_reads_what_the_other_leaves_over():
    """T - F0 beside P0, and T - P0 beside F0; without `cross` each reads its own alone."""
    network = CrossInfoNet(NYU14, resolution=32, hidden=8).eval()
    seen: dict[str, torch.Tensor] = {}

    def note(*, inputs_as: str, output_as: str) -> Callable[[nn.Module, tuple[torch.Tensor], torch.Tensor], None]:
        return lambda _module, inputs, output: seen.update({inputs_as: inputs[0], output_as: output})

    for name in ("palm", "fingers"):
        network.get_submodule(f"{name}.own").register_forward_hook(note(inputs_as="shared", output_as=name))
        hidden = network.get_submodule(f"{name}.hidden")
        hidden.register_forward_hook(note(inputs_as=f"{name} reads", output_as=f"{name} hidden"))
    with torch.inference_mode():
        network(points(2, 32))
    left = {"palm": seen["shared"] - seen["fingers"], "fingers": seen["shared"] - seen["palm"]}
    for name in ("palm", "fingers"):
        assert torch.equal(seen[f"{name} reads"], torch.cat((seen[name], left[name]), dim=1))
    alone = CrossInfoNet(NYU14, resolution=32, cross=False)
    assert count(network.get_submodule("palm.hidden.0")) == 378_368
    assert count(alone.get_submodule("palm.hidden.0")) == 214_016


@pytest.mark.parametrize("cross", [False, True])
@pytest.mark.parametrize("heatmaps", [False, True])
def test_every_row_of_the_ablation_is_a_construction(cross: bool, heatmaps: bool):
    network = CrossInfoNet(NYU14, resolution=32, cross=cross, heatmaps=heatmaps)
    terms = network.loss(points(2, 32), some_joints(2))
    maps = {"heatmaps", "palm_heatmaps", "finger_heatmaps"} if heatmaps else set()
    assert set(terms) == {"joints", "palm", "fingers"} | maps
    assert all(term.isfinite() and term > 0 for term in terms.values())
    torch.stack(list(terms.values())).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters()), "nothing stands there unused"
    assert network(points(2, 32)).shape == (2, 14, 3)


def test_loss_by_hand():
    """An error of 0.2 in a coordinate of one palm joint of one of two images: 0.04 / 4 / 2, and none of the fingers."""
    network = CrossInfoNet(NYU14, resolution=32, beta=3.0).eval()
    cloud = points(2, 32)
    pose = network.outputs(cloud)
    error = torch.zeros(2, 14, 3)
    error[0, 13, 1] = 0.2
    whole = network.loss(cloud, pose.joints.detach() + error)
    assert whole["joints"].item() == pytest.approx(3 * 0.04 / 4 / 2, rel=1e-4)
    branches = network.loss(cloud, branch_joints(network, pose).detach() + error)
    assert branches["palm"].item() == pytest.approx(3 * 0.04 / 4 / 2, rel=1e-4)
    assert branches["fingers"].item() == pytest.approx(0.0, abs=1e-9)


def test_heat_map_loss_by_hand():
    """Answered maps of zeros miss 1, 4 x 0.5 and 4 x 0.25: squares of 2.25 for each joint inside the crop."""
    network = CrossInfoNet(NYU14, resolution=64, alpha=0.5).eval()
    for name in ("heatmaps", "palm.heatmaps", "fingers.heatmaps"):
        last = network.get_submodule(name)[-1]  # pyright: ignore[reportIndexIssue]
        last.register_forward_hook(lambda _module, _inputs, output: torch.zeros_like(output))
    terms = network.loss(points(2, 64), some_joints(2))
    for name, joints in (("heatmaps", 14), ("palm_heatmaps", 9), ("finger_heatmaps", 5)):
        assert terms[name].item() == pytest.approx(0.5 * joints * 2.25 / 4), name


def test_heat_map_targets_are_where_the_view_shows_the_joints(monkeypatch: pytest.MonkeyPatch):
    """Near points of the cube are seen larger: x = 0.6 at z = -0.8 and a view of 1 + 0.25 z shows at 0.75."""
    network = CrossInfoNet(NYU14, resolution=64).eval()
    cloud = points(1, 64)
    cloud[:, :2] *= 1 + 0.25 * cloud[:, 2:]
    seen: list[torch.Tensor] = []
    original = network.outputs(cloud)
    monkeypatch.setattr(network, "outputs", lambda _points: original._replace(heatmaps=torch.zeros(1, 14, 16, 16)))
    monkeypatch.setattr(
        "handkit.models.crossinfonet.blurred_cell_heatmaps",
        lambda joints, size: seen.append(joints) or torch.zeros(1, 14, size, size),
    )
    network.loss(cloud, torch.tensor([0.6, -0.2, -0.8]).expand(1, 14, 3))
    torch.testing.assert_close(seen[0][0, 0], torch.tensor([0.75, -0.25]), atol=1e-4, rtol=0)


def test_weights_start_as_the_code_or_as_the_paper_says():
    xavier = CrossInfoNet(NYU14, resolution=32).get_parameter("fingers.hidden.3.0.weight")
    assert xavier.shape == (1024, 1024)
    assert xavier.std().item() == pytest.approx(math.sqrt(2 / 2048), rel=0.01)
    normal = CrossInfoNet(NYU14, resolution=32, initializer="normal").get_parameter("fingers.hidden.3.0.weight")
    assert normal.std().item() == pytest.approx(0.01, rel=0.01)


def test_dropout_silences_while_training_only():
    """`dropout` is the share that is silenced: 0.4, where the paper's 0.6 is what is kept."""
    network = CrossInfoNet(NYU14, resolution=32)
    features = torch.ones(4, 256, 4, 4)
    hidden = network.get_submodule("palm.hidden")
    assert [layer.p for layer in hidden.modules() if isinstance(layer, nn.Dropout)] == [0.4, 0.4]
    hidden.eval()
    wide = torch.cat((features, features), dim=1)
    assert torch.equal(hidden(wide), hidden(wide))


@pytest.mark.parametrize("resolution", [0, 16, 100])
def test_refuses_a_resolution_that_does_not_halve_five_times(resolution: int):
    with pytest.raises(ValueError, match="multiple of 32, for example 96"):
        CrossInfoNet(NYU14, resolution=resolution)


@pytest.mark.parametrize("hidden", [0, -1])
def test_refuses_layers_without_channels(hidden: int):
    with pytest.raises(ValueError, match=f"hidden is {hidden}, it must be at least 1, for example 1024"):
        CrossInfoNet(NYU14, resolution=32, hidden=hidden)


@pytest.mark.parametrize("split", [{"palm": ()}, {"palm": (), "fingers": ()}, {"fingers": (0, 2, 4, 6, 13)}])
def test_refuses_a_skeleton_without_a_split(split):
    skeleton = replace(NYU14, name="mine", **split)
    with pytest.raises(ValueError, match="mine has no palm/finger split, which CrossInfoNet needs: each of its 14"):
        CrossInfoNet(skeleton, resolution=32)


def test_the_printed_split_and_the_printed_layer():
    """Fig. 4: thumb root, both wrists and the palm center; Fig. 6: a layer of 1024 behind the concatenation."""
    network = CrossInfoNet(NYU14, split="figure", joined=True)
    assert network.palm_joints == (10, 11, 12, 13)
    assert network.finger_joints == tuple(range(10))
    assert sum(parameter.numel() for parameter in CrossInfoNet(NYU14, joined=True).parameters()) == 25_893_376
    network.eval()
    points = torch.rand(1, 3, 96, 96)
    pose = network.outputs(points)
    assert (pose.palm.shape, pose.fingers.shape) == ((1, 4, 3), (1, 10, 3))
    joints = torch.rand(1, 14, 3)
    answered = pose._replace(palm=joints[:, 10:], fingers=joints[:, :10])
    assert torch.equal(branch_joints(network, answered), joints)
    assert all(term.isfinite() for term in network.loss(points, joints).values())
    with pytest.raises(ValueError, match="split is 'figure' of icvl16; it must be code, or figure for NYU's joints"):
        CrossInfoNet(ICVL16, split="figure")
