"""One hand over time: which it is, how sure that is, how long its bones are, where it is now."""

import numpy as np

from handkit.bones import BoneLengths
from handkit.camera import Camera
from handkit.hand import HandPose, TrackedHand
from handkit.odds import log_odds, probability
from handkit.shapes import Float32
from handkit.smoothing import HandSmoother, Smoothed

HOLD_S = 0.4
"""A hand that is not seen for longer is given up."""
BELIEF_S = 0.3
"""Over this long the confidence is averaged that decides whether a hand is followed any further."""
AT_ONCE = 0.8
"""Confidence, its handedness aside, from which on a new hand is answered in the frame that it was found in, not only
once it is seen again."""
SETTLED, MOST, FRAME_MOST = 6.0, 12.0, 2.0
"""Log odds of the handedness: from which one hypothesis alone is looked at; largest sum; largest share of one frame,
since neighboring frames err together."""
GIVEN = 1.0
"""Log odds that a handedness has in each frame because it was given."""
AGAIN_S = 0.5
"""How often a settled handedness is looked at again."""
REACH_MM, REACH_MM_S = 100.0, 2000.0
"""How far from its last place a lost hand may be found again: at once, and more with each second."""


class Track:
    """A hand that is followed. Times are the tracker's, in seconds."""

    def __init__(self, number: int, pose: HandPose, now: float, *, given: bool) -> None:
        """`given`: the handedness is not predicted."""
        self.number, self.born, self.given = number, now, given
        self.seen = self.weighed = now
        self.pose, self.believed = pose, pose.confidence
        self.confirmed = pose.pose_confidence >= AT_ONCE
        """Answered from now on: found surely, or in two frames."""
        self.odds = 0.0
        """Log odds of a left hand, by all frames that were weighed."""
        self._bones, self._smoother = BoneLengths(pose.skeleton), HandSmoother()
        self._left_before = pose.handedness == "left"
        if not given:
            self.weigh(pose, now)
        self._smooth = self._advance(pose, 1.0)

    @property
    def left(self) -> bool:
        return self._left_before if self.given or self.odds == 0 else self.odds > 0

    @property
    def center(self) -> Float32[np.ndarray, "3"]:
        """Where it was seen last, camera mm."""
        return self.pose.center

    def looked_at(self, now: float) -> bool | None:
        """The hypothesis to look at (left or not), None for both."""
        settled = abs(self.odds) >= SETTLED and now - self.weighed < AGAIN_S
        return self.left if settled else None

    @property
    def contradicted(self) -> bool:
        """The handedness was given, and this is the other hand, as two frames say at least."""
        return self.given and self.odds * (1 if self.left else -1) <= -FRAME_MOST

    def weigh(self, pose: HandPose, now: float) -> None:
        """Add what a look at both hypotheses says of the handedness."""
        odds = log_odds(pose.handedness_probability) * (1 if pose.handedness == "left" else -1)
        odds += (GIVEN if self.left else -GIVEN) if self.given else 0.0
        was = self.left
        self.odds = clip(self.odds + clip(odds, FRAME_MOST), MOST)
        self.weighed = now
        if self.left != was:
            self._smoother = HandSmoother()
        self._left_before = self.left

    def see(self, pose: HandPose, now: float, *, sure: bool) -> None:
        """The hand in this frame; where it is sure, its bones are measured and it is answered from now on."""
        self.confirmed |= sure
        elapsed = max(now - self.seen, 1e-3)
        self.pose, self.seen = pose, now
        self.believed += (pose.pose_confidence - self.believed) * min(1.0, elapsed / BELIEF_S)
        if sure:
            self._bones.learn(pose.joints_mm)
        self._smooth = self._advance(pose, elapsed)

    def could_be(self, pose: HandPose, now: float) -> bool:
        """Whether this hand, now unseen, may have come to be found there."""
        sure = abs(self.odds) >= FRAME_MOST and abs(log_odds(pose.handedness_probability)) >= FRAME_MOST
        if sure and self.left != (pose.handedness == "left"):
            return False
        return float(np.linalg.norm(pose.center - self.center)) <= REACH_MM + REACH_MM_S * (now - self.seen)

    def hand(self, now: float, time_s: float, camera: Camera) -> TrackedHand:
        """As it is answered for the frame of `time_s`."""
        unseen = now - self.seen
        stated = 1.0 if self.given else probability(abs(self.odds))
        joints, velocity = self._smooth
        return TrackedHand(
            joints_mm=joints,
            joints_px=camera.project(joints),
            handedness="left" if self.left else "right",
            pose_confidence=self.pose.pose_confidence * max(0.0, 1 - unseen / HOLD_S),
            skeleton=self.pose.skeleton,
            uncertainty_mm=self.pose.uncertainty_mm,
            handedness_probability=round(stated, 4),
            id=self.number,
            time_s=time_s,
            tracked=unseen == 0,
            raw_mm=self.pose.joints_mm,
            velocity_mm_s=velocity if unseen == 0 else np.zeros_like(velocity),
            seen_s=now - self.born,
        )

    def _advance(self, pose: HandPose, elapsed_s: float) -> Smoothed:
        smooth = self._smoother.update(pose.joints_mm, pose.uncertainty_mm, elapsed_s)
        return smooth._replace(joints_mm=self._bones.hold(smooth.joints_mm, pose.uncertainty_mm))


def apart(joints: Float32[np.ndarray, "J 3"], other: Float32[np.ndarray, "J 3"]) -> float:
    """Mean distance of the joints, mm."""
    return float(np.linalg.norm(joints - other, axis=-1).mean())


def clip(value: float, largest: float) -> float:
    return max(-largest, min(largest, value))
