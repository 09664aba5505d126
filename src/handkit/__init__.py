"""handkit: 3D hand pose from one depth frame, joints in millimetres.

from handkit import Camera, HandPoseEstimator

estimator = HandPoseEstimator.from_pretrained()
hands = estimator.predict(depth, Camera.named("kinect2"))    # depth (H, W) in mm
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handkit.errors import CheckpointError, FrameError, HandkitError
    from handkit.geometry.camera import Camera
    from handkit.geometry.crop import Crop, Space, crop_hand
    from handkit.geometry.cube import Cube
    from handkit.geometry.frame import DepthFrame
    from handkit.geometry.skeleton import HAND21, HANDS17, ICVL16, MSRA21, NYU14, Skeleton
    from handkit.inference import HandPose, HandPoseEstimator, Prediction
    from handkit.models import MODELS

_HOMES = {
    "errors": ("CheckpointError", "FrameError", "HandkitError"),
    "geometry.camera": ("Camera",),
    "geometry.crop": ("Crop", "Space", "crop_hand"),
    "geometry.cube": ("Cube",),
    "geometry.frame": ("DepthFrame",),
    "geometry.skeleton": ("HAND21", "HANDS17", "ICVL16", "MSRA21", "NYU14", "Skeleton"),
    "inference": ("HandPose", "HandPoseEstimator", "Prediction"),
    "models": ("MODELS",),
}

__all__ = [
    "HAND21",
    "HANDS17",
    "ICVL16",
    "MODELS",
    "MSRA21",
    "NYU14",
    "Camera",
    "CheckpointError",
    "Crop",
    "Cube",
    "DepthFrame",
    "FrameError",
    "HandPose",
    "HandPoseEstimator",
    "HandkitError",
    "Prediction",
    "Skeleton",
    "Space",
    "crop_hand",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: torch takes a second, and `handkit --help` needs none of it."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"handkit.{module}"), name)
    raise AttributeError(f"module 'handkit' has no attribute {name!r}")
