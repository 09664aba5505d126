"""Counts and interpretations of docs/reference.md, 2.5."""

import json
import math

import pytest
import torch

from handkit.models.localizer import Localizer, Location, Windows, window

YES = torch.ones(2, dtype=torch.bool)


def points(count: int = 2) -> torch.Tensor:
    return torch.rand(count, 3, 128, 128, generator=torch.Generator().manual_seed(0)) * 2 - 1


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_paper_has_3567651_parameters():
    assert count(Localizer(verdict=False)) == 3_567_651
    assert count(Localizer()) == 3_567_651 + 1025


def test_windows_are_central_and_not_resized():
    crop = torch.arange(128.0 * 128).reshape(1, 1, 128, 128)
    small = window(crop, size=32)
    assert small.shape == (1, 1, 32, 32)
    assert small[0, 0, 0, 0] == 48 * 128 + 48
    assert small[0, 0, 31, 31] == 79 * 128 + 79


def test_windows_leave_2448_features():
    network = Localizer().eval()
    assert isinstance(network.features, Windows)
    windows = zip((128, 64, 32), network.features.windows, strict=True)
    features = [part(window(points()[:, 2:], size=size)) for size, part in windows]
    assert [tuple(feature.shape[1:]) for feature in features] == [(8, 11, 11), (8, 11, 11), (8, 8, 8)]


@pytest.mark.parametrize(
    "arguments",
    [{}, {"verdict": False}, {"features": "residual", "hidden": 64}],
    ids=str,
)
def test_contract(arguments):
    torch.manual_seed(0)
    network = Localizer(**arguments)
    loss = torch.stack(list(network.loss(points(), torch.zeros(2, 3), hand=YES).values())).sum()
    loss.backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.parameters())
    network.eval()
    answer = network(points())
    assert isinstance(answer, Location)
    assert [tuple(part.shape) for part in answer] == [(2, 3), (2,)]
    torch.testing.assert_close(network(points()[:1]).offset, answer.offset[:1], rtol=0, atol=1e-5)
    twin = Localizer(**json.loads(json.dumps(network.arguments)))
    twin.load_state_dict(network.state_dict())
    torch.testing.assert_close(twin.eval()(points()), answer, rtol=0, atol=0)
    program = torch.export.export(network, (points(),), dynamic_shapes=({0: torch.export.Dim("batch", max=64)},))
    torch.testing.assert_close(tuple(program.module()(points(5))), tuple(network(points(5))), rtol=0, atol=1e-5)


def test_refuses_what_cannot_be_built():
    with pytest.raises(ValueError, match="hidden is 0, it must be at least 1; the paper has 1024"):
        Localizer(hidden=0)


def test_without_verdict_it_does_not_know():
    answer = Localizer(verdict=False)(points())
    assert answer.objectness.tolist() == [0.0, 0.0]


def answering(network: Localizer, row: list[float], monkeypatch: pytest.MonkeyPatch) -> Localizer:
    answer = Location(torch.tensor([row[:3]] * 2), torch.tensor([row[3]] * 2))
    monkeypatch.setattr(network, "forward", lambda _points: answer)
    return network


def test_loss_by_hand(monkeypatch: pytest.MonkeyPatch):
    """Offset off by 0.2 in x, logit 0: 0.5 * 0.04 / 3 and 0.1 log 2."""
    network = answering(Localizer(verdict_weight=0.1), [0.2, 0.0, 0.0, 0.0], monkeypatch)
    terms = network.loss(points(), torch.zeros(2, 3), hand=YES)
    assert terms["offset"].item() == pytest.approx(0.02 / 3)
    assert terms["hand"].item() == pytest.approx(0.1 * math.log(2))


def test_offset_and_side_count_only_where_there_is_a_hand(monkeypatch: pytest.MonkeyPatch):
    network = answering(Localizer(), [0.5, 0.0, 0.0, 3.0, 3.0], monkeypatch)
    target = torch.tensor([[0.5, 0.0, 0.0], [-1.0, 1.0, 1.0]])
    only_first = torch.tensor([True, False])
    terms = network.loss(points(), target, hand=only_first)
    assert terms["offset"] == 0
    nobody = network.loss(points(), target, hand=~YES)
    assert nobody["offset"] == 0
    assert nobody["hand"].item() == pytest.approx(0.05 * math.log1p(math.exp(3)))
