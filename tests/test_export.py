"""Graphs beside the modules that they were exported from, in mm: any image size, any number of cubes, both runtimes."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import config

from handkit import export
from handkit.backends import onnx, openvino
from handkit.backends.backend import Backend, Cubes, Estimates
from handkit.backends.graph_file import INPUTS
from handkit.backends.onnx import GraphBackend
from handkit.backends.torch import TorchBackend
from handkit.camera import Camera
from handkit.errors import CheckpointError, HandkitError, UsageError
from handkit.export import write
from handkit.geometry.cube import Cube
from handkit.geometry.frame import LabeledFrame
from handkit.graph import HandGraph, LocalizerGraph, load_graph, load_localizer
from handkit.models import MODELS
from handkit.models.checkpoint import save
from handkit.models.confidence import Confidence
from handkit.models.detector import HandDetector
from handkit.models.localizer import Localizer
from handkit.parity import detector_parity, hand_parity, localizer_parity
from handkit.recipes import LOCALIZER_SYNTHETIC
from handkit.skeleton import HAND21, NYU14
from handkit.synthetic.scenes import whole_frames
from handkit.synthetic.testset import first_testset
from handkit.training.targets import relocate

SMALL: dict[str, dict[str, Any]] = {
    "attention-hourglass": {"resolution": 64, "channels": 16},
    "crossinfonet": {"resolution": 32},
    "latent-fusion": {"resolution": 32, "channels": 16, "planes": ["xy"], "initial_std": None},
    "srn": {"resolution": 32, "stages": 1},
}
ALLOWED_MM = 0.05


def pose(name: str) -> Any:
    """Weights as a weights file has them: half precision numbers."""
    torch.manual_seed(0)
    model: Any = MODELS[name](NYU14 if name == "srn" else HAND21, **SMALL[name])
    return _rounded(model)


@contextmanager
def unchecked() -> Generator[None]:
    """Tracing goes through the shape checker as well, and would take its questions for the network's."""
    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", False)


def hand_onnx(graph: HandGraph, *, precision: export.Precision = "f32") -> bytes:
    with unchecked():
        return export.hand_onnx(graph, precision=precision)


def detector_onnx(module: HandDetector) -> bytes:
    with unchecked():
        return export.detector_onnx(module)


def _rounded(model: Any) -> Any:
    with torch.no_grad():
        for each in model.parameters():
            each.copy_(each.half())
    return model.eval()


@cache
def module() -> HandGraph:
    return HandGraph(pose("latent-fusion"), _rounded(Confidence(features=16)), edge_mm=280.0)


@cache
def detector() -> HandDetector:
    torch.manual_seed(0)
    return _rounded(HandDetector(channels=(8, 8, 8, 8, 8), blocks=1, features=8))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graphs")
    for name, content in (("hand", hand_onnx(module(), precision="bf16")), ("detector", detector_onnx(detector()))):
        write(content, folder / f"{name}.onnx", form="onnx")
        write(content, folder / f"{name}.xml", form="openvino")
    return folder


def _onnx(folder: Path) -> GraphBackend:
    return onnx.load(folder / "hand.onnx", detector=folder / "detector.onnx")


def _openvino(folder: Path) -> GraphBackend:
    return openvino.load(folder / "hand.xml", detector=folder / "detector.xml", precision="f32")


def _openvino_of_onnx(folder: Path) -> GraphBackend:
    return openvino.load(folder / "hand.onnx", detector=folder / "detector.onnx", precision="f32")


@pytest.mark.parametrize("load", [_onnx, _openvino, _openvino_of_onnx])
def test_a_backend_answers_what_the_modules_answer(files: Path, load: Callable[[Path], GraphBackend]):
    backend, reference = load(files), TorchBackend(module(), detector())
    assert isinstance(backend, Backend)
    assert (backend.skeleton, backend.edge_mm, backend.has_confidence) == (HAND21, 280.0, True)
    random = np.random.default_rng(0)
    for height, width, count in ((424, 512, 2), (480, 640, 1), (240, 320, 5)):
        camera = Camera(fx=width * 0.9, fy=width * 0.88, cx=width / 2, cy=height / 2, width=width, height=height)
        depth = random.uniform(300, 700, (height, width)).astype(np.float32)
        cubes = _cubes(random, count)
        found, expected = (each.estimate(depth, camera, cubes) for each in (backend, reference))
        assert found.joints_mm.shape == (count, 21, 3)
        assert np.linalg.norm(found.joints_mm - expected.joints_mm, axis=-1).max() <= ALLOWED_MM
        for ours, theirs in zip(found[1:], expected[1:], strict=True):
            assert np.allclose(ours, theirs, atol=ALLOWED_MM)
    for height, width in ((64, 96), (160, 32)):
        image = random.uniform(300, 700, (height, width)).astype(np.float32)
        for ours, theirs in zip(backend.detect(image), reference.detect(image), strict=True):
            assert ours.shape == theirs.shape
            assert np.allclose(ours, theirs, atol=ALLOWED_MM)


def _cubes(random: np.random.Generator, count: int) -> Cubes:
    center = random.normal(size=(count, 3)) * 20 + [0, 0, 500]
    roll = random.uniform(-3, 3, count)
    return Cubes(center.astype(np.float32), random.random(count) < 0.5, roll.astype(np.float32))


def test_no_cube_at_all(files: Path):
    none = Cubes(np.zeros((0, 3), np.float32), np.zeros(0, bool), np.zeros(0, np.float32))
    camera = Camera(fx=100.0, fy=100.0, cx=50.0, cy=50.0, width=96, height=80)
    found = _onnx(files).estimate(np.ones((80, 96), np.float32), camera, none)
    assert isinstance(found, Estimates)
    assert [each.shape for each in found] == [(0, 21, 3), (0, 21, 2), (0, 21), (0,), (0,), (0,)]


def test_half_precision_is_the_network_s_alone(files: Path):
    """A network of rough numbers moves joints within its cube by little; geometry in bfloat16 would by centimeters."""
    graph = openvino.OpenvinoGraph(files / "hand.xml")
    assert (graph.info.precision, len(graph.stages)) == ("bf16", 3)
    parity = hand_parity(module(), graph, count=2)
    assert parity.median_mm < 2.0
    before, networks, _ = graph.stages
    assert before.outputs == ["points", "crop", "surface"]
    assert {"points", "surface"} <= set(networks.inputs) < {*INPUTS, "points", "surface"}
    assert networks.outputs == ["joints", "features", "spread", "peak", "seen"]


def test_parity_is_what_the_outputs_differ_by(files: Path):
    hand, found = onnx.OnnxGraph(files / "hand.onnx"), onnx.OnnxGraph(files / "detector.onnx")
    parity = hand_parity(module(), hand, count=3)
    assert parity.frames == 3
    assert parity.median_mm <= parity.largest_mm <= ALLOWED_MM
    assert parity.probability < 1e-4
    other = HandGraph(module().pose, None, edge_mm=220.0)
    assert hand_parity(other, hand, count=1).median_mm > 1
    assert detector_parity(detector(), found, count=3).largest_mm <= ALLOWED_MM
    torch.manual_seed(1)
    assert detector_parity(HandDetector(channels=(8, 8, 8, 8, 8), blocks=1), found, count=1).median_mm > 0.1


def test_the_localizer_moves_cubes_as_its_module_does(tmp_path: Path):
    """Mirrored and rolled cubes too; in both runtimes."""
    torch.manual_seed(0)
    finder = LocalizerGraph(_rounded(Localizer(hidden=32)), edge_mm=300.0)
    with unchecked():
        content = export.localizer_onnx(finder)
    write(content, tmp_path / "a.onnx", form="onnx")
    write(content, tmp_path / "a.xml", form="openvino")
    for graph in (onnx.OnnxGraph(tmp_path / "a.onnx"), openvino.OpenvinoGraph(tmp_path / "a.xml")):
        assert (graph.info.kind, graph.info.edge_mm) == ("localizer", 300.0)
        parity = localizer_parity(finder, graph, count=3)
        assert parity.largest_mm <= ALLOWED_MM
        assert parity.probability < 1e-4
        assert localizer_parity(LocalizerGraph(finder.localizer, edge_mm=330.0), graph, count=1).median_mm > 1
    with pytest.raises(CheckpointError, match="holds the graph of a localizer where that of a hand is needed"):
        onnx.OnnxGraph(tmp_path / "a.onnx", kind="hand")


def test_a_localizer_s_graph_is_what_moves_the_cubes_of_a_training():
    finder, scene = load_localizer("localizer"), first_testset(0)
    frame = whole_frames(scene)
    cube = Cube.around(scene.focus + torch.tensor([30.0, -20.0, 10.0]), edge=200.0)
    expected = relocate(
        LabeledFrame(frame.depth, frame.camera, scene.joints, cube), finder.localizer, edge_mm=finder.edge_mm
    )
    camera = frame.camera.camera(0)
    intrinsics = torch.tensor([camera.fx, camera.fy, camera.cx, camera.cy])
    with torch.inference_mode():
        found = finder(frame.depth[0], intrinsics, cube.center, torch.tensor([False]), torch.zeros(1))
    torch.testing.assert_close(found.center_mm, expected.cube.center, rtol=0, atol=1e-3)
    assert (found.center_mm - scene.focus).norm() < 15
    assert found.objectness > 0


@pytest.mark.parametrize(("form", "names"), [("onnx", ["a.onnx"]), ("openvino", ["a.xml", "a.bin"])])
def test_weights_become_files_that_are_compared_with_them(form: export.Format, names: list[str], tmp_path: Path):
    torch.manual_seed(0)
    recipe = asdict(LOCALIZER_SYNTHETIC)
    save(tmp_path / "localizer.safetensors", _rounded(Localizer(hidden=32)), recipe=recipe)
    threads = torch.get_num_threads()
    with unchecked():
        made = export.export(str(tmp_path / "localizer.safetensors"), tmp_path / names[0], form=form)
    assert made.files == tuple(tmp_path / name for name in names)
    assert made.megabytes == sum(path.stat().st_size for path in made.files) / 1e6
    parity = made.compare(count=2)
    assert (parity.frames, torch.get_num_threads()) == (2, threads)
    assert parity.in_words().startswith("on 2 synthetic frames 0.0")
    made.check(parity)
    for far in (0.06, float("nan")):
        with pytest.raises(HandkitError, match=r"mm off, 0\.05 mm are allowed: do not use it"):
            made.check(parity._replace(largest_mm=far))
    with pytest.raises(UsageError, match="--count 0: give 1 or more"):
        made.compare(count=0)


@pytest.mark.parametrize(
    ("name", "asked", "words"),
    [
        ("a.onnx", {"precision": "bf16"}, "bf16 is for --format openvino"),
        ("a.xml", {}, "--format onnx writes .onnx files"),
        ("a.onnx", {"form": "openvino"}, "--format openvino writes .xml files"),
    ],
)
def test_what_does_not_go_together(name: str, asked: dict[str, Any], words: str, tmp_path: Path):
    with pytest.raises(UsageError, match=words):
        export.export("latent-fusion", tmp_path / name, **asked)
    assert not list(tmp_path.iterdir())


def test_weights_stay_in_half_precision(files: Path):
    parameters = sum(each.numel() for each in (*module().pose.parameters(), *module().confidence.parameters()))  # pyright: ignore
    assert (files / "hand.onnx").stat().st_size < 3 * parameters


def test_a_file_says_nothing_of_who_wrote_it(files: Path):
    content = (files / "hand.onnx").read_bytes()
    assert b"/src/" not in content
    assert b'"network": "latent-fusion"' in content


@pytest.mark.parametrize(
    "name", ["srn", *(pytest.param(each, marks=pytest.mark.slow) for each in ("attention-hourglass", "crossinfonet"))]
)
def test_networks_that_have_learned_nothing(name: str, tmp_path: Path):
    graph = HandGraph(pose(name), None, edge_mm=200.0)
    write(hand_onnx(graph), tmp_path / "hand.onnx", form="onnx")
    exported = onnx.OnnxGraph(tmp_path / "hand.onnx", kind="hand")
    assert (exported.info.network, exported.info.confidence) == (name, "none")
    assert hand_parity(graph, exported, count=2).largest_mm <= ALLOWED_MM


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("name", ["attention-hourglass", "crossinfonet", "densereg", "latent-fusion", "srn"])
def test_trained_networks(name: str, tmp_path: Path):
    """DenseReg only trained: its votes tie on the noise of a network that has learned nothing, and rounding decides."""
    graph = load_graph(name)
    write(hand_onnx(graph), tmp_path / "hand.onnx", form="onnx")
    assert hand_parity(graph, onnx.OnnxGraph(tmp_path / "hand.onnx"), count=10).largest_mm <= ALLOWED_MM
