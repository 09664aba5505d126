"""Exported graphs as a backend, and ONNX Runtime, which runs them: the default.

No torch, nothing compiled, and threads that sleep while they wait.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]

from handkit.backends.backend import Cubes, Estimates
from handkit.backends.graph_file import DETECTOR_INPUT, INPUTS, KEY, Graph, GraphInfo, no_graph
from handkit.camera import Camera
from handkit.errors import CheckpointError
from handkit.files.regular import read_regular
from handkit.locate import Maps
from handkit.shapes import Float32

QUIET = 3
"""Of ONNX Runtime's log levels: errors, which are raised as well."""


class GraphBackend:
    """A `Backend` of two exported graphs, whatever runs them."""

    def __init__(self, name: str, hand: Graph, detector: Graph) -> None:
        self.name, self.hand, self.detector = name, hand, detector
        self.skeleton, self.edge_mm = hand.info.hand()
        self.has_confidence = hand.info.confidence != "none"

    def detect(self, depth: Float32[np.ndarray, "H W"]) -> Maps:
        return Maps(*self.detector.run({DETECTOR_INPUT: depth}))

    def estimate(self, depth: Float32[np.ndarray, "H W"], camera: Camera, cubes: Cubes) -> Estimates:
        if len(cubes.roll) == 0:
            return Estimates.none(len(self.skeleton))
        intrinsics = np.array([camera.fx, camera.fy, camera.cx, camera.cy], np.float32)
        return Estimates(*self.hand.run(dict(zip(INPUTS, (depth, intrinsics, *cubes), strict=True))))


class OnnxGraph:
    """A `Graph` in an .onnx file; raises CheckpointError where the file holds none of that kind, or another version."""

    def __init__(self, path: Path | str, *, kind: Literal["hand", "detector"] | None = None, threads: int = 1) -> None:
        path = Path(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = QUIET
        # A thread that spins while it waits takes the time of those that work, and of other processes.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        onnxruntime.disable_telemetry_events()
        try:
            content = read_regular(path)
            self.session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except FileNotFoundError:
            raise no_graph(path) from None
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read: {error.strerror}") from None
        except Exception as error:  # ONNX Runtime's own errors have no other class in common
            raise CheckpointError(
                f"{path} is no whole ONNX file that ONNX Runtime can run ({_short(error)}); export it again: handkit "
                "export NETWORK --out FILE"
            ) from None
        self.info = GraphInfo.read(path, self.session.get_modelmeta().custom_metadata_map.get(KEY), kind=kind)

    def run(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        return [np.asarray(each) for each in self.session.run(None, inputs)]


def load(hand: Path | str, *, detector: Path | str, threads: int = 1) -> GraphBackend:
    """A `Backend` of the graphs of a pose network and a detector; raises as `OnnxGraph`."""
    return GraphBackend(
        "onnx",
        OnnxGraph(hand, kind="hand", threads=threads),
        OnnxGraph(detector, kind="detector", threads=threads),
    )


def _short(error: Exception) -> str:
    return str(error).partition("\n")[0][:120]
