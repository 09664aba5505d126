"""Latent Fusion's branches and the weights of their fusion on rendered frames, as the paper's Fig. 8 shows them.

python benchmarks/branches.py weights/latent-fusion-three-planes.safetensors --out results/branches.png
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import torch
import tyro

from handkit.drawing import Picture, contact_sheet
from handkit.errors import UsageError
from handkit.geometry.crop import crop_hand
from handkit.geometry.frame import LabeledFrame
from handkit.models.checkpoint import load
from handkit.models.latent_fusion import LatentFusion
from handkit.recipes import synthetic_recipe
from handkit.training.experiment import Experiment, validation_frames
from handkit.training.pictures import hand_tile


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
            tiles.append(hand_tile(frame, row, joints[row], model.skeleton))
            captions.append(f"{name}{weight}, {error:.1f} mm")
    return contact_sheet(tiles, captions, columns=len(names) + 1, title=title)


@dataclass(frozen=True)
class Branches:
    """Weights of a latent-fusion network of several planes."""

    weights: tyro.conf.Positional[Path]
    out: Path
    frames: int = 4
    """A row of the picture for each."""

    def run(self) -> None:
        model = load(self.weights)
        if not isinstance(model, LatentFusion) or len(model.planes) < 2:
            raise UsageError(f"{self.weights} has no branches to fuse; give those of a latent-fusion of several planes")
        experiment = Experiment(synthetic_recipe("latent-fusion").at(model.resolution))
        frame = validation_frames(experiment, batches=1, size=self.frames)[0]
        cv2.imwrite(str(self.out), branch_sheet(model, frame, title=f"{self.weights.stem}: branches and their fusion"))


if __name__ == "__main__":
    tyro.cli(Branches).run()
