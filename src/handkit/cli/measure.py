"""`handkit evaluate`: the whole path on a fixed set of synthetic depth images."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from handkit.errors import HandkitError
from handkit.evaluation import LabeledImage, evaluate_images
from handkit.inference import HandPoseEstimator
from handkit.synthetic.scenes import DEVICES, sample_scenes, whole_frames

SEED = 9_000_001
"""No training batch starts from this seed or from one of the following."""


def synthetic_images(count: int) -> Iterator[LabeledImage]:
    """The fixed validation set: one hand an image, cameras in turn, every second of each camera in a mirror."""
    for index in range(count):
        generator = torch.Generator().manual_seed(SEED + index)
        scene = sample_scenes(1, generator, device=DEVICES[index % len(DEVICES)], second_hands=0.0)
        image = LabeledImage.of(whole_frames(scene), scene.joints, 0)
        yield image.mirrored if index // len(DEVICES) % 2 == 1 else image


def evaluate_synthetic(
    weights: str,
    *,
    localizer: str,
    count: int,
    handedness: Literal["predicted", "given"],
    rotations: Literal[1, 2, 4],
    out: Path | None,
) -> int:
    """Print the figures; with `out` also write them to `out` as JSON."""
    if count < 1:
        raise HandkitError(f"--count {count} measures nothing; give at least 1", status=2)
    estimator = HandPoseEstimator.from_pretrained(weights, localizer=localizer, rotations=rotations)
    console = Console(stderr=True)
    images = track(synthetic_images(count), "images", total=count, console=console, disable=not console.is_terminal)
    summary = evaluate_images(estimator, images, handedness=handedness).summary()
    table = Table(show_header=False, box=None)
    for name, value in summary.items():
        table.add_row(name, str(value))
    Console().print(table)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(summary, indent=2) + "\n")
    return 0
