"""How well a confidence network knows: calibration and handedness on held-out synthetic hypotheses and on real frames.

    python benchmarks/confidence.py WEIGHTS [--pose WEIGHTS] [--data FOLDER] [--count 2000]

Handedness is the hypothesis of the two with the larger `right`. FOLDER has real frames (`cvar`, `kinect2`, `nohand`);
their cubes stand around the labeled hand, around the nearest surface, and wherever `propose` points.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from handkit import Camera
from handkit.depth import DepthImage
from handkit.evaluation.calibration import area_under_curve, expected_calibration_error, reliability
from handkit.geometry.crop import crop_hand
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.graph import evidence_of
from handkit.hand import GOOD_MM
from handkit.hub import find_weights
from handkit.locate import propose
from handkit.models import HandPoseModel
from handkit.models.checkpoint import load, load_part, read_info
from handkit.models.confidence import MEASURES, Confidence, Verdict, log_confidence
from handkit.recipes import CONFIDENCE_SYNTHETIC
from handkit.training.streams import Hypotheses
from handkit.training.targets import judged

EDGE_MM = CONFIDENCE_SYNTHETIC.cube.edge
SEED = 7_000_001
"""No training batch starts from it."""
BATCH = 50
CVAR = Camera(fx=224.502, fy=230.494, cx=160.0, cy=120.0, width=320, height=240)


class Judge:
    """A pose network, and the network that judges its answers."""

    def __init__(self, pose: str, confidence: Path) -> None:
        self.model: HandPoseModel = load(find_weights(pose))
        self.confidence = load_part(confidence, Confidence)

    @torch.no_grad()
    def look(self, frame: DepthFrame, cube: Cube) -> tuple[Tensor, Verdict]:
        """Joints in camera mm, and the verdict."""
        crop = crop_hand(frame, cube, self.model.resolution)
        described = self.model.describe(crop.points(self.model.space))
        joints = crop.denormalize(described.joints, self.model.space)
        return joints, self.confidence(*evidence_of(crop, described, self.model.space))

    def both(self, frame: DepthFrame, cube: Cube) -> tuple[tuple[Tensor, Verdict], tuple[Tensor, Verdict]]:
        """Joints and verdict of the cube and of its mirror image."""
        return self.look(frame, cube), self.look(frame, replace(cube, mirrored=~cube.mirrored))


def sure(verdict: Verdict, other: Verdict) -> Tensor:
    """Confidence in hypotheses, beside the others of the same cubes."""
    pairs = (torch.stack([getattr(each, name) for each in (verdict, other)], dim=1) for name in ("good", "right"))
    return log_confidence(*pairs)[:, 0].exp()


def synthetic(judge: Judge, count: int) -> dict[str, Any]:
    """Held-out hypotheses of the training's kind."""
    stream = Hypotheses(CONFIDENCE_SYNTHETIC, seed=SEED, size=BATCH)
    rows: dict[str, list[Tensor]] = {}
    for index in range(count // BATCH):
        frame = stream[index]
        (joints, verdict), (_, other) = judge.both(frame, frame.cube)
        truth = judged(frame, joints)
        error = truth["errors_mm"].mean(1)
        found = {
            "good": truth["hand"] & truth["right"] & (error < GOOD_MM), "hand": truth["hand"], "right": truth["right"],
            "confidence": sure(verdict, other), "hand score": verdict.hand, "one": verdict.right,
            "two": verdict.right - other.right, "by good": verdict.good - other.good,
            "error": error, "scale": verdict.log_scale.exp().mean(1),
        }  # fmt: skip
        for name, part in found.items():
            rows.setdefault(name, []).append(part)
    all_rows = {name: torch.cat(parts).numpy() for name, parts in rows.items()}
    return summary(all_rows)


def summary(rows: dict[str, np.ndarray]) -> dict[str, Any]:
    """Figures of the held-out hypotheses; shares, and mm."""
    good, hand, right = rows["good"], rows["hand"], rows["right"]
    names = {"one": "one pass", "two": "larger right of two", "by good": "larger good of two"}
    near = hand & right
    return {
        "hypotheses": len(good), "good": float(good.mean()), "with a hand": float(hand.mean()),
        "calibration error": expected_calibration_error(rows["confidence"].astype(float), good),
        "AUC of good": area_under_curve(rows["confidence"].astype(float), good),
        "AUC of hand": area_under_curve(rows["hand score"].astype(float), hand),
        "handedness error": {name: float(((rows[key] > 0) != right)[hand].mean()) for key, name in names.items()},
        "said and true joint error, mm": [float(rows["scale"][near].mean()), float(rows["error"][near].mean())],
        "reliability": [list(each) for each in reliability(rows["confidence"].astype(float), good) if each.answers],
    }  # fmt: skip


def images(folder: Path, camera: Camera) -> Iterator[tuple[str, np.ndarray, DepthFrame]]:
    """The frames of a folder, cleaned as users' are."""
    for file in sorted(folder.glob("*.png")):
        depth = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        assert depth is not None
        image = DepthImage.of(depth, camera)
        yield file.stem, image.depth, DepthFrame.single(torch.from_numpy(image.depth), image.camera.pinhole)


def labeled(judge: Judge, folder: Path) -> dict[str, Any]:
    """`cvar`: right hands, joints 2 to 20; cubes around the labels."""
    labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    joints = {Path(name).stem: [row[str(joint)] for joint in range(2, 21)] for name, row in labels["frames"].items()}
    said, errors, sides = [], [], []
    for name, _, frame in images(folder, CVAR):
        truth = torch.tensor(joints[name])
        cube = Cube.around(truth.mean(0, keepdim=True), edge=EDGE_MM)
        (answer, verdict), (_, other) = judge.both(frame, cube)
        errors.append(float((answer[0, 2:] - truth).norm(dim=-1).mean()))
        said.append(float(sure(verdict, other)))
        sides.append(bool(verdict.right > other.right))
    good = np.array(errors) < GOOD_MM
    return {
        "frames": len(errors), "mean mm": float(np.mean(errors)), "good": float(good.mean()),
        "mean confidence": float(np.mean(said)), "calibration error": expected_calibration_error(np.array(said), good),
        "handedness error": 1 - float(np.mean(sides)),
    }  # fmt: skip


def proposed(judge: Judge, folder: Path, camera: Camera, *, left: bool | None) -> dict[str, Any]:
    """The surest hypothesis around any place that `propose` answers, re-centered once."""
    said, sides = [], []
    for _, depth, frame in images(folder, camera):
        places = propose(depth, camera)
        cube = Cube.around(torch.from_numpy(places).float(), edge=EDGE_MM)
        joints, verdict = judge.look(frame, cube.views(mirrored=(False, True)))
        best = int(verdict.good.argmax())
        centered = Cube.around(joints[best].mean(0, keepdim=True), edge=EDGE_MM)
        (_, right), (_, mirrored) = judge.both(frame, centered)
        said.append(max(float(sure(right, mirrored)), float(sure(mirrored, right))))
        sides.append(bool(mirrored.right > right.right))
    figures = {
        "frames": len(said),
        "median confidence": float(np.median(said)),
        "above 0.5": sum(x > 0.5 for x in said),
    }
    if left is None:
        return figures
    return figures | {"handedness error": float(np.mean(np.array(sides) != left))}


def milliseconds(judge: Judge) -> float:
    """Median time of one verdict on two hypotheses, this process' threads."""
    features, size = judge.confidence.arguments["features"], judge.model.resolution
    tokens, depth = torch.randn(2, 21, features + MEASURES), torch.randn(2, size, size)
    maps = torch.randn(2, features, size // 4, size // 4)
    times: list[float] = []
    with torch.inference_mode():
        for _ in range(200):
            begun = time.perf_counter()
            judge.confidence(tokens, maps, depth)
            times.append((time.perf_counter() - begun) * 1e3)
    return float(np.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--pose", default="latent-fusion")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--count", type=int, default=2000)
    asked = parser.parse_args()
    trained_on = read_info(asked.weights).notes.get("pose", {}).get("crc32")
    if trained_on != read_info(find_weights(asked.pose)).crc32:
        print(f"{asked.weights} was trained on another pose network than {asked.pose}")
    judge = Judge(asked.pose, asked.weights)
    figures: dict[str, Any] = {"ms": milliseconds(judge)}
    if asked.data:
        figures["cvar"] = labeled(judge, asked.data / "cvar")
        kinect = Camera.named("kinect2")
        figures["kinect2"] = proposed(judge, asked.data / "kinect2", kinect, left=True)
        figures["nohand"] = proposed(judge, asked.data / "nohand", kinect, left=None)
        figures["sr305"] = proposed(judge, asked.data / "sr305", Camera.named("sr305"), left=False)
    figures["synthetic"] = synthetic(judge, asked.count)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
