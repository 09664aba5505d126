"""A few steps of small trainings: `ranks.py FOLDER` in one process, with torchrun in several, on one thread each."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from handkit.geometry.crop import Space
from handkit.geometry.frame import LabeledFrame
from handkit.models.latent_fusion import LatentFusion
from handkit.models.network import HandPoseModel
from handkit.recipes import LATENT_FUSION_SYNTHETIC
from handkit.recipes.augment import Augment
from handkit.recipes.recipe import Optimizer, Recipe
from handkit.skeleton import HAND21
from handkit.training.processes import Machine
from handkit.training.run import Run
from handkit.training.streams import SyntheticFrames
from handkit.training.targets import pose_targets

RECIPE = replace(
    LATENT_FUSION_SYNTHETIC,
    arguments={"resolution": 32, "initial_std": None},
    resolutions=((0.0, 32),),
    batch=8,
    precision="32-true",
    average=0.0,
    warmup=0.0,
)
PLAIN = replace(RECIPE, network="affine", optimizer=Optimizer("sgd"), learning_rate=0.3)
NOISE = Augment(depth_noise_mm=8.0, erase=0.5)
STEPS, SPOILED, INFINITE = 5, 2, 3
"""In step `SPOILED` row 5 has no label; in step `INFINITE` the loss of the last row's process is not finite."""


class Affine(HandPoseModel):
    """Squared error of a linear map, without statistics."""

    space, resolution, skeleton = Space.IMAGE, 32, HAND21

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, points: Tensor) -> Tensor:
        return self.linear(points.mean((2, 3))).unsqueeze(1).expand(-1, 21, -1)

    def loss(self, points: Tensor, joints: Tensor) -> dict[str, Tensor]:
        error = (self.linear(points.mean((2, 3))) - joints.mean(1)).square().mean()
        return {"error": error * torch.where(joints.max() > 1e6, torch.inf, 1.0)}


def network_of(recipe: Recipe) -> Any:
    torch.manual_seed(0)
    return LatentFusion(HAND21, **recipe.arguments) if recipe.network == "latent-fusion" else Affine()


def spoiled(frame: LabeledFrame, step: int, run: Run) -> LabeledFrame:
    if step == SPOILED and run.team.count == 1:  # by what the second process replaces it with
        return frame[torch.tensor([0, 1, 2, 3, 4, 4, 6, 7])]
    first = run.share.rows(8).start
    joints = frame.joints.clone()
    if step == SPOILED and first <= 5 < first + len(frame):
        joints[5 - first] = torch.nan
    if step == INFINITE and run.recipe.network == "affine" and first + len(frame) == 8:
        joints[-1] = 1e12
    return replace(frame, joints=joints)


def steps(recipe: Recipe) -> tuple[dict[str, Tensor], list[float], tuple[int, int]]:
    """State of the network, losses, and what was left out, after `STEPS` steps."""
    plain, noisy = (pose_targets(LatentFusion(HAND21), augment) for augment in (None, NOISE))
    run = Run(network_of(recipe), recipe, plain, machine=Machine(threads=1, accelerator="cpu"))
    frames = SyntheticFrames(recipe, seed=5, size=8, resolution=48, share=run.share)
    losses: list[float] = []
    for step in range(STEPS):
        # A row in the place of another has that one's noise: none where one is replaced.
        run.targets = plain if recipe.network == "affine" or step == SPOILED else noisy
        terms = run.advance(spoiled(frames[step], step, run), progress=0.1)
        losses.append(float(sum(cast(dict[str, Any], terms).values())))
    return run.model.state_dict(), losses, run.counts()


if __name__ == "__main__":
    torch.set_num_threads(1)
    several = "RANK" in os.environ
    found = [steps(PLAIN), steps(RECIPE if several else replace(RECIPE, accumulate=2))]
    torch.save(found, Path(sys.argv[1]) / (f"rank{os.environ['RANK']}.pt" if several else "alone.pt"))
