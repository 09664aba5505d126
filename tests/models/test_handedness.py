"""Handedness: symmetry by construction, and that it learns to tell a bent finger from a broken one."""

import torch

from handkit.models.handedness import Handedness

THERE = torch.tensor([0.3, 0.1, -0.2, 0.0])


def hypotheses(count: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """Curves that bend towards -z, and the same bent towards +z."""
    generator = torch.Generator().manual_seed(0)
    line = torch.linspace(-0.5, 0.5, 21).expand(count, 21)
    bend = torch.rand(count, 1, generator=generator) * line.square()
    plain = torch.stack([line, 0.1 * torch.randn(count, 21, generator=generator), -bend, 0 * line], dim=-1)
    return plain, plain * torch.tensor([1.0, 1.0, -1.0, 1.0])


def test_exchanged_readings_exchange_the_sign():
    network = Handedness().eval()
    plain, mirrored = hypotheses()
    assert torch.allclose(network(plain, mirrored), -network(mirrored, plain), atol=1e-6)
    assert torch.equal(network(plain, plain), torch.zeros(64))


def test_answers_do_not_depend_on_where_the_hand_is():
    network = Handedness().eval()
    plain, mirrored = hypotheses()
    assert torch.allclose(network(plain + THERE, mirrored - THERE), network(plain, mirrored), atol=1e-5)


def test_learns():
    torch.manual_seed(0)
    network = Handedness(dropout=0.0)
    plain, mirrored = hypotheses()
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(60):
        loss = network.loss(plain, mirrored)["handedness"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (network.eval()(plain, mirrored) > 0).float().mean() > 0.95
    assert network.loss(plain, mirrored)["handedness"] < 0.3
