"""`handkit evaluate`: the whole path on a fixed set of synthetic depth images."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from jaxtyping import Float
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from handkit.backends.opening import BackendName
from handkit.errors import HandkitError
from handkit.estimator import HandPoseEstimator
from handkit.evaluation import LabeledImage, evaluate_images
from handkit.files.atomic import write_whole
from handkit.geometry.frame import DepthFrame
from handkit.synthetic.scenes import whole_frames
from handkit.synthetic.testset import FIRST_DEVICES, FRAMES, first_testset


def labeled_image(frame: DepthFrame, joints: Float[Tensor, "B J 3"], row: int) -> LabeledImage:
    """One row of rendered frames, which show right hands."""
    return LabeledImage(frame.depth[row].numpy(), frame.camera.camera(row), joints[row].numpy(), "right")


def synthetic_images(count: int) -> Iterator[LabeledImage]:
    """The first edition's fixed set: one hand an image, cameras in turn, every second of each camera in a mirror."""
    for index in range(count):
        scene = first_testset(index)
        image = labeled_image(whole_frames(scene), scene.joints, 0)
        yield image.mirrored if index // len(FIRST_DEVICES) % 2 == 1 else image


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
