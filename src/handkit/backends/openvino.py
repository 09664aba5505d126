"""OpenVINO, for Intel and AMD CPUs: float32, or the networks in bfloat16 and the geometry in float32.

OpenVINO has one precision for everything that it compiles, and geometry in bfloat16 is off by centimeters. So in
bfloat16 a hand graph is cut in three: in front of the networks, the networks (pose, and what confidence sees of the
crop), and what is behind them.
"""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from handkit.backends.graph_file import BEFORE, BEHIND, KEY, NAMES, GraphInfo, no_graph
from handkit.backends.onnx import GraphBackend
from handkit.backends.signal_stack import kept_signal_stack
from handkit.errors import CheckpointError
from handkit.extras import missing_extra
from handkit.files.regular import open_regular
from handkit.hub import GRAPH

Precision = Literal["f32", "bf16"]


class OpenvinoGraph:
    """A `Graph` in an .xml file (with its .bin) or an .onnx file.

    `precision` is that of the network, by default the one that the file names. Raises CheckpointError where the file
    holds no graph of that kind, or of another version, MissingExtraError where OpenVINO is not installed.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        kind: Literal["hand", "detector"] | None = None,
        threads: int = 1,
        precision: Precision | None = None,
    ) -> None:
        path, openvino = Path(path), _openvino()
        core = openvino.Core()
        try:
            open_regular(path).close()
            model = core.read_model(path)
        except FileNotFoundError:
            raise no_graph(path) from None
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read: {error.strerror}") from None
        except RuntimeError as error:
            sentence = str(error).strip().rpartition("\n")[2][:120]
            raise CheckpointError(f"{path} is no graph that OpenVINO can read ({sentence})") from None
        self.info = GraphInfo.read(path, _metadata(path, model), kind=kind)
        self.outputs = [_name(output) for output in model.outputs]
        cut = (precision or self.info.precision) == "bf16"
        stages = _stages(model, self.info) if cut else [(_Stage, model, False)]
        self.stages = [kind_of(core, part, threads=threads, half=half) for kind_of, part, half in stages]

    def run(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        values = dict(inputs)
        for stage in self.stages:
            values |= stage.run(values)
        return [np.array(values[name]) for name in self.outputs]


class _Stage:
    """A compiled part of a graph, with a request for each thread."""

    def __init__(self, core: Any, model: Any, *, threads: int, half: bool) -> None:  # noqa: ANN401
        config = {
            "INFERENCE_PRECISION_HINT": "bf16" if half else "f32",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # a pinned thread waits for its core while others are free
        }
        with kept_signal_stack():
            self.compiled = core.compile_model(model, "CPU", config)
        self.inputs = [_name(each) for each in self.compiled.inputs]
        self.outputs = [_name(each) for each in self.compiled.outputs]
        self.own = threading.local()

    def run(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs are views of the request's own memory, until this thread's next call."""
        if not hasattr(self.own, "request"):
            self.own.request = self.compiled.create_infer_request()
        given = [np.ascontiguousarray(values[name]) for name in self.inputs]
        answer = self.own.request.infer(given, share_inputs=True, share_outputs=True)
        return {name: answer[place] for place, name in enumerate(self.outputs)}


class _RowByRow(_Stage):
    """A part whose inputs have a row for each cube, compiled for one: several in turn are faster than several at once
    by what is compiled for any number."""

    def __init__(self, core: Any, model: Any, *, threads: int, half: bool) -> None:  # noqa: ANN401
        shapes = {_name(place): place.partial_shape for place in model.inputs}
        model.reshape({name: [1, *list(shape)[1:]] for name, shape in shapes.items()})
        super().__init__(core, model, threads=threads, half=half)

    def run(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        rows: list[dict[str, np.ndarray]] = []
        for row in range(len(values[self.inputs[0]])):
            answer = super().run({name: values[name][row : row + 1] for name in self.inputs})
            rows.append({name: value.copy() for name, value in answer.items()})
        return {name: np.concatenate([row[name] for row in rows]) for name in self.outputs}


def load(
    hand: Path | str, *, detector: Path | str, threads: int = 1, precision: Precision | None = None
) -> GraphBackend:
    """A `Backend` of the graphs of a pose network and a detector; raises as `OpenvinoGraph`."""
    return GraphBackend(
        "openvino",
        OpenvinoGraph(hand, kind="hand", threads=threads, precision=precision),
        OpenvinoGraph(detector, kind="detector", threads=threads, precision=precision),
    )


def _name(place: Any) -> str:  # noqa: ANN401
    """Ours among the names of an input or output; a value that nothing changes has its successor's as well."""
    return next(name for name in NAMES if name in place.get_names())


def _openvino() -> Any:  # noqa: ANN401
    try:
        import openvino
    except ImportError:
        raise missing_extra("OpenVINO is not installed", extra="openvino") from None
    return openvino


def _metadata(path: Path, model: Any) -> str | None:  # noqa: ANN401
    """The text under our key; OpenVINO drops what an .onnx file says about itself, ONNX Runtime does not."""
    if path.suffix == GRAPH:
        from handkit.backends.onnx import OnnxGraph

        return OnnxGraph(path).info.text()
    return str(model.get_rt_info([KEY]).value) if model.has_rt_info([KEY]) else None


def _stages(model: Any, info: GraphInfo) -> list[tuple[type[_Stage], Any, bool]]:  # noqa: ANN401
    """The parts of a graph in order, and whether each may be in bfloat16. A detector's network is all there is."""
    if info.kind == "detector":
        return [(_Stage, model, True)]
    known = {name for node in model.get_ordered_ops() for output in node.outputs() for name in output.get_names()}
    before, behind = ([name for name in names if name in known] for names in (BEFORE, BEHIND))
    crop, seen = [name for name in before if name == "crop"], [name for name in before if name != "crop"]
    outputs = [_name(output) for output in model.outputs]
    return [
        (_Stage, _part(model, [], before), False),
        (_RowByRow, _part(model, seen, behind), True),
        (_Stage, _part(model, [*crop, *behind], outputs), False),
    ]


def _part(model: Any, inputs: Sequence[str], outputs: Sequence[str]) -> Any:  # noqa: ANN401
    """What of a graph leads to `outputs`, with the values called `inputs` given rather than computed."""
    from openvino import opset13

    part = model.clone()
    places = {name: output for node in part.get_ordered_ops() for output in node.outputs() for name in output.names}
    own = {_name(output): output.node for output in part.outputs}
    for name in inputs:
        place = places[name]
        parameter = opset13.parameter(place.partial_shape, place.element_type, name=name)
        for target in place.get_target_inputs():
            target.replace_source_output(parameter.output(0))
        parameter.output(0).set_names({name})
        part.add_parameters([parameter])
    part.add_results([opset13.result(places[name]) for name in outputs if name not in own])
    for name in own.keys() - set(outputs):
        part.remove_result(own[name])
    read = _read_by(part)
    for parameter in part.get_parameters():  # what is not read would be handed over all the same
        if parameter.get_name() not in read:
            part.remove_parameter(parameter)
    return part


def _read_by(model: Any) -> set[str]:  # noqa: ANN401
    """Names of all nodes that the results of a model depend on."""
    names, waiting = set[str](), list(model.get_results())
    while waiting:
        node = waiting.pop()
        if node.get_name() not in names:
            names.add(node.get_name())
            waiting += [value.get_node() for value in node.input_values()]
    return names
