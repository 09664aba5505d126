"""What a graph says about itself, and every file that is refused."""

import json
import math
from pathlib import Path

import pytest
from onnx import TensorProto, helper

from handkit.backends.graph_file import GRAPH_VERSION, KEY, GraphInfo
from handkit.backends.onnx import OnnxGraph
from handkit.backends.openvino import OpenvinoGraph
from handkit.errors import CheckpointError
from handkit.skeleton import NYU14

INFO = GraphInfo(
    kind="hand", network="srn", skeleton=NYU14, edge_mm=250.0, confidence="none", precision="f32", handkit="0.1.0"
)
HERE = Path("a.onnx")


def foreign(path: Path, text: str | None = None) -> Path:
    """A graph that answers what it was given."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    if text is not None:
        helper.set_model_props(model, {KEY: text})
    path.write_bytes(model.SerializeToString())
    return path


def test_there_and_back():
    assert GraphInfo.read(HERE, INFO.text()) == INFO
    assert GraphInfo.read(HERE, INFO.text(), kind="hand").skeleton == NYU14


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no graph of handkit"),
        ("not json", "damaged: its metadata cannot be read"),
        ("{}", "damaged: its metadata cannot be read"),
        (json.dumps({"graph": GRAPH_VERSION}), "damaged: its metadata are incomplete"),
        (json.dumps(json.loads(INFO.text()) | {"skeleton": None}), "damaged: its metadata are incomplete"),
        (INFO.text().replace('"bones": [[0', '"bones": [["a"'), "damaged: its metadata are incomplete"),
        (
            json.dumps(json.loads(INFO.text()) | {"graph": 7}),
            f"version 7 and this handkit runs version {GRAPH_VERSION}",
        ),
        (
            json.dumps(json.loads(INFO.text()) | {"graph": 0}),
            f"version 0 and this handkit runs version {GRAPH_VERSION}; export it again",
        ),
        *(
            (json.dumps(json.loads(INFO.text()) | wrong), "damaged: its metadata are incomplete")
            for wrong in ({"edge_mm": -1}, {"edge_mm": "x"}, {"edge_mm": math.nan}, {"kind": "a"}, {"confidence": "a"})
        ),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str | None, words: str):
    for reader in (OnnxGraph, OpenvinoGraph):
        with pytest.raises(CheckpointError, match=f"{words}.*handkit( export|$)"):
            reader(foreign(tmp_path / "a.onnx", text))


def test_a_graph_of_another_kind_is_refused(tmp_path: Path):
    path = foreign(tmp_path / "a.onnx", INFO.text())
    assert OnnxGraph(path).info == INFO
    with pytest.raises(CheckpointError, match="the graph of a hand where that of a detector is needed"):
        OnnxGraph(path, kind="detector")


@pytest.mark.parametrize("reader", [OnnxGraph, OpenvinoGraph])
def test_no_file_and_no_whole_file(tmp_path: Path, reader: type[OnnxGraph] | type[OpenvinoGraph]):
    with pytest.raises(CheckpointError, match="there is no graph"):
        reader(tmp_path / "a.onnx")
    with pytest.raises(CheckpointError, match=r"handkit export NETWORK --format openvino --out '.*a hand\.xml'"):
        reader(tmp_path / "a hand.xml")
    half = tmp_path / "half.onnx"
    half.write_bytes(b"\x08\x0a\x12\xff\xff")
    with pytest.raises(CheckpointError, match=r"half\.onnx is no"):
        reader(half)
