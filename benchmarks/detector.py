"""The hand detector: hands found, false hands, centers, handedness, time, one thread.

On synthetic whole images and, where they lie beside the checkout, on real ones. The detector runs in
ONNX Runtime; the first image does not count.
"""

import importlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float32
from report import print_report, run_benchmark

from handkit.camera import Camera
from handkit.evaluation.matching import WITHIN_MM, match_hands
from handkit.locate import MULTIPLE, THRESHOLD, FoundHand, Maps, find_hands
from handkit.models.checkpoint import load_part, read_info
from handkit.models.detector import HandDetector
from handkit.recipes import RECIPES
from handkit.training.detection import HandsFrame, WholeFrames, seen_share

onnxruntime: Any = importlib.import_module("onnxruntime")  # needs onnxscript as well; neither is of the package

Find = Callable[[Float32[np.ndarray, "H W"], Camera], list[FoundHand]]
SEED = 8_000_001
"""No training batch starts from it."""
SEEN = 0.25
"""Synthetic hands of which fewer joints are seen are not asked for."""


class Sample(NamedTuple):
    """A depth image (mm) and its hands, as far as they are known."""

    name: str
    depth: Float32[np.ndarray, "H W"]
    camera: Camera
    centers: Float32[np.ndarray, "N 3"]
    left: Bool[np.ndarray, " N"]
    within_mm: float = WITHIN_MM


@dataclass
class Score:
    """What adds up over frames; `summary` is the figures."""

    frames: int = 0
    hands: int = 0
    false: int = 0
    """Found, and no hand."""
    milliseconds: list[float] = field(default_factory=list[float])
    errors_mm: list[float] = field(default_factory=list[float])
    """Of the centers of hands that were found."""
    sides: list[bool] = field(default_factory=list[bool])
    """Whether their handedness is right."""

    def add(self, found: list[FoundHand], sample: Sample) -> None:
        """One frame; the surest takes the nearest hand."""
        self.frames += 1
        self.hands += len(sample.centers)
        centers = np.array([hand.center for hand in found], np.float32).reshape(-1, 1, 3)
        away = np.linalg.norm(centers - sample.centers, axis=-1)
        for index, match in enumerate(match_hands(away, within_mm=sample.within_mm)):
            if match is None:
                self.false += 1
                continue
            self.errors_mm.append(float(away[index, match]))
            self.sides.append((found[index].left > 0.5) == bool(sample.left[match]))

    def summary(self) -> dict[str, Any]:
        """Recall and precision (shares), centers (mm), handedness error (share), time (ms)."""
        found = len(self.errors_mm)
        errors = np.array(self.errors_mm) if found else np.array([np.nan])
        return {
            "frames": self.frames,
            "hands": self.hands,
            "recall": round(found / self.hands, 4) if self.hands else None,
            "precision": round(found / (found + self.false), 4) if found + self.false else None,
            "false hands": self.false,
            "center mm, median": round(float(np.median(errors)), 1),
            "center mm, 95 %": round(float(np.percentile(errors, 95)), 1),
            "handedness error": round(1 - float(np.mean(self.sides)), 4) if found else None,
            "ms, median": round(float(np.median(self.milliseconds)), 2) if self.milliseconds else None,
        }


def main(*, weights: Path, data: Path = Path("../shared/data"), synthetic: int = 512, out: Path | None = None) -> None:
    """Measure the detector in `weights`; with `out`, draw what it finds in every set there."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    detector = load_part(weights, HandDetector)
    find = in_onnx_runtime(detector)
    rows: list[dict[str, str]] = []
    for name, samples in sets(data, synthetic).items():
        some = list(samples)
        score, answers = measure(find, some)
        rows.append({"set": name} | {key: str(value) for key, value in score.summary().items()})
        if out:
            draw(some, answers, out / f"{name}.png")
    print_report(f"hands found by {read_info(weights).path}, threshold {THRESHOLD}", rows)


def in_onnx_runtime(detector: HandDetector) -> Find:
    """The detector as a graph for any image size, one thread."""
    height, width = (torch.export.Dim(name, min=2, max=64) for name in ("rows", "columns"))
    with tempfile.TemporaryDirectory() as folder:
        torch.onnx.export(
            detector, (torch.zeros(1, 1, 160, 224),), f"{folder}/detector.onnx", input_names=["image"], dynamo=True,
            output_names=["heat", "offset", "depth", "left"], verbose=False, external_data=False,
            dynamic_shapes=({2: MULTIPLE * height, 3: MULTIPLE * width},),
        )  # fmt: skip
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(f"{folder}/detector.onnx", options, providers=["CPUExecutionProvider"])

    def answer(image: Float32[np.ndarray, "H W"]) -> Maps:
        return Maps(*(np.asarray(part)[0] for part in session.run(None, {"image": image[None, None]})))

    return lambda depth, camera: find_hands(answer, depth, (camera.fx, camera.fy, camera.cx, camera.cy))


def measure(find: Find, samples: list[Sample]) -> tuple[Score, list[list[FoundHand]]]:
    """Score and answers of one method on one set."""
    score = Score()
    find(samples[0].depth, samples[0].camera)
    answers: list[list[FoundHand]] = []
    for sample in samples:
        begun = time.perf_counter()
        answers.append(find(sample.depth, sample.camera))
        score.milliseconds.append((time.perf_counter() - begun) * 1e3)
        score.add(answers[-1], sample)
    return score, answers


def sets(data: Path, synthetic: int) -> dict[str, Iterator[Sample]]:
    """Every set that there is."""
    found = {"synthetic": synthetic_samples(synthetic)}
    if data.is_dir():
        found |= {
            "nohand": nobody(data),
            "kinect2": nearest_hand(data),
            "sr305": marked_hands(data),
            "cvar": tracked_hand(data),
            "two hands": two_hands(data),
            "fists": fists(data),
        }
    return found


def synthetic_samples(count: int) -> Iterator[Sample]:
    """Images as in training, of scenes that no training has seen."""
    stream = WholeFrames(RECIPES["detector"], seed=SEED, size=32)
    for index in range(count // 32):
        frame: HandsFrame = stream[index]
        shown = frame.present & (seen_share(frame) >= SEEN)
        for row in range(32):
            camera = frame.camera.camera(row)
            centers = frame.hands[row, shown[row]].mean(1).numpy()
            yield Sample(str(row), frame.depth[row].numpy(), camera, centers, frame.left[row, shown[row]].numpy())


def read(path: Path, unit_mm: float = 1.0) -> Float32[np.ndarray, "H W"]:
    """A 16-bit image in mm."""
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image is not None, path
    return image.astype(np.float32) * unit_mm


def nobody(data: Path) -> Iterator[Sample]:
    for path in sorted((data / "nohand").glob("*.png")):
        yield Sample(path.stem, read(path), Camera.named("kinect2"), np.zeros((0, 3), np.float32), np.zeros(0, bool))


def surface_center(depth: Float32[np.ndarray, "H W"], camera: Camera, reach_mm: float) -> Float32[np.ndarray, "3"]:
    """Mean of the surface within the given distance (mm) of the nearest depth value (in z)."""
    nearest = np.partition(depth[depth > 0], 50)[50]
    row, column = np.nonzero((depth > 0) & (depth < nearest + reach_mm))
    points = camera.unproject(np.stack([column, row], -1).astype(np.float32), depth[row, column])
    return points.mean(0).astype(np.float32)


def nearest_hand(data: Path) -> Iterator[Sample]:
    """A left hand, the nearest thing; with a coarse center."""
    for path in sorted((data / "kinect2").glob("*.png")):
        depth, camera = read(path), Camera.named("kinect2")
        yield Sample(path.stem, depth, camera, surface_center(depth, camera, 90.0)[None], np.ones(1, bool), 120.0)


def marked_hands(data: Path) -> Iterator[Sample]:
    """A right hand; its center is the mean of the marked fingertips and wrist, pulled to the latter: coarse."""
    for name, marks in json.loads((data / "sr305/labels.json").read_text())["frames"].items():
        points = {key: np.array(mark["xyz_surface_mm"], np.float32) for key, mark in marks.items() if mark}
        tips = np.stack([point for key, point in points.items() if key != "W"]).mean(0)
        wrist = points.get("W")
        center = (tips if wrist is None else 0.55 * tips + 0.45 * wrist)[None].astype(np.float32)
        yield Sample(name, read(data / f"sr305/{name}.png", 0.125), Camera.named("sr305"), center, np.zeros(1, bool))


def tracked_hand(data: Path) -> Iterator[Sample]:
    """A right hand with joints 2 to 20: the mean of those."""
    labels = json.loads((data / "cvar/labels.json").read_text())
    fx, fy, cx, cy = labels["camera"]
    camera = Camera(fx=fx, fy=fy, cx=cx, cy=cy, width=320, height=240)
    for name, joints in labels["frames"].items():
        center = np.mean([joints[str(index)] for index in range(2, 21)], axis=0).astype(np.float32)[None]
        yield Sample(name, read(data / "cvar" / name), camera, center, np.zeros(1, bool))


def two_hands(data: Path) -> Iterator[Sample]:
    """A left hand in the left half, a right one in the right."""
    camera = Camera.named("sr305")
    for path in sorted((data / "cases/two_hands").glob("*.png")):
        depth = read(path, 0.125)
        halves = [depth.copy(), depth.copy()]
        halves[0][:, camera.width // 2 :] = 0
        halves[1][:, : camera.width // 2] = 0
        centers = np.stack([surface_center(half, camera, 120.0) for half in halves])
        yield Sample(path.stem, depth, camera, centers, np.array([True, False]), 120.0)


def fists(data: Path) -> Iterator[Sample]:
    """Small cuts around left fists."""
    middles = {"a": (108.0, 119.0), "n": (100.0, 129.5), "x": (98.0, 128.0)}
    for path in sorted((data / "cases/collapsed_fist").glob("*.png")):
        depth, (cx, cy) = read(path), middles[path.stem.split("_")[1]]
        height, width = depth.shape
        camera = Camera(fx=525.0, fy=525.0, cx=cx, cy=cy, width=width, height=height)
        yield Sample(path.stem, depth, camera, surface_center(depth, camera, 80.0)[None], np.ones(1, bool), 120.0)


def draw(samples: list[Sample], answers: list[list[FoundHand]], path: Path, *, count: int = 12) -> None:
    """Some images of a set with what was found: red left, green right, white what is true."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tiles: list[np.ndarray] = []
    for index in np.linspace(0, len(samples) - 1, min(count, len(samples))).astype(int):
        sample = samples[index]
        shade = np.where(sample.depth > 0, np.clip(255 - (sample.depth - 200) / 6, 30, 255), 0).astype(np.uint8)
        image = cv2.cvtColor(shade, cv2.COLOR_GRAY2BGR)
        for center in sample.centers:
            cv2.circle(image, pixel(sample.camera, center), 3, (255, 255, 255), -1)
        for hand in answers[index]:
            color = (0, 0, 255) if hand.left > 0.5 else (0, 255, 0)
            place = pixel(sample.camera, hand.center)
            radius = round(float(sample.camera.matrix[0, 0]) * 60 / float(hand.center[2]))
            cv2.circle(image, place, radius, color, 2)
            text = f"{hand.score:.2f} L{hand.left:.2f} {hand.center[2]:.0f}"
            cv2.putText(image, text, (place[0] - 40, place[1] - radius - 3), cv2.FONT_HERSHEY_SIMPLEX, 0.4, color, 1)
        tiles.append(cv2.resize(image, (320, 240), interpolation=cv2.INTER_AREA))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % 4)
    cv2.imwrite(str(path), np.vstack([np.hstack(tiles[start : start + 4]) for start in range(0, len(tiles), 4)]))


def pixel(camera: Camera, point: Float32[np.ndarray, "3"]) -> tuple[int, int]:
    u, v = camera.project(np.asarray(point, np.float32)[None])[0].round().astype(int).tolist()
    return u, v


if __name__ == "__main__":
    run_benchmark(main)
