"""Real frames that no training saw: fingertips, joints, handedness, false hands; one line for each set.

    python benchmarks/real_frames.py DATA [--weights NAME|PATH] [--backend onnx|openvino|torch] [--rotations 1]

DATA holds `sr305/`, `kinect2/`, `cvar/`, `nohand/` and `cases/`; a set that is not there is left out. Errors are of the
surest hand however sure it is; hands are counted from `--minimum-confidence` on. `in place`: in two_hands both hands,
each with its handedness and in its half of the image; in collapsed_fist none, or one that lies on the hand. Prints a
table and, with `--out FILE`, writes the figures as JSON.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from report import print_report, run_benchmark

from handkit import Camera, HandPoseEstimator
from handkit.asked import MINIMUM_CONFIDENCE, Rotations
from handkit.backends.opening import BackendName
from handkit.depth import DepthImage
from handkit.errors import FrameError
from handkit.hand import HandPose

TIPS = {"T": 4, "I": 8, "M": 12, "R": 16, "P": 20}
SKIN_MM = 6.0
"""SR305's tips are marked on the skin; the joint lies this much deeper."""
FISTS = {"a": (108.0, 119.0), "n": (100.0, 129.5), "x": (98.0, 128.0)}
"""Principal point of each crop by its letter; a Kinect v1's focal length is 525 pixels."""
ON_HAND, ON_HAND_MM = 0.9, 40.0
"""At least this share of the joints has a surface within this distance along the ray."""

Side = Literal["left", "right"]


@dataclass(frozen=True)
class Sample:
    """One depth image as it is stored; `joints` are the labeled ones by number, camera mm."""

    name: str
    depth: np.ndarray
    camera: Camera
    hand: Side | None
    joints: dict[int, np.ndarray]


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


def errors_of(hand: HandPose, sample: Sample) -> list[float]:
    return [float(np.linalg.norm(hand.joints_mm[joint] - place)) for joint, place in sample.joints.items()]


def two_hands(data: Path) -> Iterator[Sample]:
    for path in sorted((data / "cases/two_hands").glob("*.png")):
        yield Sample(path.name, stored(path), Camera.named("sr305"), None, {})


def collapsed_fist(data: Path) -> Iterator[Sample]:
    for path in sorted((data / "cases/collapsed_fist").glob("*.png")):
        depth, (cx, cy) = stored(path), FISTS[path.name.split("_")[1]]
        camera = Camera(fx=525.0, fy=525.0, cx=cx, cy=cy, width=depth.shape[1], height=depth.shape[0])
        yield Sample(path.name, depth, camera, "left", {})


SETS = {
    "sr305": sr305,
    "cvar": cvar,
    "kinect2": kinect2,
    "nohand": nohand,
    "two_hands": two_hands,
    "collapsed_fist": collapsed_fist,
}


@dataclass
class Figures:
    """What adds up over the frames of a set."""

    minimum_confidence: float
    frames: int = 0
    refused: int = 0
    found: int = 0
    """Frames with a hand that is sure enough, the handedness predicted."""
    second: int = 0
    """Frames with another one besides."""
    found_given: int = 0
    handedness_errors: int = 0
    both: int = 0
    on_hand: int = 0
    given: list[float] = field(default_factory=list[float])
    predicted: list[float] = field(default_factory=list[float])

    def add(self, estimator: HandPoseEstimator, sample: Sample) -> None:
        self.frames += 1
        try:
            image = DepthImage.of(sample.depth, sample.camera)
        except FrameError:
            self.refused += 1
            return
        hands = estimator.run(image, minimum_confidence=0.0).hands
        sure = [hand for hand in hands if hand.confidence >= self.minimum_confidence]
        self.found += bool(sure)
        self.second += len(sure) > 1
        self.both += int(both(sure, sample.camera))
        self.on_hand += int(all(on_hand(hand, image) for hand in sure))
        if sample.hand is None:
            return
        self.handedness_errors += int(bool(hands) and hands[0].handedness != sample.hand)
        self.predicted += errors_of(hands[0], sample) if hands else [np.inf] * len(sample.joints)
        asked = estimator.run(image, handedness=sample.hand, minimum_confidence=0.0).hands
        self.found_given += any(hand.confidence >= self.minimum_confidence for hand in asked)
        self.given += errors_of(asked[0], sample) if asked else [np.inf] * len(sample.joints)

    def summary(self, name: str) -> dict[str, float]:
        figures: dict[str, float] = {"frames": self.frames, "refused": self.refused, "with a hand": self.found}
        if name in {"two_hands", "collapsed_fist"}:
            return figures | {"in place": int(self.both if name == "two_hands" else self.on_hand)}
        if name == "nohand":
            return figures
        figures |= {"with a second hand": self.second, "with a hand, given": self.found_given}
        figures |= {"handedness errors": self.handedness_errors}
        for kind, errors in (("given", self.given), ("predicted", self.predicted)):
            if errors:
                figures |= {f"{kind} mean mm": round(float(np.mean(errors)), 2)}
                figures |= {f"{kind} median mm": round(float(np.median(errors)), 2)}
        return figures


def both(hands: list[HandPose], camera: Camera) -> bool:
    """A left hand in the left half, and a right one in the right half."""
    places = {hand.handedness: hand.joints_px[:, 0].mean() for hand in hands}
    return len(hands) == 2 and places.get("left", np.inf) < camera.width / 2 < places.get("right", 0)


def on_hand(hand: HandPose, image: DepthImage) -> bool:
    column, row = np.rint(hand.joints_px).astype(int).T
    height, width = image.depth.shape
    surface = image.depth[row.clip(0, height - 1), column.clip(0, width - 1)]
    return float((np.abs(surface - hand.joints_mm[:, 2]) < ON_HAND_MM).mean()) >= ON_HAND


def main(
    data: Path,
    /,
    *,
    weights: str = "latent-fusion",
    backend: BackendName | None = None,
    detector: str = "detector",
    confidence: str | None = None,
    rotations: Rotations = 2,
    minimum_confidence: float = MINIMUM_CONFIDENCE,
    out: Path | None = None,
) -> None:
    """Measure on every set that is there."""
    estimator = HandPoseEstimator.from_pretrained(
        weights, backend=backend, rotations=rotations, detector=detector, confidence=confidence
    )
    rows: dict[str, dict[str, float]] = {}
    for name, read in SETS.items():
        figures = Figures(minimum_confidence)
        for sample in read(data):
            figures.add(estimator, sample)
        if figures.frames:
            rows[name] = figures.summary(name)
    columns = list(dict.fromkeys(key for figures in rows.values() for key in figures))
    print_report(
        f"{weights}, {estimator.backend.name}, {rotations} rotations, hands from confidence {minimum_confidence:g} on",
        [{"set": name} | {key: str(figures.get(key, "")) for key in columns} for name, figures in rows.items()],
    )
    if out:
        out.write_text(json.dumps({"weights": weights, "rotations": rotations, "sets": rows}, indent=1) + "\n")


if __name__ == "__main__":
    run_benchmark(main)
