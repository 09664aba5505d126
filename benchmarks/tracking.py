"""The tracker beside frame by frame: error, jitter, lag, handedness, losses; hands that leave and come back.

    python benchmarks/tracking.py DATA [--weights NAME|PATH] [--confidence NAME|PATH] [--backend onnx|openvino|torch]

DATA holds `cvar/`, `kinect2/` and `nohand/`: real frames, which are not part of the repository. Frames count as 30 a
second. Jitter is the mean distance of a joint from the middle of its places one frame before and after.
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
from report import print_report
from tyro.conf import Positional

from handkit.camera import Camera
from handkit.depth import DepthImage
from handkit.estimator import HandPoseEstimator
from handkit.hand import HandPose, TrackedHand
from handkit.hub import BackendName
from handkit.shapes import Float32
from handkit.sources.files import find_files, read_frames
from handkit.synthetic.scenes import record, whole_frames
from handkit.tracking import Asked, HandTracker

RATE = 30.0
SHIFTS_MS = np.arange(-60, 121, 2)
"""By which a smoothed hand may lag behind the truth."""
Joints = Float32[np.ndarray, "J 3"]
Hand = TypeVar("Hand", bound=HandPose)


class Sequence30(NamedTuple):
    """Depth images in order, with the truth where it is known."""

    name: str
    images: list[DepthImage]
    truth: list[dict[int, Joints]]
    """By joint number: x, y, z."""


def main(
    data: Annotated[Positional[Path], tyro.conf.arg(metavar="DATA")],
    /,
    *,
    weights: str = "latent-fusion",
    confidence: str | None = None,
    backend: BackendName | None = None,
    parts: tuple[str, ...] = ("cvar", "synthetic", "kinect2", "events"),
    recordings: int = 3,
    frames: int = 240,
    events: int = 1000,
) -> None:
    """Measure some or all `parts`; `recordings` synthetic ones of `frames` each, `events` of leaving and returning."""
    estimator = HandPoseEstimator.from_pretrained(weights, backend=backend, confidence=confidence)
    if "cvar" in parts:
        print_report("200 consecutive frames of CVAR", compare(estimator, [read_cvar(data / "cvar")]))
    if "synthetic" in parts:
        made = [render(frames, seed) for seed in range(recordings)]
        print_report(f"{recordings} synthetic recordings of {frames} frames", compare(estimator, made))
    if "kinect2" in parts:
        shown = Sequence30("kinect2", read_folder(data / "kinect2", Camera.named("kinect2")), [])
        print_report("85 Kinect v2 frames in order", compare(estimator, [shown]))
    if "events" in parts:
        print_report(f"{events} times a hand leaves and comes back", [leave_and_return(estimator, data, events)])


def compare(estimator: HandPoseEstimator, sequences: list[Sequence30]) -> list[dict[str, str]]:
    """Frame by frame, and tracked, with the handedness given and predicted."""
    rows: list[dict[str, str]] = []
    for handedness in ("right", "auto"):
        found = [
            [first(estimator.run(image, hands=1, handedness=handedness).hands) for image in each.images]
            for each in sequences
        ]
        rows += [figures(f"frame by frame, {handedness}", sequences, found), *follow(estimator, sequences, handedness)]
    return rows


def follow(estimator: HandPoseEstimator, sequences: list[Sequence30], handedness: Asked) -> list[dict[str, str]]:
    """Tracked: raw and smoothed."""
    smooth: list[list[TrackedHand | None]] = []
    for each in sequences:
        tracker = HandTracker(estimator, hands=1, handedness=handedness)
        smooth.append([first(seen(tracker, image, i)) for i, image in enumerate(each.images)])
    raw = [[hand and replace(hand, joints_mm=hand.raw_mm) for hand in hands] for hands in smooth]
    return [
        figures(f"tracked, {handedness}, raw", sequences, raw),
        figures(f"tracked, {handedness}, smoothed", sequences, smooth),
    ]


def figures(way: str, sequences: list[Sequence30], found: Sequence[Sequence[HandPose | None]]) -> dict[str, str]:
    """One row."""
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
        "jitter mm": f"{np.mean([jitter_mm(each) for each in joints]):.2f}",
        "truth's jitter mm": f"{np.mean([jitter_mm(known(each)) for each in sequences]):.2f}" if labeled else "-",
        "lag ms": lag_ms(sequences, joints) if labeled else "-",
    }


def known(sequence: Sequence30) -> list[Joints | None]:
    return [np.array(list(truth.values()), np.float32) for truth in sequence.truth]


def error_mm(sequences: list[Sequence30], found: Sequence[Sequence[Joints | None]]) -> str:
    errors = [
        np.linalg.norm(joints[list(truth)] - np.array(list(truth.values())), axis=1).mean()
        for sequence, hands in zip(sequences, found, strict=True)
        for truth, joints in zip(sequence.truth, hands, strict=True)
        if joints is not None
    ]
    return f"{np.mean(errors):.2f}" if errors else "-"


def lag_ms(sequences: list[Sequence30], found: Sequence[Sequence[Joints | None]]) -> str:
    """The shift of the truth in time that what was found fits best."""
    costs = np.zeros(len(SHIFTS_MS))
    for sequence, hands in zip(sequences, found, strict=True):
        seen = [i for i, joints in enumerate(hands) if joints is not None]
        numbers = list(sequence.truth[0])
        truth = np.array([[each[number] for number in numbers] for each in sequence.truth])
        places = np.array([hands[i][numbers] for i in seen])  # pyright: ignore[reportOptionalSubscript]
        flat = truth.reshape(len(truth), -1)
        for k, shift in enumerate(SHIFTS_MS):
            at = np.array(seen) - shift / 1e3 * RATE
            moved = np.stack([np.interp(at, np.arange(len(flat)), column) for column in flat.T], axis=1)
            costs[k] += np.linalg.norm(moved.reshape(places.shape) - places, axis=-1).mean()
    return f"{SHIFTS_MS[costs.argmin()]}"


def jitter_mm(hands: Sequence[Joints | None]) -> float:
    """Over all neighbors of three in which the hand was found."""
    parts = [
        np.linalg.norm(b - (a + c) / 2, axis=1).mean()
        for a, b, c in zip(hands, hands[1:], hands[2:], strict=False)
        if a is not None and b is not None and c is not None
    ]
    return float(np.mean(parts)) if parts else float("nan")


def leave_and_return(estimator: HandPoseEstimator, data: Path, events: int) -> dict[str, str]:
    """A hand for 5 to 30 frames, then an image without one for 15 to 40, over and over; Kinect v2 frames."""
    camera, random = Camera.named("kinect2"), np.random.default_rng(0)
    hands, empty = read_folder(data / "kinect2", camera), read_folder(data / "nohand", camera)
    tracker, clock, begun = HandTracker(estimator, hands=1), 0, 0
    gone: list[int] = []
    back: list[int] = []
    ghosts: list[int] = []
    for _ in range(events):
        start, stay, away = (int(random.integers(*each)) for each in ((0, len(hands) - 30), (5, 31), (15, 41)))
        there = [bool(seen(tracker, hands[start + i], clock + i)) for i in range(stay)]
        clock += stay
        nothing = empty[random.integers(len(empty))]
        reported = [tracker.track(nothing, (clock + i) / RATE) for i in range(away)]
        clock += away
        begun += not any(there)
        back.append(there.index(True) if any(there) else stay)
        gone.append(max((i + 1 for i, found in enumerate(reported) if found), default=0))
        ghosts.append(sum(any(hand.tracked for hand in found) for found in reported))
    to_ms = 1000 / RATE
    return {
        "frames": str(clock),
        "first hand after ms: median, worst": f"{np.median(back) * to_ms:.0f}, {max(back) * to_ms:.0f}",
        "never found again": str(begun),
        "hand reported after it left ms: median, worst": f"{np.median(gone) * to_ms:.0f}, {max(gone) * to_ms:.0f}",
        "seen where none is ms: mean, worst": f"{np.mean(ghosts) * to_ms:.0f}, {max(ghosts) * to_ms:.0f}",
    }


def seen(tracker: HandTracker, image: DepthImage, index: int) -> list[TrackedHand]:
    return [hand for hand in tracker.track(image, index / RATE) if hand.tracked]


def first(hands: Sequence[Hand]) -> Hand | None:
    return hands[0] if hands else None


def read_folder(folder: Path, camera: Camera) -> list[DepthImage]:
    return [DepthImage.of(read_frames(path)[0], camera) for path in find_files(str(folder))]


def read_cvar(folder: Path) -> Sequence30:
    labels = json.loads((folder / "labels.json").read_text())
    fx, fy, cx, cy = labels["camera"]
    camera = Camera(fx=fx, fy=fy, cx=cx, cy=cy, width=320, height=240)
    truth = [
        {int(number): np.array(place, np.float32) for number, place in labels["frames"][path.name].items()}
        for path in find_files(str(folder))
    ]
    return Sequence30("cvar", read_folder(folder, camera), truth)


def render(count: int, seed: int) -> Sequence30:
    scene = record(count, torch.Generator().manual_seed(seed), device="sr300")
    shown = whole_frames(scene)
    images = [DepthImage.of(shown.depth[i].numpy(), shown.camera.camera(i)) for i in range(count)]
    truth = [dict(enumerate(joints)) for joints in scene.joints.numpy()]
    return Sequence30(f"synthetic {seed}", images, truth)


if __name__ == "__main__":
    tyro.cli(main)
