"""The joints of a hand as other software expects them: order, axes, unit.

MediaPipe's world landmarks: meters around the hand's center, x right, y down, z forward.
https://ai.google.dev/edge/mediapipe/solutions/vision/hand_landmarker
OpenXR's 26 joints: meters, x right, y up, z backward.
https://registry.khronos.org/OpenXR/specs/1.1/html/xrspec.html#XR_EXT_hand_tracking
ROS's optical frame: meters, x right, y down, z forward. https://www.ros.org/reps/rep-0103.html
"""

from collections.abc import Callable

import numpy as np

from handkit.errors import UsageError, shown
from handkit.shapes import Float32
from handkit.skeleton import FINGERS, HAND21, SKELETONS, Skeleton

METACARPAL_BASE = 0.25
"""Where the base of a finger's metacarpal is between wrist and knuckle: the carpal bones lie before it."""


def convert(joints_mm: Float32[np.ndarray, "J 3"], skeleton: Skeleton, convention: str) -> Float32[np.ndarray, "N 3"]:
    """Joints (camera mm) in another convention: one of `CONVENTIONS` or, in camera mm, another skeleton by its name.

    Raises UsageError for an unknown one, and where the skeleton lacks a joint of it.
    """
    if not isinstance(convention, str) or convention not in CONVENTIONS.keys() | SKELETONS.keys():  # pyright: ignore[reportUnnecessaryIsInstance]
        whole = {name for name, other in SKELETONS.items() if {*other.joints} <= {*skeleton.joints}}
        known = ", ".join((*(CONVENTIONS if HAND21.name in whole else ()), *sorted(whole)))
        raise UsageError(f"{shown(convention)} is no convention for the joints of a hand; known: {known}")
    joints = SKELETONS.get(convention, HAND21).convert(joints_mm, skeleton)
    return CONVENTIONS[convention](joints) if convention in CONVENTIONS else joints


def _mediapipe(joints: Float32[np.ndarray, "21 3"]) -> Float32[np.ndarray, "21 3"]:
    return (joints - joints.mean(axis=0)) / np.float32(1000)


def _ros(joints: Float32[np.ndarray, "21 3"]) -> Float32[np.ndarray, "21 3"]:
    return joints / np.float32(1000)


def _unity(joints: Float32[np.ndarray, "21 3"]) -> Float32[np.ndarray, "21 3"]:
    """Left-handed: meters, x right, y up, z forward."""
    return joints * np.array([0.001, -0.001, 0.001], np.float32)


def _openxr26(joints: Float32[np.ndarray, "21 3"]) -> Float32[np.ndarray, "26 3"]:
    """Palm, wrist, four joints of the thumb, five of each finger.

    Five of them no network marks: the bases of the fingers' metacarpals are `METACARPAL_BASE` of the way from wrist to
    knuckle, the palm is the middle of the middle finger's metacarpal.
    """
    wrist, fingers = joints[0], joints[1:].reshape(len(FINGERS), 4, 3)
    bases = wrist + np.float32(METACARPAL_BASE) * (fingers[1:, 0] - wrist)
    palm = (bases[1] + fingers[2, 0]) / 2
    chains = [np.vstack([base, chain]) for base, chain in zip(bases, fingers[1:], strict=True)]
    return np.vstack([palm, wrist, fingers[0], *chains]) * np.array([0.001, -0.001, -0.001], np.float32)


CONVENTIONS: dict[str, Callable[[Float32[np.ndarray, "21 3"]], Float32[np.ndarray, "N 3"]]] = {
    "mediapipe": _mediapipe,
    "openxr26": _openxr26,
    "ros": _ros,
    "unity": _unity,
}
