"""From torch modules to graphs in files, and how far their answers are apart, in mm.

    HandGraph, LocalizerGraph, HandDetector -> torch.onnx -> .onnx (ONNX Runtime, OpenVINO) -> .xml and .bin (OpenVINO)

Exporter: https://docs.pytorch.org/docs/stable/onnx_export.html
"""

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.export import Dim

from handkit.backends.graph_file import DETECTOR_INPUT, INPUTS, INSIDE, KEY, REFINED, Graph, GraphInfo
from handkit.camera import Camera
from handkit.errors import UsageError
from handkit.extras import missing_extra
from handkit.files.atomic import write_whole
from handkit.graph import Answer, HandGraph, Inside, LocalizerGraph, load_graph, load_localizer
from handkit.hub import find_weights
from handkit.locate import MULTIPLE, STRIDE, Maps, canonical
from handkit.models import PARTS
from handkit.models.checkpoint import load_part, name_of, read_info
from handkit.models.detector import Detection, HandDetector
from handkit.odds import probabilities
from handkit.synthetic.scenes import whole_frames
from handkit.synthetic.testset import first_testset

Format = Literal["onnx", "openvino"]
Precision = Literal["f32", "bf16"]
OPSET = 20
"""GridSample as torch has it needs 20."""
FEWEST = 64
"""Values of a tensor that is kept in half precision where that changes none of them."""


class Parity(NamedTuple):
    """How far a graph's answers are from those of the module it was exported from."""

    frames: int
    median_mm: float
    """Of joints, of a localizer's centers, or of the hand centers of every cell of the detector's maps."""
    largest_mm: float
    probability: float
    """Largest difference of any probability."""


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
        write_whole(out.with_suffix(".bin"), whole.with_suffix(".bin").read_bytes())
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
        ours, theirs = (_centers(maps, image.intrinsics) for maps in (found, expected))
        apart.append(np.linalg.norm(ours - theirs, axis=-1).ravel())
        doubts += [_apart(found.heat, expected.heat), _apart(found.left, expected.left)]
    return _parity(apart, doubts)


def _frames(count: int) -> Iterator[tuple[np.ndarray, Camera, np.ndarray]]:
    """Depth images (H, W) of the fixed test set, their cameras, and the hands' middles (camera mm)."""
    for index in range(count):
        scene = first_testset(index)
        frame = whole_frames(scene)
        yield frame.depth[0].numpy(), frame.camera.camera(0), scene.joints[0].mean(0).numpy()


def _centers(maps: Maps, intrinsics: tuple[float, float, float, float]) -> np.ndarray:
    """Where each cell says that a hand is (h, w, 3), camera mm."""
    fx, fy, cx, cy = intrinsics
    rows, columns = np.indices(maps.depth.shape)
    u, v = ((cell + shift + 0.5) * STRIDE - 0.5 for cell, shift in zip((columns, rows), maps.offset, strict=True))
    return np.stack([(u - cx) / fx * maps.depth, (v - cy) / fy * maps.depth, maps.depth], axis=-1)


def _apart(logits: np.ndarray, others: np.ndarray) -> float:
    """Largest difference of probabilities."""
    one, other = (probabilities(each) for each in (logits, others))
    return float(np.abs(one - other).max(initial=0.0))


def _parity(apart: list[np.ndarray], doubts: list[float]) -> Parity:
    every = np.concatenate(apart)
    return Parity(len(apart), float(np.median(every)), float(every.max()), max(doubts))


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
