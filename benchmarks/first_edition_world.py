"""The first edition on today's test set, beside today's: errors, missed and false hands, what its confidence was worth.

    git worktree add ../first-edition bb49951
    python benchmarks/first_edition_world.py [--first ../first-edition] [--count 2000]

The first edition answers one hand an image, with four rotations, as it did by default; a process of its own runs its
code and its weights. The figures are those of `handkit evaluate --count COUNT`, for each kind of images.
"""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tyro

SHOWN = ("images", "hands", "mean_error_mm", "missed", "false", "handedness_errors", "ece", "auc")


def main(*, first: Path = Path("../first-edition"), count: int = 2000) -> None:
    """Print a line for each kind of images, and for all of them."""
    from report import print_report

    from handkit.asked import MINIMUM_CONFIDENCE
    from handkit.evaluation import Tally, evaluate_images
    from handkit.training.testset import world_images

    estimator: Any = FirstEdition(first)
    tallies = evaluate_images(estimator, world_images(count))
    rows = {"all": sum(tallies.values(), Tally(MINIMUM_CONFIDENCE)), **tallies}
    print_report(
        f"the first edition on the first {count} images of today's test set",
        [{"": kind, **{name: str(tally.summary()[name]) for name in SHOWN}} for kind, tally in rows.items()],
    )


class FirstEdition:
    """Its estimator, in a process of its own: what `evaluate_images` asks of ours."""

    def __init__(self, root: Path) -> None:
        found = {**os.environ, "PYTHONPATH": str(root / "src"), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, __file__, "--child"]
        self.process = subprocess.Popen(command, env=found, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def predict_many(self, depths: Sequence[np.ndarray], camera: Any, **_: object) -> list[Any]:  # noqa: ANN401
        """Answers of our kind to single images; an image that it refuses is one without hands."""
        return [self._predict(np.asarray(depth, np.float32) * camera.unit_mm, camera) for depth in depths]

    def _predict(self, depth_mm: np.ndarray, camera: Any) -> Any:  # noqa: ANN401
        from handkit.hand import HandPose, Prediction
        from handkit.skeleton import HAND21

        asked, answered = self.process.stdin, self.process.stdout
        assert asked is not None
        assert answered is not None
        numbers = {name: getattr(camera, name) for name in ("fx", "fy", "cx", "cy", "width", "height")}
        asked.write(json.dumps(numbers).encode() + b"\n" + depth_mm.astype(np.float32).tobytes())
        asked.flush()
        hands = [
            HandPose(
                joints_mm=np.array(each["joints_mm"], np.float32), joints_px=np.array(each["joints_px"], np.float32),
                handedness=each["handedness"], pose_confidence=each["confidence"], handedness_probability=1.0,
                uncertainty_mm=np.full(21, np.nan, np.float32), skeleton=HAND21,
            )
            for each in json.loads(answered.readline())
        ]  # fmt: skip
        return Prediction(hands, None if hands else "none", {})


def child() -> None:
    """Answer what comes in, a line of JSON for each image, until nothing comes."""
    import torch

    torch.set_num_threads(1)
    estimator = importlib.import_module("handkit.inference").HandPoseEstimator.from_pretrained()
    eye = importlib.import_module("handkit.geometry.camera").Camera
    while line := sys.stdin.buffer.readline():
        numbers = json.loads(line)
        shape = numbers["height"], numbers["width"]
        depth = np.frombuffer(sys.stdin.buffer.read(4 * shape[0] * shape[1]), np.float32).reshape(shape).copy()
        camera = eye.from_intrinsics(**numbers)
        try:
            hands = estimator.predict(depth, camera)
        except ValueError:  # what all its refusals are
            hands = []
        answer = [
            {
                "joints_mm": hand.joints_mm.tolist(), "joints_px": hand.joints_px.tolist(),
                "handedness": hand.handedness, "confidence": float(hand.confidence),
            }
            for hand in hands
        ]  # fmt: skip
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child()
    else:
        tyro.cli(main)
