"""Which backend a file is given to."""

from pathlib import Path

import pytest

from handkit.backends.opening import find_pose, open_backend
from handkit.errors import CheckpointError
from handkit.hub import BUNDLED


def test_an_xml_graph_is_run_by_openvino(tmp_path: Path) -> None:
    for package in ("openvino", "onnx", "torch"):
        pytest.importorskip(package)
    from handkit.export import write

    write((BUNDLED / "latent-fusion.onnx").read_bytes(), tmp_path / "hand.xml", form="openvino")
    opened = open_backend(str(tmp_path / "hand.xml"), backend=None, threads=1, detector="detector", confidence=None)
    assert opened.name == "openvino"
    assert opened.skeleton.joints[0] == "wrist"


def test_a_suffix_in_capitals(tmp_path: Path) -> None:
    path = tmp_path / "HAND.ONNX"
    path.write_bytes((BUNDLED / "latent-fusion.onnx").read_bytes())
    assert open_backend(str(path), backend=None, threads=1, detector="detector", confidence=None).name == "onnx"


def test_a_link_to_nothing_is_found_and_then_named(tmp_path: Path) -> None:
    (tmp_path / "net").symlink_to("gone")
    assert find_pose(str(tmp_path / "net"), None) == tmp_path / "net"
    with pytest.raises(CheckpointError, match="net cannot be read: it is a link to gone, which is not there"):
        open_backend(str(tmp_path / "net"), backend=None, threads=1, detector="detector", confidence=None)
