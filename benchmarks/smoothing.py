"""Ways to smooth the same joints: none, One Euro, handkit's own; error, jitter and lag of each.

    python benchmarks/smoothing.py DATA [--seeds 0 1 2]

CVAR's 200 consecutive frames (DATA/cvar, not in this repository), and synthetic hands in fast motion (another pose
every 0.4 s), in slow motion (every 2 s) and at rest. Tracked with the handedness given.
One Euro is as it was tuned for handkit 0.1: the center 1 Hz, beta 0.3, 3 Hz, the joints around it 0.5, 0.1, 3.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple, Protocol

import numpy as np
import torch
import tyro
from report import print_report, run_benchmark
from tracking import RATE, Joints, Recording, error_mm, jitter_mm, lag_ms, read_cvar, render
from tyro.conf import Positional

from handkit.bones import BoneLengths
from handkit.depth import DepthImage
from handkit.estimator import HandPoseEstimator
from handkit.hand import TrackedHand
from handkit.shapes import Float32
from handkit.smoothing import HandSmoother, Smoothed
from handkit.synthetic.scenes import record, whole_frames
from handkit.tracking import HandTracker

FAST, SLOW = 12, 60
"""Frames from pose to pose."""


class Smoother(Protocol):
    """As `HandSmoother`."""

    def update(
        self, joints_mm: Float32[np.ndarray, "J 3"], uncertainty_mm: Float32[np.ndarray, " J"], elapsed_s: float
    ) -> Smoothed: ...


class Nothing:
    """Joints as they come."""

    def update(self, joints_mm: Joints, uncertainty_mm: np.ndarray, elapsed_s: float) -> Smoothed:
        return Smoothed(joints_mm, np.zeros_like(joints_mm))


class OneEuro:
    """https://gery.casiez.net/1euro/ with the speed of a point as the length of its velocity."""

    def __init__(self, *, minimum_hz: float, beta: float, derivative_hz: float) -> None:
        self.minimum_hz, self.beta, self.derivative_hz = minimum_hz, beta, derivative_hz
        self.points: np.ndarray | None = None
        self.slope: np.ndarray | None = None

    def update(self, points: np.ndarray, elapsed_s: float) -> np.ndarray:
        if self.points is None or self.slope is None:
            self.points, self.slope = points, np.zeros_like(points)
            return points
        slope = (points - self.points) / elapsed_s
        self.slope = self.slope + share_of_new(self.derivative_hz, elapsed_s) * (slope - self.slope)
        speed = np.linalg.norm(self.slope, axis=-1, keepdims=True)
        self.points = self.points + share_of_new(self.minimum_hz + self.beta * speed, elapsed_s) * (
            points - self.points
        )
        return self.points


def share_of_new(cutoff_hz: float | np.ndarray, elapsed_s: float) -> float | np.ndarray:
    """Weight of the newest value in an exponential filter."""
    radians = 2 * math.pi * cutoff_hz * elapsed_s
    return radians / (radians + 1)


class TwoOneEuros:
    """Of the center, and of the joints around it."""

    def __init__(self) -> None:
        self.center = OneEuro(minimum_hz=1.0, beta=0.3, derivative_hz=3.0)
        self.around = OneEuro(minimum_hz=0.5, beta=0.1, derivative_hz=3.0)

    def update(self, joints_mm: Joints, uncertainty_mm: np.ndarray, elapsed_s: float) -> Smoothed:
        center = joints_mm.mean(axis=0, keepdims=True)
        smooth = self.center.update(center, elapsed_s) + self.around.update(joints_mm - center, elapsed_s)
        return Smoothed(smooth.astype(np.float32), np.zeros_like(joints_mm))


WAYS: dict[str, Callable[[], Smoother]] = {"none": Nothing, "One Euro": TwoOneEuros, "handkit": HandSmoother}


class Kind(NamedTuple):
    """Recordings of one kind, and the hands that were tracked in them."""

    name: str
    recordings: list[Recording]
    hands: list[list[TrackedHand | None]]


def main(
    data: Annotated[Positional[Path], tyro.conf.arg(metavar="DATA")],
    /,
    *,
    seeds: tuple[int, ...] = (0, 1, 2),
    frames: int = 120,
) -> None:
    """Synthetic recordings of `frames` frames, one of each kind for each seed."""
    torch.set_num_threads(1)
    estimator = HandPoseEstimator.from_pretrained()
    kinds = {
        "CVAR": [read_cvar(data / "cvar")],
        "fast": [render(frames, seed, pace=FAST) for seed in seeds],
        "slow": [render(frames, seed, pace=SLOW) for seed in seeds],
        "at rest": [rest(frames // 2, seed) for seed in seeds],
    }
    tracked = [Kind(name, made, [follow(estimator, each) for each in made]) for name, made in kinds.items()]
    rows = [row(kind, way, make) for kind in tracked for way, make in WAYS.items()]
    print_report("joints tracked once and smoothed in several ways", rows)


def rest(count: int, seed: int) -> Recording:
    """One pose, seen again and again by the same sensor."""
    scene = record(FAST, torch.Generator().manual_seed(seed), device="sr300").rows(slice(6, 7))
    images: list[DepthImage] = []
    for i in range(count):
        shown = whole_frames(scene._replace(seeds=scene.seeds + np.uint64(i)))
        images.append(DepthImage.of(shown.depth[0].numpy(), shown.camera.camera(0)))
    return Recording(f"rest {seed}", images, [dict(enumerate(scene.joints[0].numpy()))] * count)


def follow(estimator: HandPoseEstimator, recording: Recording) -> list[TrackedHand | None]:
    """The hand of each frame."""
    tracker = HandTracker(estimator, hands=1, handedness=recording.side)
    found = [tracker.track(image, i / RATE) for i, image in enumerate(recording.images)]
    return [next((hand for hand in hands if hand.tracked), None) for hands in found]


def smooth(hands: Sequence[TrackedHand | None], make: Callable[[], Smoother]) -> list[Joints | None]:
    """What the tracker would have answered."""
    smoothed: list[Joints | None] = []
    number, last = -1, 0
    smoother, bones = make(), None
    for i, hand in enumerate(hands):
        if hand is None:
            smoothed.append(None)
            continue
        if bones is None or hand.id != number:
            smoother, bones, number = make(), BoneLengths(hand.skeleton), hand.id
        raw = hand.raw_mm
        bones.learn(raw)
        joints = smoother.update(raw, hand.uncertainty_mm, max(i - last, 1) / RATE).joints_mm
        smoothed.append(bones.hold(joints, hand.uncertainty_mm))
        last = i
    return smoothed


def row(kind: Kind, way: str, make: Callable[[], Smoother]) -> dict[str, str]:
    """One."""
    found = [smooth(hands, make) for hands in kind.hands]
    around = [[None if each is None else each - each.mean(axis=0) for each in joints] for joints in found]
    return {
        "": f"{kind.name}, {way}",
        "error mm": error_mm(kind.recordings, found),
        "jitter mm": f"{np.mean([jitter_mm(each) for each in found]):.2f}",
        "around center": f"{np.mean([jitter_mm(each) for each in around]):.2f}",
        "lag ms": lag_ms(kind.recordings, found),
    }


if __name__ == "__main__":
    run_benchmark(main)
