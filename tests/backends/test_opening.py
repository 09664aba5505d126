"""Which backend a file is given to."""

from pathlib import Path

import pytest

from handkit.backends.opening import open_backend
from handkit.hub import BUNDLED


def test_an_xml_graph_is_run_by_openvino(tmp_path: Path) -> None:
    for package in ("openvino", "onnx", "torch"):
        pytest.importorskip(package)
    from handkit.export import write

    write((BUNDLED / "latent-fusion.onnx").read_bytes(), tmp_path / "hand.xml", form="openvino")
    opened = open_backend(str(tmp_path / "hand.xml"), backend=None, threads=1, detector="detector", confidence=None)
    assert opened.name == "openvino"
    assert opened.skeleton.joints[0] == "wrist"
