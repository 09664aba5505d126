"""A rendered hand in front of a named camera: ten seconds that need no camera, the same for the same seed."""

from collections.abc import Generator
from functools import partial

import numpy as np

from handkit.asked import check_seed
from handkit.errors import HandkitError, MissingExtraError, UsageError
from handkit.extras import load
from handkit.sources.folder import FRAME_NS
from handkit.sources.source import Calibration, Played, RawFrame, Report

FRAMES, BATCH = 300, 10
CAMERA = "sr300"


def open_synthetic(seed: str, calibration: Calibration, report: Report) -> Played:
    """`seed`: a whole number, 0 where it is empty. Raises MissingExtraError where the renderer's packages are not."""
    if seed and not seed.isdecimal():
        raise UsageError(f"synthetic:{seed} is not a recording; give a whole number as its seed, such as synthetic:1")
    check_seed(int(seed or 0))
    for module in ("torch", "numba"):
        _need(module)
    return Played(f"synthetic:{seed or 0}", partial(_raw_frames, int(seed or 0)), report)


def _need(module: str) -> None:
    try:
        load(module, extra="train")
    except MissingExtraError as error:
        raise MissingExtraError(f"synthetic frames are rendered: {error}; the source demo needs nothing more") from None


def _raw_frames(seed: int) -> Generator[RawFrame | HandkitError]:
    """In whole mm, as a depth camera gives them."""
    import torch

    from handkit.synthetic.scenes import record, whole_frames

    scene = record(FRAMES, torch.Generator().manual_seed(seed), device=CAMERA)
    for start in range(0, FRAMES, BATCH):
        frames = whole_frames(scene.rows(slice(start, start + BATCH)))
        for row in range(BATCH):
            values = frames.depth[row].numpy().round().astype(np.uint16)
            yield RawFrame(values, frames.camera.camera(row), (start + row) * FRAME_NS)
