import pytest
import torch
from torch import nn

from handkit.layers.hourglass import Hourglass, max_pool
from handkit.layers.residual import PreActivationBottleneck


def test_residual_block_with_silent_convolutions_is_its_shortcut():
    block = PreActivationBottleneck(inputs=8, outputs=8)
    for module in block.body:
        if isinstance(module, nn.Conv2d):
            for parameter in module.parameters():
                nn.init.zeros_(parameter)
    features = torch.randn(2, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(block(features), features)


@pytest.mark.parametrize(("inputs", "outputs", "count"), [(16, 32, 3776), (64, 128, 58112), (128, 128, 54016)])
def test_residual_block_parameters(inputs: int, outputs: int, count: int):
    block = PreActivationBottleneck(inputs=inputs, outputs=outputs)
    assert sum(parameter.numel() for parameter in block.parameters()) == count
    assert block(torch.zeros(2, inputs, 4, 4)).shape == (2, outputs, 4, 4)


@pytest.mark.parametrize(("order", "blocks"), [(1, 4), (2, 7), (4, 13)])
def test_hourglass_has_three_blocks_a_level_and_one_inside(order: int, blocks: int):
    made: list[nn.Module] = []

    def block() -> nn.Module:
        made.append(nn.Identity())
        return made[-1]

    Hourglass(block, order=order)
    assert len(made) == blocks


def test_hourglass_of_identities_adds_every_level_once():
    """On an even map each of the levels 0, 1 and 2 contributes the map itself: 1 + (1 + 1) times."""
    features = torch.full((1, 1, 8, 8), 2.0)
    torch.testing.assert_close(Hourglass(nn.Identity, order=2)(features), 3 * features)


def test_hourglass_pools_maxima_and_repeats_them():
    features = torch.arange(16.0).reshape(1, 1, 4, 4)
    answer = Hourglass(nn.Identity, order=1)(features)
    assert answer[0, 0, 0].tolist() == [0 + 5, 1 + 5, 2 + 7, 3 + 7]


@pytest.mark.parametrize("order", [1, 4])
def test_hourglass_without_a_core_has_one_block_less(order: int):
    made: list[nn.Module] = []

    def block() -> nn.Module:
        made.append(nn.Identity())
        return made[-1]

    Hourglass(block, order=order, core=False)
    assert len(made) == 3 * order


@pytest.mark.parametrize("window", [2, 3])
@pytest.mark.parametrize("size", [1, 2, 5, 8, 12])
def test_halves_are_rounded_up_and_the_map_keeps_its_size(size: int, window: int):
    features = torch.rand(1, 2, size, size, generator=torch.Generator().manual_seed(size))
    assert max_pool(features, window=window).shape == (1, 2, (size + 1) // 2, (size + 1) // 2)
    assert Hourglass(nn.Identity, order=4, window=window)(features).shape == features.shape


def test_overlapping_windows_by_hand():
    """Windows start at cells 0 and 2 and are three wide, cut at the end; an odd row has one more."""
    row = torch.tensor([1.0, 2.0, 9.0, 3.0]).reshape(1, 1, 1, 4)
    assert max_pool(row, window=3).flatten().tolist() == [9, 9]
    assert max_pool(row).flatten().tolist() == [2, 9]
    assert max_pool(-row, window=3).flatten().tolist() == [-1, -3]
    assert max_pool(row[..., :3], window=3).flatten().tolist() == [9, 9]
