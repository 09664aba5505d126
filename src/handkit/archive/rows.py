"""A row of an archive: a frame, and the hands in it or why there are none."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from handkit.camera import camera_to_dict
from handkit.extras import load
from handkit.hand import HandPose, Prediction
from handkit.skeleton import Skeleton
from handkit.sources.source import RawFrame

METADATA = b"handkit"
"""The key in a Parquet file's schema under which `job.Job.about` stands, as JSON."""


def schema(about: str) -> Any:  # noqa: ANN401
    """Of every file of an archive; `about` says what it was made of. Raises MissingExtraError without pyarrow."""
    arrow = load("pyarrow", extra="archive")
    real, points = arrow.float32(), arrow.list_(arrow.list_(arrow.float32()))
    camera = [(name, arrow.float64()) for name in ("fx", "fy", "cx", "cy")]
    camera += [("width", arrow.int32()), ("height", arrow.int32()), ("unit_mm", arrow.float64())]
    camera += [("distortion", arrow.list_(arrow.float64()))]
    hand = [
        ("handedness", arrow.string()),
        ("handedness_probability", real),
        ("confidence", real),
        ("pose_confidence", real),
        ("joints_mm", points),  # x, y, z in the camera's frame, for each joint of the skeleton
        ("joints_px", points),  # u, v in the image as taken
        ("uncertainty_mm", arrow.list_(real)),  # null where nothing is known
    ]
    fields = [
        ("index", arrow.int64()),  # the frame's number in its source
        ("name", arrow.string()),
        ("time_ns", arrow.int64()),  # by the source's clock; null for files, which have no times
        ("camera", arrow.struct(camera)),  # null for a frame that could not be read
        ("hands", arrow.list_(arrow.struct(hand))),  # the surest first
        ("reason", arrow.string()),  # why there are no hands
        ("cause", arrow.string()),  # what the reason says, for programs: one of handkit.hand.CAUSES
        ("warnings", arrow.list_(arrow.string())),  # what was unusual, and what had to be done to the depth values
    ]
    return arrow.schema(fields, metadata={METADATA: about.encode()})


def row(index: int, name: str, *, raw: RawFrame | None, timed: bool, prediction: Prediction) -> dict[str, Any]:
    """One frame; `raw` is None where it could not be read, which the prediction's reason says."""
    return {
        "index": index,
        "name": name.encode("utf-8", "replace").decode(),
        "time_ns": raw.time_ns if raw is not None and timed else None,
        "camera": camera_to_dict(raw.camera) if raw is not None else None,
        "hands": [_hand(hand) for hand in prediction.hands],
        "reason": prediction.reason,
        "cause": prediction.cause,
        "warnings": list(prediction.warnings),
    }


def hand_of(found: Mapping[str, Any], skeleton: Skeleton) -> HandPose:
    """One of the `hands` of a row."""
    return HandPose(
        joints_mm=np.array(found["joints_mm"], np.float32),
        joints_px=np.array(found["joints_px"], np.float32),
        handedness=found["handedness"],
        pose_confidence=found["pose_confidence"],
        skeleton=skeleton,
        uncertainty_mm=np.array(found["uncertainty_mm"], np.float32),  # None becomes NaN
        handedness_probability=found["handedness_probability"],
    )


def _hand(hand: HandPose) -> dict[str, Any]:
    return {
        "handedness": hand.handedness,
        "handedness_probability": hand.handedness_probability,
        "confidence": hand.confidence,
        "pose_confidence": hand.pose_confidence,
        "joints_mm": hand.joints_mm.tolist(),
        "joints_px": hand.joints_px.tolist(),
        "uncertainty_mm": [each if math.isfinite(each) else None for each in hand.uncertainty_mm.tolist()],
    }
