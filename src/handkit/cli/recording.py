"""`handkit render` and `handkit demo`: synthetic frames to files, and a recording through the whole path."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from handkit.drawing import Picture, contact_sheet, depth_range, draw_text, show_depth, three_panels
from handkit.errors import HandkitError
from handkit.evaluation import LabeledImage
from handkit.files.folders import make_folder
from handkit.files.png import write_png
from handkit.hand import HandPose, Prediction
from handkit.inference import HandPoseEstimator
from handkit.sinks import STAGES, JsonLines, frame_record, save_depth
from handkit.skeleton import HAND21
from handkit.synthetic.scenes import DEVICES, record, sample_scenes, whole_frames

TILES = 24
"""Most frames that a contact sheet of rendered frames shows."""
DEMO_CAMERA = "sr300"
DEMO_TILES = 10


def render_frames(count: int, *, out: Path, seed: int) -> int:
    """Depth pictures in mm, their labels in the format that `predict` writes, and a contact sheet."""
    if count < 1:
        raise HandkitError(f"--count {count} renders nothing; give at least 1", status=2)
    make_folder(out)
    generator = torch.Generator().manual_seed(seed)
    tiles: list[Picture] = []
    console = Console(stderr=True)
    with JsonLines(out / "labels.jsonl") as labels:
        for i in track(range(count), "frames", console=console, transient=True, disable=not console.is_terminal):
            device = DEVICES[i % len(DEVICES)]
            scene = sample_scenes(1, generator, device=device)
            frame = LabeledImage.of(whole_frames(scene), scene.joints, 0)
            name = f"{i:06d}.png"
            save_depth(out / name, frame.depth)
            labels.write(frame_record(name, frame.camera, [_truth(frame)], reason=None))
            if i < TILES:
                tiles.append(three_panels(frame.depth, frame.camera, frame.joints, HAND21, size=220))
    captions = [f"{i:06d}  {DEVICES[i % len(DEVICES)]}" for i in range(len(tiles))]
    write_png(out / "sheet.png", contact_sheet(tiles, captions, columns=3, title="handkit render"))
    console.print(f"{count} frames, labels.jsonl and sheet.png in {out}", highlight=False, markup=False)
    return 0


def run_demo(*, out: Path, frames: int, seed: int) -> int:
    """Render, estimate, compare; answers 1 if not a single hand was found."""
    if frames < 1:
        raise HandkitError(f"--frames {frames} is no recording; give at least 1", status=2)
    console = Console()
    estimator = HandPoseEstimator.from_pretrained()
    make_folder(out)
    with console.status(f"rendering {frames} frames of an {DEMO_CAMERA} recording"):
        generator = torch.Generator().manual_seed(seed)
        scene = record(frames, generator, device=DEMO_CAMERA)
        recording = whole_frames(scene)
        labeled = [LabeledImage.of(recording, scene.joints, i) for i in range(frames)]

    predictions: list[Prediction] = []
    with console.status("compiling, once on a machine"):
        estimator.predict_many([labeled[0].depth], labeled[0].camera)
    with JsonLines(out / "poses.jsonl") as lines, console.status("estimating"):
        for i, frame in enumerate(labeled):
            (prediction,) = estimator.predict_many([frame.depth], frame.camera)
            predictions.append(prediction)
            lines.write(
                frame_record(
                    f"synthetic/{i:04d}",
                    frame.camera,
                    prediction.hands,
                    reason=prediction.reason,
                    timings_ms=prediction.timings_ms,
                )
            )
    errors = [_error_mm(frame, prediction) for frame, prediction in zip(labeled, predictions, strict=True)]
    write_png(out / "demo.png", _demo_sheet(labeled, predictions, errors))
    _tell(console, predictions, errors, out)
    return 0 if any(error is not None for error in errors) else 1


def _truth(image: LabeledImage) -> HandPose:
    """The label as a pose."""
    return HandPose(image.joints, image.camera.project(image.joints), image.handedness, 1.0, HAND21)


def _error_mm(frame: LabeledImage, prediction: Prediction) -> float | None:
    """Mean distance of the joints from the truth; None where no hand was found."""
    if not prediction.hands:
        return None
    return float(np.linalg.norm(prediction.hands[0].joints_mm - frame.joints, axis=-1).mean())


def _demo_sheet(
    frames: Sequence[LabeledImage], predictions: Sequence[Prediction], errors: Sequence[float | None]
) -> Picture:
    """A few frames, evenly over the recording."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(DEMO_TILES, len(frames))).round().astype(int)).tolist()
    tiles: list[Picture] = []
    captions: list[str] = []
    for i in chosen:
        frame, prediction, error = frames[i], predictions[i], errors[i]
        if error is None:
            near, far = depth_range(frame.depth, None)
            tile = show_depth(frame.depth, near=near, far=far)
            draw_text(tile, prediction.reason or "no hand", (10, 24), height=16)
            tiles.append(tile)
            captions.append(f"frame {i}")
            continue
        hand = prediction.hands[0]
        tiles.append(three_panels(frame.depth, frame.camera, hand.joints_mm, hand.skeleton))
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
