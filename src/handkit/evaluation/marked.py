"""Real frames with hand-marked fingertips: a folder of 16-bit PNGs and a `labels.json`.

    {"intrinsics": {"fx", "fy", "cx", "cy", "w", "h", "depth_unit_mm"}, "hand": "right",
     "frames": {"30": {"T": {"xyz_surface_mm": [x, y, z], ...}, "I": null, ...}, ...}}

Image `30.png` belongs to frame "30". Marks are T, I, M, R and P, thumb to pinky, in camera mm (x right, y down,
z forward); null where a tip is hidden.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from handkit.camera import Camera
from handkit.depth import DepthImage
from handkit.errors import HandkitError
from handkit.estimator import HandPoseEstimator
from handkit.files.regular import read_regular
from handkit.hand import Side
from handkit.shapes import Float32
from handkit.sources import read_frames

TIPS = {"T": "thumb_tip", "I": "index_tip", "M": "middle_tip", "R": "ring_tip", "P": "pinky_tip"}
SKIN_MM = 6.0
"""Marks are on the skin; the joint lies this much deeper."""


@dataclass(frozen=True)
class MarkedFrame:
    """One depth image (mm) and the fingertips marked in it (camera mm, on the skin)."""

    name: str
    image: DepthImage
    tips: dict[str, Float32[np.ndarray, "3"]]


@dataclass(frozen=True)
class MarkedFrames:
    """A folder of them, from one camera, of one hand."""

    name: str
    hand: Side
    frames: tuple[MarkedFrame, ...]


@dataclass(frozen=True)
class TipErrors:
    """Of all marked tips, mm; tips of a hand that was not found are infinitely far off."""

    errors_mm: tuple[float, ...]
    missed: int
    """Frames in which no hand was found."""

    @property
    def median_mm(self) -> float:
        return float(np.median(self.errors_mm))


def read_marked_frames(folder: Path) -> MarkedFrames:
    """All of them; raises HandkitError that says which file is not as it should be."""
    path = folder / "labels.json"
    try:
        content: dict[str, Any] = json.loads(read_regular(path))
        numbers = content["intrinsics"]
        camera = Camera(
            fx=float(numbers["fx"]), fy=float(numbers["fy"]), cx=float(numbers["cx"]), cy=float(numbers["cy"]),
            width=int(numbers["w"]), height=int(numbers["h"]), unit_mm=float(numbers["depth_unit_mm"]),
        )  # fmt: skip
        hand = _side(content["hand"])
        frames = tuple(_frame(folder, name, marks, camera) for name, marks in content["frames"].items())
    except FileNotFoundError:
        raise HandkitError(f"there is no {path}; --real takes a folder of PNGs with their labels.json") from None
    except HandkitError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise HandkitError(f"{path} is no labels file of marked fingertips: {type(error).__name__} {error}") from None
    if not frames:
        raise HandkitError(f"{path} lists no frames")
    return MarkedFrames(folder.resolve().name, hand, frames)


def _side(text: object) -> Side:
    if text not in {"left", "right"}:
        raise ValueError(f"hand is {text!r}, it must be left or right")
    return "left" if text == "left" else "right"


def _frame(folder: Path, name: str, marks: dict[str, Any], camera: Camera) -> MarkedFrame:
    tips = {
        TIPS[mark]: np.array(about["xyz_surface_mm"], np.float32)
        for mark, about in marks.items()
        if mark in TIPS and about
    }
    (taken,) = read_frames(folder / f"{name}.png")
    return MarkedFrame(name, DepthImage.of(taken, camera), tips)


def tip_errors(estimator: HandPoseEstimator, marked: MarkedFrames) -> TipErrors:
    """The surest hand, however sure, left or right given; distance of every marked tip from its joint."""
    errors, missed = list[float](), 0
    for frame in marked.frames:
        hands = estimator.run(frame.image, hands=1, handedness=marked.hand, minimum_confidence=0.0).hands
        missed += not hands
        for joint, tip in frame.tips.items():
            if not hands:
                errors.append(float("inf"))
                continue
            estimated = hands[0].joints_mm[hands[0].skeleton.joints.index(joint)]
            errors.append(float(np.linalg.norm(estimated - tip - np.array([0, 0, SKIN_MM]))))
    return TipErrors(tuple(errors), missed)
