"""How far the answers of an exported graph are from those of the module that it was exported from, in mm."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from handkit.backends.graph_file import DETECTOR_INPUT, INPUTS, REFINED, Graph
from handkit.camera import Camera
from handkit.graph import Answer, HandGraph, LocalizerGraph
from handkit.locate import Maps, canonical, centers_in
from handkit.models.detector import HandDetector
from handkit.odds import probabilities
from handkit.synthetic.scenes import whole_frames
from handkit.synthetic.testset import first_testset


class Parity(NamedTuple):
    """How far a graph's answers are from those of the module it was exported from."""

    frames: int
    median_mm: float
    """Of joints, of a localizer's centers, or of the hand centers of every cell of the detector's maps."""
    usual_mm: float
    """Of nineteen in twenty."""
    largest_mm: float
    probability: float
    """Largest difference of any probability."""

    def in_words(self) -> str:
        return (
            f"on {self.frames} synthetic frames {self.median_mm:.5f} mm from the network in the median, "
            f"{self.usual_mm:.5f} mm in nineteen of twenty joints, {self.largest_mm:.5f} mm at most; "
            f"probabilities differ by {self.probability:.5f} at most"
        )


def hand_parity(module: HandGraph, graph: Graph, *, count: int = 200) -> Parity:
    """On synthetic frames of all cameras; in each a cube on the hand, and one beside it, mirrored and rolled."""
    return _cube_parity(module, graph, logits=Answer._fields.index("good"), count=count)


def localizer_parity(module: LocalizerGraph, graph: Graph, *, count: int = 200) -> Parity:
    """On the same frames and cubes as `hand_parity`."""
    return _cube_parity(module, graph, logits=REFINED.index("objectness"), count=count)


def _cube_parity(module: nn.Module, graph: Graph, *, logits: int, count: int) -> Parity:
    """Of the first output, mm, and of all outputs from number `logits` on."""
    apart: list[np.ndarray] = []
    doubts = [0.0]
    for depth, camera, center in _frames(count):
        intrinsics = np.array([camera.fx, camera.fy, camera.cx, camera.cy], np.float32)
        cubes = (np.stack([center, center + 15]), np.array([False, True]), np.array([0, 2], np.float32))
        inputs: dict[str, np.ndarray] = dict(zip(INPUTS, (depth, intrinsics, *cubes), strict=True))
        with torch.inference_mode():
            expected = [each.numpy() for each in module(*(torch.from_numpy(each) for each in inputs.values()))]
        found = graph.run(inputs)
        apart.append(np.linalg.norm(found[0] - expected[0], axis=-1).ravel())
        doubts += [_apart(ours, theirs) for ours, theirs in zip(found[logits:], expected[logits:], strict=True)]
    return _parity(apart, doubts)


def detector_parity(module: HandDetector, graph: Graph, *, count: int = 200) -> Parity:
    """On the same frames as `hand_parity`."""
    apart: list[np.ndarray] = []
    doubts = [0.0]
    for depth, camera, _ in _frames(count):
        image = canonical(depth, (camera.fx, camera.fy, camera.cx, camera.cy))
        with torch.inference_mode():
            expected = Maps(*(each[0].numpy() for each in module(torch.from_numpy(image.depth)[None, None])))
        found = Maps(*graph.run({DETECTOR_INPUT: image.depth}))
        every = np.indices(found.depth.shape)
        ours, theirs = (centers_in(maps, image.intrinsics, (every[0], every[1])) for maps in (found, expected))
        apart.append(np.linalg.norm(ours - theirs, axis=-1).ravel())
        doubts += [_apart(found.heat, expected.heat), _apart(found.left, expected.left)]
    return _parity(apart, doubts)


def _frames(count: int) -> Iterator[tuple[np.ndarray, Camera, np.ndarray]]:
    """Depth images (H, W) of the fixed test set, their cameras, and the hands' middles (camera mm)."""
    for index in range(count):
        scene = first_testset(index)
        frame = whole_frames(scene)
        yield frame.depth[0].numpy(), frame.camera.camera(0), scene.joints[0].mean(0).numpy()


def _apart(logits: np.ndarray, others: np.ndarray) -> float:
    """Largest difference of probabilities."""
    one, other = (probabilities(each) for each in (logits, others))
    return float(np.abs(one - other).max(initial=0.0))


def _parity(apart: list[np.ndarray], doubts: list[float]) -> Parity:
    every = np.concatenate(apart)
    median, usual = np.percentile(every, (50, 95)).tolist()
    return Parity(len(apart), median, usual, float(every.max()), max(doubts))
