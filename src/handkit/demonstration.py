"""The bundled recording through the whole path: every hand of it against the truth, and a picture of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from handkit.depth import DepthImage
from handkit.drawing import Picture, contact_sheet, depth_range, draw_text, show_depth, three_panels
from handkit.estimator import HandPoseEstimator
from handkit.files.folders import make_folder
from handkit.files.png import write_png
from handkit.hand import Prediction
from handkit.shapes import Float32
from handkit.sinks.records import JsonLines, frame_record
from handkit.sources.demo import read_recording

TILES = 10


class Frame(NamedTuple):
    """One depth image of the recording, and the hand in it (camera mm)."""

    name: str
    image: DepthImage
    joints: Float32[np.ndarray, "J 3"]


@dataclass(frozen=True)
class Demonstration:
    """What became of every frame of the recording."""

    predictions: list[Prediction]
    errors_mm: list[float | None]
    """Mean joint error of the surest hand; None where no hand was found."""


def run_demo(estimator: HandPoseEstimator, *, out: Path) -> Demonstration:
    """Estimate every frame, compare with the truth; poses.jsonl and demo.png go to a folder, which is made.

    Raises HandkitError where it cannot be, OSError where it cannot be written to.
    """
    make_folder(out)
    frames = [Frame(each.name, DepthImage.of(each.values, each.camera), each.joints_mm) for each in read_recording()]
    predictions = list[Prediction]()
    with JsonLines(out / "poses.jsonl") as lines:
        for frame in frames:
            prediction = estimator.run(frame.image)
            predictions.append(prediction)
            lines.write(frame_record(frame.name, frame.image.camera, prediction))
    errors = [_error_mm(frame, prediction) for frame, prediction in zip(frames, predictions, strict=True)]
    write_png(out / "demo.png", _demo_sheet(frames, predictions, errors))
    return Demonstration(predictions, errors)


def _error_mm(frame: Frame, prediction: Prediction) -> float | None:
    """Mean distance of the joints from the truth; None where no hand was found."""
    if not prediction.hands:
        return None
    return float(np.linalg.norm(prediction.hands[0].joints_mm - frame.joints, axis=-1).mean())


def _demo_sheet(frames: Sequence[Frame], predictions: Sequence[Prediction], errors: Sequence[float | None]) -> Picture:
    """A few frames, evenly over the recording."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(TILES, len(frames))).round().astype(int)).tolist()
    tiles: list[Picture] = []
    captions: list[str] = []
    for i in chosen:
        frame, prediction, error = frames[i], predictions[i], errors[i]
        if error is None:
            near, far = depth_range(frame.image.depth, None)
            tile = show_depth(frame.image.depth, near=near, far=far)
            draw_text(tile, prediction.reason or "no hand", (10, 24), height=16)
            tiles.append(tile)
            captions.append(f"frame {i}")
            continue
        hand = prediction.hands[0]
        tiles.append(three_panels(frame.image.depth, frame.image.camera, hand.joints_mm, hand.skeleton))
        captions.append(f"frame {i}  {hand.handedness} {hand.confidence:.2f}  {error:.1f} mm")
    title = "handkit demo: depth, skeleton, side view"
    return contact_sheet(tiles, captions, columns=2, title=title)
