"""Real frames that no training saw: fingertips, joints, handedness, false hands; one line for each set.

    python benchmarks/real_frames.py DATA [--weights NAME|PATH] [--rotations 1]

DATA holds `sr305/`, `kinect2/`, `cvar/` and `nohand/`; a set that is not there is left out. Prints a table and,
with `--out FILE`, writes the figures as JSON.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import torch
import tyro
from jaxtyping import Float32
from report import print_report

from handkit import Camera, HandPoseEstimator
from handkit.hand import HandPose

TIPS = {"T": 4, "I": 8, "M": 12, "R": 16, "P": 20}
SKIN_MM = 6.0
"""SR305's tips are marked on the skin; the joint lies this much deeper."""
SURE = 0.5
"""Confidence from which a hand counts as answered."""

Side = Literal["left", "right"]


@dataclass(frozen=True)
class Sample:
    """One depth image as it is stored; `joints` are the labeled ones by number, camera mm."""

    name: str
    depth: np.ndarray
    camera: Camera
    hand: Side | None
    joints: dict[int, Float32[np.ndarray, "3"]]


def stored(path: Path) -> np.ndarray:
    depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert depth is not None, f"{path} is no image"
    return depth


def sr305(data: Path) -> Iterator[Sample]:
    """Fingertips marked by eye, about 3 mm."""
    frames: dict[str, Any] = json.loads((data / "sr305/labels.json").read_text())["frames"]
    for name, marks in frames.items():
        tips = {
            joint: np.array(marks[mark]["xyz_surface_mm"], np.float32) + np.array([0, 0, SKIN_MM], np.float32)
            for mark, joint in TIPS.items()
            if marks.get(mark)
        }
        yield Sample(name, stored(data / f"sr305/{name}.png"), Camera.named("sr305"), "right", tips)


def cvar(data: Path) -> Iterator[Sample]:
    """Joints 2 to 20, semi-automatic, about 4 mm."""
    content: dict[str, Any] = json.loads((data / "cvar/labels.json").read_text())
    fx, fy, cx, cy = content["camera"]
    camera = Camera(fx=fx, fy=fy, cx=cx, cy=cy, width=320, height=240, unit_mm=content["unit_mm"])
    for name, joints in content["frames"].items():
        labels = {int(joint): np.array(place, np.float32) for joint, place in joints.items()}
        yield Sample(name, stored(data / "cvar" / name), camera, "right", labels)


def kinect2(data: Path) -> Iterator[Sample]:
    for path in sorted((data / "kinect2").glob("*.png")):
        yield Sample(path.name, stored(path), Camera.named("kinect2"), "left", {})


def nohand(data: Path) -> Iterator[Sample]:
    for path in sorted((data / "nohand").glob("*.png")):
        yield Sample(path.name, stored(path), Camera.named("kinect2"), None, {})


SETS = {"sr305": sr305, "cvar": cvar, "kinect2": kinect2, "nohand": nohand}


def errors_of(hand: HandPose, sample: Sample) -> list[float]:
    return [float(np.linalg.norm(hand.joints_mm[joint] - place)) for joint, place in sample.joints.items()]


def measure(estimator: HandPoseEstimator, samples: list[Sample]) -> dict[str, float]:
    """The figures of one set: errors with the handedness given and predicted (mm), handedness errors, sure hands."""
    given: list[float] = []
    predicted: list[float] = []
    found = wrong = sure = 0
    for sample in samples:
        if sample.hand is not None and sample.joints:
            hands = estimator.predict_many([sample.depth], sample.camera, handedness=sample.hand)[0].hands
            given += errors_of(hands[0], sample) if hands else [np.inf] * len(sample.joints)
        hands = estimator.predict_many([sample.depth], sample.camera)[0].hands
        found += bool(hands)
        sure += any(hand.confidence >= SURE for hand in hands)
        if hands and sample.hand is not None:
            wrong += hands[0].handedness != sample.hand
            predicted += errors_of(hands[0], sample)
    figures: dict[str, float] = {"frames": len(samples), "found": found, "sure": sure, "handedness errors": wrong}
    for name, errors in (("given", given), ("predicted", predicted)):
        if errors:
            figures |= {f"{name} mean mm": round(float(np.mean(errors)), 2)}
            figures |= {f"{name} median mm": round(float(np.median(errors)), 2)}
    return figures


def main(
    data: Path,
    /,
    *,
    weights: str = "latent-fusion",
    rotations: Literal[1, 2, 4] = 4,
    threads: int = 1,
    out: Path | None = None,
) -> None:
    """Measure on every set that is there."""
    torch.set_num_threads(threads)
    estimator = HandPoseEstimator.from_pretrained(weights, rotations=rotations)
    rows = {name: measure(estimator, list(read(data))) for name, read in SETS.items() if (data / name).is_dir()}
    columns = list(dict.fromkeys(key for figures in rows.values() for key in figures))
    print_report(
        f"{weights}, {rotations} rotations",
        [{"set": name} | {key: str(figures.get(key, "")) for key in columns} for name, figures in rows.items()],
    )
    if out:
        out.write_text(json.dumps({"weights": weights, "rotations": rotations, "sets": rows}, indent=1) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
