"""`handkit export`: a network with everything around it as one graph, for ONNX Runtime or OpenVINO."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from handkit.backends.opening import OPENVINO
from handkit.errors import HandkitError, UsageError
from handkit.extras import load
from handkit.files.folders import check_writable
from handkit.hub import GRAPH

if TYPE_CHECKING:
    from handkit.export import Parity

LIMIT_MM = 0.05
"""What a graph in float32 may be off."""
SUFFIXES = {"onnx": GRAPH, "openvino": OPENVINO}


def export(
    network: Annotated[Positional[str], arg(metavar="NETWORK|WEIGHTS")],
    /,
    *,
    out: Annotated[Path, arg(metavar="FILE")],
    form: Annotated[Literal["onnx", "openvino"], arg(name="format")] = "onnx",
    precision: Literal["f32", "bf16"] = "f32",
    confidence: Annotated[str | None, arg(metavar="NAME|PATH")] = None,
    verify: bool = False,
    count: Annotated[int, arg(metavar="N")] = 200,
) -> int:
    """Write a graph: depth image, intrinsics and cubes in; joints in mm and pixels and how good they are out.

    Of a localizer, the centers in mm of the hands that it sees in the cubes.

    Args:
        network: Weights by name or path: a pose network, `localizer` or `detector`.
        out: The file: .onnx, or .xml with a .bin beside it.
        form: For ONNX Runtime (and others), or for OpenVINO.
        precision: Of the network in OpenVINO; geometry is in float32 whatever it is.
        confidence: Weights of the confidence network that learned from this pose network; none by default.
        verify: Compare with the network itself, in mm; in f32 more than 0.05 mm end in exit status 1.
        count: Synthetic frames to compare on.
    """
    _check(out, form=form, precision=precision, count=count)
    load("onnxscript", extra="export")  # first, for this extra brings torch too
    import torch

    from handkit.backends.onnx import OnnxGraph
    from handkit.backends.openvino import OpenvinoGraph
    from handkit.export import exported, write

    torch.set_num_threads(1)  # two cubes at a time: on a busy machine more threads wait for one another
    content, compare = exported(network, confidence=confidence, precision=precision)
    write(content, out, form=form)
    print(f"{out}: {sum(each.stat().st_size for each in _files(out, form)) / 1e6:.1f} MB")
    if not verify:
        return 0
    parity = compare(OnnxGraph(out) if form == "onnx" else OpenvinoGraph(out), count=count)
    return _report(out, parity, limit_mm=LIMIT_MM if precision == "f32" else math.inf)


def _check(out: Path, *, form: str, precision: str, count: int) -> None:
    """Raise UsageError, or what `check_writable` does, before any work."""
    if precision == "bf16" and form == "onnx":
        raise UsageError("ONNX Runtime computes in float32; bf16 is for --format openvino")
    if out.suffix != SUFFIXES[form]:
        raise UsageError(f"--out {out}: --format {form} writes {SUFFIXES[form]} files")
    if count < 1:
        raise UsageError(f"--count {count}: give 1 or more")
    for each in _files(out, form):
        check_writable(each)


def _files(out: Path, form: str) -> list[Path]:
    return [out] if form == "onnx" else [out, out.with_suffix(".bin")]


def _report(out: Path, parity: "Parity", *, limit_mm: float) -> int:
    """Say how far the graph is from the network; raises HandkitError where that is too far."""
    print(
        f"on {parity.frames} synthetic frames {parity.median_mm:.5f} mm from the network in the median, "
        f"{parity.largest_mm:.5f} mm at most; probabilities differ by {parity.probability:.5f} at most"
    )
    if not parity.largest_mm <= limit_mm:
        raise HandkitError(f"{out} is {parity.largest_mm:.3f} mm off, {limit_mm} mm are allowed: do not use it")
    return 0
