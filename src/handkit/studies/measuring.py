"""What is measured of every trial: joint errors on the same frames, and fingertips of real hands."""

import math
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
ABSURD_MM = 1000.0
"""A mean joint error of more than this is none: the training has diverged."""
LEFT = 0.98
"""Of the error of the mean pose: a network above it has learned nothing."""


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
    frames: int | None = None
    """That have a label and an answer; None of trials of an earlier handkit, as below."""
    mean_pose_mm: float | None = None
    """What a constant answer, the mean pose of the training, has as its mean joint error on the same frames."""

    @property
    def doubt(self) -> str | None:
        """Why this is not the error of a network that has learned; None where nothing speaks against it."""
        if not math.isfinite(self.mean_mm):
            return "has no finite error: its training has diverged"
        if self.mean_mm > ABSURD_MM:
            return f"has diverged: {self.mean_mm:.3g} mm"
        if self.mean_pose_mm is None or self.mean_mm < LEFT * self.mean_pose_mm:
            return None
        return f"has not left the mean pose: {self.mean_mm:.2f} mm, a constant answer has {self.mean_pose_mm:.2f}"

    @property
    def within_20mm(self) -> float:
        """Share of frames whose maximum joint error is within 20 mm."""
        return self.success[WITHIN_MM]


def measured(
    errors_mm: Float[np.ndarray, "N J"],
    tips: Mapping[str, TipErrors],
    *,
    mean_pose_mm: Float[np.ndarray, "N J"] | None = None,
) -> Measured:
    """Of joint errors, NaN where there is no label or no answer; frames without any joint are left out.

    Of the errors of the mean pose those of the same frames count.
    """
    asked = ~np.isnan(errors_mm).all(axis=1)
    errors = errors_mm[asked] if asked.any() else np.full_like(errors_mm[:1], np.inf)
    constant = np.empty(0) if mean_pose_mm is None else mean_pose_mm[asked]
    return Measured(
        mean_mm=round(float(np.nanmean(errors)), 4),
        success=success_curve(np.nan_to_num(errors), thresholds_mm=THRESHOLDS_MM).round(4).tolist(),
        per_joint_mm=np.nanmean(errors, axis=0).round(3).tolist(),
        tips_mm={name: round(each.median_mm, 3) for name, each in tips.items()},
        tips_missed={name: each.missed for name, each in tips.items()},
        frames=int(asked.sum()),
        mean_pose_mm=round(float(np.nanmean(constant)), 4) if np.isfinite(constant).any() else None,
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
