"""Milliseconds of every stage of a prediction on 640x480 images, on one core, with and without the networks.

Without: the networks answer at once, so that what is left is checking, proposing, cutting, and putting back. With: the
bundled weights. On a busy machine the fastest total is nearest to what one core needs when left alone.
"""

import statistics
import time

import torch
import tyro
from jaxtyping import Float
from report import print_report
from torch import Tensor

from handkit.camera import Camera
from handkit.depth import DepthImage
from handkit.errors import CheckpointError
from handkit.inference import HandPoseEstimator
from handkit.models.handedness import Handedness
from handkit.models.latent_fusion import LatentFusion
from handkit.models.localizer import Localizer, Location
from handkit.recipes import RECIPES
from handkit.skeleton import HAND21
from handkit.synthetic.scenes import record, whole_frames


class SilentNetwork(LatentFusion):
    """Every joint in the middle of the crop."""

    def forward(self, points: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B J 3"]:
        return points.new_zeros(len(points), len(self.skeleton), 3)


class SilentLocalizer(Localizer):
    """A clear hand in the middle of every crop."""

    def forward(self, points: Float[Tensor, "B 3 128 128"]) -> Location:
        return Location(points.new_zeros(len(points), 3), points.new_full((len(points),), 10.0))


class SilentHandedness(Handedness):
    """Always a right hand."""

    def forward(self, plain: Float[Tensor, "B J 4"], mirrored: Float[Tensor, "B J 4"]) -> Float[Tensor, " B"]:
        return plain.new_ones(len(plain))


def main(*, repeats: int = 20, images: int = 10, device: str = "sr300") -> None:
    """Predict each of `images` frames of a synthetic recording `repeats` times, after a round that does not count."""
    torch.set_num_threads(1)
    scene = record(images, torch.Generator().manual_seed(0), device=device)
    frame = whole_frames(scene)
    camera = Camera.named(device)
    rows = [measure("networks that answer at once", silent_estimator(), frame.depth, camera, repeats=repeats)]
    try:
        estimator = HandPoseEstimator.from_pretrained()
    except CheckpointError as error:
        print(f"without weights: {error}")
    else:
        rows.append(measure("bundled weights", estimator, frame.depth, camera, repeats=repeats))
    print_report(f"predicting {camera.width}x{camera.height} images, ms: medians, fastest total, CPU time", rows)


def silent_estimator() -> HandPoseEstimator:
    """Everything but the networks, whose sizes and cubes are those of the recipes."""
    pose, localizer = RECIPES["latent-fusion"], RECIPES["localizer"]
    return HandPoseEstimator(
        SilentNetwork(HAND21, **pose.arguments),
        SilentLocalizer(**localizer.arguments),
        SilentHandedness(),
        edge_mm=pose.cube.edge,
        localizer_edge_mm=localizer.cube.edge,
    )


def measure(
    name: str, estimator: HandPoseEstimator, images: Float[Tensor, "B H W"], camera: Camera, *, repeats: int
) -> dict[str, str]:
    """One row: the estimator's own stopwatch, and the CPU time of the whole."""
    depths = [image.numpy() for image in images]
    for depth in depths:
        estimator.run(DepthImage.of(depth, camera))
    begun = time.process_time()
    predictions = [estimator.run(DepthImage.of(depth, camera)) for _ in range(repeats) for depth in depths]
    spent = (time.process_time() - begun) / len(predictions) * 1e3
    laps = [prediction.timings_ms for prediction in predictions]
    stages = {stage: f"{statistics.median(lap[stage] for lap in laps):.2f}" for stage in laps[0]}
    fastest = min(lap["total"] for lap in laps)
    return {"": name, **stages, "fastest": f"{fastest:.2f}", "CPU time": f"{spent:.2f}"}


if __name__ == "__main__":
    tyro.cli(main)
