"""Train a network on rendered frames, measure it, and draw what it says of a frame: `python examples/train.py`."""

import sys
from pathlib import Path

import cv2

from handkit.drawing import three_panels
from handkit.graph import estimate
from handkit.models.checkpoint import load
from handkit.recipes import synthetic_recipe
from handkit.training.experiment import Experiment, evaluate, fit, validation_frames

samples = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
out = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("runs/example")

experiment = Experiment(synthetic_recipe("latent-fusion").at(64))
fitted = fit(experiment, experiment.budget(samples=samples), out=out, tell=lambda report: print(report.progress))
print(f"{evaluate(experiment, fitted.weights, crops=64).mean():.1f} mm after {fitted.spent.samples} samples")

frame = validation_frames(experiment, batches=1, size=1)[0]
model = load(fitted.weights)
joints = estimate(model, frame, frame.cube)[0].detach().numpy()
picture = three_panels(frame.depth[0].numpy(), frame.camera.camera(0), joints, model.skeleton)
cv2.imwrite(str(out / "frame.png"), picture)
