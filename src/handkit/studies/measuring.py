"""What is measured of every trial: joint errors on the same frames, and fingertips of real hands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from handkit.errors import UsageError
from handkit.estimator import HandPoseEstimator
from handkit.evaluation.marked import MarkedFrames, TipErrors, read_marked_frames, tip_errors
from handkit.evaluation.metrics import success_curve

THRESHOLDS_MM = np.arange(81.0)
WITHIN_MM = 20


@dataclass(frozen=True)
class Measured:
    """Errors of one trained network; JSON values."""

    mean_mm: float
    """Mean joint error (MPJPE)."""
    success: list[float]
    """Share of frames whose maximum joint error is within 0, 1, ... 80 mm."""
    per_joint_mm: list[float]
    tips_mm: dict[str, float]
    """Median error of real fingertips, by the name of their folder."""
    tips_missed: dict[str, int]
    """Real frames in which no hand was found."""

    @property
    def within_20mm(self) -> float:
        """Share of frames whose maximum joint error is within 20 mm."""
        return self.success[WITHIN_MM]


def measured(errors_mm: Float[np.ndarray, "N J"], tips: Mapping[str, TipErrors]) -> Measured:
    """Of joint errors, NaN where there is no label or no answer; frames without any joint are left out."""
    errors = errors_mm[np.isfinite(errors_mm).any(axis=1)]
    return Measured(
        mean_mm=round(float(np.nanmean(errors)), 4),
        success=success_curve(np.nan_to_num(errors), thresholds_mm=THRESHOLDS_MM).round(4).tolist(),
        per_joint_mm=np.nanmean(errors, axis=0).round(3).tolist(),
        tips_mm={name: round(each.median_mm, 3) for name, each in tips.items()},
        tips_missed={name: each.missed for name, each in tips.items()},
    )


def read_real(folders: Sequence[Path]) -> list[MarkedFrames]:
    """Marked frames of each folder; raises HandkitError also where two have one name, which is a column's."""
    real = [read_marked_frames(folder) for folder in folders]
    names = [marked.name for marked in real]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UsageError(f"two --real folders are called {twice}, as their column would be; rename one")
    return real


def tips_of(weights: Path, real: Sequence[MarkedFrames]) -> dict[str, TipErrors]:
    """Fingertips by the whole estimator, left or right given, by the name of the folder."""
    if not real:
        return {}
    estimator = HandPoseEstimator.from_pretrained(str(weights), backend="torch", threads=torch.get_num_threads())
    return {marked.name: tip_errors(estimator, marked) for marked in real}
