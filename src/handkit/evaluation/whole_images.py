"""Whole images with any number of hands: errors, missed and false hands, handedness, and what confidence is worth."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from handkit.asked import MINIMUM_CONFIDENCE, Asked
from handkit.camera import Camera
from handkit.estimator import HandPoseEstimator
from handkit.evaluation.calibration import area_under_curve, expected_calibration_error
from handkit.evaluation.matching import WITHIN_MM, match_hands
from handkit.hand import GOOD_MM, HandPose, Side
from handkit.shapes import Float, Shaped


@dataclass(frozen=True, eq=False)
class TrueHand:
    """One hand: joints in camera mm by number; none where only its side is known."""

    left: bool
    joints: dict[int, Float[np.ndarray, "3"]]

    @property
    def side(self) -> Side:
        """`left` by the name that answers have."""
        return "left" if self.left else "right"

    def errors(self, pose: HandPose) -> Float[np.ndarray, " J"]:
        """Of the labeled joints, mm."""
        if not self.joints:
            return np.zeros(0)
        return np.linalg.norm(pose.joints_mm[list(self.joints)] - np.stack(list(self.joints.values())), axis=1)

    def away(self, pose: HandPose) -> float:
        """Distance of the means of the labeled joints, mm; 0 where nothing is labeled."""
        if not self.joints:
            return 0.0
        means = pose.joints_mm[list(self.joints)].mean(axis=0), np.mean(list(self.joints.values()), axis=0)
        return float(np.linalg.norm(means[0] - means[1]))


@dataclass(frozen=True, eq=False)
class WholeImage:
    """One depth image in its camera's units, and every hand in it."""

    kind: str
    depth: Shaped[np.ndarray, "H W"]
    camera: Camera
    hands: list[TrueHand]


@dataclass
class Tally:
    """What adds up over images."""

    minimum_confidence: float = MINIMUM_CONFIDENCE
    """Errors, missed, false and wrong-handed hands count from it on; calibration counts every answer."""
    images: int = 0
    hands: int = 0
    missed: int = 0
    false: int = 0
    handedness_errors: int = 0
    errors_mm: list[Float[np.ndarray, " J"]] = field(default_factory=list[Float[np.ndarray, " J"]])
    """Joint errors of the hands that are not missed."""
    expected_mm: list[float] = field(default_factory=list[float])
    """Mean uncertainty that was stated of them."""
    confidence: list[float] = field(default_factory=list[float])
    good: list[bool] = field(default_factory=list[bool])

    def add(self, answers: list[HandPose], hands: list[TrueHand]) -> None:
        """One image: the surest answer takes the nearest hand; a hand without labels is taken by any."""
        self.images += 1
        self.hands += len(hands)
        answers = sorted(answers, key=lambda each: -each.confidence)
        away = np.array([[hand.away(answer) for hand in hands] for answer in answers]).reshape(len(answers), len(hands))
        found = 0
        for answer, match in zip(answers, match_hands(away), strict=True):
            hand = None if match is None else hands[match]
            found += hand is not None and answer.confidence >= self.minimum_confidence
            self._judge(answer, hand)
        self.missed += len(hands) - found

    def _judge(self, answer: HandPose, hand: TrueHand | None) -> None:
        sure = answer.confidence >= self.minimum_confidence
        if hand is None:
            self.false += sure
            self.confidence.append(answer.confidence)
            self.good.append(False)
            return
        right, errors = answer.handedness == hand.side, hand.errors(answer)
        self.handedness_errors += sure and not right
        if len(errors):
            self.confidence.append(answer.confidence)
            self.good.append(bool(right and errors.mean() < GOOD_MM))
        if len(errors) and sure:
            self.errors_mm.append(errors)
            self.expected_mm.append(float(answer.uncertainty_mm[list(hand.joints)].mean()))

    def __add__(self, other: "Tally") -> "Tally":
        """Of both, which count from one confidence on."""
        sums: dict[str, Any] = {name: value + getattr(other, name) for name, value in vars(self).items()}
        sums["minimum_confidence"] = self.minimum_confidence
        return Tally(**sums)

    def summary(self) -> dict[str, Any]:
        """Counts, joint errors (mm, success rates by maximum joint error), and what confidences are worth; JSON values.

        None where nothing was found.
        """
        said, true = np.array(self.confidence), np.array(self.good, bool)
        means, most = ([float(part(each)) for each in self.errors_mm] for part in (np.mean, np.max))
        return {
            "images": self.images,
            "hands": self.hands,
            "mean_error_mm": _mean(means, 3),
            "median_error_mm": round(float(np.median(means)), 3) if means else None,
            "success_20mm": _mean([each <= 20 for each in most], 4),
            "success_40mm": _mean([each <= 40 for each in most], 4),
            "missed": self.missed,
            "false": self.false,
            "handedness_errors": self.handedness_errors,
            "expected_error_mm": _mean(self.expected_mm, 3),
            "answers": len(said),
            "good": _mean(self.good, 3),
            "mean_confidence": _mean(self.confidence, 3),
            "ece": round(expected_calibration_error(said, true), 3) if len(said) else None,
            "auc": round(area_under_curve(said, true), 3) if 0 < true.sum() < len(true) else None,
        }


def _mean(values: list[float] | list[bool], digits: int) -> float | None:
    return round(float(np.mean(values)), digits) if values else None


def evaluate_images(
    estimator: HandPoseEstimator,
    images: Iterable[WholeImage],
    *,
    hands: int = 2,
    handedness: Literal["predicted", "given"] = "predicted",
    minimum_confidence: float = MINIMUM_CONFIDENCE,
) -> dict[str, Tally]:
    """A tally of every kind of image; at most `hands` are asked for, and with `given` the side of a hand that is alone.

    An image that is refused, as `predict_many` does it, is one without answers and ends nothing.
    """
    tallies: dict[str, Tally] = {}
    for image in images:
        side: Asked = "auto"
        if handedness == "given" and len(image.hands) == 1:
            side = image.hands[0].side
        (answer,) = estimator.predict_many(
            [image.depth], image.camera, hands=hands, handedness=side, minimum_confidence=0.0
        )
        tallies.setdefault(image.kind, Tally(minimum_confidence)).add(answer.hands, image.hands)
    return tallies


def protocol_of(handedness: str, *, minimum_confidence: float = MINIMUM_CONFIDENCE) -> str:
    """Under which the figures hold, in words."""
    return (
        f"hands found automatically, from confidence {minimum_confidence:g} on, handedness {handedness}; errors over "
        f"hands that are not missed; missed: none, or its center over {WITHIN_MM:.0f} mm off; max < 20 mm: share of "
        "hands whose largest joint error is"
    )
