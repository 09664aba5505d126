"""Milliseconds of every stage of a prediction on 640x480 images, by what runs the networks.

    python benchmarks/live_speed.py [--backends onnx openvino torch] [--threads 1]

A backend that is not installed, or for which there is no file, is left out. On a busy machine the fastest total is
nearest to what a core needs when left alone.
"""

import statistics
import time

import torch
import tyro
from report import print_report

from handkit.backends.opening import BackendName
from handkit.camera import Camera
from handkit.depth import DepthImage
from handkit.errors import HandkitError
from handkit.estimator import HandPoseEstimator
from handkit.hypotheses import Asked
from handkit.synthetic.scenes import record, whole_frames


def main(
    *,
    backends: tuple[BackendName, ...] = ("onnx", "openvino", "torch"),
    handedness: Asked = "auto",
    threads: int = 1,
    repeats: int = 20,
    images: int = 10,
    device: str = "sr300",
) -> None:
    """Predict each of `images` frames of a synthetic recording `repeats` times, after a round that does not count."""
    torch.set_num_threads(1)
    depths = whole_frames(record(images, torch.Generator().manual_seed(0), device=device)).depth.numpy()
    shown = [DepthImage.of(depth, Camera.named(device)) for depth in depths]
    rows: list[dict[str, str]] = []
    for backend in backends:
        try:
            estimator = HandPoseEstimator.from_pretrained(backend=backend, threads=threads)
        except HandkitError as error:
            print(f"{backend}: {error}")
            continue
        rows.append(measure(backend, estimator, shown, handedness=handedness, repeats=repeats))
    print_report(f"predicting images of {device}, ms: medians, fastest total, CPU time", rows)


def measure(
    name: str, estimator: HandPoseEstimator, images: list[DepthImage], *, handedness: Asked, repeats: int
) -> dict[str, str]:
    """One row: the estimator's own stopwatch, and the CPU time of the whole."""
    for image in images:
        estimator.run(image, handedness=handedness)
    begun = time.process_time()
    predictions = [estimator.run(image, handedness=handedness) for _ in range(repeats) for image in images]
    spent = (time.process_time() - begun) / len(predictions) * 1e3
    laps = [prediction.timings_ms for prediction in predictions]
    stages = {stage: f"{statistics.median(lap[stage] for lap in laps):.2f}" for stage in laps[0]}
    fastest = min(lap["total"] for lap in laps)
    return {"": name, **stages, "fastest": f"{fastest:.2f}", "CPU time": f"{spent:.2f}"}


if __name__ == "__main__":
    tyro.cli(main)
