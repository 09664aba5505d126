"""A file is whole under its name, or as it was."""

import errno
from pathlib import Path

import numpy as np
import pytest

from handkit.files.atomic import replacing, write_whole, written_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_text_and_bytes(tmp_path: Path):
    write_whole(tmp_path / "a.txt", "größe\n")
    write_whole(tmp_path / "a.txt", b"second")
    assert (tmp_path / "a.txt").read_bytes() == b"second"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OSError(errno.EIO, "Input/output error")])
def test_whatever_fails_leaves_the_old_file_alone(tmp_path: Path, error: BaseException):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail() -> None:
        with written_whole(path) as file:
            file.write(b"new and cut sh")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_full_disk_is_named_by_the_file_that_was_to_be(tmp_path: Path):
    (tmp_path / "a.npy.partial").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device") as full:
        write_whole(tmp_path / "a.npy", bytes(10))
    assert full.value.filename == str(tmp_path / "a.npy")
    with pytest.raises(OSError, match="No such file") as gone:
        write_whole(tmp_path / "nowhere/a.npy", b"")
    assert gone.value.filename == str(tmp_path / "nowhere/a.npy")


def test_an_error_about_another_file_keeps_its_name(tmp_path: Path):
    with pytest.raises(FileNotFoundError) as missing, written_whole(tmp_path / "a.npy"):
        (tmp_path / "source.png").read_bytes()
    assert missing.value.filename == str(tmp_path / "source.png")


def test_a_writer_that_takes_a_path(tmp_path: Path):
    with replacing(tmp_path / "a.txt") as partial:
        np.savetxt(partial, np.eye(2), fmt="%g")
        assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").read_text() == "1 0\n0 1\n"
