"""What a pose network says of a few frames, as pictures: while it is trained, and of one plane after the other."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from handkit.drawing import Picture, contact_sheet, draw_rings, draw_skeleton, enlarge, show_depth
from handkit.geometry.crop import crop_hand
from handkit.geometry.frame import LabeledFrame
from handkit.graph import estimate
from handkit.models import HandPoseModel
from handkit.models.latent_fusion import LatentFusion
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
    tiles = [_tile(shown, row, answers[row], model.skeleton) for row in range(len(shown))]
    return contact_sheet(tiles, [f"{error:.1f} mm" for error in errors.tolist()], columns=4, title=title)


@torch.inference_mode()
def branch_sheet(model: LatentFusion, frame: LabeledFrame, *, title: str) -> Picture:
    """A row for each frame: the pose of each branch with its weight, and the fused one, all with their errors."""
    crop = crop_hand(frame, frame.cube, model.resolution)
    pose = model.outputs(crop.points(model.space))
    names = [plane.upper() for plane in model.planes]
    tiles: list[Picture] = []
    captions: list[str] = []
    parts = [pose.branches[:, index] for index in range(len(names))]
    for row in range(len(frame)):
        weights = [f", weight {weight:.2f}" for weight in pose.weights[row].tolist()]
        for name, weight, part in zip([*names, "fused"], [*weights, ""], [*parts, pose.joints], strict=True):
            joints = crop.denormalize(part, model.space)
            error = (joints[row] - frame.joints[row]).norm(dim=-1).mean()
            tiles.append(_tile(frame, row, joints[row], model.skeleton))
            captions.append(f"{name}{weight}, {error:.1f} mm")
    return contact_sheet(tiles, captions, columns=len(names) + 1, title=title)


def _tile(frame: LabeledFrame, row: int, joints: Float[Tensor, "J 3"], skeleton: Skeleton) -> Picture:
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
