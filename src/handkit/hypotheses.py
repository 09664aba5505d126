"""A place looked at as a right hand and as a left one, and which hand that makes of it."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from handkit.anatomy import ADULTS, USUAL, Proportions, proportions
from handkit.asked import Asked
from handkit.camera import Camera
from handkit.doubts import likely_mistake
from handkit.hand import Cause, HandPose
from handkit.locate import FoundHand
from handkit.odds import log_odds, probability, share_of_given
from handkit.shapes import Float32
from handkit.skeleton import Skeleton

LEAST_CM2 = 30.0
"""Visible surface below which there is hardly a hand: the section of a fist, or half a hand on edge, has more."""
MISTAKEN = 0.3
"""Confidence is times this where the camera's numbers would be usual ones but for a mistake."""
SHAPED = 0.05
"""Confidence, its bones aside, from which on what is no hand is shaped enough like one for a word about that size."""
CONTRADICTED = 0.95
"""Probability from which a hand is clearly of the handedness that was not asked for."""


class Hypothesis(NamedTuple):
    """What a cube shows if it shows a hand of one side; log odds as in `backends.backend.Estimates`."""

    left: bool
    joints_mm: Float32[np.ndarray, "J 3"]
    uncertainty_mm: Float32[np.ndarray, " J"]
    good: float
    hand: float
    right: float


def mean_of(views: Sequence[Hypothesis]) -> Hypothesis:
    """Of one hypothesis, seen in several rotations."""
    if len(views) == 1:
        return views[0]
    left, *parts = zip(*views, strict=True)
    joints, uncertainty, *odds = (np.mean(part, axis=0) for part in parts)
    return Hypothesis(left[0], joints, uncertainty, *map(float, odds))


def without_judge(hypothesis: Hypothesis, found: FoundHand, *, covered: float) -> Hypothesis:
    """The same where no confidence network is: what the detector says, and the share of joints on a surface."""
    right = -log_odds(found.left) / 2
    return hypothesis._replace(
        uncertainty_mm=np.full(len(hypothesis.joints_mm), np.nan, np.float32),
        good=log_odds(found.score * covered),
        hand=log_odds(found.score),
        right=-right if hypothesis.left else right,
    )


class Answer(NamedTuple):
    """The likelier hypothesis of a place, or the one that was asked for."""

    pose: HandPose
    other: float
    """Probability that the hand is of the other side."""

    @property
    def contradicted(self) -> bool:
        """The handedness was given, and this is clearly a hand of the other one."""
        return self.other > CONTRADICTED


def choose(hypotheses: Sequence[Hypothesis], asked: Asked, *, left_odds: float) -> Hypothesis:
    """Of the side that was asked for, or the likelier one (`left_odds`: log odds of a left hand)."""
    left = left_odds > 0 if asked == "auto" else asked == "left"
    (chosen,) = (each for each in hypotheses if each.left == left)
    return chosen


def answer_of(
    chosen: Hypothesis, asked: Asked, *, left_odds: float, skeleton: Skeleton, camera: Camera, surface_cm2: float
) -> Answer:
    """The hand of one place; `surface_cm2` is what the camera sees of it.

    Confidence: the probability that the hypothesis is good; times that of its handedness, which is doubted where it was
    given only as far as the other one is the likelier; little for a skeleton that can be no hand's, where there is
    hardly any surface, or by a camera whose numbers are most likely mistaken.
    """
    stated = probability(left_odds if chosen.left else -left_odds)
    size = proportions(chosen.joints_mm, skeleton)
    possible = size.plausibility * (1 if asked == "auto" else share_of_given(stated))
    possible *= min(1.0, surface_cm2 / LEAST_CM2) ** 2 * (MISTAKEN if _mistaken(camera, size) else 1)
    pose = HandPose(
        joints_mm=chosen.joints_mm,
        joints_px=camera.project(chosen.joints_mm),
        handedness="left" if chosen.left else "right",
        pose_confidence=probability(chosen.good) * possible,
        skeleton=skeleton,
        uncertainty_mm=chosen.uncertainty_mm,
        handedness_probability=round(stated, 4) if asked == "auto" else 1.0,
    )
    return Answer(pose, 1 - stated)


def _mistaken(camera: Camera, size: Proportions) -> bool:
    """Whether the numbers are most likely wrong: they alone say it, or the hand's size says it too."""
    mistake = likely_mistake(camera)
    if mistake is None or mistake.hands == "any":
        return mistake is not None
    if mistake.hands == "larger":
        return size.size > ADULTS[1]
    return size.size < (ADULTS if mistake.hands == "smaller" else USUAL)[0]


def odds_of_left(hypotheses: Sequence[Hypothesis]) -> float:
    """Log odds that the hand is a left one, by the two hypotheses of it; 0 where there is but one."""
    if len(hypotheses) < 2:
        return 0.0
    return sum(each.right if each.left else -each.right for each in hypotheses)


def allowed(hypotheses: Sequence[Hypothesis], asked: Asked) -> list[Hypothesis]:
    """Those of the side that was asked for."""
    return [each for each in hypotheses if asked == "auto" or each.left == (asked == "left")]


def likely(hypotheses: Sequence[Hypothesis], asked: Asked) -> float:
    """Probability that a place shows a hand as it was asked for, and that its joints are good."""
    odds = odds_of_left(hypotheses)
    sides = {"auto": 1.0, "left": probability(odds), "right": probability(-odds)}
    return sides[asked] * max(probability(each.good) for each in allowed(hypotheses, asked))


def distinct(answers: Sequence[Answer]) -> list[Answer]:
    """The surest first, of a handedness that was given too; what is one hand with a surer one is left out."""
    kept: list[tuple[Answer, FoundHand]] = []
    for answer in sorted(answers, key=lambda each: each.pose.pose_confidence * (each.other - 1)):
        stated = answer.pose.handedness_probability
        left = stated if answer.pose.handedness == "left" else 1 - stated
        found = FoundHand(answer.pose.center, answer.pose.confidence, left)
        if not any(found.is_same(other) for _, other in kept):
            kept.append((answer, found))
    return [answer for answer, _ in kept]


def reason_for_none(answers: Sequence[Answer], minimum_confidence: float, camera: Camera) -> tuple[Cause, str]:
    """Why none of these hands, the surest first, at least one, is answered."""
    likeliest = answers[0].pose
    if answers[0].contradicted:
        seen = "right" if likeliest.handedness == "left" else "left"
        return "other side", (
            f"the hand in view is a {seen} one (probability {answers[0].other:.2f}), not a {likeliest.handedness} one"
        )
    size, mistake = proportions(likeliest.joints_mm, likeliest.skeleton), likely_mistake(camera)
    doubts = [f"by the camera's numbers: {mistake.question}"] if mistake and _mistaken(camera, size) else []
    if size.doubt and likeliest.confidence >= SHAPED * size.plausibility:
        doubts.append(size.doubt)
    # Rounded down, so that what is refused never reads like what was needed.
    below = math.floor(round(likeliest.confidence * 100, 6)) / 100
    sentence = f"no hand is sure enough (the likeliest has confidence {below:.2f} of {minimum_confidence:.2f} needed)"
    return "not sure", "; ".join([sentence, *doubts])
