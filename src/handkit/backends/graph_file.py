"""What an exported graph says about itself, and what runs one. numpy only."""

import json
import math
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np

from handkit.backends.backend import Estimates
from handkit.errors import CheckpointError
from handkit.locate import Maps
from handkit.skeleton import Skeleton

Kind = Literal["hand", "detector", "localizer"]
Judge = Literal["none", "own"]
KINDS, JUDGES = get_args(Kind), get_args(Judge)
GRAPH_VERSION = 1
"""Of inputs, outputs and their meaning; a graph of another version is refused."""
KEY = "handkit"
"""Of the metadata: one JSON object."""
INPUTS = ("depth", "intrinsics", "center", "mirrored", "roll")
"""Of a hand graph, and of a localizer's."""
REFINED = ("center_mm", "objectness")
"""What a localizer answers."""
DETECTOR_INPUT = "image"
BEFORE = ("points", "crop", "surface")
"""Names that values within a hand graph keep, in front of its networks; the last where confidence is judged."""
BEHIND = ("joints", "features", "spread", "peak", "seen")
"""The same behind them."""
INSIDE = (*BEFORE, *BEHIND)
NAMES = (*Estimates._fields, *Maps._fields, *INPUTS, DETECTOR_INPUT, *REFINED, *INSIDE)
"""Of everything that goes into a graph or a part of it, or comes out."""


@dataclass(frozen=True, kw_only=True)
class GraphInfo:
    """What a graph was exported from; the metadata of its file."""

    kind: Kind
    network: str
    """Name of the pose network, or of the detector or localizer."""
    skeleton: Skeleton | None
    """Of a hand graph."""
    edge_mm: float | None
    """Of the cubes that a hand graph and a localizer look at."""
    confidence: Judge
    """Whether a confidence network is in it."""
    precision: Literal["f32", "bf16"]
    """Of the network; geometry is in float32 and float64 always."""
    handkit: str
    """Version that exported it."""
    license: str = "Apache-2.0"
    graph: int = GRAPH_VERSION

    def text(self) -> str:
        """JSON, as it stands in the file."""
        return json.dumps(asdict(self))

    def hand(self) -> tuple[Skeleton, float]:
        """The skeleton, and the edge of the cubes, of a hand graph; raises ValueError where one is missing."""
        if self.skeleton is None or self.edge_mm is None or not 0 < float(self.edge_mm) < math.inf:
            raise ValueError("no skeleton or no edge")
        return self.skeleton, self.edge_mm

    @classmethod
    def read(cls, path: Path, text: str | None, *, kind: Literal["hand", "detector"] | None = None) -> "GraphInfo":
        """From a file's metadata; raises CheckpointError where they are not ours, of another version or `kind`."""
        again = f"export it again: {_export(path)}"
        if text is None:
            raise CheckpointError(f"{path} is no graph of handkit: its metadata do not name it; {again}")
        try:
            content: dict[str, Any] = json.loads(text)
            version = int(content["graph"])
        except (KeyError, TypeError, ValueError):
            raise CheckpointError(f"{path} is damaged: its metadata cannot be read; {again}") from None
        if version != GRAPH_VERSION:
            mends = "update handkit" if version > GRAPH_VERSION else again
            raise CheckpointError(
                f"{path} is a graph of version {version} and this handkit runs version {GRAPH_VERSION}; {mends}"
            )
        try:
            info = cls(**{**content, "skeleton": _skeleton(content["skeleton"])})  # pyright: ignore[reportArgumentType]
            if info.kind == "hand":
                info.hand()
            if info.kind not in KINDS or info.confidence not in JUDGES:
                raise KeyError("kind")
        except (KeyError, TypeError, ValueError):
            raise CheckpointError(f"{path} is damaged: its metadata are incomplete; {again}") from None
        if kind is not None and info.kind != kind:
            raise CheckpointError(f"{path} holds the graph of a {info.kind} where that of a {kind} is needed")
        return info


def no_graph(path: Path) -> CheckpointError:
    """For a file that is not there."""
    return CheckpointError(f"there is no graph {path}; write it: {_export(path)}")


def _export(path: Path) -> str:
    form = " --format openvino" if path.suffix.lower() == ".xml" else ""
    return f"handkit export NETWORK{form} --out {shlex.quote(str(path))}"


def _skeleton(content: Mapping[str, Any] | None) -> Skeleton | None:
    if content is None:
        return None
    bones = tuple((int(start), int(end)) for start, end in content["bones"])
    parts = {name: tuple(content[name]) for name in ("joints", "palm", "fingers")}
    return Skeleton(name=content["name"], bones=bones, **parts)


@runtime_checkable  # for the shape checker that runs under pytest
class Graph(Protocol):
    """A graph ready to run; threads may share one."""

    info: GraphInfo

    def run(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Its outputs, in order."""
        ...
