"""Errors on crops and whole images of our own, and the fixed frames that networks are measured on."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from handkit.camera import Camera
from handkit.geometry.frame import DepthFrame, LabeledFrame
from handkit.graph import estimate
from handkit.hand import Side
from handkit.inference import HandPoseEstimator
from handkit.models import HandPoseModel
from handkit.shapes import Float


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
        """Success rate by maximum joint error (docs/reference.md, 4, "max-frame"): none is above `threshold_mm`."""
        return float((self.per_joint_mm.amax(1) <= threshold_mm).float().mean())


def joint_errors(estimated: Float[Tensor, "N J 3"], truth: Float[Tensor, "N J 3"]) -> Float[Tensor, "N J"]:
    """Euclidean distance of every joint, mm."""
    return (estimated - truth).norm(dim=-1)


@torch.inference_mode()
def evaluate_crops(model: HandPoseModel, batches: list[LabeledFrame], *, protocol: str) -> Errors:
    """Errors with the cubes that the frames carry; nothing is searched for."""
    errors: list[Tensor] = []
    for frame in batches:
        errors.append(joint_errors(estimate(model, frame, frame.cube), frame.joints).cpu())
    return Errors(torch.cat(errors), protocol)


MISSED_MM = 80.0
"""A hand counts as a missed detection when none is returned, or the mean of its joints is farther off (mm)."""


@dataclass(frozen=True)
class LabeledImage:
    """One whole depth image (mm) of one hand, as a user would have it, and the truth about it."""

    depth: Float[np.ndarray, "H W"]
    camera: Camera
    joints: Float[np.ndarray, "J 3"]
    handedness: Side

    @classmethod
    def of(cls, frame: DepthFrame, joints: Float[Tensor, "B J 3"], row: int) -> "LabeledImage":
        """One row of rendered frames, which show right hands."""
        return cls(frame.depth[row].numpy(), frame.camera.camera(row), joints[row].numpy(), "right")

    @property
    def mirrored(self) -> "LabeledImage":
        """The same seen in a mirror: a right hand becomes a left one."""
        camera = replace(self.camera, cx=self.camera.width - 1 - self.camera.cx)
        joints = self.joints * np.array([-1.0, 1.0, 1.0], np.float32)
        side = "left" if self.handedness == "right" else "right"
        return LabeledImage(np.ascontiguousarray(self.depth[:, ::-1]), camera, joints, side)


@dataclass(frozen=True)
class FoundHands:
    """What became of a set of whole images in which the hand had to be found."""

    errors: Errors
    """Of the hands that were not missed."""
    missed: int
    handedness_errors: int
    """Found hands that were given the wrong handedness (0 when it was given)."""
    images: int

    def summary(self) -> dict[str, float | int | str]:
        """The figures, for a table or JSON."""
        return {
            "images": self.images,
            "mean_error_mm": round(self.errors.mean_mm, 3),
            "median_error_mm": round(float(self.errors.per_joint_mm.mean(1).median()), 3),
            "success_20mm": round(self.errors.success(20.0), 4),
            "success_40mm": round(self.errors.success(40.0), 4),
            "lost": self.missed,
            "wrong_handedness": self.handedness_errors,
            "protocol": self.errors.protocol,
        }


def evaluate_images(
    estimator: HandPoseEstimator, images: Iterable[LabeledImage], *, handedness: Literal["predicted", "given"]
) -> FoundHands:
    """Errors with the hand found automatically, and left or right predicted or given.

    An image that is refused, as `predict_many` does it, is a missed detection and ends nothing.
    """
    errors: list[Tensor] = []
    missed = wrong = count = 0
    for image in images:
        count += 1
        side = image.handedness if handedness == "given" else "auto"
        (prediction,) = estimator.predict_many([image.depth], image.camera, handedness=side)
        hands = prediction.hands
        truth = torch.from_numpy(image.joints)
        found = torch.from_numpy(hands[0].joints_mm) if hands else truth + float("inf")
        if not (found.mean(0) - truth.mean(0)).norm() <= MISSED_MM:
            missed += 1
            continue
        wrong += hands[0].handedness != image.handedness
        errors.append(joint_errors(found[None], truth[None]))
    per_joint = torch.cat(errors) if errors else torch.empty(0, 21)
    protocol = (
        f"hand found automatically, handedness {handedness}, mean over found hands; missed: over {MISSED_MM:.0f} mm off"
    )
    return FoundHands(Errors(per_joint, protocol), missed, wrong, count)
