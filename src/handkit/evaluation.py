"""Errors in millimetres, and the fixed frames that they are measured on while a network is trained."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from handkit.geometry.frame import DepthFrame
from handkit.inference import estimate
from handkit.models import HandPoseModel


@dataclass(frozen=True)
class Errors:
    """Joint errors of a set of frames, with the protocol of the number."""

    per_joint_mm: Float[Tensor, "N J"]
    protocol: str

    @property
    def mean_mm(self) -> float:
        """Mean over frames and joints."""
        return float(self.per_joint_mm.mean())

    def success(self, threshold_mm: float) -> float:
        """Share of frames whose worst joint is at most `threshold_mm` off (reference facts 4, "max-frame")."""
        return float((self.per_joint_mm.amax(1) <= threshold_mm).float().mean())


def joint_errors(
    estimated: Float[Tensor, "N J 3"], truth: Float[Tensor, "N J 3"]
) -> Float[Tensor, "N J"]:
    """Euclidean distance of every joint, mm."""
    return (estimated - truth).norm(dim=-1)


@torch.inference_mode()
def evaluate_crops(model: HandPoseModel, batches: list[DepthFrame], *, protocol: str) -> Errors:
    """Errors with the cubes that the frames carry; nothing is searched for."""
    errors: list[Tensor] = []
    for frame in batches:
        if frame.cube is None or frame.joints is None:
            raise ValueError("frames to evaluate on need joints and cubes")
        errors.append(joint_errors(estimate(model, frame, frame.cube), frame.joints).cpu())
    return Errors(torch.cat(errors), protocol)
