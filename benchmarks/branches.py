"""Latent Fusion's branches and the weights of their fusion on rendered frames, as the paper's Fig. 8 shows them.

python benchmarks/branches.py weights/latent-fusion-three-planes.safetensors --out results/branches.png
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import tyro

from handkit.errors import UsageError
from handkit.models.checkpoint import load
from handkit.models.latent_fusion import LatentFusion
from handkit.recipes import synthetic_recipe
from handkit.training.experiment import Experiment, validation_frames
from handkit.training.pictures import branch_sheet


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
