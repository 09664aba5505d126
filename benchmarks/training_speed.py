"""Images a second in training, for each of the five networks: a plain loop beside `handkit.training.loop.Run`.

Both train the same network on the same rendered batch, from cutting the crops to the optimizer's step, alternately, so
that whatever else the machine does weighs on both. The plain loop is what one writes first: the crops of a batch one
after the other, as a data set does that answers single samples, then float32 and the default memory format. Making or
reading frames is in neither. On a CPU seconds are those of the processor, over all threads: other programs on the
machine cost none.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, NamedTuple, cast

import torch
import tyro
from report import print_report, run_benchmark
from torch import nn

from handkit.geometry.frame import LabeledFrame
from handkit.models import MODELS
from handkit.recipes import PUBLISHED, Recipe, synthetic_recipe
from handkit.skeleton import HAND21
from handkit.training.processes import Machine
from handkit.training.run import Run
from handkit.training.streams import SyntheticFrames
from handkit.training.targets import pose_targets

PROGRESS = 0.5
"""Where in the schedule: the learning rate, not the work, depends on it."""


class Step(NamedTuple):
    """Of a loop: cutting the crops alone, and all of it."""

    crop: Callable[[], object]
    whole: Callable[[], object]


def main(
    networks: tyro.conf.Positional[tuple[str, ...]] = tuple(MODELS),
    *,
    rounds: int = 5,
    batch: int | None = None,
    resolution: int | None = None,
    threads: int = torch.get_num_threads(),
    device: Literal["cpu", "cuda"] = "cpu",
) -> None:
    """Measure `rounds` steps of each loop, after one that does not count; the figures are medians.

    Crops have each paper's size and batches its number of frames (of DenseReg's 200 the 40 that pass the network at
    once) if no `resolution` and no `batch` are asked for; the comparison in results/ has batches of 16 at 64.
    """
    torch.set_num_threads(threads)
    title = f"training on {device}, threads: {threads}"
    print_report(
        title, [row_of(name, rounds=rounds, batch=batch, resolution=resolution, device=device) for name in networks]
    )


def row_of(name: str, *, rounds: int, batch: int | None, resolution: int | None, device: str) -> dict[str, str]:
    """A network's line of the table."""
    size: int = resolution or MODELS[name](HAND21).resolution
    paper = PUBLISHED[name, "nyu"]
    batch = batch or paper.batch // paper.accumulate
    recipe = replace(synthetic_recipe(name).at(size), batch=batch)
    frame = SyntheticFrames(recipe, seed=0, size=batch)[0].to(device)
    loops = {"plain": plain_step(frame, recipe, device=device), "handkit": handkit_step(frame, recipe, device=device)}
    taken = {(loop, part): list[float]() for loop in loops for part in Step._fields}
    for _ in range(rounds + 1):
        for loop, step in loops.items():
            for part in Step._fields:
                taken[loop, part].append(timed(getattr(step, part), device=device))
    ms = {key: 1000 * statistics.median(times[1:]) / batch for key, times in taken.items()}
    return {
        "network": name,
        "crop": f"{size}",
        "batch": f"{batch}",
        "plain, images/s": f"{1000 / ms['plain', 'whole']:.1f}",
        "handkit": f"{1000 / ms['handkit', 'whole']:.1f}",
        "times plain": f"{ms['plain', 'whole'] / ms['handkit', 'whole']:.2f}",
        "of it cropping, plain": f"{ms['plain', 'crop'] / ms['plain', 'whole']:.0%}",
        "handkit's": f"{ms['handkit', 'crop'] / ms['handkit', 'whole']:.0%}",
    }


def plain_step(frame: LabeledFrame, recipe: Recipe, *, device: str) -> Step:
    """One crop after the other, float32, default memory format, the recipe's AdamW and clipping."""
    torch.manual_seed(0)
    model: Any = MODELS[recipe.network](HAND21, **recipe.arguments)
    network = cast(nn.Module, model).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    targets = pose_targets(model)

    def crop() -> dict[str, torch.Tensor]:
        single = [targets(frame[row : row + 1], model.resolution) for row in range(len(frame))]
        return {name: torch.cat([each[name] for each in single]) for name in single[0]}

    def whole() -> None:
        terms = model.loss(**crop())
        optimizer.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        nn.utils.clip_grad_norm_(network.parameters(), recipe.optimizer.clip or float("inf"))
        optimizer.step()

    return Step(crop, whole)


def handkit_step(frame: LabeledFrame, recipe: Recipe, *, device: str) -> Step:
    """What `handkit train` does: the crops of a batch at once, bfloat16, channels last; averaged weights included."""
    torch.manual_seed(0)
    model: Any = MODELS[recipe.network](HAND21, **recipe.arguments)
    targets = pose_targets(model)
    run = Run(model, recipe, targets, machine=Machine(accelerator="cuda" if device == "cuda" else "cpu"))

    def crop() -> dict[str, torch.Tensor]:
        return targets(frame, model.resolution)

    def whole() -> dict[str, torch.Tensor]:
        return run.advance(frame, progress=PROGRESS)

    return Step(crop, whole)


def timed(step: Callable[[], object], *, device: str) -> float:
    """Seconds of one step: the processor's on a CPU, by the clock on a GPU."""
    clock = time.perf_counter if device == "cuda" else time.process_time
    begun = clock()
    step()
    if device == "cuda":
        torch.cuda.synchronize()
    return clock() - begun


if __name__ == "__main__":
    run_benchmark(main)
