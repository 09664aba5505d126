"""Labeled, noisy 128x128 crops a second on one core: the whole path, from random numbers to depth values.

CPU time is what one core needs when it has nothing else to do; wall time tells what the machine left of it. Scenes are
sampled as many at a time as trainings do it.
"""

import time

import torch
from report import print_report, run_benchmark

from handkit.geometry.cube import Cube
from handkit.recipes import LATENT_FUSION_SYNTHETIC
from handkit.recipes.augment import jitter
from handkit.synthetic.scenes import look, sample_scenes
from handkit.training.streams import SAMPLED


def main(*, batches: int = 8, size: int = SAMPLED, resolution: int = 128) -> None:
    """Render `batches` batches of `size` crops, after one that does not count."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    render_batch(generator, size=size, resolution=resolution)
    spent = [render_batch(generator, size=size, resolution=resolution) for _ in range(batches)]
    crops = batches * size
    rows = [
        {
            "stage": stage,
            "crops/s of CPU time": f"{crops / sum(batch[stage][0] for batch in spent):.0f}",
            "crops/s of wall time": f"{crops / sum(batch[stage][1] for batch in spent):.0f}",
        }
        for stage in spent[0]
    ]
    print_report(f"synthetic crops of {resolution}x{resolution} pixels, batches of {size}", rows)


def render_batch(generator: torch.Generator, *, size: int, resolution: int) -> dict[str, tuple[float, float]]:
    """(CPU, wall) seconds of making a world, of looking at it, and of both."""
    times = [(time.process_time(), time.perf_counter())]
    scene = sample_scenes(size, generator)
    cube = Cube.around(scene.joints.mean(1), edge=LATENT_FUSION_SYNTHETIC.cube.edge)
    cube = jitter(cube, LATENT_FUSION_SYNTHETIC.augment, generator)
    times.append((time.process_time(), time.perf_counter()))
    look(scene, cube, resolution=resolution)
    times.append((time.process_time(), time.perf_counter()))

    def between(start: int, end: int) -> tuple[float, float]:
        return times[end][0] - times[start][0], times[end][1] - times[start][1]

    return {"hands, poses, things": between(0, 1), "surfaces, sensor": between(1, 2), "all": between(0, 2)}


if __name__ == "__main__":
    run_benchmark(main)
