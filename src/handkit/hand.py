"""What an estimator returns: hands, and why there are none."""

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np

from handkit.angles import joint_angles
from handkit.conventions import convert
from handkit.errors import JointError, UsageError, check_kind, shown, suggest
from handkit.shapes import Float32
from handkit.skeleton import Skeleton

GOOD_MM = 20.0
"""Mean joint error under which a pose is good: its confidence is the probability of that."""
Side = Literal["left", "right"]
Cause = Literal["refused", "no depth", "out of range", "no surface", "not sure", "other side"]
CAUSES: dict[Cause, str] = {
    "refused": "the depth image cannot be used",
    "no depth": "the image has no valid depth value at all",
    "out of range": "nothing is near enough, or far enough",
    "no surface": "no surface within reach could be a hand",
    "not sure": "no hand is sure enough",
    "other side": "the hand in view is of the other side",
}
"""Why there is no hand, in words that hold for every frame of that cause."""


@dataclass(frozen=True, eq=False, repr=False)
class HandPose:
    """One hand: `joints_mm` in camera mm (x right, y down, z forward), `joints_px` in pixels of the image as taken.

    `hand["index_tip"]` is one joint's place in mm, by its name in `hand.skeleton.joints`.
    """

    joints_mm: Float32[np.ndarray, "J 3"]
    joints_px: Float32[np.ndarray, "J 2"]
    handedness: Side
    pose_confidence: float
    """Calibrated probability, 0 to 1, that a hand is there and, if its handedness is right, that its mean joint error
    is under 20 mm; less where a handedness was given and the image speaks for the other one."""
    skeleton: Skeleton
    uncertainty_mm: Float32[np.ndarray, " J"]
    """Expected error of each joint; NaN where nothing is known of it."""
    handedness_probability: float
    """Of the handedness that is stated, 0.5 to 1; 1 where it was given."""

    def __post_init__(self) -> None:
        """Raise UsageError where the parts are not one hand's."""
        check_kind("skeleton", self.skeleton, Skeleton)
        count = len(self.skeleton)
        for name, shape in (("joints_mm", (count, 3)), ("joints_px", (count, 2)), ("uncertainty_mm", (count,))):
            if getattr(getattr(self, name), "shape", None) != shape:
                given = shown(getattr(self, name))
                raise UsageError(f"{name} of {self.skeleton.name} is an array {shape}; got {given}")
        if not isinstance(self.handedness, str) or self.handedness not in {"left", "right"}:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(f"handedness is left or right; got {shown(self.handedness)}")
        for name in ("pose_confidence", "handedness_probability"):
            value = getattr(self, name)
            if not isinstance(value, Real) or not (0.0 <= float(value) <= 1.0 or math.isnan(value)):
                raise UsageError(f"{name} is a probability, 0 to 1, or NaN; got {shown(value)}")

    @property
    def confidence(self) -> float:
        """Calibrated probability, 0 to 1, that a hand is there, that its mean joint error is under 20 mm and, unless it
        was given, that the handedness is right."""
        return round(self.pose_confidence * self.handedness_probability, 4)

    @property
    def center(self) -> Float32[np.ndarray, "3"]:
        """Mean of the joints, camera mm."""
        return self.joints_mm.mean(axis=0)

    def __getitem__(self, joint: str) -> Float32[np.ndarray, "3"]:
        """Raises JointError, a KeyError, with the nearest name where the skeleton has no such joint."""
        names = self.skeleton.joints
        if not isinstance(joint, str) or joint not in names:  # pyright: ignore[reportUnnecessaryIsInstance]
            hint = suggest(str(joint), names)
            raise JointError(f"{self.skeleton.name} has no joint {shown(joint)}; {hint}it has {', '.join(names)}")
        return self.joints_mm[names.index(joint)]

    def to(self, convention: str) -> Float32[np.ndarray, "N 3"]:
        """The joints for other software: `mediapipe`, `openxr26`, `ros`, `unity`, or another skeleton's name.

        Order, axes and unit are in `handkit.conventions`. Raises UsageError.
        """
        return convert(self.joints_mm, self.skeleton, convention)

    def angles(self) -> dict[str, float]:
        """How far each joint is bent, in degrees, as `handkit.angles.joint_angles` says it."""
        return joint_angles(self.joints_mm, self.skeleton, left=self.handedness == "left")

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it: millimeters and pixels to 0.01, null for what is not a number."""
        return {
            "handedness": self.handedness,
            "confidence": rounded(self.confidence, 3),
            "skeleton": self.skeleton.name,
            "joints_mm": rounded_rows(self.joints_mm, 2),
            "joints_px": rounded_rows(self.joints_px, 2),
            "uncertainty_mm": [rounded(value, 1) for value in self.uncertainty_mm.tolist()],
            "handedness_probability": rounded(self.handedness_probability, 3),
        }

    def __eq__(self, other: object) -> bool:
        """Whether all numbers are the same."""
        if not isinstance(other, HandPose):
            return NotImplemented
        return self._numbers() == other._numbers()

    def __hash__(self) -> int:
        return hash(self._numbers())

    def _numbers(self) -> tuple[object, ...]:
        arrays = (self.joints_mm.tobytes(), self.joints_px.tobytes(), self.uncertainty_mm.tobytes())
        return (*arrays, self.handedness, self.handedness_probability, self.pose_confidence, self.skeleton)

    def __repr__(self) -> str:
        x, y, z = self.center
        return f"HandPose({self.handedness}, confidence {self.confidence:.2f}, around ({x:.0f}, {y:.0f}, {z:.0f}) mm)"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TrackedHand(HandPose):
    """A hand over time: joints (mm, px), confidence and handedness by all frames so far, smoothed."""

    id: int
    """The same hand has the same number from frame to frame; a number is never given twice."""
    time_s: float
    """Of the frame."""
    tracked: bool
    """Seen in this frame; else where it was last, for the short while until it is found again or given up."""
    raw_mm: Float32[np.ndarray, "J 3"]
    """The joints as the network gave them, for the last frame in which the hand was seen."""
    velocity_mm_s: Float32[np.ndarray, "J 3"]
    seen_s: float
    """For how long it has been followed."""

    def __post_init__(self) -> None:
        """Raise UsageError where the parts are not one hand's."""
        super().__post_init__()
        for name in ("raw_mm", "velocity_mm_s"):
            if getattr(getattr(self, name), "shape", None) != self.joints_mm.shape:
                raise UsageError(f"{name} has the shape of joints_mm; got {shown(getattr(self, name))}")

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it, mm/s to 0.1."""
        return super().to_dict() | {
            "id": self.id,
            "tracked": self.tracked,
            "seen_s": round(self.seen_s, 3),
            "raw_mm": rounded_rows(self.raw_mm, 2),
            "velocity_mm_s": rounded_rows(self.velocity_mm_s, 1),
        }

    def _numbers(self) -> tuple[object, ...]:
        arrays = (self.raw_mm.tobytes(), self.velocity_mm_s.tobytes())
        return (*super()._numbers(), *arrays, self.id, self.time_s, self.tracked, self.seen_s)

    def __repr__(self) -> str:
        x, y, z = self.center
        state = f"confidence {self.confidence:.2f}" if self.tracked else "lost"
        return f"TrackedHand(#{self.id}, {self.handedness}, {state}, around ({x:.0f}, {y:.0f}, {z:.0f}) mm)"


@dataclass(frozen=True)
class Prediction:
    """The hands of one depth image; without any, `reason` says why. Times in ms."""

    hands: list[HandPose]
    reason: str | None
    timings_ms: dict[str, float]
    warnings: tuple[str, ...] = ()
    """What is unusual about the camera, and what had to be done to the depth image: a sentence each."""
    cause: Cause | None = None
    """What `reason` says, for programs."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "hands": [hand.to_dict() for hand in self.hands],
            "reason": self.reason,
            "cause": self.cause,
            "timings_ms": dict(self.timings_ms),
            "warnings": list(self.warnings),
        }


def rounded(value: float, digits: int) -> float | None:
    """As JSON holds a number: None for NaN and infinity.

    >>> rounded(1.23456, 2), rounded(float("nan"), 2)
    (1.23, None)
    """
    return round(float(value), digits) if math.isfinite(value) else None


def rounded_rows(table: Float32[np.ndarray, "N K"], digits: int) -> list[list[float | None]]:
    """As JSON holds a table: None for NaN and infinity.

    >>> rounded_rows(np.float32([[1.236, np.nan]]), 2)
    [[1.24, None]]
    """
    rows: list[list[float | None]] = np.round(table.astype(np.float64), digits).tolist()
    if np.isfinite(table).all():
        return rows
    return [[value if value is not None and math.isfinite(value) else None for value in row] for row in rows]
