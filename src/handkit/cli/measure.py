"""`handkit evaluate`: the whole path on a fixed set of synthetic pictures."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.progress import track
from rich.table import Table

from handkit.cli.errors import CommandError
from handkit.evaluation import LabelledPicture, evaluate_pictures
from handkit.geometry.camera import Camera
from handkit.inference import HandPoseEstimator
from handkit.models.checkpoint import CheckpointError
from handkit.synthetic.scenes import whole_frames
from handkit.synthetic.testset import FIRST_DEVICES, FRAMES, first_testset


def synthetic_pictures(count: int) -> Iterator[LabelledPicture]:
    """The first edition's fixed set: one hand a picture, cameras in turn, every second picture in a mirror."""
    for index in range(count):
        frame = whole_frames(first_testset(index))
        assert frame.joints is not None
        depth, joints, matrix = frame.depth[0], frame.joints[0], frame.camera.matrix[0]
        mirrored = index // len(FIRST_DEVICES) % 2 == 1
        if mirrored:
            depth, joints, matrix = depth.flip(-1), joints.clone(), matrix.clone()
            joints[:, 0] *= -1
            matrix[0, 2] = frame.camera.width - 1 - matrix[0, 2]
        camera = Camera(matrix, frame.camera.width, frame.camera.height)
        yield LabelledPicture(depth.contiguous().numpy(), camera, joints.numpy(), "left" if mirrored else "right")


def evaluate_synthetic(
    weights: str,
    *,
    localizer: str,
    count: int,
    hand: Literal["auto", "told"],
    turns: Literal[1, 2, 4],
    out: Path | None,
) -> int:
    """Print the figures; with `out` also write them to `out` as JSON."""
    if not 1 <= count <= FRAMES:
        raise CommandError(f"--count {count}: the set has {FRAMES} frames; give 1 to {FRAMES}", status=2)
    try:
        estimator = HandPoseEstimator.from_pretrained(weights, localizer=localizer, turns=turns)
    except CheckpointError as error:
        raise CommandError(str(error)) from None
    console = Console(stderr=True)
    pictures = track(
        synthetic_pictures(count), "pictures", total=count, console=console, disable=not console.is_terminal
    )
    summary = evaluate_pictures(estimator, pictures, hand=hand).summary()
    table = Table(show_header=False, box=None)
    for name, value in summary.items():
        table.add_row(name, str(value))
    Console().print(table)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(summary, indent=2) + "\n")
    return 0
