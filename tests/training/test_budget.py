"""What a run has spent: its clock begins with the first batch, and knows what measuring took."""

from types import SimpleNamespace

import pytest
import torch
from torch.utils.data import Dataset
from training.test_loop import FRAMES, new_run

from handkit.geometry.frame import LabeledFrame
from handkit.training import folder, loop
from handkit.training.loop import Budget, train


class Clocked(Dataset[LabeledFrame]):
    """A second a batch, and more for the first, as the renderer compiles."""

    def __init__(self, clock: list[float], first: float = 1.0) -> None:
        self.clock, self.first = clock, first

    def __getitem__(self, index):
        self.clock[0] += 1.0 if index else self.first
        return FRAMES[index]


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    now = [1000.0]
    for module in (loop, folder):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_what_comes_before_the_first_batch_is_not_spent(tmp_path, clock):
    """A budget of a minute would be gone without a step."""
    run = new_run()
    train(run, Clocked(clock, 100.0), Budget(minutes=0.1), out=tmp_path, workers=0)
    assert (run.spent.seconds, run.spent.samples) == (6.0, 12)


def test_what_measuring_took_is_known_by_itself(tmp_path, clock, monkeypatch):
    """Minutes are those of a clock on the wall; how fast a network learns is told without its measurements."""
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 2.5)

    def measure(model):
        clock[0] += 10.0
        return 1.0

    run = new_run()
    train(run, Clocked(clock), Budget(minutes=0.5), out=tmp_path, workers=0, measure=measure)
    assert (run.spent.step, run.spent.measuring) == (10, 40.0)
    assert run.spent.seconds == 10 + 30.0, "the last one comes after the budget"
    again = new_run()
    again.restore(tmp_path / "state.ckpt")
    assert again.spent.measuring == 40.0


def test_the_first_of_several_processes_has_the_clock(tmp_path, clock):
    """The others wait for it while it measures."""
    run, asked = new_run(), list[tuple[float, ...]]()
    run.team.rank = 1

    def greatest(*numbers):
        asked.append(numbers)
        return [len(asked) / 3, 0.0, 0.0]

    run.team.greatest = greatest
    train(run, Clocked(clock), Budget(samples=4), out=tmp_path, workers=0)
    assert torch.tensor(asked).count_nonzero() == 0
    assert len(asked) == 3


def test_budgets_in_words():
    assert Budget(samples=2000).in_words() == "2,000 samples"
    assert Budget(minutes=0.5).in_words() == "0.5 minutes"


def test_budget_by_hand():
    assert Budget(samples=200).progress(samples=50, seconds=9e9) == 0.25
    assert Budget(samples=200).progress(samples=250, seconds=0.0) == 1.0
    assert Budget(minutes=2.0).progress(samples=10**9, seconds=30.0) == 0.25
    assert Budget(minutes=2.0).progress(samples=0, seconds=121.0) == 1.0
