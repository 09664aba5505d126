"""One 640x480 frame from the depth image to the pose: the first edition, and today's with each backend, in turn.

    git worktree add ../first-edition bb49951
    python benchmarks/first_edition_speed.py DATA [--first ../first-edition] [--rounds 3]

8 SR305 frames, one thread, the handedness given, no rotations: milliseconds of CPU time and of the clock, the fastest
round of each. Every round is a process of its own.
"""

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tyro

BACKENDS = ("onnx", "openvino", "torch")
SR305: dict[str, Any] = {"fx": 476.007, "fy": 476.007, "cx": 313.683, "cy": 242.755, "width": 640, "height": 480}
REPEATS = 5
"""Of the eight frames, in a round."""


def main(data: tyro.conf.Positional[Path], *, first: Path = Path("../first-edition"), rounds: int = 3) -> None:
    """Print a line for each way."""
    from report import print_report

    own = Path(__file__).parents[1]
    ways = {"first edition, turns=1": (first, "first"), **{name: (own, name) for name in BACKENDS}}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (root, way) in ways.items():
            found = {**os.environ, "PYTHONPATH": str(root / "src"), "OMP_NUM_THREADS": "1"}
            command = [sys.executable, __file__, "--child", way, str(data)]
            taken[name].append(json.loads(subprocess.run(command, env=found, check=True, capture_output=True).stdout))
    best = {name: np.array(rows).min(axis=0) for name, rows in taken.items()}
    base = next(iter(best.values()))
    print_report(
        "milliseconds a frame: CPU time, the clock's median; how many times as fast",
        [
            {
                "": name, "CPU": f"{cpu:.1f}", "clock": f"{wall:.1f}",
                "times": f"{base[0] / cpu:.2f}, {base[1] / wall:.2f}",
            }
            for name, (cpu, wall) in best.items()
        ],
    )  # fmt: skip


def child(way: str, data: Path) -> None:
    """Print CPU time and the median of the clock, ms a frame, by one way of predicting."""
    import cv2

    cv2.setNumThreads(1)
    images = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted((data / "sr305").glob("*.png"))]
    frames = [image.astype(np.float32) * np.float32(0.125) for image in images if image is not None]
    predict = _first() if way == "first" else _today(way)
    for frame in frames:
        predict(frame)
    clock: list[float] = []
    begun = time.process_time()
    for frame in frames * REPEATS:
        started = time.perf_counter()
        predict(frame)
        clock.append(time.perf_counter() - started)
    print(json.dumps([(time.process_time() - begun) / len(clock) * 1e3, float(np.median(clock)) * 1e3]))


def _first() -> Callable[[np.ndarray], Any]:
    import torch

    torch.set_num_threads(1)
    estimator = importlib.import_module("handkit.inference").HandPoseEstimator.from_pretrained(turns=1)
    camera = importlib.import_module("handkit.geometry.camera").Camera.from_intrinsics(**SR305)
    return lambda frame: estimator.predict(frame, camera, hand="right")


def _today(backend: Any) -> Callable[[np.ndarray], Any]:  # noqa: ANN401
    from handkit import Camera, HandPoseEstimator

    estimator, camera = HandPoseEstimator.from_pretrained(backend=backend, rotations=1), Camera(**SR305)
    return lambda frame: estimator.predict(frame, camera, hands=1, handedness="right")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], Path(sys.argv[3]))
    else:
        tyro.cli(main)
