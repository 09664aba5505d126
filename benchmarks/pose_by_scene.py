"""Mean joint error of pose weights on the hands of the test set, by what a frame shows; cubes around the joint mean.

    python benchmarks/pose_by_scene.py WEIGHTS... [--frames 400]

Nothing is searched for and the handedness is given: it is the pose network alone that is measured.
"""

from collections import defaultdict

import numpy as np
import torch
from report import print_report, run_benchmark

from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.graph import cube_edge, estimate
from handkit.hub import find_weights
from handkit.models.checkpoint import load
from handkit.synthetic.testset import testset


def main(weights: tuple[str, ...], /, *, frames: int = 400, threads: int = 1) -> None:
    """One row for each weights file."""
    torch.set_num_threads(threads)
    models = [(name, load(find_weights(name)), cube_edge(find_weights(name))) for name in weights]
    errors: dict[tuple[str, str], list[float]] = defaultdict(list)
    for index in range(frames):
        sample = testset(index)
        frame = DepthFrame.single(torch.from_numpy(sample.depth), sample.camera)
        for joints, left in zip(sample.hands, sample.left.tolist(), strict=True):
            for name, model, edge in models:
                cube = Cube.around(joints.mean(0, keepdim=True), edge=edge).views(mirrored=(left,))
                answer = estimate(model, frame, cube)[0]
                errors[name, sample.kind].append(float((answer - joints).norm(dim=-1).mean()))
    kinds = list(dict.fromkeys(kind for _, kind in errors))
    rows = [
        {"weights": name} | {kind: f"{np.mean(errors[name, kind]):.1f} ({len(errors[name, kind])})" for kind in kinds}
        for name in weights
    ]
    print_report(f"mean joint error, mm (hands), {frames} frames of the test set", rows)


if __name__ == "__main__":
    run_benchmark(main)
