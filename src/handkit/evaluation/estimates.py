"""Errors on whole images of our own, in which hands are found automatically."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from handkit.camera import Camera
from handkit.estimator import HandPoseEstimator
from handkit.evaluation.metrics import joint_distances
from handkit.hand import Side
from handkit.shapes import Float

MISSED_MM = 80.0
"""A hand counts as a missed detection when none is returned, or the mean of its joints is farther off (mm)."""


@dataclass(frozen=True)
class LabeledImage:
    """One whole depth image (mm) of one hand, as a user would have it, and the truth about it."""

    depth: Float[np.ndarray, "H W"]
    camera: Camera
    joints: Float[np.ndarray, "J 3"]
    handedness: Side

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

    errors_mm: Float[np.ndarray, "N J"]
    """Of the hands that were not missed."""
    missed: int
    handedness_errors: int
    """Found hands that were given the wrong handedness (0 when it was given)."""
    images: int
    protocol: str

    def summary(self) -> dict[str, float | int | str]:
        """The figures, for a table or JSON; NaN where no hand was found."""
        mean, median, within20, within40 = (float("nan"),) * 4
        if len(self.errors_mm):
            mean, median = float(self.errors_mm.mean()), float(np.median(self.errors_mm.mean(1)))
            within20, within40 = (float((self.errors_mm.max(1) <= at).mean()) for at in (20, 40))
        return {
            "images": self.images,
            "mean_error_mm": round(mean, 3),
            "median_error_mm": round(median, 3),
            "success_20mm": round(within20, 4),
            "success_40mm": round(within40, 4),
            "missed": self.missed,
            "handedness_errors": self.handedness_errors,
            "protocol": self.protocol,
        }


def evaluate_images(
    estimator: HandPoseEstimator, images: Iterable[LabeledImage], *, handedness: Literal["predicted", "given"]
) -> FoundHands:
    """Errors of the surest hand, found automatically, and left or right predicted or given.

    An image that is refused, as `predict_many` does it, is a missed detection and ends nothing.
    """
    errors: list[Float[np.ndarray, "1 J"]] = []
    missed = wrong = count = 0
    for image in images:
        count += 1
        side = image.handedness if handedness == "given" else "auto"
        (prediction,) = estimator.predict_many([image.depth], image.camera, hands=1, handedness=side)
        if not prediction.hands or not _near(prediction.hands[0].joints_mm, image.joints):
            missed += 1
            continue
        hand = prediction.hands[0]
        wrong += hand.handedness != image.handedness
        errors.append(joint_distances(estimated=hand.joints_mm[None], truth=image.joints[None]))
    per_joint = np.concatenate(errors) if errors else np.empty((0, 21))
    protocol = (
        f"hand found automatically, handedness {handedness}, mean over found hands; missed: over {MISSED_MM:.0f} mm off"
    )
    return FoundHands(per_joint, missed, wrong, count, protocol)


def _near(joints: Float[np.ndarray, "J 3"], truth: Float[np.ndarray, "J 3"]) -> bool:
    return float(np.linalg.norm(joints.mean(0) - truth.mean(0))) <= MISSED_MM
