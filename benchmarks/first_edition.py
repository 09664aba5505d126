"""Whether the networks of the first edition answer the same in this one: joints of the same cubes, in mm.

    python benchmarks/first_edition.py ask asked.npz --data DATA --synthetic 500
    git worktree add ../first-edition bb49951
    PYTHONPATH=../first-edition/src python benchmarks/first_edition.py answer asked.npz first.npz
    python benchmarks/first_edition.py compare asked.npz first.npz

`ask` looks at every frame around the middle of its hand, as at a right and as at a left one, each once and as the mean
of four rotations, with the weights of the first edition (`latent-fusion-three-planes`) in torch and as an exported
graph in ONNX Runtime. `answer` runs in the code of the first edition, which must be found first, with the same weights.
"""

import argparse
import importlib
import itertools
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from handkit.backends.backend import Backend
    from handkit.depth import DepthImage

WEIGHTS = "latent-fusion-three-planes"
ROTATIONS = (1, 4)


def ask(out: Path, *, data: Path, synthetic: int) -> None:
    """Depth images, cubes, and the joints of today's code: of each frame (right and left, joints, 3)."""
    from same_answers import real_frames, rendered_frames

    from handkit.camera import Camera
    from handkit.depth import DepthImage
    from handkit.estimator import HandPoseEstimator

    finder, ways = HandPoseEstimator.from_pretrained(), backends()
    arrays: dict[str, np.ndarray] = {}
    for frame in [*real_frames(data, every=1), *rendered_frames(synthetic)]:
        fx, fy, cx, cy = frame.intrinsics
        height, width = frame.depth.shape
        image = DepthImage.of(frame.depth, Camera(fx=fx, fy=fy, cx=cx, cy=cy, width=width, height=height))
        hands = finder.run(image, hands=1, handedness=frame.side, minimum_confidence=0.0).hands
        if not hands:
            continue
        arrays |= {f"{frame.name} depth": image.depth, f"{frame.name} center": hands[0].center}
        arrays[f"{frame.name} intrinsics"] = np.array(frame.intrinsics)
        for way, backend in ways.items():
            arrays |= {f"{frame.name} {way} {each}": value for each, value in look(backend, image, hands[0].center)}
    np.savez_compressed(out, allow_pickle=False, **arrays)


def backends() -> "dict[str, Backend]":
    """The first edition's weights in torch and in ONNX Runtime; their detector is asked nothing."""
    from handkit.backends.onnx import load
    from handkit.backends.torch import TorchBackend
    from handkit.export import detector_onnx, hand_onnx
    from handkit.graph import load_graph
    from handkit.models.detector import HandDetector

    graph, detector = load_graph(WEIGHTS), HandDetector()
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("hand.onnx", "detector.onnx")]
        files[0].write_bytes(hand_onnx(graph))
        files[1].write_bytes(detector_onnx(detector))
        return {"torch": TorchBackend(graph, detector), "onnx": load(files[0], detector=files[1])}


def look(backend: "Backend", image: "DepthImage", center: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Joints (right and left, joints, 3) in the cubes around a center, for each number of rotations."""
    from handkit.backends.backend import Cubes

    most = max(ROTATIONS)
    rolls = np.tile(np.arange(most, dtype=np.float32) * np.float32(2 * math.pi / most), 2)
    cubes = Cubes(np.tile(center, (len(rolls), 1)), np.repeat([False, True], most), rolls)
    joints = backend.estimate(image.depth, image.camera.pinhole, cubes).joints_mm.reshape(2, most, -1, 3)
    for count in ROTATIONS:
        yield count, joints[:, :: most // count].mean(1)


def answer(asked: Path, out: Path) -> None:
    """Joints of the same cubes by the first edition's code."""
    inference, camera, frames, cubes, checkpoint, pretrained = (
        importlib.import_module(f"handkit.{name}")
        for name in (
            "inference", "geometry.camera", "geometry.frame", "geometry.cube", "models.checkpoint", "models.pretrained",
        )
    )  # fmt: skip
    weights = pretrained.find_weights("latent-fusion")
    model, edge = checkpoint.load(weights).eval(), pretrained.cube_edge(weights)
    given, joints = np.load(asked), {}
    for name in names(given):
        depth, center = (torch.from_numpy(given[f"{name} {part}"]) for part in ("depth", "center"))
        fx, fy, cx, cy = given[f"{name} intrinsics"].tolist()
        height, width = depth.shape
        eye = camera.Camera.from_intrinsics(fx=fx, fy=fy, cx=cx, cy=cy, width=width, height=height)
        frame, cube = frames.DepthFrame.single(depth, eye), cubes.Cube.around(center[None], edge=edge)
        for count in ROTATIONS:
            sides = [
                inference.estimate(model, frame, cube, left=torch.tensor([left]), turns=count)[0].numpy()
                for left in (False, True)
            ]
            joints[f"{name} {count}"] = np.stack(sides)
    np.savez_compressed(out, allow_pickle=False, **joints)


def compare(asked: Path, answered: Path) -> None:
    """A line for each set of frames, way and hypothesis."""
    from report import print_report

    now, before = np.load(asked), np.load(answered)
    rows: list[dict[str, str]] = []
    for group in dict.fromkeys(name.partition("/")[0] for name in names(now)):
        own = [name for name in names(now) if name.startswith(f"{group}/")]
        for count, way in itertools.product(ROTATIONS, ("torch", "onnx")):
            pairs = [(now[f"{name} {way} {count}"], before[f"{name} {count}"]) for name in own]
            gaps = np.array([np.linalg.norm(ours - theirs, axis=-1) for ours, theirs in pairs])
            rows.append(
                {
                    "frames": group,
                    "number": str(len(own)),
                    "rotations": str(count),
                    "today in": way,
                    "median mm": f"{np.median(gaps):.5f}",
                    "99 % mm": f"{np.percentile(gaps, 99):.4f}",
                    "largest mm": f"{gaps.max():.4f}",
                    "of": own[int(gaps.max(axis=(1, 2)).argmax())],
                }
            )
    print_report("the first edition's network in its own code and in today's", rows)


def names(arrays: "np.lib.npyio.NpzFile") -> list[str]:
    """Of the frames in a file of `ask`."""
    return [key.removesuffix(" depth") for key in arrays.files if key.endswith(" depth")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("ask", "answer", "compare"))
    parser.add_argument("asked", type=Path)
    parser.add_argument("answered", type=Path, nargs="?")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--synthetic", type=int, default=500)
    options = parser.parse_args()
    if (options.answered is None) != (options.action == "ask"):
        parser.error(f"{options.action} takes {'one file' if options.action == 'ask' else 'two files'}")
    torch.set_num_threads(1)
    if options.action == "ask":
        ask(options.asked, data=options.data, synthetic=options.synthetic)
    elif options.action == "answer":
        answer(options.asked, options.answered)
    else:
        compare(options.asked, options.answered)


if __name__ == "__main__":
    main()
