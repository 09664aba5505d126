"""`handkit render`: synthetic frames to files."""

from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track

from handkit.drawing import Picture, contact_sheet, three_panels
from handkit.errors import HandkitError
from handkit.evaluation import LabeledImage
from handkit.files.folders import make_folder
from handkit.files.png import write_png
from handkit.hand import HandPose
from handkit.sinks import JsonLines, frame_record, save_depth
from handkit.skeleton import HAND21
from handkit.synthetic.scenes import DEVICES, sample_scenes, whole_frames
from handkit.training.testset import labeled_image

TILES = 24
"""Most frames that a contact sheet of rendered frames shows."""


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
            frame = labeled_image(whole_frames(scene), scene.joints, 0)
            name = f"{i:06d}.png"
            save_depth(out / name, frame.depth)
            labels.write(frame_record(name, frame.camera, [_truth(frame)], reason=None))
            if i < TILES:
                tiles.append(three_panels(frame.depth, frame.camera, frame.joints, HAND21, size=220))
    captions = [f"{i:06d}  {DEVICES[i % len(DEVICES)]}" for i in range(len(tiles))]
    write_png(out / "sheet.png", contact_sheet(tiles, captions, columns=3, title="handkit render"))
    console.print(f"{count} frames, labels.jsonl and sheet.png in {out}", highlight=False, markup=False)
    return 0


def _truth(image: LabeledImage) -> HandPose:
    """The label as a pose."""
    exact = np.zeros(len(image.joints), np.float32)
    return HandPose(image.joints, image.camera.project(image.joints), image.handedness, 1.0, HAND21, exact, 1.0)
