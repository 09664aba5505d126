"""How long an epoch of NYU takes in each of the papers' experiments, from a packed store, and their whole schedules.

    python benchmarks/training_epochs.py STORE [NETWORK...]

Crops, precision, augmentation and optimizer are those of the published recipe; batches are smaller, so that a few are
measured soon. An image costs the reading of its patch and its share of a step. On a CPU seconds are those of the
processor with one thread, so the figures are of a machine that does nothing else; on a GPU by the clock.
"""

import statistics
import time
from dataclasses import replace
from typing import Any, Literal

import torch
import tyro
from report import print_report, run_benchmark

from handkit.models import MODELS
from handkit.recipes import PUBLISHED
from handkit.store.store import PackedFrames
from handkit.training.experiment import Experiment
from handkit.training.processes import Machine
from handkit.training.run import Run

FRAMES = 72_757
"""Of NYU's training set, its first view (docs/reference.md, 1.1)."""
HOURS = {"crossinfonet": "6.5, RTX 2080 Ti"}
"""Of the whole training on NYU, where the paper says so (docs/reference.md, 3.1)."""


def main(
    store: tyro.conf.Positional[str],
    networks: tyro.conf.Positional[tuple[str, ...]] = tuple(MODELS),
    *,
    rounds: int = 3,
    batch: int = 8,
    threads: int = 1,
    device: Literal["cpu", "cuda"] = "cpu",
) -> None:
    """Measure `rounds` steps of each network, after one that does not count; the figures are medians."""
    torch.set_num_threads(threads)
    frames = PackedFrames.open(store)
    title = f"NYU's {FRAMES:,} training frames in the papers' experiments, on {device}, threads: {threads}"
    print_report(title, [row_of(name, frames, rounds=rounds, batch=batch, device=device) for name in networks])


def row_of(name: str, store: PackedFrames, *, rounds: int, batch: int, device: str) -> dict[str, str]:
    """A network's line of the table."""
    published = PUBLISHED[name, "nyu"]
    assert published.epochs is not None
    experiment = Experiment(replace(published, batch=batch, accumulate=1), store=store)
    model: Any = experiment.network()
    machine = Machine(accelerator="cuda" if device == "cuda" else "cpu")
    run, stream = Run(model, experiment.recipe, experiment.targets(model), machine=machine), experiment.frames()
    clock = time.perf_counter if device == "cuda" else time.process_time
    seconds = list[float]()
    for number in range(rounds + 1):
        begun = clock()
        run.advance(stream[number], progress=0.0)
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(clock() - begun)
    rate = batch / statistics.median(seconds[1:])
    epoch_hours = FRAMES / rate / 3600
    return {
        "network": name,
        "crop": f"{model.resolution}",
        "images/s": f"{rate:.1f}",
        "hours an epoch": f"{epoch_hours:.1f}",
        "epochs": f"{published.epochs}",
        "days in all": f"{epoch_hours * published.epochs / 24:.0f}",
        "hours in the paper": HOURS.get(name, "not stated"),
    }


if __name__ == "__main__":
    run_benchmark(main)
