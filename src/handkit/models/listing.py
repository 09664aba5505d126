"""What there is: the papers' networks, weights and graphs that are found by name, cameras, versions; without torch."""

from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from handkit.errors import CheckpointError
from handkit.hub import GRAPH, WEIGHTS, weights_folders
from handkit.models.made_on import versions
from handkit.models.papers import PAPERS
from handkit.named_cameras import CAMERAS

PACKAGES = ("handkit", "numpy", "opencv-python-headless", "onnxruntime", "torch", "numba", "safetensors")


def overview() -> dict[str, Any]:
    """All of it; JSON values only."""
    return {
        "networks": [{"name": name, **paper_facts(name)} for name in sorted(PAPERS)],
        "weights": weights_files(),
        "graphs": [_file(path) for path in _found(GRAPH)],
        "cameras": {name: camera._asdict() for name, camera in CAMERAS.items()},
        "versions": versions(PACKAGES),
    }


def paper_facts(name: str) -> dict[str, Any]:
    """Of a network's paper; of a network without one that there is none."""
    paper = PAPERS.get(name)
    if paper is None:
        return {"paper": "-", "url": None, "reported": None, "reported_errors_mm": {}}
    return {
        "paper": paper.citation,
        "url": paper.url,
        "reported": paper.size and paper.size._asdict(),
        "reported_errors_mm": dict(paper.errors_mm),
    }


def weights_files() -> list[dict[str, Any]]:
    """Every weights file that is found by name, as it describes itself; none where safetensors is not installed."""
    return [_weights_file(path) for path in _found(WEIGHTS)] if find_spec("safetensors") else []


def _weights_file(path: Path) -> dict[str, Any]:
    """What one file says of itself, or why it cannot be used."""
    from handkit.models.header import read_header

    try:
        content = asdict(read_header(path))
    except CheckpointError as error:
        return _file(path) | {"error": str(error)}
    return _file(path) | {key: content[key] for key in ("model", "arguments", "notes", "crc32")}


def _found(kind: str) -> list[Path]:
    return [path for folder in weights_folders() for path in sorted(folder.glob(f"*{kind}"))]


def _file(path: Path) -> dict[str, Any]:
    return {"name": path.stem, "megabytes": round(path.stat().st_size / 1e6, 2), "folder": str(path.parent)}
