"""The log of a run for TensorBoard, beside `log.jsonl`."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from handkit.extras import load
from handkit.training.folder import Report, picture_path


class TensorBoard:
    """Writes every line of the log, and the pictures of the predictions, to OUT/tensorboard.

    Raises:
        MissingExtraError: tensorboard is not installed.
    """

    def __init__(self, out: Path) -> None:
        load("tensorboard", extra="tensorboard")
        from torch.utils.tensorboard import SummaryWriter

        self.out = out
        self.writer: Any = SummaryWriter(str(out / "tensorboard"))

    def __call__(self, report: Report) -> None:
        scalars = {f"loss/{name}": value for name, value in report.terms.items()}
        scalars |= {
            "learning rate": report.learning_rate,
            "resolution": report.resolution,
            "rows dropped": report.dropped,
            "steps skipped": report.skipped,
            "samples a second": report.samples / max(report.seconds, 1e-9),
        }
        if report.error_mm is not None:
            scalars["error, mm"] = report.error_mm
        for name, value in scalars.items():
            self.writer.add_scalar(name, value, report.samples)
        path = picture_path(self.out, report.samples)
        if report.error_mm is not None and path.exists():
            picture = np.asarray(cv2.imread(str(path)))[:, :, ::-1]
            self.writer.add_image("predictions", picture, report.samples, dataformats="HWC")
        self.writer.flush()
