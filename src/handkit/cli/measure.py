"""`handkit evaluate`: the whole path on a fixed set of synthetic depth images."""

import json
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.progress import track
from rich.table import Table

from handkit.backends.opening import BackendName
from handkit.errors import HandkitError
from handkit.estimator import HandPoseEstimator
from handkit.evaluation import evaluate_images
from handkit.files.atomic import write_whole
from handkit.synthetic.testset import FRAMES
from handkit.training.testset import synthetic_images


def evaluate_synthetic(
    weights: str,
    *,
    detector: str,
    confidence: str | None,
    backend: BackendName | None,
    threads: int,
    count: int,
    handedness: Literal["predicted", "given"],
    rotations: Literal[1, 2, 4],
    out: Path | None,
) -> int:
    """Print the figures; with `out` also write them to `out` as JSON."""
    if not 1 <= count <= FRAMES:
        raise HandkitError(f"--count {count}: the set has {FRAMES} frames; give 1 to {FRAMES}", status=2)
    estimator = HandPoseEstimator.from_pretrained(
        weights, backend=backend, threads=threads, rotations=rotations, detector=detector, confidence=confidence
    )
    console = Console(stderr=True)
    images = track(synthetic_images(count), "images", total=count, console=console, disable=not console.is_terminal)
    summary = evaluate_images(estimator, images, handedness=handedness).summary()
    table = Table(show_header=False, box=None)
    for name, value in summary.items():
        table.add_row(name, str(value))
    Console().print(table)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, json.dumps(summary, indent=2) + "\n")
    return 0
