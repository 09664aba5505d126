"""A file is whole under its name, or as it was."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from handkit.errors import HandkitError
from handkit.files.atomic import replacing, write_whole, written_whole
from handkit.files.folders import check_writable


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


def test_a_link_stays_one_and_a_pipe_is_no_file_to_replace(tmp_path: Path):
    (tmp_path / "a.json").symlink_to("b.json")
    for content in ("1", "2"):
        write_whole(tmp_path / "a.json", content)
    assert (tmp_path / "a.json").is_symlink()
    assert (tmp_path / "b.json").read_text() == "2"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a pipe or a device"):
        write_whole(tmp_path / "pipe", "1")
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.json", "pipe"]


def test_what_could_not_be_written_is_refused_before_the_work(tmp_path: Path):
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    for bad, reason in (
        ("file/a.html", "Not a directory"),
        ("gone/a.html", "No such"),
        (".", "Is a"),
        ("pipe", "pipe"),
    ):
        with pytest.raises(HandkitError, match=f"cannot be written: .*{reason}.*; give a name in a folder"):
            check_writable(tmp_path / bad)
    check_writable(tmp_path / "a.html")
    assert names(tmp_path) == ["file", "pipe"]
    with pytest.raises(HandkitError, match=r"^/ cannot be written: Is a directory; "):
        check_writable(Path("/"))


def test_looking_whether_a_file_can_be_written_disturbs_no_other_writer(tmp_path: Path):
    (tmp_path / "a.html.partial").write_text("half of it")
    check_writable(tmp_path / "a.html")
    assert (tmp_path / "a.html.partial").read_text() == "half of it"
    (tmp_path / "link").symlink_to("gone/b.html")
    with pytest.raises(HandkitError, match="link cannot be written: No such file"):
        check_writable(tmp_path / "link")
    (tmp_path / "gone").mkdir()
    check_writable(tmp_path / "link")
    assert names(tmp_path) == ["a.html.partial", "gone", "link"]
    assert names(tmp_path / "gone") == []


def test_an_error_about_another_file_keeps_its_name(tmp_path: Path):
    with pytest.raises(FileNotFoundError) as missing, written_whole(tmp_path / "a.npy"):
        (tmp_path / "source.png").read_bytes()
    assert missing.value.filename == str(tmp_path / "source.png")


def test_a_writer_that_takes_a_path(tmp_path: Path):
    with replacing(tmp_path / "a.txt") as partial:
        np.savetxt(partial, np.eye(2), fmt="%g")
        assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").read_text() == "1 0\n0 1\n"
