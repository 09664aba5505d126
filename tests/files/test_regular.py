"""What has no end is refused before it is read."""

import os
from pathlib import Path

import pytest

from handkit.files.regular import open_regular, read_regular


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
