"""The tracker beside frame by frame: error, jitter, lag, handedness, losses.

    python benchmarks/tracking.py DATA [--weights NAME|PATH] [--confidence NAME|PATH] [--backend onnx|openvino|torch]

DATA holds `cvar/` and `kinect2/`: real frames, which are not part of the repository. Frames count as 30 a
second, those of Kinect, of which every fourth is there, as 7.5. Jitter is the mean distance of a joint from the middle
of its places one frame before and after; lag is the time by which what was found is the truth of earlier, by least
squares over the truth's velocity.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import numpy as np
import torch
import tyro
from report import print_report, run_benchmark
from tyro.conf import Positional

from handkit.asked import Asked, Rotations
from handkit.backends.opening import BackendName
from handkit.camera import Camera
from handkit.depth import DepthImage
from handkit.estimator import HandPoseEstimator
from handkit.hand import HandPose, TrackedHand
from handkit.shapes import Float32
from handkit.sources.files import find_files, read_frames
from handkit.synthetic.scenes import record, whole_frames
from handkit.tracking import HandTracker

RATE = 30.0
Joints = Float32[np.ndarray, "J 3"]
Hand = TypeVar("Hand", bound=HandPose)


class Recording(NamedTuple):
    """Depth images in order, with the truth where it is known."""

    name: str
    images: list[DepthImage]
    truth: list[dict[int, Joints]]
    """By joint number: x, y, z."""
    side: Asked = "right"
    """As it is given where the handedness is."""
    rate: float = RATE
    """Frames a second."""


def main(
    data: Annotated[Positional[Path], tyro.conf.arg(metavar="DATA")],
    /,
    *,
    weights: str = "latent-fusion",
    confidence: str | None = None,
    backend: BackendName | None = None,
    parts: tuple[str, ...] = ("cvar", "synthetic", "kinect2"),
    recordings: int = 3,
    frames: int = 240,
) -> None:
    """Measure some or all `parts`; `recordings` synthetic ones of `frames` each."""
    estimator = HandPoseEstimator.from_pretrained(weights, backend=backend, confidence=confidence)
    if "cvar" in parts:
        print_report("200 consecutive frames of CVAR", compare(estimator, [read_cvar(data / "cvar")]))
    if "synthetic" in parts:
        made = [render(frames, seed) for seed in range(recordings)]
        print_report(f"{recordings} synthetic recordings of {frames} frames", compare(estimator, made))
    if "kinect2" in parts:
        shown = Recording("kinect2", read_folder(data / "kinect2", Camera.named("kinect2")), [], "left", RATE / 4)
        print_report("85 Kinect v2 frames in order", compare(estimator, [shown]))


def compare(estimator: HandPoseEstimator, sequences: list[Recording]) -> list[dict[str, str]]:
    """Frame by frame, and tracked, with the handedness given and predicted."""
    rows: list[dict[str, str]] = []
    for handedness in (sequences[0].side, "auto"):
        found = [
            [first(estimator.run(image, hands=1, handedness=handedness).hands) for image in each.images]
            for each in sequences
        ]
        raw, smooth = follow(estimator, sequences, handedness)
        _, calm = follow(estimator, sequences, handedness, rotations=2)
        ways = {"frame by frame": found, "tracked, raw": raw, "tracked, smoothed": smooth, "2 rotations": calm}
        rows += [figures(f"{way}, {handedness}", sequences, hands, ways) for way, hands in ways.items()]
    return rows


def follow(
    estimator: HandPoseEstimator, sequences: list[Recording], handedness: Asked, *, rotations: Rotations = 1
) -> tuple[list[list[HandPose | None]], list[list[HandPose | None]]]:
    """Tracked: raw and smoothed."""
    smooth: list[list[HandPose | None]] = []
    raw: list[list[HandPose | None]] = []
    for each in sequences:
        tracker = HandTracker(estimator, hands=1, handedness=handedness, rotations=rotations)
        hands = [first(seen(tracker, image, i / each.rate)) for i, image in enumerate(each.images)]
        smooth.append([*hands])
        raw.append([hand and replace(hand, joints_mm=hand.raw_mm) for hand in hands])
    return raw, smooth


def figures(
    way: str,
    sequences: list[Recording],
    found: list[list[HandPose | None]],
    ways: dict[str, list[list[HandPose | None]]],
) -> dict[str, str]:
    """One row; errors over all frames in which this way found the hand, and over those in which all `ways` did."""
    shared = [
        [hand if all(every) else None for hand, *every in zip(hands, *others, strict=True)]
        for hands, *others in zip(found, *ways.values(), strict=True)
    ]
    pairs = [pair for hands in found for pair in pairwise(hands)]
    joints = [[hand and hand.joints_mm for hand in hands] for hands in found]
    labeled = all(each.truth for each in sequences)
    ids = {(i, hand.id) for i, hands in enumerate(found) for hand in hands if isinstance(hand, TrackedHand)}
    return {
        "way": way,
        "frames": str(sum(len(each) for each in found)),
        "missed": str(sum(hand is None for hands in found for hand in hands)),
        "left": str(sum(hand.handedness == "left" for hands in found for hand in hands if hand)),
        "flips": str(sum(a.handedness != b.handedness for a, b in pairs if a and b)),
        "numbers": str(len(ids)) if ids else "-",
        "error mm": error_mm(sequences, joints) if labeled else "-",
        "of shared": error_mm(sequences, [[hand and hand.joints_mm for hand in each] for each in shared])
        if labeled
        else "-",
        "jitter mm": f"{np.mean([jitter_mm(each) for each in joints]):.2f}",
        "around center": f"{np.mean([jitter_mm(centered(each)) for each in joints]):.2f}",
        "labels' jitter": " / ".join(
            f"{np.mean([jitter_mm(each) for each in moved]):.2f}"
            for moved in ([known(each) for each in sequences], [centered(known(each)) for each in sequences])
        )
        if labeled
        else "-",
        "lag ms": lag_ms(sequences, joints) if labeled else "-",
    }


def centered(hands: Sequence[Joints | None]) -> list[Joints | None]:
    """Around the mean of the joints."""
    return [None if joints is None else joints - joints.mean(axis=0) for joints in hands]


def known(sequence: Recording) -> list[Joints | None]:
    return [np.array(list(truth.values()), np.float32) for truth in sequence.truth]


def error_mm(sequences: list[Recording], found: Sequence[Sequence[Joints | None]]) -> str:
    errors = [
        np.linalg.norm(joints[list(truth)] - np.array(list(truth.values())), axis=1).mean()
        for sequence, hands in zip(sequences, found, strict=True)
        for truth, joints in zip(sequence.truth, hands, strict=True)
        if joints is not None
    ]
    return f"{np.mean(errors):.2f}" if errors else "-"


def lag_ms(sequences: list[Recording], found: Sequence[Sequence[Joints | None]]) -> str:
    """Of found(t) = truth(t) - lag x velocity(t)."""
    along, squares = 0.0, 0.0
    for sequence, hands in zip(sequences, found, strict=True):
        truth = np.array([list(each.values()) for each in sequence.truth], np.float64)
        numbers = list(sequence.truth[0])
        velocity = (truth[2:] - truth[:-2]) / 2 * sequence.rate
        for place, here, moving in zip(hands[1:-1], truth[1:-1], velocity, strict=True):
            if place is not None:
                along += float(((place[numbers] - here) * moving).sum())
                squares += float((moving**2).sum())
    return f"{-1e3 * along / squares:.0f}" if squares else "-"


def jitter_mm(hands: Sequence[Joints | None]) -> float:
    """Over all neighbors of three in which the hand was found."""
    parts = [
        np.linalg.norm(b - (a + c) / 2, axis=1).mean()
        for a, b, c in zip(hands, hands[1:], hands[2:], strict=False)
        if a is not None and b is not None and c is not None
    ]
    return float(np.mean(parts)) if parts else float("nan")


def seen(tracker: HandTracker, image: DepthImage, time_s: float) -> list[TrackedHand]:
    return [hand for hand in tracker.track(image, time_s) if hand.tracked]


def first(hands: Sequence[Hand]) -> Hand | None:
    return hands[0] if hands else None


def read_folder(folder: Path, camera: Camera) -> list[DepthImage]:
    return [DepthImage.of(read_frames(path)[0], camera) for path in find_files(str(folder))]


def read_cvar(folder: Path) -> Recording:
    labels = json.loads((folder / "labels.json").read_text())
    fx, fy, cx, cy = labels["camera"]
    camera = Camera(fx=fx, fy=fy, cx=cx, cy=cy, width=320, height=240)
    truth = [
        {int(number): np.array(place, np.float32) for number, place in labels["frames"][path.name].items()}
        for path in find_files(str(folder))
    ]
    return Recording("cvar", read_folder(folder, camera), truth)


def render(count: int, seed: int, *, pace: int = 12) -> Recording:
    """`pace`: frames from pose to pose."""
    scene = record(count, torch.Generator().manual_seed(seed), device="sr300", pace=pace)
    shown = whole_frames(scene)
    images = [DepthImage.of(shown.depth[i].numpy(), shown.camera.camera(i)) for i in range(count)]
    truth = [dict(enumerate(joints)) for joints in scene.joints.numpy()]
    return Recording(f"synthetic {seed}", images, truth)


if __name__ == "__main__":
    run_benchmark(main)
