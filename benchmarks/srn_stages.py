"""Whether SRN's later stages read the pose that is handed to them: errors with other poses in their maps.

    python benchmarks/srn_stages.py WEIGHTS... [--crops 1024]

The last stage answers three times: with the pose of the stage before in its maps, as it was trained; with the true
pose; and with the true pose of the next frame of its batch. A stage that reads its maps is better with the truth and
worse with another frame's; one that does not answers alike. Rendered frames that no training sees, with perturbed
centers.
"""

from collections import defaultdict

import numpy as np
import torch
from jaxtyping import Float
from report import print_report, run_benchmark
from torch import Tensor

from handkit.errors import UsageError
from handkit.geometry.crop import crop_hand
from handkit.hub import find_weights
from handkit.models.checkpoint import load
from handkit.models.srn import SRN, StackedPose
from handkit.recipes import synthetic_recipe
from handkit.training.experiment import Experiment, validation_frames

BATCH = 32


def main(weights: tuple[str, ...], /, *, crops: int = 1024, threads: int = 1) -> None:
    """One row for each weights file."""
    torch.set_num_threads(threads)
    print_report(f"SRN, mean joint error, mm, {crops:,} crops", [row_of(name, crops=crops) for name in weights])


@torch.inference_mode()
def row_of(name: str, *, crops: int) -> dict[str, str]:
    """Errors of the stages and of the last one with other poses in its maps; raises HandkitError."""
    model = load(find_weights(name))
    if not isinstance(model, SRN) or len(model.stages) < 2:
        raise UsageError(f"{name} is no SRN of several stages")
    errors: dict[str, list[Tensor]] = defaultdict(list)
    recipe = synthetic_recipe("srn").at(model.resolution)
    for frame in validation_frames(Experiment(recipe), batches=-(-crops // BATCH), size=min(BATCH, crops)):
        crop = crop_hand(frame, frame.cube, model.resolution)
        points, truth = crop.points(model.space), crop.normalize(frame.joints, model.space)
        own = model.outputs(points).stages.unbind(1)
        answers = {f"stage {index}": pose for index, pose in enumerate(own, start=1)}
        answers["truth in its maps"] = answer_given(model, points, truth).joints
        answers["another frame's"] = answer_given(model, points, truth.roll(1, dims=0)).joints
        for kind, pose in answers.items():
            errors[kind].append((crop.denormalize(pose, model.space) - frame.joints).norm(dim=-1).mean(1))
    return {"weights": name} | {kind: f"{np.mean(torch.cat(each).numpy()):.2f}" for kind, each in errors.items()}


def answer_given(model: SRN, points: Float[Tensor, "B 3 S S"], pose: Float[Tensor, "B J 3"]) -> StackedPose:
    """As `SRN.outputs`, but with a given pose in the maps of every later stage."""
    features, poses = model.features(points[:, 2:3]), list[Tensor]()
    for index, stage in enumerate(model.stages):
        if poses:
            features = torch.cat((features, model.maps(pose, points, stage=index - 1)), dim=1)
        poses.append(stage(features))
    return StackedPose(poses[-1], torch.stack(poses, dim=1))


if __name__ == "__main__":
    run_benchmark(main)
