"""Real frames changed so that the right answer stays known: mirrored, rolled, cut by a border, hidden, moved away.

    python benchmarks/hard_views.py DATA [--weights NAME|PATH] [--detector NAME|PATH] [--only border]

DATA holds `sr305/`, `cvar/` and `kinect2/`; of the latter two every fifth frame. Truth is the answer to the untouched
frame, with its handedness given: what counts is whether a change makes the answer another one, and whether its
confidence says so. `wrong`: answered though over 20 mm off, or of the other side; `hand taken out`: no answer is right.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import tyro
from real_frames import Sample, Side, cvar, kinect2, sr305
from report import print_report, run_benchmark

from handkit import Camera, HandPoseEstimator
from handkit.asked import MINIMUM_CONFIDENCE
from handkit.depth import DepthImage
from handkit.errors import FrameError
from handkit.evaluation.whole_images import GOOD_MM

BEHIND_MM, BEFORE_MM, AROUND_MM = 40.0, 60.0, 35.0
"""What belongs to a hand that is taken out: this far behind, before and beside its joints."""


class View(NamedTuple):
    """A depth image in mm, and the hand in it."""

    depth: np.ndarray
    camera: Camera
    side: Side
    joints: np.ndarray
    seed: int


Change = Callable[[View], View]


def mirrored(view: View) -> View:
    camera = replace(view.camera, cx=view.camera.width - 1 - view.camera.cx)
    side: Side = "left" if view.side == "right" else "right"
    return View(view.depth[:, ::-1].copy(), camera, side, view.joints * np.array([-1, 1, 1], np.float32), view.seed)


def rolled(quarters: int) -> Change:
    """Counterclockwise."""

    def change(view: View) -> View:
        for _ in range(quarters):
            was = view.camera
            camera = Camera(
                fx=was.fy, fy=was.fx, cx=was.cy, cy=was.width - 1 - was.cx, width=was.height, height=was.width
            )
            x, y, z = view.joints.T
            view = view._replace(depth=np.rot90(view.depth).copy(), camera=camera, joints=np.stack([y, -x, z], axis=1))
        return view

    return change


def border(side: str, beyond: float) -> Change:
    """A border of the image leaves out this share of the joints."""

    def change(view: View) -> View:
        pixels, (height, width) = view.camera.project(view.joints), view.depth.shape
        quantile = beyond if side in {"left", "top"} else 1 - beyond
        column, row = np.quantile(pixels, quantile, axis=0).astype(int)
        first = {"left": (column, 0), "top": (0, row)}.get(side, (0, 0))
        end = {"right": (column, height), "bottom": (width, row)}.get(side, (width, height))
        part = view.depth[first[1] : end[1], first[0] : end[0]].copy()
        camera = replace(
            view.camera, cx=view.camera.cx - first[0], cy=view.camera.cy - first[1],
            width=part.shape[1], height=part.shape[0],
        )  # fmt: skip
        return view._replace(depth=part, camera=camera)

    return change


def ball(diameter_mm: float) -> Change:
    """In front of a joint."""

    def change(view: View) -> View:
        generator, camera = np.random.default_rng(view.seed), view.camera
        joint = view.joints[generator.integers(len(view.joints))] + generator.normal(0, 15, 3)
        near = view.joints[:, 2].min() - 20
        (place,) = camera.project(joint[None].astype(np.float32))
        rows, columns = np.indices(view.depth.shape)
        across = np.hypot(columns - place[0], rows - place[1]) * near / camera.fx
        bulge = np.sqrt(np.maximum((diameter_mm / 2) ** 2 - across**2, 0)).astype(np.float32)
        return view._replace(depth=np.where(bulge > 0, near - bulge / 2, view.depth).astype(np.float32))

    return change


def coarser(step: int) -> Change:
    """One pixel of each `step` rows and columns."""

    def change(view: View) -> View:
        depth, was = view.depth[::step, ::step].copy(), view.camera
        camera = Camera(
            fx=was.fx / step, fy=was.fy / step, cx=was.cx / step, cy=was.cy / step,
            width=depth.shape[1], height=depth.shape[0],
        )  # fmt: skip
        return view._replace(depth=depth, camera=camera)

    return change


def noisy(deviation_mm: float) -> Change:
    """White noise that grows with the square of the distance; this much at half a meter."""

    def change(view: View) -> View:
        noise = np.random.default_rng(view.seed).normal(0, deviation_mm, view.depth.shape) * (view.depth / 500) ** 2
        return view._replace(depth=np.where(view.depth > 0, view.depth + noise, 0).astype(np.float32))

    return change


def away(distance_mm: float) -> Change:
    """The whole scene farther away, through the same lens."""

    def change(view: View) -> View:
        camera, middle = view.camera, view.joints[:, 2].mean()
        size = middle / (middle + distance_mm)
        rows, columns = np.indices(view.depth.shape, np.float32)
        across, down = (
            ((each - center) / size + center).astype(np.float32)
            for each, center in ((columns, camera.cx), (rows, camera.cy))
        )
        depth = cv2.remap(view.depth, across, down, cv2.INTER_NEAREST)
        z = view.joints[:, 2:] + distance_mm
        joints = np.concatenate([view.joints[:, :2] / view.joints[:, 2:] * size * z, z], axis=1)
        return view._replace(depth=np.where(depth > 0, depth + np.float32(distance_mm), 0), joints=joints)

    return change


def taken_out(view: View) -> View:
    """Nothing where the hand was."""
    camera, near, far = view.camera, view.joints[:, 2].min(), view.joints[:, 2].max()
    outline = np.zeros(view.depth.shape, np.uint8)
    hull = np.rint(cv2.convexHull(camera.project(view.joints).astype(np.float32))).astype(np.int32)
    cv2.fillConvexPoly(outline, hull, 1.0)
    reach = 2 * int(AROUND_MM * camera.fx / view.joints[:, 2].mean()) + 1
    outline = cv2.dilate(outline, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))) > 0
    hand = outline & (view.depth > near - BEFORE_MM) & (view.depth < far + BEHIND_MM)
    return view._replace(depth=np.where(hand, np.float32(0), view.depth))


OUT = "hand taken out"
CHANGES: dict[str, Change] = {
    "nothing": lambda view: view,
    "mirrored": mirrored,
    "rolled by 90": rolled(1),
    "rolled by 180": rolled(2),
    "half the resolution": coarser(2),
    "a quarter of the resolution": coarser(4),
    "500 mm farther": away(500),
    "900 mm farther": away(900),
    "noise of 2 mm": noisy(2),
    "noise of 5 mm": noisy(5),
    "ball of 40 mm": ball(40),
    "ball of 80 mm": ball(80),
    **{f"{side} border, 20 %": border(side, 0.2) for side in ("left", "right", "top", "bottom")},
    **{f"{side} border, 50 %": border(side, 0.5) for side in ("left", "right", "top", "bottom")},
    OUT: taken_out,
}


@dataclass
class Tally:
    """Over the frames of a set."""

    answered: int = 0
    wrong: int = 0
    errors: list[float] = field(default_factory=list[float])
    confidence: list[float] = field(default_factory=list[float])
    good: list[bool] = field(default_factory=list[bool])

    def add(self, estimator: HandPoseEstimator, view: View, *, there: bool) -> None:
        try:
            hands = estimator.run(DepthImage.of(view.depth, view.camera), minimum_confidence=0.0).hands
        except FrameError:
            hands = []
        confidence = hands[0].confidence if hands else 0.0
        error = float(np.linalg.norm(hands[0].joints_mm - view.joints, axis=1).mean()) if hands else np.inf
        good = there and error < GOOD_MM and hands[0].handedness == view.side
        self.answered += confidence >= MINIMUM_CONFIDENCE
        self.wrong += confidence >= MINIMUM_CONFIDENCE and not good
        self.confidence.append(confidence)
        self.good.append(good)
        self.errors.append(error)

    def row(self, name: str, kind: str) -> dict[str, str]:
        return {
            "changed": name,
            "frames": kind,
            "number": str(len(self.good)),
            "answered": str(self.answered),
            "wrong": str(self.wrong),
            "mm off, median": "-" if name == OUT else f"{np.median(self.errors):.1f}",
            "confidence, mean": f"{np.mean(self.confidence):.2f}",
            "good": f"{np.mean(self.good):.2f}",
        }


def views_of(estimator: HandPoseEstimator, samples: list[Sample]) -> list[View]:
    """Each with what is answered to it as its truth."""
    views: list[View] = []
    for number, sample in enumerate(samples):
        image = DepthImage.of(sample.depth, sample.camera)
        assert sample.hand is not None
        (pose,) = estimator.run(image, hands=1, handedness=sample.hand, minimum_confidence=0.0).hands
        views.append(View(image.depth, replace(image.camera.pinhole, unit_mm=1.0), sample.hand, pose.joints_mm, number))
    return views


def main(
    data: tyro.conf.Positional[Path],
    *,
    weights: str = "latent-fusion",
    detector: str = "detector",
    truth: str = "latent-fusion",
    only: str = "",
) -> None:
    """`truth` is the network whose answers to the untouched frames count as true; `only`: changes named so."""
    estimator, reference = (HandPoseEstimator.from_pretrained(each, detector=detector) for each in (weights, truth))
    sets = {"sr305": [*sr305(data)], "cvar": [*cvar(data)][::5], "kinect2": [*kinect2(data)][::5]}
    views = {kind: views_of(reference, samples) for kind, samples in sets.items()}
    rows: list[dict[str, str]] = []
    for name, change in CHANGES.items():
        if only not in name:
            continue
        for kind, seen in views.items():
            tally = Tally()
            for view in seen:
                tally.add(estimator, change(view), there=name != OUT)
            rows.append(tally.row(name, kind))
    print_report(f"{weights}: answers from confidence {MINIMUM_CONFIDENCE} on", rows)


if __name__ == "__main__":
    run_benchmark(main)
