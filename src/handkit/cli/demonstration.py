"""`handkit demo`: a bundled recording through the whole path."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from handkit.backends.opening import BackendName
from handkit.camera import Camera
from handkit.depth import DepthImage
from handkit.drawing import Picture, contact_sheet, depth_range, draw_text, show_depth, three_panels
from handkit.estimator import HandPoseEstimator
from handkit.files.folders import make_folder
from handkit.files.png import write_png
from handkit.hand import Prediction
from handkit.shapes import Float32
from handkit.sinks import STAGES, JsonLines, frame_record
from handkit.sources import read_frames
from handkit.sources.demo import RECORDING

TILES = 10


class Frame(NamedTuple):
    """One depth image of the recording, and the hand in it (camera mm)."""

    name: str
    image: DepthImage
    joints: Float32[np.ndarray, "J 3"]


def read_recording() -> list[Frame]:
    """All of it."""
    frames: list[Frame] = []
    for line in (RECORDING / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        (depth,) = read_frames(RECORDING / record["source"])
        joints = np.array(record["hands"][0]["joints_mm"], np.float32)
        frames.append(Frame(record["source"], DepthImage.of(depth, Camera(**record["camera"])), joints))
    return frames


def run_demo(*, out: Path, backend: BackendName | None, threads: int) -> int:
    """Estimate, compare; answers 1 if not a single hand was found."""
    console = Console()
    estimator = HandPoseEstimator.from_pretrained(backend=backend, threads=threads)
    make_folder(out)
    frames, predictions = read_recording(), list[Prediction]()
    with JsonLines(out / "poses.jsonl") as lines:
        for frame in frames:
            prediction = estimator.run(frame.image)
            predictions.append(prediction)
            lines.write(frame_record(frame.name, frame.image.camera, prediction))
    errors = [_error_mm(frame, prediction) for frame, prediction in zip(frames, predictions, strict=True)]
    write_png(out / "demo.png", _demo_sheet(frames, predictions, errors))
    _tell(console, predictions, errors, out)
    return 0 if any(error is not None for error in errors) else 1


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


def _tell(console: Console, predictions: Sequence[Prediction], errors: Sequence[float | None], out: Path) -> None:
    """The numbers, with what they were measured on."""
    found = [error for error in errors if error is not None]
    rows = {"frames": f"{len(errors)}, hand found in {len(found)}"}
    if found:
        rows["mean joint error"] = f"{np.mean(found):.1f} mm  (median frame {median(found):.1f} mm)"
    rows["frames per second"] = f"{1000 / np.mean([each.timings_ms['total'] for each in predictions]):.1f}"
    for stage in STAGES:
        rows[stage] = f"{median(each.timings_ms[stage] for each in predictions):.2f} ms"
    table = Table(show_header=False, box=None, title="synthetic recording", title_justify="left")
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)
    console.print(f"{out / 'poses.jsonl'}  {out / 'demo.png'}", highlight=False, markup=False)
