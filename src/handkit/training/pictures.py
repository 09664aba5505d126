"""What a pose network says of a few frames, as pictures, while it is trained."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from handkit.drawing import Picture, contact_sheet, draw_rings, draw_skeleton, enlarge, show_depth
from handkit.geometry.frame import LabeledFrame
from handkit.graph import estimate
from handkit.models import HandPoseModel
from handkit.skeleton import Skeleton

SHOWN = 8
"""Frames on a sheet of predictions."""
ENLARGED = 2


@torch.inference_mode()
def prediction_sheet(model: HandPoseModel, frame: LabeledFrame, *, title: str) -> Picture:
    """The first frames with their predicted skeletons, rings where the labels are, and mean joint errors."""
    shown = frame[slice(SHOWN)].to(next(model.parameters()).device)
    answers = estimate(model, shown, shown.cube).cpu()
    shown = shown.to("cpu")
    errors = (answers - shown.joints).norm(dim=-1).mean(1)
    tiles = [hand_tile(shown, row, answers[row], model.skeleton) for row in range(len(shown))]
    return contact_sheet(tiles, [f"{error:.1f} mm" for error in errors.tolist()], columns=4, title=title)


def hand_tile(frame: LabeledFrame, row: int, joints: Float[Tensor, "J 3"], skeleton: Skeleton) -> Picture:
    """One frame with a skeleton, camera mm, and rings at its labels."""
    camera = frame.camera.camera(row)
    center, half = frame.cube.center[row], frame.cube.edges[row] / 2
    near, far = float(center[2] - half[2]), float(center[2] + half[2])
    tile = enlarge(show_depth(frame.depth[row].numpy(), near=near, far=far), ENLARGED)
    places = [
        ENLARGED * (camera.project(points.numpy().astype(np.float32)) + 0.5) - 0.5
        for points in (joints, frame.joints[row])
    ]
    draw_skeleton(tile, places[0], skeleton, depth_mm=joints[:, 2].numpy())
    draw_rings(tile, places[1])
    return tile
