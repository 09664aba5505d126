"""What the gate makes of real frames that were resized, blurred, made sparse or speckled, or had 32001 for invalid.

Each frame is answered as it is, degraded, and degraded and sent through the gate, which mends it or refuses it; what
counts is how far the joints of the latter two are from those of the first. A resize with nearest neighbor, which needs
no mending, shows what the change of resolution alone costs.
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch
import tyro
from jaxtyping import Float32
from report import print_report, run_benchmark
from sensor_statistics import one_scene

from handkit.camera import Camera
from handkit.cleaning import clean
from handkit.depth import DepthImage
from handkit.errors import FrameError
from handkit.estimator import HandPoseEstimator
from handkit.synthetic.devices import KINDS, sample_sensors
from handkit.synthetic.scenes import sample_scenes, whole_frames

Depth = Float32[np.ndarray, "H W"]
View = tuple[Depth, Camera]


def main(data: tyro.conf.Positional[Path], *, frames: int = 8, ours: int = 70) -> None:
    """Degrade `frames` frames of each set under DATA, and `ours` synthetic ones of each kind of sensor."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    estimator = HandPoseEstimator.from_pretrained()
    rows: list[dict[str, str]] = []
    for name, (views, hand) in real_frames(data, frames).items():
        originals = [joints(estimator, DepthImage(*view), hand) for view in views]
        for kind, degrade in DEGRADATIONS.items():
            broken = [degrade(view) for view in views]
            passed = [through_gate(view) for view in broken]
            rows.append(
                {
                    "frames": name,
                    "degraded": kind,
                    "as it is, mm": distances(estimator, [DepthImage(*view) for view in broken], hand, originals),
                    "through the gate, mm": distances(estimator, passed, hand, originals),
                    "mended": str(sum(image is not None and bool(image.notes) for image in passed)),
                    "refused": str(passed.count(None)),
                    "cleaning, ms": f"{np.median([milliseconds(depth) for depth, _ in broken]):.1f}",
                }
            )
    print_report("mean joint distance from the answer to the untouched frame: median (largest), hands missed", rows)
    print_report("synthetic frames, all as their sensors give them: what the gate does", synthetic(ours))


def through_gate(view: View) -> DepthImage | None:
    """None: refused."""
    try:
        return DepthImage.of(*view)
    except FrameError:
        return None


def synthetic(count: int, seed: int = 0) -> list[dict[str, str]]:
    """What becomes of `count` whole images of each kind of sensor, untouched and blurred."""
    generator = torch.Generator().manual_seed(seed)
    rows: list[dict[str, str]] = []
    for kind in KINDS:
        scene, sensors = sample_scenes(count, generator), sample_sensors(count, generator, kind=kind)
        frames = [whole_frames(one_scene(scene, row, sensors, row)) for row in range(count)]
        views = [(frame.depth[0].numpy(), frame.camera.camera(0)) for frame in frames]
        row = {"sensor": kind, "frames": str(count)}
        for name in ("nothing", "linear resize x 0.7", "blur, sigma 1"):
            passed = [through_gate(DEGRADATIONS[name](view)) for view in views]
            mended = sum(image is not None and bool(image.notes) for image in passed)
            row[f"{name}: mended, refused"] = f"{mended}, {passed.count(None)}"
        rows.append(row)
    return rows


def milliseconds(depth: Depth) -> float:
    """The fastest of five."""
    times: list[float] = []
    for _ in range(5):
        begun = time.perf_counter()
        with suppress(FrameError):
            clean(depth)
        times.append((time.perf_counter() - begun) * 1e3)
    return min(times)


def real_frames(data: Path, count: int) -> dict[str, tuple[list[View], Literal["left", "right"]]]:
    """Views in mm, evenly from each set, and which hand they show."""
    marks = json.loads((data / "sr305/labels.json").read_text())["intrinsics"]
    sets: dict[str, tuple[str, float, tuple[float, ...], Literal["left", "right"]]] = {
        "kinect2": ("kinect2/*.png", 1.0, (363.9, 363.9, 255.4, 206.3), "left"),
        "sr305": ("sr305/*.png", 0.125, tuple(marks[name] for name in ("fx", "fy", "cx", "cy")), "right"),
        "cvar": ("cvar/*.png", 1.0, (224.502, 230.494, 160.0, 120.0), "right"),
    }
    found: dict[str, tuple[list[View], Literal["left", "right"]]] = {}
    for name, (pattern, unit, numbers, hand) in sets.items():
        paths = sorted(data.glob(pattern))
        views: list[View] = []
        for path in paths[:: max(len(paths) // count, 1)][:count]:
            depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            if depth is None:
                raise SystemExit(f"cannot read {path}")
            views.append((depth.astype(np.float32) * np.float32(unit), pinhole(numbers, depth.shape)))
        found[name] = views, hand
    return found


def pinhole(numbers: tuple[float, ...], shape: tuple[int, ...]) -> Camera:
    """fx, fy, cx, cy and (height, width)."""
    fx, fy, cx, cy = numbers
    return Camera(fx=fx, fy=fy, cx=cx, cy=cy, width=shape[1], height=shape[0])


def joints(estimator: HandPoseEstimator, image: DepthImage, hand: Literal["left", "right"]) -> np.ndarray | None:
    """Camera mm; None where no hand was found."""
    hands = estimator.run(image, handedness=hand).hands
    return np.asarray(hands[0].joints_mm) if hands else None


def distances(
    estimator: HandPoseEstimator,
    images: list[DepthImage | None],
    hand: Literal["left", "right"],
    originals: list[np.ndarray | None],
) -> str:
    """Median and largest distance over frames, and in how many no hand was found; refused images do not count."""
    far: list[float] = []
    missed = 0
    for image, original in zip(images, originals, strict=True):
        if image is None or original is None:
            continue
        answer = joints(estimator, image, hand)
        if answer is None:
            missed += 1
        else:
            far.append(float(np.linalg.norm(answer - original, axis=1).mean()))
    return (f"{np.median(far):.1f} ({max(far):.1f})" if far else "-") + (f", {missed} missed" if missed else "")


def resized(factor: float, interpolation: int = cv2.INTER_LINEAR) -> Callable[[View], View]:
    """Depth and holes alike."""

    def degrade(view: View) -> View:
        depth, camera = view
        small = cv2.resize(depth, None, fx=factor, fy=factor, interpolation=interpolation)
        return small.astype(np.float32), scaled(camera, factor, small.shape)

    return degrade


def blurred(sigma: float) -> Callable[[View], View]:
    """Gaussian, depth and holes alike."""
    return lambda view: (cv2.GaussianBlur(view[0], (0, 0), sigma), view[1])


def sparse(pitch: int) -> Callable[[View], View]:
    """Registered to an image with `pitch` times as many rows and columns."""

    def degrade(view: View) -> View:
        depth, camera = view
        large = np.zeros((depth.shape[0] * pitch, depth.shape[1] * pitch), np.float32)
        large[pitch // 2 :: pitch, pitch // 2 :: pitch] = depth
        return large, scaled(camera, pitch, large.shape, shift=pitch // 2)

    return degrade


def speckled(share: float) -> Callable[[View], View]:
    """This share of the pixels invalid, each by itself."""

    def degrade(view: View) -> View:
        lost = np.random.default_rng(0).random(view[0].shape) < share
        return np.where(lost, np.float32(0), view[0]), view[1]

    return degrade


def far_invalid(value: float) -> Callable[[View], View]:
    """Invalid stored as a constant."""
    return lambda view: (np.where(view[0] > 0, view[0], np.float32(value)), view[1])


def scaled(camera: Camera, factor: float, shape: tuple[int, ...], *, shift: float | None = None) -> Camera:
    """The camera of a resized image; `shift`: where its first pixel has gone (else pixels are areas)."""
    shift = (factor - 1) / 2 if shift is None else shift
    return pinhole(
        (camera.fx * factor, camera.fy * factor, camera.cx * factor + shift, camera.cy * factor + shift), shape
    )


DEGRADATIONS: dict[str, Callable[[View], View]] = {
    "nothing": lambda view: view,
    "nearest resize x 0.5": resized(0.5, cv2.INTER_NEAREST_EXACT),
    "nearest resize x 0.7": resized(0.7, cv2.INTER_NEAREST_EXACT),
    "nearest resize x 2": resized(2.0, cv2.INTER_NEAREST_EXACT),
    "linear resize x 0.5": resized(0.5),
    "linear resize x 0.7": resized(0.7),
    "linear resize x 2": resized(2.0),
    "blur, sigma 0.7": blurred(0.7),
    "blur, sigma 1": blurred(1.0),
    "blur, sigma 2": blurred(2.0),
    "sparse, 1/4": sparse(2),
    "sparse, 1/9": sparse(3),
    "speckled, 10 %": speckled(0.1),
    "speckled, 30 %": speckled(0.3),
    "invalid as 32001": far_invalid(32001.0),
    "invalid as 65535": far_invalid(65535.0),
}

if __name__ == "__main__":
    run_benchmark(main)
