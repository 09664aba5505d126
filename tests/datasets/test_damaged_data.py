"""Data sets that something happened to: each ends in a sentence with the file, the line and what to do."""

import os
import re
import shutil
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from datasets.fixtures import write_nyu_labels
from scipy.io import savemat  # pyright: ignore[reportMissingTypeStubs]

from handkit.datasets.catalog import open_split
from handkit.datasets.hands17 import open_hands17
from handkit.errors import DatasetError
from handkit.extras import install_command

LABELS = {
    "icvl": ("train", "Training/labels.txt", 3),
    "hands17": ("train", "training/Training_Annotation.txt", 2),
    "msra": ("all", "P1/1/joint.txt", 2),
}
"""Split, label file and the line in it to damage, from 1."""

IMAGES = {
    "icvl": "Testing/Depth/test_seq_1/image_0000.png",
    "nyu": "dataset/test/depth_1_0000001.png",
    "msra": "P0/1/000000_depth.bin",
    "hands17": "training/images/image_D00000001.png",
}
"""That of frame 0 of the usual split."""


@pytest.fixture
def copy(tmp_path: Path, data_sets: dict[str, Path]) -> Callable[[str], Path]:
    """A data set of one's own to damage."""
    return lambda name: shutil.copytree(data_sets[name], tmp_path / name)


def edit_line(path: Path, line: int, edit: Callable[[list[str]], list[str]]) -> None:
    lines = path.read_bytes().decode().split("\n")
    lines[line - 1] = " ".join(edit(lines[line - 1].split()))
    path.write_bytes("\n".join(lines).encode())


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda words: words[:-1], r"\d\d numbers, expected \d\d coordinates"),
        (lambda words: [*words, "1.5"], r"\d\d numbers, expected \d\d coordinates"),
        (lambda words: [*words[:-1], "nan"], ", nan, is no coordinate"),
        (lambda words: [*words[:-1], "inf"], ", inf, is no coordinate"),
        (lambda words: [*words[:-1], "12,5"], "is '12,5'; expected"),
        (lambda words: [*words[:-1], "1e300"], "1e300, is no coordinate"),
        (lambda words: [*words[:-1], "-1e9"], "-1e9, is no coordinate"),
    ],
)
def test_label_lines(copy: Callable[[str], Path], name: str, edit: Callable, sentence: str):
    root, (split, file, line) = copy(name), LABELS[name]
    edit_line(root / file, line, edit)
    where = re.escape(str(root / file)) + f", line {line}: "
    with pytest.raises(DatasetError, match=f"{where}.*{sentence}.*again"):
        open_split(name, root, split)


@pytest.mark.parametrize(
    ("first", "sentence"),
    [
        ("501", "501 frames are promised, labels for 1 follow"),
        ("many", "'many' is not the number of frames"),
        ("", "''"),
        ("9" * 5000, "'9999"),
    ],
)
def test_msra_count_line(copy: Callable[[str], Path], first: str, sentence: str):
    root = copy("msra")
    edit_line(root / "P0/1/joint.txt", 1, lambda _: [first])
    with pytest.raises(DatasetError, match=rf"joint\.txt, line 1: .*{sentence}"):
        open_split("msra", root)


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("size", [0, 10, 23, 300])
def test_truncated_images(copy: Callable[[str], Path], name: str, size: int):
    root = copy(name)
    image = root / IMAGES[name]
    image.write_bytes(image.read_bytes()[:size])
    files = open_split(name, root)
    with pytest.raises(DatasetError, match=re.escape(str(image)) + ".* again"):
        files.depth(0)


@pytest.mark.parametrize("name", ["icvl", "nyu", "hands17"])
def test_a_flipped_bit(copy: Callable[[str], Path], name: str):
    root = copy(name)
    image = root / IMAGES[name]
    data = bytearray(image.read_bytes())
    data[len(data) // 2] ^= 4
    image.write_bytes(data)
    with pytest.raises(DatasetError, match="truncated or damaged"):
        open_split(name, root).depth(0)


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.zeros((120, 160), np.uint16), "is 160x120; this data set's images are 640x480"),
        (np.zeros((480, 640), np.uint8), "PNG of 8 bits and color type 0; expected 16 bits and 1 channel"),
        (np.zeros((480, 640, 3), np.uint16), "PNG of 16 bits and color type 2"),
    ],
)
def test_converted_images(copy: Callable[[str], Path], array: np.ndarray, sentence: str):
    root = copy("hands17")
    cv2.imwrite(str(root / IMAGES["hands17"]), array)
    with pytest.raises(DatasetError, match=f"{sentence}.*use the original files"):
        open_split("hands17", root).depth(0)


@pytest.mark.parametrize("name", IMAGES)
def test_a_pipe_in_place_of_an_image(copy: Callable[[str], Path], name: str):
    """It would be waited for without end."""
    root = copy(name)
    (root / IMAGES[name]).unlink()
    os.mkfifo(root / IMAGES[name])
    with pytest.raises(DatasetError, match="cannot be read: it is a pipe or a device, not a file"):
        open_split(name, root).depth(0)


@pytest.mark.parametrize("name", LABELS)
def test_a_device_in_place_of_labels(copy: Callable[[str], Path], name: str):
    root, (split, file, _) = copy(name), LABELS[name]
    (root / file).unlink()
    (root / file).symlink_to("/dev/zero")
    with pytest.raises(DatasetError, match="cannot be read: it is a pipe or a device, not a file"):
        open_split(name, root, split)


def test_an_image_that_is_none(copy: Callable[[str], Path]):
    root = copy("nyu")
    (root / IMAGES["nyu"]).write_text("<html>404</html>")
    with pytest.raises(DatasetError, match="is not a PNG"):
        open_split("nyu", root).depth(0)


def test_a_png_of_absurd_size_is_refused_by_its_header(copy: Callable[[str], Path]):
    """60,000 x 60,000 pixels, 7 GB: the checksums are right, nothing of that size is allocated."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    root = copy("icvl")
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 16, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    (root / IMAGES["icvl"]).write_bytes(data)
    with pytest.raises(DatasetError, match="60000x60000"):
        open_split("icvl", root).depth(0)


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ((100_000, 100_000, 0, 0, 100_000, 100_000), "says that its image is 100000x100000"),
        ((320, 240, 0, 0, 2_000_000_000, 2_000_000_000), "does not lie in 320x240"),
        ((320, 240, -5, 0, 10, 10), "does not lie in 320x240"),
        ((320, 240, 20, 0, 10, 10), "columns 20 to 10"),
        ((320, 240, 0, 0, 320, 240), "its header promises 307224"),
        ((320, 240, 0, 0, 1, 1), "more than 28 bytes, its header promises 28"),
    ],
)
def test_forged_bin_headers(copy: Callable[[str], Path], head: tuple[int, ...], sentence: str):
    root = copy("msra")
    image = root / IMAGES["msra"]
    image.write_bytes(struct.pack("<6i", *head) + image.read_bytes()[24:])
    with pytest.raises(DatasetError, match=sentence):
        open_split("msra", root).depth(0)


@pytest.mark.parametrize(
    ("part", "file"),
    [("test", "Testing/test_seq_2.txt"), ("test", "Testing/test_seq_1.txt"), ("train", "Training/labels.txt")],
)
def test_icvl_labels_of_no_frame(copy: Callable[[str], Path], part: str, file: str):
    root = copy("icvl")
    (root / file).write_bytes(b"\r\r\n")
    with pytest.raises(
        DatasetError, match=re.escape(f"{root / file} is empty; unpack {file.partition('/')[0]}.tar.gz again")
    ):
        open_split("icvl", root, part)


def test_nyu_labels_that_are_none(copy: Callable[[str], Path]):
    root = copy("nyu")
    labels = root / "dataset/test/joint_data.mat"
    good = labels.read_bytes()
    for data, sentence in (
        (b"", "is not a whole MATLAB file"),
        (good[: len(good) // 2], "has no joint_xyz; .* cut short"),
        (good[:-20], "is not a whole MATLAB file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(500), "is not a whole MATLAB file"),
        (b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(500), "is a .*version 7.3.*-v7"),
    ):
        labels.write_bytes(data)
        with pytest.raises(DatasetError, match=f"joint_data.mat {sentence}"):
            open_split("nyu", root)
    write_nyu_labels(labels, np.full((2, 36, 3), np.nan))
    with pytest.raises(DatasetError, match="joint F1_KNU3_A of frame 1, view 1, is no coordinate"):
        open_split("nyu", root)
    write_nyu_labels(labels, np.full((2, 36, 3), 1e300))
    with pytest.raises(DatasetError, match="joint F1_KNU3_A of frame 1, view 1, is no coordinate"):
        open_split("nyu", root)
    write_nyu_labels(labels, np.zeros((0, 36, 3)))
    with pytest.raises(DatasetError, match=r"joint_data\.mat lists no frame"):
        open_split("nyu", root)
    write_nyu_labels(labels, np.zeros((2, 14, 3)))
    with pytest.raises(DatasetError, match=r"joint_xyz of shape \(3, 2, 14, 3\); expected \(3, N, 36, 3\)"):
        open_split("nyu", root)
    savemat(labels, {"joint_xyz": np.full((3, 2, 36, 3), "x", dtype=object)})
    with pytest.raises(DatasetError, match="joint_xyz of shape"):
        open_split("nyu", root)
    write_nyu_labels(labels, np.zeros((2, 36, 3)), names=[f"joint {i}" for i in range(36)])
    with pytest.raises(DatasetError, match="other joint_names than NYU's 36, from entry 0 on"):
        open_split("nyu", root)


def test_nyu_without_scipy(copy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch):
    root = copy("nyu")
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(DatasetError, match=re.escape(install_command("data"))):
        open_split("nyu", root)
    (root / "dataset/test/joint_data.mat").unlink()
    with pytest.raises(DatasetError, match=r"joint_data\.mat .*unpack it again"):
        open_split("nyu", root)


@pytest.mark.parametrize("name", ["icvl", "nyu", "msra", "hands17"])
def test_a_wrong_root(tmp_path: Path, name: str):
    with pytest.raises(DatasetError, match=f"{tmp_path} is not the root of .* found nothing"):
        open_split(name, tmp_path)
    with pytest.raises(DatasetError, match="is not a folder"):
        open_split(name, tmp_path / "elsewhere")


def test_msra_with_a_gesture_or_a_subject_missing(copy: Callable[[str], Path]):
    root = copy("msra")
    shutil.rmtree(root / "P4/TIP")
    with pytest.raises(DatasetError, match="P4/TIP is missing; every subject has 17 gestures"):
        open_split("msra", root)
    shutil.rmtree(root / "P4")
    with pytest.raises(DatasetError, match="P4 is missing; MSRA15 has nine subjects"):
        open_split("msra", root)
    assert len(open_split("msra", root, "test-P5")) == 1


def test_hands17_annotations_of_other_frames(copy: Callable[[str], Path]):
    root = copy("hands17")
    other = root / "other.txt"
    other.write_text((root / "training/Training_Annotation.txt").read_text().replace("D00000003", "D00000033"))
    with pytest.raises(DatasetError, match=r"other\.txt, line 3, does not list the frames of"):
        open_hands17(root, "test", annotations=other)
