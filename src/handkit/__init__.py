"""handkit: 3D hand pose from one depth image, joints in millimeters.

from handkit import Camera, HandPoseEstimator

estimator = HandPoseEstimator.from_pretrained()
hands = estimator.predict(depth, Camera.named("kinect2"))    # depth (H, W) in mm, 0: invalid
print(hands[0]["index_tip"])                                 # x, y, z in mm
"""

import importlib
import importlib.metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handkit.camera import Camera
    from handkit.depth import DepthImage
    from handkit.errors import (
        CameraError,
        CheckpointError,
        FrameError,
        HandkitError,
        JointError,
        MissingExtraError,
        SourceError,
        UsageError,
    )
    from handkit.estimator import HandPoseEstimator
    from handkit.geometry.crop import Crop, Space, crop_hand
    from handkit.geometry.cube import Cube
    from handkit.geometry.frame import DepthFrame, LabeledFrame
    from handkit.geometry.intrinsics import Intrinsics
    from handkit.hand import HandPose, Prediction, TrackedHand
    from handkit.models import MODELS, HandPoseModel
    from handkit.skeleton import HAND21, HANDS17, ICVL16, MSRA21, NYU14, Skeleton
    from handkit.sources import open_source
    from handkit.tracking import HandTracker

    __version__: str

_HOMES = {
    "camera": ("Camera",),
    "depth": ("DepthImage",),
    "errors": (
        "CameraError",
        "CheckpointError",
        "FrameError",
        "HandkitError",
        "JointError",
        "MissingExtraError",
        "SourceError",
        "UsageError",
    ),
    "geometry.crop": ("Crop", "Space", "crop_hand"),
    "geometry.cube": ("Cube",),
    "geometry.frame": ("DepthFrame", "LabeledFrame"),
    "geometry.intrinsics": ("Intrinsics",),
    "skeleton": ("HAND21", "HANDS17", "ICVL16", "MSRA21", "NYU14", "Skeleton"),
    "hand": ("HandPose", "Prediction", "TrackedHand"),
    "estimator": ("HandPoseEstimator",),
    "models": ("MODELS", "HandPoseModel"),
    "sources": ("open_source",),
    "tracking": ("HandTracker",),
}

__all__ = [
    "HAND21",
    "HANDS17",
    "ICVL16",
    "MODELS",
    "MSRA21",
    "NYU14",
    "Camera",
    "CameraError",
    "CheckpointError",
    "Crop",
    "Cube",
    "DepthFrame",
    "DepthImage",
    "FrameError",
    "HandPose",
    "HandPoseEstimator",
    "HandPoseModel",
    "HandTracker",
    "HandkitError",
    "Intrinsics",
    "JointError",
    "LabeledFrame",
    "MissingExtraError",
    "Prediction",
    "Skeleton",
    "SourceError",
    "Space",
    "TrackedHand",
    "UsageError",
    "__version__",
    "crop_hand",
    "open_source",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: torch takes a second, and `handkit --help` needs none of it."""
    if name == "__version__":
        return importlib.metadata.version("handkit")
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module 'handkit' has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"handkit.{home}"), name)
    except ModuleNotFoundError as error:
        raise importlib.import_module("handkit.extras").explained(error, what=f"handkit.{name}") from None


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
