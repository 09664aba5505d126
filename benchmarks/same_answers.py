"""Whether a change of the code changes an answer: joints of real and synthetic frames, recorded and compared in mm.

    python benchmarks/same_answers.py record before.npz [--data ../shared/data] [--synthetic 60]
    python benchmarks/same_answers.py compare before.npz

`record` keeps the answers and the synthetic depth images themselves, so that a changed renderer does not matter; the
real ones are read again: 85 of a Kinect (a left hand), 8 of an SR305 and every fourth of 200 of a time-of-flight camera
(right hands), as far as they are in the folder. Every frame is answered twice, with the handedness given and predicted.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
import torch

from handkit.camera import Camera
from handkit.estimator import HandPoseEstimator
from handkit.training.testset import first_images

Side = Literal["left", "right"]


class Frame(NamedTuple):
    """One depth image, mm, and what took it."""

    name: str
    depth: np.ndarray
    intrinsics: tuple[float, float, float, float]
    """fx, fy, cx, cy, pixels."""
    side: Side


def real_frames(data: Path, *, every: int = 4) -> Iterator[Frame]:
    """Those that are in the folder of real frames; of the time-of-flight camera's one in `every`."""
    for path in sorted((data / "kinect2").glob("*.png")):
        yield Frame(f"kinect2/{path.stem}", _read(path, unit_mm=1.0), (363.9, 363.9, 255.4, 206.3), "left")
    for path in sorted((data / "sr305").glob("*.png")):
        yield Frame(f"sr305/{path.stem}", _read(path, unit_mm=0.125), (476.007, 476.007, 313.683, 242.755), "right")
    for path in sorted((data / "cvar").glob("*.png"))[::every]:
        yield Frame(f"cvar/{path.stem}", _read(path, unit_mm=1.0), (224.502, 230.494, 160.0, 120.0), "right")


def _read(path: Path, *, unit_mm: float) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image is not None
    assert image.dtype == np.uint16
    return image.astype(np.float32) * np.float32(unit_mm)


def rendered_frames(count: int) -> Iterator[Frame]:
    """The first of the fixed synthetic depth images."""
    for i, image in enumerate(first_images(count)):
        camera = image.camera
        intrinsics = (camera.fx, camera.fy, camera.cx, camera.cy)
        yield Frame(f"synthetic/{i:03d}", image.depth, intrinsics, image.hands[0].side)


def answers(estimator: HandPoseEstimator, frame: Frame) -> dict[str, np.ndarray]:
    """Joints (J, 3) in camera mm and (0 left, 1 right) by how the hand was asked for; no joints without a hand."""
    fx, fy, cx, cy = frame.intrinsics
    height, width = frame.depth.shape
    camera = Camera(fx=fx, fy=fy, cx=cx, cy=cy, width=width, height=height)
    found: dict[str, np.ndarray] = {}
    for asked in ("given", "predicted"):
        hands = estimator.predict(frame.depth, camera, handedness=frame.side if asked == "given" else "auto")
        found[f"{asked} joints"] = hands[0].joints_mm if hands else np.zeros((0, 3), np.float32)
        found[f"{asked} right"] = np.array([hand.handedness == "right" for hand in hands])
        found[f"{asked} confidence"] = np.array([hand.confidence for hand in hands])
    return found


def record(out: Path, *, data: Path, synthetic: int) -> None:
    """Answer every frame and keep what was answered."""
    estimator = HandPoseEstimator.from_pretrained()
    arrays: dict[str, np.ndarray] = {}
    frames: list[dict[str, Any]] = []
    for frame in [*real_frames(data), *rendered_frames(synthetic)]:
        frames.append({"name": frame.name, "intrinsics": frame.intrinsics, "side": frame.side})
        arrays |= {f"{frame.name} {name}": value for name, value in answers(estimator, frame).items()}
        if frame.name.startswith("synthetic"):
            arrays[f"{frame.name} depth"] = frame.depth
    arrays["frames"] = np.array(json.dumps({"data": str(data.resolve()), "frames": frames}))
    np.savez_compressed(out, allow_pickle=False, **arrays)
    print(f"{len(frames)} frames recorded in {out}")


def compare(before: Path) -> None:
    """Answer the recorded frames again; the difference of joints, mm, for every set and either way of asking."""
    recorded = np.load(before)
    about = json.loads(str(recorded["frames"]))
    real = {frame.name: frame for frame in real_frames(Path(about["data"]))}
    estimator = HandPoseEstimator.from_pretrained()
    differences: dict[tuple[str, str], list[float]] = {}
    for entry in about["frames"]:
        name = entry["name"]
        frame = real.get(name)
        if frame is None:
            frame = Frame(name, recorded[f"{name} depth"], tuple(entry["intrinsics"]), entry["side"])
        now = answers(estimator, frame)
        for asked in ("given", "predicted"):
            old, new = recorded[f"{name} {asked} joints"], now[f"{asked} joints"]
            same = old.shape == new.shape and np.array_equal(recorded[f"{name} {asked} right"], now[f"{asked} right"])
            gaps = np.linalg.norm(old - new, axis=-1).tolist() if same else [float("inf")]
            differences.setdefault((name.partition("/")[0], asked), []).extend(gaps)
            sure = (
                np.abs(recorded[f"{name} {asked} confidence"] - now[f"{asked} confidence"]).max(initial=0)
                if same
                else 1
            )
            if not same or max(gaps, default=0) > 0.5 or sure > 0.01:
                print(f"{name} {asked}: joints differ by up to {max(gaps, default=0):.2f} mm, confidence by {sure:.3f}")
    for (group, asked), gaps in differences.items():
        print(
            f"{group:10} {asked:10} {len(gaps):5} joints: median {np.median(gaps):.4f} mm, "
            f"99 % {np.percentile(gaps, 99):.4f} mm, largest {max(gaps):.4f} mm"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("record", "compare"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--synthetic", type=int, default=60)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.action == "record":
        record(options.file, data=options.data, synthetic=options.synthetic)
    else:
        compare(options.file)


if __name__ == "__main__":
    main()
