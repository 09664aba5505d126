"""The torch modules themselves: for weights just trained, and on a GPU."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from handkit.backends.backend import Cubes, Estimates
from handkit.camera import Camera
from handkit.graph import HandGraph, cube_edge
from handkit.locate import Maps
from handkit.models.checkpoint import load, load_part
from handkit.models.confidence import Confidence
from handkit.models.detector import HandDetector


class TorchBackend:
    """A `Backend`; the modules move to `device`, and are set to evaluation."""

    name = "torch"

    def __init__(self, graph: HandGraph, detector: HandDetector, *, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.skeleton, self.edge_mm = graph.pose.skeleton, graph.edge_mm
        self.has_confidence = graph.confidence is not None
        self.graph, self.detector = graph.to(self.device).eval(), detector.to(self.device).eval()
        for network in (self.graph, self.detector):
            network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    @classmethod
    def from_weights(cls, pose: Path, *, detector: Path, confidence: Path | None, threads: int) -> "TorchBackend":
        """From weights files, on the CPU; `threads` is torch's own setting, for the whole process.

        Raises CheckpointError where a file is of another network, UsageError where they do not belong together.
        """
        torch.set_num_threads(threads)
        judge = load_part(confidence, Confidence) if confidence else None
        return cls(HandGraph(load(pose), judge, edge_mm=cube_edge(pose)), load_part(detector, HandDetector))

    @torch.inference_mode()
    def detect(self, depth: Float32[np.ndarray, "H W"]) -> Maps:
        found = self.detector(self._tensor(depth)[None, None])
        return Maps(*(each[0].cpu().numpy() for each in found))

    @torch.inference_mode()
    def estimate(self, depth: Float32[np.ndarray, "H W"], camera: Camera, cubes: Cubes) -> Estimates:
        intrinsics = np.array([camera.fx, camera.fy, camera.cx, camera.cy], np.float32)
        answer = self.graph(*(self._tensor(each) for each in (depth, intrinsics, *cubes)))
        return Estimates(*(each.cpu().numpy() for each in answer))

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)
