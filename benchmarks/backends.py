"""Milliseconds of a crop and of the detector on one thread: torch's modules beside every runtime, in one run.

    python benchmarks/backends.py [--pose latent-fusion] [--detector PATH] [--repeats 60]
    python benchmarks/backends.py --busy     # also with two busy processes beside it, for each number of threads

Graphs are exported into a temporary folder first. Every backend is called in turn, round after round, so that whatever
else the machine does hits all of them alike. Without weights of a confidence network one with random weights is used:
it takes the same time.
"""

import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from report import print_report, run_benchmark

from handkit.backends import onnx, openvino
from handkit.backends.backend import Backend, Cubes
from handkit.backends.torch import TorchBackend
from handkit.camera import Camera
from handkit.export import detector_onnx, hand_onnx, write
from handkit.geometry.cube import Cube
from handkit.geometry.frame import DepthFrame
from handkit.graph import HandGraph, estimate, load_graph
from handkit.locate import canonical
from handkit.models.checkpoint import load_part
from handkit.models.confidence import Confidence
from handkit.models.detector import HandDetector
from handkit.training.adapt import features_of

CAMERA = Camera.named("sr300")
EAGER = "torch, pose alone"


def main(
    *,
    pose: str = "latent-fusion",
    detector: Path | None = None,
    repeats: int = 60,
    busy: bool = False,
) -> None:
    """`detector`: weights; one with first weights otherwise, which takes the same time."""
    torch.set_num_threads(1)
    graph = load_graph(pose)
    graph = HandGraph(graph.pose, Confidence(features=features_of(pose)), edge_mm=graph.edge_mm)
    finder = HandDetector().eval() if detector is None else load_part(detector, HandDetector)
    with tempfile.TemporaryDirectory() as folder:
        files = exported(graph, finder, Path(folder))
        backends = {
            "torch": TorchBackend(graph, finder),
            "onnx": onnx.load(files[0], detector=files[1]),
            "openvino": openvino.load(files[0], detector=files[1]),
            "openvino bf16": openvino.load(files[0], detector=files[1], precision="bf16"),
        }
        print_report(f"one thread, {CAMERA.width}x{CAMERA.height}, ms: fastest", compare(graph, backends, repeats))
        if busy:
            print_report("median ms of one cube, idle and beside two busy processes", threads(files, repeats))


def exported(graph: HandGraph, finder: HandDetector, folder: Path) -> tuple[Path, Path]:
    """The files of both graphs."""
    paths = folder / "hand.onnx", folder / "detector.onnx"
    for path, content in zip(paths, (hand_onnx(graph), detector_onnx(finder)), strict=True):
        write(content, path, form="onnx")
    return paths


def view() -> tuple[np.ndarray, Callable[[int], Cubes]]:
    """A wall with a block in front of it, and cubes on the block."""
    depth = np.full((CAMERA.height, CAMERA.width), 900, np.float32)
    depth[180:300, 260:380] = 500

    def cubes(count: int) -> Cubes:
        center = np.tile(np.array([[0, 0, 500]], np.float32), (count, 1))
        return Cubes(center, np.arange(count) % 2 == 1, np.zeros(count, np.float32))

    return depth, cubes


def compare(graph: HandGraph, backends: Mapping[str, Backend], repeats: int) -> list[dict[str, str]]:
    """A row for each way of running; the first is today's eager call of the pose network."""
    depth, cubes = view()
    image = canonical(depth, (CAMERA.fx, CAMERA.fy, CAMERA.cx, CAMERA.cy)).depth
    frame = DepthFrame.single(torch.from_numpy(depth), CAMERA)
    calls: dict[tuple[str, str], Callable[[], object]] = {}
    for count in (1, 2, 4):
        cube = Cube.around(torch.tensor([[0.0, 0, 500]]).expand(count, 3), edge=graph.edge_mm)
        calls[EAGER, f"{count} cubes"] = lambda cube=cube: estimate(graph.pose, frame, cube)
        seen = cubes(count)
        for name, backend in backends.items():
            calls[name, f"{count} cubes"] = lambda b=backend, c=seen: b.estimate(depth, CAMERA, c)
    for name, backend in backends.items():
        calls[name, "detector"] = lambda b=backend: b.detect(image)
    fastest = dict.fromkeys(calls, float("inf"))
    for _ in range(repeats):
        for key, call in calls.items():
            fastest[key] = min(fastest[key], milliseconds(call))
    columns = ("1 cubes", "2 cubes", "4 cubes", "detector")
    return [{"": name} | {column: _cell(fastest, name, column) for column in columns} for name in (EAGER, *backends)]


def _cell(fastest: Mapping[tuple[str, str], float], name: str, column: str) -> str:
    """Milliseconds, and how many times as fast as torch's module."""
    if (name, column) not in fastest:
        return "-"
    own = fastest[name, column]
    return f"{own:.2f} ({fastest['torch', column] / own:.1f}x)"


def threads(files: tuple[Path, Path], repeats: int) -> list[dict[str, str]]:
    """Medians for 1 and 2 threads, idle and with as many busy processes as a small machine has cores."""
    depth, cubes = view()
    rows: list[dict[str, str]] = []
    for count in (1, 2):
        backend = onnx.load(files[0], detector=files[1], threads=count)
        call = lambda b=backend: b.estimate(depth, CAMERA, cubes(1))  # noqa: E731
        idle = statistics.median(milliseconds(call) for _ in range(repeats))
        neighbors = [multiprocessing.Process(target=_spin, args=(os.getpid(),), daemon=True) for _ in range(2)]
        for each in neighbors:
            each.start()
        time.sleep(0.5)
        crowded = statistics.median(milliseconds(call) for _ in range(repeats))
        for each in neighbors:
            each.terminate()
        rows.append({"threads": str(count), "idle": f"{idle:.2f}", "beside two": f"{crowded:.2f}"})
        rows[-1]["ratio"] = f"{crowded / idle:.2f}"
    return rows


def _spin(parent: int) -> None:
    while os.getppid() == parent:
        sum(range(10_000))


def milliseconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1e3


if __name__ == "__main__":
    run_benchmark(main)
