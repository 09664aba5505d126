"""Synthetic frames as files: depth images, every hand of them as `predict` writes hands, and a contact sheet."""

from collections.abc import Callable
from numbers import Real
from pathlib import Path

import cv2
import numpy as np
import torch

from handkit.asked import check_seed
from handkit.drawing import Picture, contact_sheet, depth_range, draw_hand, show_depth
from handkit.errors import UsageError, shown
from handkit.files.folders import make_new_folder
from handkit.files.png import write_png
from handkit.hand import HandPose, Prediction
from handkit.sinks.records import JsonLines, frame_record, save_depth
from handkit.skeleton import HAND21
from handkit.synthetic.labeled import LabeledDepth, labeled_depth
from handkit.synthetic.scenes import DEVICES, World, sample_scenes

TILES = 24
"""Most frames that a contact sheet of rendered frames shows."""
TILE = (400, 300)
"""Largest width and height of one, pixels."""


def render_frames(
    count: int,
    *,
    out: Path,
    seed: int = 0,
    empty: float = 0.0,
    camera: str | None = None,
    watch: Callable[[int], None] = lambda _: None,
) -> None:
    """`count` depth images in whole mm, of which `empty` (0 to 1) hold no hand, to a folder, which is made.

    They are of one named camera, one of `DEVICES`, or of all of these in turn, every second one of each in a mirror
    (which has another principal point). Labels go to labels.jsonl, whose subject is the seed, a contact sheet to
    sheet.png; `watch` is given how many are done. Raises UsageError, HandkitError where the folder cannot be made or is
    not empty, OSError where it cannot be written to.
    """
    if not isinstance(count, int) or count < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UsageError(f"count {shown(count)} renders nothing; give at least 1")
    if not isinstance(empty, Real) or not 0 <= float(empty) <= 1:
        raise UsageError(f"empty {shown(empty)} is no share of all frames; give 0 to 1")
    if camera is not None and camera not in DEVICES:
        raise UsageError(f"there is no sensor model of the camera {shown(camera)}; known: {', '.join(DEVICES)}")
    check_seed(seed)
    make_new_folder(out)
    generator, world = torch.Generator().manual_seed(seed), World(empty=empty)
    devices = DEVICES if camera is None else (camera,)
    tiles: list[Picture] = []
    with JsonLines(out / "labels.jsonl") as labels:
        for i in range(count):
            scene = sample_scenes(1, generator, device=devices[i % len(devices)], world=world)
            frame = labeled_depth(scene, mirrored=camera is None and i // len(devices) % 2 == 1)
            hands = _truth(frame)
            name = f"{i:06d}.png"
            save_depth(out / name, frame.depth)
            truth = Prediction(hands, None if hands else "there is no hand", {})
            labels.write(frame_record(name, frame.camera, truth) | {"subject": f"rendered-{seed}"})
            if i < TILES:
                tiles.append(_tile(frame, hands))
            watch(i + 1)
    captions = [f"{i:06d}  {devices[i % len(devices)]}" for i in range(len(tiles))]
    write_png(out / "sheet.png", contact_sheet(tiles, captions, columns=3, title="handkit render"))


def _truth(frame: LabeledDepth) -> list[HandPose]:
    """The labels as poses."""
    exact = np.zeros(len(HAND21), np.float32)
    return [
        HandPose(joints, frame.camera.project(joints), "left" if left else "right", 1.0, HAND21, exact, 1.0)
        for joints, left in zip(frame.hands.numpy(), frame.left.tolist(), strict=True)
    ]


def _tile(frame: LabeledDepth, hands: list[HandPose]) -> Picture:
    """The whole image, fitted into a tile, with the skeletons of its hands."""
    height, width = frame.depth.shape
    scale = min(TILE[0] / width, TILE[1] / height)
    near, far = depth_range(frame.depth, np.concatenate([hand.joints_mm for hand in hands]) if hands else None)
    whole = show_depth(frame.depth, near=near, far=far)
    picture = cv2.resize(
        whole, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    )
    for hand in hands:
        draw_hand(
            picture,
            (hand.joints_px + 0.5) * np.float32(scale) - 0.5,
            HAND21,
            caption=hand.handedness,
            depth_mm=hand.joints_mm[:, 2],
        )
    return picture
