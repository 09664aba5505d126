"""Trained networks side by side, as by size at equal minutes: samples, synthetic crops, real fingertips.

    python benchmarks/sizes.py RUN... [--real DIR] [--crops 1024]

RUN is the folder of a training. Crops are of the stream that no training sees, their centers as the recipe has them at
test; fingertips are by the whole estimator, left or right given.
"""

import json
from pathlib import Path
from typing import Any

import torch
from report import print_report, run_benchmark

from handkit.graph import cube_edge
from handkit.models.checkpoint import load, read_info
from handkit.models.facts import count_parameters
from handkit.studies.measuring import read_real, tips_of
from handkit.training.adapt import recipe_of
from handkit.training.experiment import Experiment, evaluate


def main(runs: tuple[Path, ...], /, *, real: tuple[Path, ...] = (), crops: int = 1024, threads: int = 1) -> None:
    """One row for each run."""
    torch.set_num_threads(threads)
    marked, rows = read_real(real), list[dict[str, str]]()
    infos = {run: read_info(run / "weights.safetensors") for run in runs}
    told = [name for name in infos[runs[0]].arguments if len({str(i.arguments.get(name)) for i in infos.values()}) > 1]
    for run, info in infos.items():
        weights = info.path
        line: dict[str, Any] = json.loads((run / "log.jsonl").read_text(encoding="utf-8").splitlines()[-1])
        experiment = Experiment(recipe_of(info.model, info.arguments, resolution=line["resolution"]))
        errors = evaluate(experiment, weights, crops=crops)
        row = {
            "run": run.name,
            **{name: str(info.arguments.get(name)) for name in told},
            "parameters": f"{count_parameters(load(weights)):,}",
            "samples": f"{line['samples']:,}",
            "minutes": f"{line['seconds'] / 60:.1f}",
            "edge, mm": f"{cube_edge(weights):g}",
            "synthetic, mm": f"{errors.mean():.2f}",
        }
        tips = tips_of(weights, marked)
        rows.append(row | {f"{name} tips, median mm": f"{each.median_mm:.2f}" for name, each in tips.items()})
    print_report(f"pose networks side by side, {crops} crops", rows)


if __name__ == "__main__":
    run_benchmark(main)
