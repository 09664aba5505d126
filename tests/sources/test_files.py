"""Reading depth images: what is read, and one clear sentence for everything that is none."""

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from handkit.camera import Camera
from handkit.depth import DepthImage
from handkit.errors import SourceError
from handkit.sources import count_frames, find_files, read_frames

RAMP = (np.arange(12 * 16, dtype=np.uint16).reshape(12, 16) + 500).astype(np.uint16)


def save(path: Path, image: np.ndarray, *parameters: int) -> Path:
    assert cv2.imwrite(str(path), image, parameters)
    return path


def save_npy(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


def sentence(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        read_frames(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def only(path: Path) -> np.ndarray:
    (array,) = read_frames(path)
    return array


@pytest.mark.parametrize("name", ["ramp.png", "ramp.tiff", "ramp.tif", "ramp.pgm", "png_without_suffix"])
def test_reads_16_bit_images_as_they_are(tmp_path: Path, name: str) -> None:
    path = save(tmp_path / (name if "." in name else "x.png"), RAMP).rename(tmp_path / name)
    assert only(path).dtype == np.uint16
    np.testing.assert_array_equal(only(path), RAMP)


@pytest.mark.parametrize("dtype", ["uint16", "int32", "int64", "float16", "float32", "float64", ">u2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_reads_numbers_of_any_width(tmp_path: Path, dtype: str, order: str) -> None:
    path = save_npy(tmp_path / "ramp.npy", np.asarray(RAMP.astype(dtype), order="C" if order == "C" else "F"))
    np.testing.assert_array_equal(only(path), RAMP)


def test_reads_float_tiff(tmp_path: Path) -> None:
    np.testing.assert_array_equal(only(save(tmp_path / "ramp.tiff", RAMP.astype(np.float32) / 2)), RAMP / 2)


def test_every_page_of_a_tiff_is_a_frame(tmp_path: Path) -> None:
    assert cv2.imwritemulti(str(tmp_path / "pages.tif"), [RAMP, RAMP + 1, RAMP + 2])
    pages = read_frames(tmp_path / "pages.tif")
    assert [int(page[0, 0]) for page in pages] == [500, 501, 502]


def test_every_two_dimensional_array_of_an_npz_is_a_frame(tmp_path: Path) -> None:
    for write in (np.savez, np.savez_compressed):
        write(tmp_path / "frames.npz", depth_2=RAMP, depth_10=RAMP + 1, camera=np.eye(3).ravel())
        frames = read_frames(tmp_path / "frames.npz")
        assert [int(frame[0, 0]) for frame in frames] == [500, 501], "as people count"
    np.savez(tmp_path / "none.npz", camera=np.zeros(4))
    assert "no array of shape (H, W) or (N, H, W), but (4,)" in sentence(tmp_path / "none.npz")
    data = (tmp_path / "frames.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(data[: len(data) // 2])
    assert "damaged" in sentence(tmp_path / "cut.npz")


@pytest.mark.parametrize("suffix", ["npy", "npz"])
@pytest.mark.parametrize("channel", [(), (1,)])
def test_every_frame_of_a_stacked_array(tmp_path: Path, suffix: str, channel: tuple[int, ...]) -> None:
    stack = np.stack([RAMP, RAMP + 1, RAMP + 2]).reshape(3, *RAMP.shape, *channel)
    path = tmp_path / f"stack.{suffix}"
    (np.save if suffix == "npy" else np.savez)(path, stack)
    frames = read_frames(path)
    assert [int(frame[0, 0].item()) for frame in frames] == [500, 501, 502]
    assert {frame.shape for frame in frames} == {(*RAMP.shape, *channel)}
    assert count_frames(path) == 3


def test_an_array_of_one_channel_is_one_frame_and_colors_are_no_stack(tmp_path: Path) -> None:
    assert only(save_npy(tmp_path / "one.npy", RAMP[..., None])).shape == (*RAMP.shape, 1)
    colors = np.zeros((*RAMP.shape, 3), np.uint16)
    assert only(save_npy(tmp_path / "colors.npy", colors)).shape == colors.shape
    np.savez(tmp_path / "both.npz", depth=np.stack([RAMP, RAMP]), color=colors)
    assert len(read_frames(tmp_path / "both.npz")) == 2


@pytest.mark.parametrize("shape", [(0, 240, 320), (0, 240), (3, 0, 320)])
def test_an_empty_array_holds_no_frame(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = save_npy(tmp_path / "empty.npy", np.zeros(shape, np.uint16))
    assert f"empty.npy holds no frame: its shape is {shape}; expected (H, W), or (N, H, W)" in sentence(path)
    assert count_frames(path) == 1, "which is refused"


def test_pipes_and_devices_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "a pipe or a device" in sentence(tmp_path / "pipe.png")
    assert "a pipe or a device" in sentence(Path("/dev/zero"))


def test_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "frame.png").symlink_to(tmp_path / "gone.png")
    assert "is a link to" in sentence(tmp_path / "frame.png")
    assert "gone.png, which does not exist" in sentence(tmp_path / "frame.png")


@pytest.mark.parametrize(
    ("suffix", "way"),
    [
        ("bag", "handkit convert FILE frames"),
        ("mkv", "ffmpeg -i FILE -map 0:1"),
        ("oni", "openni"),
        ("mcap", "handkit convert FILE frames"),
        (
            "mcap",
            "`handkit live --source FILE --send poses.jsonl` and `handkit annotate FILE --out labels.parquet` read",
        ),
        ("avi", "gray16be"),
        ("raw", "numpy.fromfile"),
    ],
)
def test_other_kinds_name_the_way_to_a_depth_image(tmp_path: Path, suffix: str, way: str) -> None:
    (tmp_path / f"x.{suffix}").write_bytes(b"something else")
    assert way in sentence(tmp_path / f"x.{suffix}")


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<u2', 'fortran_order': False, 'shape': (424.0, 512.0), }",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (4, 5",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (-1, 5), }",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (-4, 5, 5), }",
        f"{{'descr': '<u2', 'fortran_order': False, 'shape': ({10**23}, 5, 5), }}",
        "{'descr': 7, 'fortran_order': False, 'shape': (4, 5), }",
        "(" * 300,
        "",
    ],
)
def test_npy_with_a_broken_header(tmp_path: Path, header: str) -> None:
    text = header.ljust(117).encode() + b"\n"
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(40))
    assert "whole array" in sentence(tmp_path / "x.npy")
    assert count_frames(tmp_path / "x.npy") == 1, "which is refused"


@pytest.mark.parametrize("header", [b"", b"\0\0\0\x10"])
def test_png_with_a_short_header_and_a_sound_checksum(tmp_path: Path, header: bytes) -> None:
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    (tmp_path / "short.png").write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    assert "damaged" in sentence(tmp_path / "short.png")


def test_missing_file_names_the_nearest(tmp_path: Path) -> None:
    save(tmp_path / "frame_0001.png", RAMP)
    assert "did you mean" in sentence(tmp_path / "frame_001.png")
    assert "frame_0001.png" in sentence(tmp_path / "frame_001.png")
    assert "did you mean" not in sentence(tmp_path / "missing.png"), "frame_0001.png is not what was meant"
    assert "no folder" in sentence(tmp_path / "nowhere" / "frame.png")
    assert "matches no file" in sentence(tmp_path / "depth*.png")
    (tmp_path / "empty").mkdir()
    assert sentence(tmp_path / "empty").endswith(" files")
    (tmp_path / "empty/deeper").mkdir()
    save(tmp_path / "empty/deeper/a.png", RAMP)
    below = f"{tmp_path}/empty/**/*.png"
    assert f"those in folders below it are '{below}'" in sentence(tmp_path / "empty")
    assert find_files(below) == [tmp_path / "empty/deeper/a.png"]
    assert sentence(Path("realsense")).endswith("a camera is tracked by `handkit live --source realsense`")


def test_what_is_not_an_image(tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("no image at all")
    (tmp_path / "empty.png").touch()
    save(tmp_path / "color.jpg", np.zeros((4, 4, 3), np.uint8))
    assert "not a depth image" in sentence(tmp_path / "notes.png")
    assert "is empty" in sentence(tmp_path / "empty.png")
    assert "JPEG" in sentence(tmp_path / "color.jpg")


def test_images_too_coarse_for_depth(tmp_path: Path) -> None:
    gray = sentence(save(tmp_path / "gray.png", RAMP.astype(np.uint8)))
    assert "8-bit 1-channel" in gray
    assert gray.endswith("in 8 bits depth is lost, save the camera's 16-bit values")
    assert "NYU" in sentence(save(tmp_path / "nyu.png", np.zeros((4, 4, 3), np.uint8)))
    assert "16-bit 3-channel PNG; expected one channel of 16 bits: save one channel" in sentence(
        save(tmp_path / "color.png", np.zeros((4, 4, 3), np.uint16))
    )
    assert "8-bit 4-channel" in sentence(save(tmp_path / "alpha.png", np.zeros((4, 4, 4), np.uint8)))


def test_arrays_that_are_no_image(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([[{}]]), allow_pickle=True)
    assert "array of numbers" in sentence(tmp_path / "objects.npy")


@pytest.mark.parametrize("suffix", ["png", "tiff", "npy"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated_files(tmp_path: Path, suffix: str, share: float, capfd: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(0).integers(400, 4000, (60, 80)).astype(np.uint16)
    path = tmp_path / f"whole.{suffix}"
    _ = save_npy(path, noise) if suffix == "npy" else save(path, noise)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    assert "truncated" in sentence(path) or "whole array" in sentence(path)
    assert capfd.readouterr().err == "", "decoders must not chatter"


def test_tiff_that_promises_more_pixels_than_it_holds(tmp_path: Path) -> None:
    """Directory first, strip last: the common layout, where a cut file still has a sound directory."""
    tags = [(256, 16), (257, 12), (258, 16), (259, 1), (262, 1), (273, 122), (277, 1), (278, 12), (279, 384)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    data = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0) + RAMP.tobytes()
    (tmp_path / "whole.tif").write_bytes(data)
    np.testing.assert_array_equal(only(tmp_path / "whole.tif"), RAMP)
    (tmp_path / "cut.tif").write_bytes(data[:300])
    assert "truncated" in sentence(tmp_path / "cut.tif")


def test_png_with_a_flipped_bit(tmp_path: Path) -> None:
    path = save(tmp_path / "flipped.png", RAMP)
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    assert "damaged" in sentence(path)


@pytest.mark.parametrize("head", [b"", b"\0\0\0\7"])
def test_png_with_a_short_header_under_a_right_checksum(tmp_path: Path, head: bytes) -> None:
    chunks = [(b"IHDR", head), (b"IDAT", b""), (b"IEND", b"")]
    parts = [struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks]
    (tmp_path / "short.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    assert "truncated or damaged PNG" in sentence(tmp_path / "short.png")


def test_png_with_sound_chunks_and_too_few_rows(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 16, 12, 16, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + row.astype(">u2").tobytes() for row in RAMP[:5]))
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    (tmp_path / "rows.png").write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    assert "truncated" in sentence(tmp_path / "rows.png")


def test_png_of_a_color_type_that_there_is_not(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 16, 12, 16, 5, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    (tmp_path / "color.png").write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    assert "is a damaged PNG: there is no color type 5" in sentence(tmp_path / "color.png")


def test_npy_header_that_asks_for_the_whole_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.npy"
    with path.open("wb") as file:
        shape = {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)}
        np.lib.format.write_array_header_1_0(file, shape)
    assert "whole array" in sentence(path)


def test_folders_and_globs_are_sorted_as_people_count(tmp_path: Path) -> None:
    for name in ("f10.png", "f9.PNG", "f1.npy", "notes.txt", "f2.tiff"):
        (tmp_path / name).touch()
    (tmp_path / "f0.png").mkdir()
    assert [path.name for path in find_files(str(tmp_path))] == ["f1.npy", "f2.tiff", "f9.PNG", "f10.png"]
    assert [path.name for path in find_files(f"{tmp_path}/f1*")] == ["f1.npy", "f10.png"]
    assert find_files(f"{tmp_path}/x*.png") == [tmp_path / "x*.png"]
    assert find_files("absent.png") == [Path("absent.png")]


def test_a_file_with_brackets_in_its_name_is_itself(tmp_path: Path) -> None:
    save(tmp_path / "frame[1].png", RAMP)
    assert find_files(str(tmp_path / "frame[1].png")) == [tmp_path / "frame[1].png"]


def test_real_files(shared_data: Path) -> None:
    hand = DepthImage.of(only(shared_data / "sr305" / "30.png"), Camera.named("sr305")).depth
    assert 500 < np.median(hand[hand > 0]) < 2000
    assert only(shared_data / "kinect2" / "00000003.png").shape == (424, 512)
    assert "NYU" in sentence(shared_data / "formats" / "nyu" / "depth_1_0000001.png")
