"""From torch modules to graphs in files.

    HandGraph, LocalizerGraph, HandDetector -> torch.onnx -> .onnx (ONNX Runtime, OpenVINO) -> .xml and .bin (OpenVINO)

made = export("runs/mine/weights.safetensors", Path("mine.onnx"))
print(made.compare().in_words())

Exporter: https://docs.pytorch.org/docs/stable/onnx_export.html
"""

import logging
import math
import tempfile
import warnings
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.export import Dim

from handkit.backends.graph_file import DETECTOR_INPUT, INPUTS, INSIDE, KEY, REFINED, Graph, GraphInfo
from handkit.backends.opening import OPENVINO
from handkit.errors import HandkitError, UsageError
from handkit.extras import missing_extra
from handkit.files.atomic import write_whole
from handkit.files.folders import check_writable
from handkit.graph import Answer, HandGraph, Inside, LocalizerGraph, load_graph, load_localizer
from handkit.hub import GRAPH, find_weights
from handkit.locate import MULTIPLE
from handkit.models import PARTS
from handkit.models.checkpoint import load_part, name_of, read_info
from handkit.models.detector import Detection, HandDetector
from handkit.parity import Parity, detector_parity, hand_parity, localizer_parity

Format = Literal["onnx", "openvino"]
Precision = Literal["f32", "bf16"]
SUFFIXES: dict[Format, str] = {"onnx": GRAPH, "openvino": OPENVINO}
BESIDE = ".bin"
"""Of the weights that OpenVINO keeps beside its graph."""
LIMIT_MM = 0.05
"""What a graph in float32 may be off."""
OPSET = 20
"""GridSample as torch has it needs 20."""
FEWEST = 64
"""Values of a tensor that is kept in half precision where that changes none of them."""


@dataclass(frozen=True)
class Exported:
    """A graph as it was written, and the network that it came from."""

    out: Path
    form: Format
    limit_mm: float
    """What it may be off: `LIMIT_MM` in float32, anything in bfloat16."""
    parity: Callable[..., Parity]
    """Of a graph that runs."""

    @property
    def files(self) -> tuple[Path, ...]:
        return _files_of(self.out, self.form)

    @property
    def megabytes(self) -> float:
        return sum(each.stat().st_size for each in self.files) / 1e6

    def compare(self, *, count: int = 200) -> Parity:
        """With the network itself, on so many synthetic frames; raises UsageError where they are none."""
        check_count(count)
        with _one_thread():
            return self.parity(_opened(self.out, self.form), count=count)

    def check(self, parity: Parity) -> None:
        """Raise HandkitError where the graph is farther from the network than it may be."""
        off = parity.largest_mm
        if not off <= self.limit_mm:
            raise HandkitError(f"{self.out} is {off:.3f} mm off, {self.limit_mm} mm are allowed: do not use it")


def export(
    weights: str,
    out: Path,
    *,
    form: Format = "onnx",
    precision: Precision = "f32",
    confidence: str | None = None,
) -> Exported:
    """Write the graph of weights, by name or path: of a pose network, the localizer or the detector.

    Args:
        weights: by name or path.
        out: the file: .onnx, or for OpenVINO .xml, with a .bin beside it.
        form: for ONNX Runtime (and others), or for OpenVINO.
        precision: of the network in OpenVINO; geometry is in float32 whatever it is.
        confidence: weights of the confidence network that learned from this pose network; none by default.

    Raises:
        UsageError: these do not go together.
        CheckpointError: there are no such weights.
        HandkitError: the file cannot be written.
        MissingExtraError: ONNX or OpenVINO is not installed.
    """
    _check_form(out, form=form, precision=precision)
    for each in _files_of(out, form):
        check_writable(each)
    with _one_thread():
        content, parity = exported(weights, confidence=confidence, precision=precision)
    write(content, out, form=form)
    return Exported(out, form, LIMIT_MM if precision == "f32" else math.inf, parity)


def _check_form(out: Path, *, form: Format, precision: Precision) -> None:
    """Raise UsageError where no such file holds such a graph."""
    if precision == "bf16" and form == "onnx":
        raise UsageError("ONNX Runtime computes in float32; bf16 is for --format openvino")
    if out.suffix != SUFFIXES[form]:
        raise UsageError(f"--out {out}: --format {form} writes {SUFFIXES[form]} files")


def _opened(out: Path, form: Format) -> Graph:
    if form == "onnx":
        from handkit.backends.onnx import OnnxGraph

        return OnnxGraph(out)
    from handkit.backends.openvino import OpenvinoGraph

    return OpenvinoGraph(out)


def check_count(count: int) -> None:
    """Raise UsageError where there is no frame to compare on."""
    if count < 1:
        raise UsageError(f"--count {count}: give 1 or more")


def _files_of(out: Path, form: Format) -> tuple[Path, ...]:
    """Of a graph: the file itself, and of OpenVINO's the weights beside it."""
    return (out,) if form == "onnx" else (out, out.with_suffix(BESIDE))


@contextmanager
def _one_thread() -> Generator[None]:
    """Two cubes at a time: on a busy machine more threads wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _HandValues(nn.Module):
    """A hand graph that answers what lies inside of it too, so that the exporter gives it names."""

    def __init__(self, hand: HandGraph) -> None:
        super().__init__()
        self.hand = hand

    def forward(
        self, depth: Tensor, intrinsics: Tensor, center: Tensor, mirrored: Tensor, roll: Tensor
    ) -> tuple[Tensor, ...]:
        answer, inside = self.hand.look(depth, intrinsics, center, mirrored, roll)
        return (*answer, *(value for value in inside if value is not None))


class _WholeDetector(nn.Module):
    """The detector on one image, without the batch axis."""

    def __init__(self, detector: HandDetector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, image: Float[Tensor, "H W"]) -> tuple[Tensor, ...]:
        return tuple(each[0] for each in self.detector(image[None, None]))


def hand_onnx(graph: HandGraph, *, precision: Precision = "f32") -> bytes:
    """The graph as an ONNX file, for any image size and any number of cubes; `precision` is what is asked of OpenVINO.

    Inputs and outputs are those of `HandGraph.forward`. Half a minute of tracing.
    """
    info = GraphInfo(
        kind="hand",
        network=name_of(type(graph.pose)),
        skeleton=graph.pose.skeleton,
        edge_mm=graph.edge_mm,
        confidence="none" if graph.confidence is None else "own",
        precision=precision,
        handkit=version("handkit"),
    )
    assert Inside._fields == INSIDE
    unjudged = {"surface", "seen"} if graph.confidence is None else set[str]()
    names = (*Answer._fields, *(name for name in INSIDE if name not in unjudged))
    return _onnx(_HandValues(graph), *_cubes(), names=names, kept=len(Answer._fields), info=info)


def localizer_onnx(graph: LocalizerGraph) -> bytes:
    """The localizer as an ONNX file, for any image size and any number of cubes; in float32.

    Inputs and outputs are those of `LocalizerGraph.forward`.
    """
    info = GraphInfo(
        kind="localizer", network="localizer", skeleton=None, edge_mm=graph.edge_mm, confidence="none", precision="f32",
        handkit=version("handkit"),
    )  # fmt: skip
    return _onnx(graph, *_cubes(), names=REFINED, kept=len(REFINED), info=info)


def _cubes() -> tuple[dict[str, Tensor], tuple[Any, ...]]:
    """Example values of `INPUTS`, and which of their sizes may be others."""
    # Two cubes: a dimension of one is taken for a constant.
    center, mirrored = torch.tensor([[0.0, 0, 500], [10, 20, 520]]), torch.tensor([False, True])
    intrinsics = torch.tensor([240.0, 240, 160, 120])
    example = (torch.full((240, 320), 500.0), intrinsics, center, mirrored, torch.tensor([0.0, 0.5]))
    rows = {0: Dim("cubes", min=1, max=1024)}
    sizes = {0: Dim("height", min=2, max=16384), 1: Dim("width", min=2, max=16384)}
    return dict(zip(INPUTS, example, strict=True)), (sizes, None, rows, rows, rows)


def detector_onnx(detector: HandDetector, *, precision: Precision = "f32") -> bytes:
    """The detector as an ONNX file, for images whose sides are any multiples of `MULTIPLE`, as `canonical` makes them.

    Input is one depth image (mm), outputs are the maps of `Detection`, without the batch axis.
    """
    info = GraphInfo(
        kind="detector", network="detector", skeleton=None, edge_mm=None, confidence="none", precision=precision,
        handkit=version("handkit"),
    )  # fmt: skip
    sizes = {axis: MULTIPLE * Dim(name, min=1, max=256) for axis, name in ((0, "rows"), (1, "columns"))}
    example = {DETECTOR_INPUT: torch.full((4 * MULTIPLE, 6 * MULTIPLE), 500.0)}
    names = Detection._fields
    return _onnx(_WholeDetector(detector), example, (sizes,), names=names, kept=len(names), info=info)


def write(content: bytes, out: Path, *, form: Format) -> None:
    """A graph as a file: ONNX as it is, or read by OpenVINO and written as `out` (.xml) and its .bin beside it."""
    if form == "onnx":
        write_whole(out, content)
        return
    try:
        import openvino
    except ImportError:
        raise missing_extra("OpenVINO is not installed", extra="openvino") from None
    import onnx

    model = openvino.Core().read_model(content)
    text = next(each.value for each in onnx.load_from_string(content).metadata_props if each.key == KEY)
    model.set_rt_info(text, [KEY])
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "graph.xml"
        openvino.save_model(model, whole, compress_to_fp16=False)
        write_whole(out.with_suffix(BESIDE), whole.with_suffix(BESIDE).read_bytes())
        write_whole(out, whole.read_bytes())


def _onnx(
    module: nn.Module,
    example: Mapping[str, Tensor],
    sizes: tuple[Any, ...],
    *,
    names: tuple[str, ...],
    kept: int,
    info: GraphInfo,
) -> bytes:
    """A traced module as an ONNX file, of whose outputs the first `kept` stay."""
    try:
        import onnx_ir.passes.common as passes
        import onnxscript.optimizer
    except ImportError:
        raise missing_extra("ONNX is not installed", extra="export") from None
    for talkative in ("torch.onnx._internal.exporter._registration", "onnx_ir"):
        logging.getLogger(talkative).setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module.eval(), tuple(example.values()), dynamo=True, opset_version=OPSET, dynamic_shapes=sizes,
            input_names=list(example), output_names=list(names), optimize=False, verbose=False,
        )  # fmt: skip
    assert program is not None
    model = program.model
    del model.graph.outputs[kept:]
    # Batch normalization is not folded into convolutions here, whoever runs the graph does that: so the weights stay
    # the half precision numbers that they are in weights files.
    onnxscript.optimizer.fold_constants(model)
    for each in (
        passes.RemoveUnusedNodesPass(),
        passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        passes.DeduplicateInitializersPass(),
        passes.CommonSubexpressionEliminationPass(),
        passes.ClearMetadataAndDocStringPass(),
    ):
        each(model)
    model.metadata_props[KEY] = info.text()
    model.producer_name, model.producer_version = "handkit", version("handkit")
    return _halved(program.model_proto).SerializeToString()


def _halved(model: Any) -> Any:  # noqa: ANN401
    """The same with tensors that hold half precision numbers alone kept as such: half the file, the same numbers."""
    from onnx import TensorProto, helper, numpy_helper

    casts: list[Any] = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if values.size < FEWEST or not np.array_equal(half.astype(np.float32), values):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def exported(
    weights: str, *, confidence: str | None = None, precision: Precision = "f32"
) -> tuple[bytes, Callable[..., Parity]]:
    """Of weights by name or path: an ONNX file, and what compares a graph that runs with the network itself.

    Raises CheckpointError where there are no such weights, UsageError where they cannot be exported so.
    """
    kind = read_info(find_weights(weights)).model
    if kind in PARTS and confidence is not None:
        raise UsageError(f"a {kind} has no confidence network; leave --confidence out")
    if kind == "detector":
        detector = load_part(find_weights(weights), HandDetector)
        return detector_onnx(detector, precision=precision), partial(detector_parity, detector)
    if kind == "localizer":
        if precision != "f32":
            raise UsageError("a localizer is exported in float32 only; leave --precision out")
        localizer = load_localizer(weights)
        return localizer_onnx(localizer), partial(localizer_parity, localizer)
    hand = load_graph(weights, confidence)
    return hand_onnx(hand, precision=precision), partial(hand_parity, hand)
