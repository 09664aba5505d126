"""Images a second in training: a plain float32 loop beside `handkit.training.loop.Run`.

Both train the same network on the same batch, from cutting the crops to the optimizer's step, alternately, so that
whatever else the machine does weighs on both. The figures are medians over the rounds.
"""

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import Literal

import torch
import tyro
from report import print_report
from torch import nn

from handkit.geometry.frame import LabeledFrame
from handkit.models.latent_fusion import LatentFusion
from handkit.recipes import LATENT_FUSION_SYNTHETIC, Recipe
from handkit.skeleton import HAND21
from handkit.training.processes import Machine
from handkit.training.run import Run
from handkit.training.streams import SyntheticFrames
from handkit.training.targets import pose_targets

PROGRESS = 0.5
"""Where in the schedule: the learning rate, not the work, depends on it."""


def main(
    *,
    rounds: int = 20,
    batch: int = LATENT_FUSION_SYNTHETIC.batch,
    resolution: int = 96,
    threads: int = torch.get_num_threads(),
    device: Literal["cpu", "cuda"] = "cpu",
) -> None:
    """Measure `rounds` steps of each loop, after two that do not count."""
    torch.set_num_threads(threads)
    recipe = dataclasses.replace(LATENT_FUSION_SYNTHETIC, resolutions=((0.0, resolution),), batch=batch)
    frame = SyntheticFrames(recipe, seed=0, size=batch)[0].to(device)
    loops = {
        "plain float32, contiguous": plain_step(frame, resolution=resolution, device=device),
        "handkit, bfloat16, channels last": handkit_step(frame, recipe, device=device),
    }
    seconds = {name: list[float]() for name in loops}
    for _ in range(rounds + 2):
        for name, step in loops.items():
            seconds[name].append(timed(step, device=device))
    rates = {name: batch / statistics.median(times[2:]) for name, times in seconds.items()}
    plain = next(iter(rates.values()))
    rows = [
        {"loop": name, "images/s": f"{rate:.1f}", "times plain": f"{rate / plain:.2f}"} for name, rate in rates.items()
    ]
    print_report(f"training Latent Fusion, batches of {batch} at {resolution}x{resolution} on {device}", rows)


def plain_step(frame: LabeledFrame, *, resolution: int, device: str) -> Callable[[], None]:
    """What one writes first: float32, default memory format, the optimizer of the recipe."""
    torch.manual_seed(0)
    model = LatentFusion(HAND21, **LATENT_FUSION_SYNTHETIC.arguments).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    targets = pose_targets(model)

    def step() -> None:
        terms = model.loss(**targets(frame, resolution))
        optimizer.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def handkit_step(frame: LabeledFrame, recipe: Recipe, *, device: str) -> Callable[[], None]:
    """What `handkit train` does, averaged weights included."""
    torch.manual_seed(0)
    model = LatentFusion(HAND21, **recipe.arguments)
    run = Run(model, recipe, pose_targets(model), machine=Machine(accelerator="cuda" if device == "cuda" else "cpu"))

    def step() -> None:
        run.advance(frame, progress=PROGRESS)

    return step


def timed(step: Callable[[], None], *, device: str) -> float:
    """Seconds of one step."""
    begun = time.perf_counter()
    step()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


if __name__ == "__main__":
    tyro.cli(main)
