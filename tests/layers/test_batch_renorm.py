import pytest
import torch
from torch import nn

from handkit.layers.batch_renorm import BatchRenorm2d


def maps(seed: int = 0) -> torch.Tensor:
    return 3 * torch.randn(4, 5, 6, 6, generator=torch.Generator().manual_seed(seed)) + 2


def closed(norm: BatchRenorm2d, monkeypatch: pytest.MonkeyPatch, *, r_max: float, d_max: float) -> None:
    monkeypatch.setattr(norm, "bounds", lambda: (torch.tensor(r_max), torch.tensor(d_max)))


def test_without_room_it_is_batch_normalization(monkeypatch: pytest.MonkeyPatch):
    norm, plain = BatchRenorm2d(5), nn.BatchNorm2d(5, eps=1e-3)
    closed(norm, monkeypatch, r_max=1.0, d_max=0.0)
    for seed in range(3):
        ours, theirs = maps(seed).requires_grad_(), maps(seed).requires_grad_()
        answer, expected = norm(ours), plain(theirs)
        torch.testing.assert_close(answer, expected)
        (answer * maps(9)).sum().backward()
        (expected * maps(9)).sum().backward()
        assert ours.grad is not None
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-5)


def test_with_all_room_training_equals_evaluation(monkeypatch: pytest.MonkeyPatch):
    """r and d undo the batch's statistics exactly: what is left is normalization by the running ones."""
    norm = BatchRenorm2d(5)
    norm(maps(1))
    closed(norm, monkeypatch, r_max=1e9, d_max=1e9)
    norm.eval()
    expected = norm(maps(2))
    norm.train()
    torch.testing.assert_close(norm(maps(2)), expected, rtol=1e-4, atol=1e-5)


def test_by_hand(monkeypatch: pytest.MonkeyPatch):
    """Running mean 0 and deviation 1; a batch of 0 and 4 has mean 2 and deviation 2, cut to r = 1.5 and d = 0.5."""
    norm = BatchRenorm2d(1, epsilon=1e-12)
    norm.steps += 1000
    closed(norm, monkeypatch, r_max=1.5, d_max=0.5)
    with torch.no_grad():
        norm.weight.fill_(10.0)
        norm.bias.fill_(3.0)
    answer = norm(torch.tensor([0.0, 4.0]).reshape(1, 1, 1, 2))
    torch.testing.assert_close(answer.flatten(), torch.tensor([(-1.5 + 0.5) * 10 + 3, (1.5 + 0.5) * 10 + 3]))
    assert norm.running_mean.item() == pytest.approx(0.02)  # 0.99 * 0 + 0.01 * 2
    assert norm.running_var.item() == pytest.approx(1.03)  # 0.99 * 1 + 0.01 * 4


def test_running_statistics_begin_as_plain_averages():
    norm, batches = BatchRenorm2d(5), [maps(seed) for seed in range(4)]
    for batch in batches:
        norm(batch)
    means = torch.stack([batch.mean((0, 2, 3)) for batch in batches])
    variances = torch.stack([batch.var((0, 2, 3), correction=0) for batch in batches])
    torch.testing.assert_close(norm.running_mean, means.mean(0))
    torch.testing.assert_close(norm.running_var, variances.mean(0))


def test_evaluation_uses_and_keeps_the_running_statistics():
    norm = BatchRenorm2d(5).eval()
    torch.testing.assert_close(norm(maps()), maps() / (1 + 1e-3) ** 0.5)
    assert norm.steps == 0
    assert norm.running_mean.eq(0).all()


@pytest.mark.parametrize(("steps", "r_max", "d_max"), [(0, 1.0, 0.001), (100_000, 1.7283, 0.007378), (3e6, 3.0, 5.0)])
def test_bounds_open_with_the_steps(steps: float, r_max: float, d_max: float):
    """By the equations of the module with t = 0, 1 and 30."""
    norm = BatchRenorm2d(1)
    norm.steps += steps
    bounds = [bound.item() for bound in norm.bounds()]
    assert bounds == pytest.approx([r_max, d_max], rel=1e-3)


def test_correction_has_no_gradient_and_survives_autocast(monkeypatch: pytest.MonkeyPatch):
    norm = BatchRenorm2d(5)
    norm(maps(1))
    closed(norm, monkeypatch, r_max=3.0, d_max=5.0)
    with torch.autocast("cpu", torch.bfloat16):
        norm(maps(2).bfloat16()).float().sum().backward()
    assert norm.running_var.dtype == torch.float32
    assert norm.weight.grad is not None
    assert norm.weight.grad.isfinite().all()
