"""Which backend runs a network. Nothing of torch or OpenVINO is imported until it is asked for."""

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from handkit.asked import check_threads
from handkit.backends.backend import Backend
from handkit.errors import CheckpointError, UsageError, shown
from handkit.extras import missing_extra
from handkit.hub import GRAPH, WEIGHTS, find_network, find_weights

BackendName = Literal["onnx", "openvino", "torch"]
BACKENDS = ("onnx", "openvino", "torch")
OPENVINO = ".xml"
"""Of a graph that `handkit export --format openvino` has written, with its .bin beside it."""


def open_backend(
    name: str, *, backend: BackendName | None, threads: int, detector: str, confidence: str | None
) -> Backend:
    """What runs the pose network `name` and the detector; by default whatever the file found first needs.

    Raises CheckpointError, UsageError where there is no such network or backend, or a package is missing for it.
    """
    if backend is not None and (not isinstance(backend, str) or backend not in BACKENDS):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UsageError(f"backend is {shown(backend)}; it must be {', '.join(BACKENDS)}")
    check_threads(threads)
    pose = find_pose(name, backend)
    suffix = pose.suffix.lower()
    if suffix not in {GRAPH, OPENVINO}:
        return _from_weights(pose, threads=threads, detector=detector, confidence=confidence)
    if confidence:
        raise UsageError(f"{pose} is a graph, with its confidence network inside; give the weights of both to torch")
    if backend == "openvino" or suffix == OPENVINO:
        from handkit.backends import openvino

        return openvino.load(pose, detector=find_network(detector, kinds=(GRAPH,)), threads=threads, precision="bf16")
    from handkit.backends import onnx

    return onnx.load(pose, detector=find_network(detector, kinds=(GRAPH,)), threads=threads)


def find_pose(name: str, backend: BackendName | None) -> Path:
    """The file of a pose network that this backend runs, or any if none is named; raises as `open_backend`."""
    kinds = {None: (GRAPH, WEIGHTS), "torch": (WEIGHTS,)}.get(backend, (GRAPH,))
    pose = find_network(name, kinds=kinds, parts=False)
    _check_file(pose, backend)
    return pose


def _check_file(pose: Path, backend: BackendName | None) -> None:
    """Raise CheckpointError for a file that no backend runs, UsageError for one that the backend asked for does not."""
    suffix = pose.suffix.lower()
    if suffix not in {"", GRAPH, WEIGHTS, OPENVINO}:
        raise CheckpointError(
            f"{pose} is a {suffix} file; a network is a {GRAPH} graph, an {OPENVINO} graph of OpenVINO, or {WEIGHTS} "
            "weights, which torch runs: give one of these, or a name of `handkit info`"
        )
    runs = {GRAPH: ("onnx", "openvino"), OPENVINO: ("openvino",)}.get(suffix, ("torch",))
    if backend is not None and backend not in runs:
        raise UsageError(f"{pose} is nothing that --backend {backend} runs; leave it out, or give {runs[0]}")


def _from_weights(pose: Path, *, threads: int, detector: str, confidence: str | None) -> Backend:
    if find_spec("torch") is None:
        raise missing_extra(f"{pose} holds weights, which need torch, which is not installed", extra="train")
    from handkit.backends.torch import TorchBackend

    beside = pose.with_name(f"{pose.stem}-confidence{WEIGHTS}")
    judge = find_weights(confidence) if confidence else beside if beside.is_file() else None
    return TorchBackend.from_weights(pose, detector=find_weights(detector), confidence=judge, threads=threads)
