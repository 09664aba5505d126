"""Votes and mean shift against plain Python, one joint of one frame at a time."""

import math

import pytest
import torch

from handkit.layers.readout import fullest_bin, look_up, mean_shift, take_strongest

Place = list[float]


def slow_fullest_bin(candidates: list[Place], weights: list[float], *, reach: float) -> Place:
    """4 x 4 x 4 bins; the last of the fullest."""
    edge = reach / 2
    bins: dict[tuple[int, ...], float] = {}
    for place, weight in zip(candidates, weights, strict=True):
        index = tuple(min(max(math.floor((value + reach) / edge), 0), 3) for value in place)
        bins[index] = bins.get(index, 0.0) + weight
    most = max(bins.values())
    best = max(index for index, weight in bins.items() if weight == most)
    return [(digit + 0.5) * edge - reach for digit in best]


def slow_mean_shift(candidates: list[Place], weights: list[float], *, width: float, reach: float) -> Place:
    center = slow_fullest_bin(candidates, weights, reach=reach)
    for _ in range(10):
        kernel = [
            weight * math.exp(-(math.dist(place, center) ** 2) / (2 * width**2))
            for place, weight in zip(candidates, weights, strict=True)
        ]
        center = [
            sum(k * place[axis] for k, place in zip(kernel, candidates, strict=True)) / sum(kernel) for axis in range(3)
        ]
    return center


@pytest.mark.parametrize("weighted", [True, False])
def test_mean_shift_equals_the_slow_one(weighted: bool):
    generator = torch.Generator().manual_seed(0)
    candidates = 2 * torch.rand(6, 7, 9, 3, generator=generator) - 1
    candidates[:3, :, :6] = candidates[:3, :, :1] + 0.1 * torch.randn(3, 7, 6, 3, generator=generator)
    weights = torch.rand(6, 7, 9, generator=generator) + 0.01 if weighted else torch.ones(6, 7, 9)
    answer = mean_shift(candidates, weights, width=40 / 150, reach=100 / 150)
    for frame in range(6):
        for joint in range(7):
            expected = slow_mean_shift(
                candidates[frame, joint].tolist(), weights[frame, joint].tolist(), width=40 / 150, reach=100 / 150
            )
            assert answer[frame, joint].tolist() == pytest.approx(expected, abs=1e-4)


def test_the_heavier_cluster_wins():
    """Three votes at -0.5 against two at 0.5 that weigh more."""
    candidates = torch.tensor([[-0.5] * 3, [0.5] * 3])[[0, 0, 0, 1, 1]].reshape(1, 1, 5, 3)
    for weights, winner in (([1.0] * 5, -0.5), ([0.1, 0.1, 0.1, 1.0, 1.0], 0.5)):
        answer = mean_shift(candidates, torch.tensor(weights).reshape(1, 1, 5), width=0.1, reach=1.0)
        torch.testing.assert_close(answer, torch.full((1, 1, 3), winner), rtol=0, atol=1e-4)


def test_bins_by_hand():
    """Edges of 0.5: -0.9 is in the first bin, 0.1 in the third, 5 counts to the last. Of equals, the last one."""
    candidates = torch.tensor([[-0.9, 0.1, 5.0], [0.6, 0.6, 0.6]]).reshape(1, 1, 2, 3)
    first = fullest_bin(candidates, torch.tensor([[[2.0, 1.0]]]), reach=1.0)
    equal = fullest_bin(candidates, torch.tensor([[[1.0, 1.0]]]), reach=1.0)
    assert first.flatten().tolist() == pytest.approx([-0.75, 0.25, 0.75])
    assert equal.flatten().tolist() == pytest.approx([0.75, 0.75, 0.75])


@pytest.mark.parametrize("weight", [0.0, -1.0])
def test_without_any_weight_all_weigh_the_same(weight: float):
    candidates = torch.tensor([[0.2, 0.0, 0.0], [0.4, 0.0, 0.0]]).reshape(1, 1, 2, 3)
    answer = mean_shift(candidates, torch.full((1, 1, 2), weight), width=1.0, reach=1.0)
    torch.testing.assert_close(answer.flatten(), torch.tensor([0.3, 0.0, 0.0]), rtol=0, atol=1e-4)


def test_far_candidates_are_no_zero_by_zero():
    candidates = torch.full((1, 1, 3, 3), 50.0)
    answer = mean_shift(candidates, torch.ones(1, 1, 3), width=0.01, reach=1.0)
    torch.testing.assert_close(answer, torch.full((1, 1, 3), 50.0))


def test_strongest_cells_and_no_more_than_there_are():
    places = torch.arange(12.0).reshape(1, 1, 3, 2, 2)
    scores = torch.tensor([[[[0.1, 0.4], [0.3, 0.2]]]])
    candidates, best = take_strongest(places, scores, top=2)
    assert candidates[0, 0].tolist() == [[1, 5, 9], [2, 6, 10]]
    assert best[0, 0].tolist() == pytest.approx([0.4, 0.3])
    assert take_strongest(places, scores, top=30)[0].shape == (1, 1, 4, 3)


def test_look_up_takes_the_cell_that_holds_the_pixel():
    """4 x 2 cells: u in [-1, -0.5) is the first column, v >= 0 the second row; beyond, the border."""
    maps = torch.arange(8.0).reshape(1, 1, 2, 4)
    pixels = torch.tensor([[-0.6, -0.1], [0.1, 0.9], [-9.0, 0.5], [9.0, 9.0], [1.0, -1.0]]).reshape(1, 1, 5, 2)
    assert look_up(maps, pixels).flatten().tolist() == [0, 6, 4, 7, 3]


def test_look_up_of_no_number_is_the_first_cell():
    maps = torch.arange(8.0).reshape(1, 1, 2, 4)
    pixels = torch.tensor([[torch.nan, torch.nan], [torch.inf, -torch.inf]]).reshape(1, 1, 2, 2)
    assert look_up(maps, pixels).flatten().tolist() == [0, 3]


def test_of_cells_without_a_score_the_first_are_taken():
    """As an exported graph does: a crop without foreground would be read elsewhere by each."""
    places = torch.arange(3 * 64.0).reshape(1, 1, 3, 8, 8)
    candidates, best = take_strongest(places, torch.zeros(1, 1, 8, 8), top=3)
    assert candidates[0, 0, :, 0].tolist() == [0, 1, 2]
    assert best.tolist() == [[[0, 0, 0]]]
