"""What has no end is refused before it is read."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from handkit.backends.onnx import OnnxGraph
from handkit.backends.openvino import OpenvinoGraph
from handkit.errors import HandkitError
from handkit.files.regular import open_regular, read_regular
from handkit.models.checkpoint import read_info
from handkit.sources import open_source


def test_a_pipe_and_a_device(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", Path("/dev/zero")):
        with pytest.raises(OSError, match=f"a pipe or a device.*{path}"):
            read_regular(path)


def test_everything_else_is_as_open_says(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert read_regular(tmp_path / "link") == b"abc"
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "b")
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)


@pytest.mark.parametrize(
    "read",
    [
        read_info,
        OnnxGraph,
        OpenvinoGraph,
        lambda path: open_source(str(path.rename(path.with_suffix(".mcap")))),
    ],
)
def test_whatever_reads_a_file_of_the_user_s_waits_for_no_pipe(tmp_path: Path, read: Callable[[Path], object]):
    os.mkfifo(tmp_path / "pipe.xml")
    with pytest.raises(HandkitError, match=r"pipe\.\w+ cannot be read: it is a pipe or a device"):
        read(tmp_path / "pipe.xml")


@pytest.mark.parametrize("read", [read_info, OnnxGraph, OpenvinoGraph])
def test_a_link_to_nothing_is_called_one(tmp_path: Path, read: Callable[[Path], object]):
    (tmp_path / "link.xml").symlink_to("gone.xml")
    with pytest.raises(HandkitError, match=r"link\.xml cannot be read: it is a link to gone\.xml, which is not there"):
        read(tmp_path / "link.xml")
