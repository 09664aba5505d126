"""Counts and interpretations of docs/reference.md, 3.3."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from handkit.models.attention_hourglass import (
    AttentionHourglass,
    SeResidual,
    SqueezeExcitation,
)
from handkit.skeleton import ICVL16, NYU14


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def points(size: int, *, rows: int = 2) -> torch.Tensor:
    return torch.rand(rows, 3, size, size, generator=torch.Generator().manual_seed(rows)) * 2 - 1


@pytest.mark.parametrize(("skeleton", "total"), [(NYU14, 15_132_066), (ICVL16, 15_133_864)], ids=["14", "16"])
def test_whole_size(skeleton, total: int):
    assert count(AttentionHourglass(skeleton)) == total


def test_parts_have_the_sizes_of_the_table():
    network = AttentionHourglass(NYU14)
    assert count(network.stem) == 533_200
    assert count(network.stacks[0]) == count(network.stacks[1]) == 4_184_958
    assert count(network.returns) == 128 * 128 + 128 + 14 * 128 + 128
    assert count(network.regressor) == 6_210_518


def test_stage_shapes():
    network = AttentionHourglass(NYU14, stacks=1).eval()
    shapes: dict[str, torch.Size] = {}
    stages = {
        "stem": "stem.0",
        "raw": "stem",
        "innermost": "stacks.0.hourglass.inner.inner.inner.inner",
        "hourglass": "stacks.0.hourglass",
        "features": "stacks.0.features",
        "heatmaps": "stacks.0.heatmaps",
        "depth 1": "regressor.0",
        "depth 2": "regressor.1",
        "depth 3": "regressor.2",
        "depth 4": "regressor.3",
    }

    def note(name: str) -> Callable[[nn.Module, object, torch.Tensor], None]:
        return lambda _module, _inputs, output: shapes.update({name: output.shape})

    for name, path in stages.items():
        network.get_submodule(path).register_forward_hook(note(name))
    with torch.inference_mode():
        pose = network.outputs(points(128))
    assert shapes == {
        "stem": (2, 64, 64, 64),
        "raw": (2, 128, 64, 64),
        "innermost": (2, 128, 4, 4),
        "hourglass": (2, 128, 64, 64),
        "features": (2, 128, 64, 64),
        "heatmaps": (2, 14, 64, 64),
        "depth 1": (2, 128, 32, 32),
        "depth 2": (2, 256, 16, 16),
        "depth 3": (2, 256, 8, 8),
        "depth 4": (2, 512, 4, 4),
    }
    assert pose.heatmaps is not None
    assert pose.heatmaps.shape == (1, 2, 14, 64, 64)
    assert pose.regressed.shape == (2, 14, 1)


def test_squeeze_and_excitation_by_hand():
    """One middle channel, weights 1, biases 0: every channel is weighed by the sigmoid of the sum of the means."""
    block = SqueezeExcitation(2, reduction=2)
    for parameter in block.parameters():
        nn.init.constant_(parameter, float(parameter.dim() == 2))
    features = torch.tensor([[1.0, 3.0], [-2.0, 0.0]]).reshape(1, 2, 1, 2)
    expected = features / (1 + math.exp(-1.0))  # means 2 and -1
    torch.testing.assert_close(block(features), expected)


def test_residual_block_with_a_silent_body_is_its_rectified_shortcut():
    block = SeResidual(8, 8).eval()
    nn.init.zeros_(block.get_parameter("body.1.1.weight"))
    features = torch.randn(2, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(block(features), features.relu())


def set_to(value: torch.Tensor) -> Callable[..., torch.Tensor]:
    return lambda *_: value


def test_mask_opens_and_closes_channel_by_channel():
    """Channel i of the last stack's features masks channel i of the early ones, and can shut it."""
    network = AttentionHourglass(NYU14, resolution=32, channels=16).eval()
    features = torch.zeros(2, 16, 16, 16)
    features[:, 0], features[:, 1] = 50.0, -50.0
    network.get_submodule("stacks.1.features").register_forward_hook(set_to(features))
    read: list[torch.Tensor] = []
    network.regressor.register_forward_pre_hook(lambda _module, inputs: read.append(*inputs))
    with torch.inference_mode():
        network(points(32))
        raw = network.stem(points(32)[:, 2:3])
    torch.testing.assert_close(read[0][:, 0], raw[:, 0])
    torch.testing.assert_close(read[0][:, 1], torch.zeros_like(raw[:, 1]))
    torch.testing.assert_close(read[0][:, 2:], raw[:, 2:] / 2)


@pytest.mark.parametrize("regression", ["raw", "direct"])
def test_what_the_depths_of_the_other_rows_are_regressed_from(regression):
    network = AttentionHourglass(NYU14, resolution=32, channels=16, regression=regression).eval()
    features = torch.randn(2, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    network.get_submodule("stacks.1.features").register_forward_hook(set_to(features))
    read: list[torch.Tensor] = []
    network.regressor.register_forward_pre_hook(lambda _module, inputs: read.append(*inputs))
    with torch.inference_mode():
        network(points(32))
        expected = network.stem(points(32)[:, 2:3]) if regression == "raw" else features.relu()
    torch.testing.assert_close(read[0], expected)


def test_a_joint_is_read_from_the_last_stack_a_quarter_cell_toward_its_neighbor():
    """16 cells, 0.125 apart: column 4, a quarter to the right; row 9, a quarter up."""
    network = AttentionHourglass(NYU14, resolution=32, channels=16).eval()
    maps = torch.zeros(2, 14, 16, 16)
    maps[:, :, 9, 4], maps[:, :, 9, 5], maps[:, :, 8, 4] = 1.0, 0.5, 0.5
    network.get_submodule("stacks.1.heatmaps").register_forward_hook(set_to(maps))
    network.regressor.register_forward_hook(set_to(torch.full((2, 14), 0.3)))
    u, v, d = network(points(32))[1, 7].tolist()
    assert [u, v, d] == pytest.approx([(4.75 / 16) * 2 - 1, (9.25 / 16) * 2 - 1, 0.3])


def test_loss_of_empty_maps_is_one_and_of_true_ones_nothing():
    network = AttentionHourglass(NYU14, resolution=64, channels=16)
    joints = torch.rand(2, 14, 3, generator=torch.Generator().manual_seed(0)) - 0.5
    line = torch.arange(32) + 0.5
    squared = ((line - (joints[..., :1] + 1) * 16) ** 2)[:, :, None] + ((line - (joints[..., 1:2] + 1) * 16) ** 2)[
        ..., None
    ]
    for stack, maps in zip(network.stacks, (torch.zeros(2, 14, 32, 32), (-squared / 8).exp()), strict=True):
        stack.get_submodule("heatmaps").register_forward_hook(set_to(maps))
    network.regressor.register_forward_hook(set_to(joints[..., 2] + 0.2))
    terms = {name: term.item() for name, term in network.loss(points(64), joints).items()}
    assert terms == pytest.approx({"heatmaps 1": 1.0, "heatmaps 2": 0.0, "depth": 10 * 0.5 * 0.04}, abs=1e-3)


@pytest.mark.parametrize("regression", ["attention", "raw", "direct", "one-task"])
@pytest.mark.parametrize("stacks", [1, 2])
def test_every_comparison_answers_and_learns_from_finite_terms(regression, stacks: int):
    network = AttentionHourglass(NYU14, resolution=32, channels=16, regression=regression, stacks=stacks)
    joints = torch.rand(2, 14, 3, generator=torch.Generator().manual_seed(0)) - 0.5
    terms = network.loss(points(32), joints)
    detected = {f"heatmaps {index + 1}" for index in range(stacks)} | {"depth"}
    assert set(terms) == ({"coordinates"} if regression == "one-task" else detected)
    total = torch.stack(list(terms.values())).sum()
    total.backward()
    assert total.isfinite()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert network.eval()(points(32)).shape == (2, 14, 3)


def test_reads_the_depth_channel_only():
    network = AttentionHourglass(NYU14, resolution=32, channels=16).eval()
    other = points(32)
    other[:, :2] = 0
    torch.testing.assert_close(network(points(32)), network(other), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resolution": 31}, "resolution is 31, it must be positive and even"),
        ({"channels": 0}, "channels are 0, they must be positive and even"),
        ({"stacks": 0}, "stacks are 0, there must be at least 1"),
        ({"sigma": 0.0}, "sigma is 0 cells, it must be above 0"),
    ],
)
def test_refuses_what_cannot_be_built(arguments, message: str):
    with pytest.raises(ValueError, match=message):
        AttentionHourglass(NYU14, **arguments)
