"""Reading depth pictures: what is read, and one clear sentence for everything that is not a depth picture."""

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from handkit.errors import SourceError
from handkit.sources import CameraChoice, find_pictures, read_depth

RAMP = (np.arange(12 * 16, dtype=np.uint16).reshape(12, 16) + 500).astype(np.uint16)


def save(path: Path, picture: np.ndarray, *parameters: int) -> Path:
    assert cv2.imwrite(str(path), picture, parameters)
    return path


def save_npy(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


def sentence(path: Path, **options: float) -> str:
    with pytest.raises(SourceError) as caught:
        read_depth(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["ramp.png", "ramp.tiff", "ramp.tif", "png_without_suffix"])
def test_reads_16_bit_pictures_in_mm(tmp_path: Path, name: str) -> None:
    path = save(tmp_path / (name if "." in name else "x.png"), RAMP).rename(tmp_path / name)
    depth = read_depth(path)
    assert depth.dtype == np.float32
    np.testing.assert_array_equal(depth, RAMP)
    np.testing.assert_array_equal(read_depth(path, depth_scale=0.125), RAMP / 8)


@pytest.mark.parametrize("dtype", ["uint16", "int32", "int64", "float16", "float32", "float64", ">u2"])
def test_reads_numbers_of_any_width(tmp_path: Path, dtype: str) -> None:
    path = save_npy(tmp_path / "ramp.npy", RAMP.astype(dtype))
    np.testing.assert_array_equal(read_depth(path), RAMP)


def test_reads_float_tiff(tmp_path: Path) -> None:
    path = save(tmp_path / "ramp.tiff", RAMP.astype(np.float32) / 2)
    np.testing.assert_array_equal(read_depth(path, depth_scale=2.0), RAMP)


def test_what_is_no_number_is_no_reading(tmp_path: Path) -> None:
    array = np.array([[np.nan, np.inf, -np.inf], [-3.0, 0.0, 700.0]])
    depth = read_depth(save_npy(tmp_path / "holes.npy", array))
    np.testing.assert_array_equal(depth, [[0, 0, 0], [0, 0, 700]])


@pytest.mark.parametrize("fill", [0, np.nan])
def test_a_picture_without_readings_is_read(tmp_path: Path, fill: float) -> None:
    assert not read_depth(save_npy(tmp_path / "none.npy", np.full((4, 5), fill, np.float32))).any()


def test_missing_file_names_the_nearest(tmp_path: Path) -> None:
    save(tmp_path / "frame_0001.png", RAMP)
    assert "did you mean" in sentence(tmp_path / "frame_001.png")
    assert "frame_0001.png" in sentence(tmp_path / "frame_001.png")
    assert "did you mean" not in sentence(tmp_path / "missing.png"), "frame_0001.png is not what was meant"
    assert "no folder" in sentence(tmp_path / "nowhere" / "frame.png")
    assert "no file matches" in sentence(tmp_path / "depth*.png")
    (tmp_path / "empty").mkdir()
    assert "folder without" in sentence(tmp_path / "empty")


def test_what_is_not_a_picture(tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("no picture at all")
    (tmp_path / "empty.png").touch()
    save(tmp_path / "color.jpg", np.zeros((4, 4, 3), np.uint8))
    assert "not a picture" in sentence(tmp_path / "notes.png")
    assert "is empty" in sentence(tmp_path / "empty.png")
    assert "JPEG" in sentence(tmp_path / "color.jpg")


def test_pictures_too_coarse_for_depth(tmp_path: Path) -> None:
    assert "8-bit 1-channel" in sentence(save(tmp_path / "grey.png", RAMP.astype(np.uint8)))
    assert "NYU" in sentence(save(tmp_path / "nyu.png", np.zeros((4, 4, 3), np.uint8)))
    assert "16-bit 3-channel" in sentence(save(tmp_path / "color.png", np.zeros((4, 4, 3), np.uint16)))
    assert "8-bit 4-channel" in sentence(save(tmp_path / "alpha.png", np.zeros((4, 4, 4), np.uint8)))
    assert "uint8" in sentence(save(tmp_path / "grey.tiff", RAMP.astype(np.uint8)))
    assert "4 x 4 x 3" in sentence(save(tmp_path / "color.tiff", np.zeros((4, 4, 3), np.uint16)))


def test_arrays_that_are_no_picture(tmp_path: Path) -> None:
    assert "(height, width)" in sentence(save_npy(tmp_path / "many.npy", np.ones((3, 4, 5))))
    assert "(height, width)" in sentence(save_npy(tmp_path / "none.npy", np.ones((0, 5))))
    assert "complex128" in sentence(save_npy(tmp_path / "complex.npy", np.ones((4, 5), complex)))
    assert "bool" in sentence(save_npy(tmp_path / "mask.npy", np.ones((4, 5), bool)))
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
    np.testing.assert_array_equal(read_depth(tmp_path / "whole.tif"), RAMP)
    (tmp_path / "cut.tif").write_bytes(data[:300])
    assert "truncated" in sentence(tmp_path / "cut.tif")


def test_png_with_a_flipped_bit(tmp_path: Path) -> None:
    path = save(tmp_path / "flipped.png", RAMP)
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    assert "damaged" in sentence(path)


def test_pipes_and_devices_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "cannot be read: it is a pipe or a device" in sentence(tmp_path / "pipe.png")
    assert "cannot be read: it is a pipe or a device" in sentence(Path("/dev/zero"))


@pytest.mark.parametrize("head", [b"", b"\0\0\0\7"])
def test_png_with_a_short_header_under_a_right_checksum(tmp_path: Path, head: bytes) -> None:
    chunks = [(b"IHDR", head), (b"IDAT", b""), (b"IEND", b"")]
    parts = [struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks]
    (tmp_path / "short.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    assert "truncated or damaged PNG" in sentence(tmp_path / "short.png")


def test_png_with_sound_chunks_and_too_few_rows(tmp_path: Path) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 16, 12, 16, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + row.astype(">u2").tobytes() for row in RAMP[:5]))
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    (tmp_path / "rows.png").write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    assert "truncated" in sentence(tmp_path / "rows.png")


def test_npy_header_that_asks_for_the_whole_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.npy"
    with path.open("wb") as file:
        shape = {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)}
        np.lib.format.write_array_header_1_0(file, shape)
    assert "whole array" in sentence(path)


def test_depth_in_meters(tmp_path: Path) -> None:
    path = save_npy(tmp_path / "meters.npy", RAMP / 1000)
    assert "metres" in sentence(path)
    assert "--depth-scale 1000" in sentence(path)
    np.testing.assert_allclose(read_depth(path, depth_scale=1000.0), RAMP, rtol=1e-6)
    assert "--depth-scale 0.001" in sentence(save(tmp_path / "mm.png", RAMP), depth_scale=0.001)


def test_folders_and_globs_are_sorted_as_people_count(tmp_path: Path) -> None:
    for name in ("f10.png", "f9.PNG", "f1.npy", "notes.txt", "f2.tiff"):
        (tmp_path / name).touch()
    (tmp_path / "f0.png").mkdir()
    assert [path.name for path in find_pictures(str(tmp_path))] == ["f1.npy", "f2.tiff", "f9.PNG", "f10.png"]
    assert [path.name for path in find_pictures(f"{tmp_path}/f1*")] == ["f1.npy", "f10.png"]
    assert find_pictures(f"{tmp_path}/x*.png") == [tmp_path / "x*.png"]
    assert find_pictures("absent.png") == [Path("absent.png")]


def test_a_file_with_brackets_in_its_name_is_itself(tmp_path: Path) -> None:
    save(tmp_path / "frame[1].png", RAMP)
    assert find_pictures(str(tmp_path / "frame[1].png")) == [tmp_path / "frame[1].png"]


def test_camera_by_name_must_fit_the_picture() -> None:
    choice = CameraChoice.parse("sr305")
    assert choice.fit(640, 480).matrix[0, 0] == pytest.approx(476.007)
    with pytest.raises(SourceError, match=r"320x240 but the camera 'sr305' is 640x480.*icvl, msra"):
        choice.fit(320, 240)
    with pytest.raises(SourceError, match=r"a.png is 7x5.*name its camera or give its fx,fy,cx,cy"):
        choice.fit(7, 5, picture="a.png")


def test_camera_by_numbers_takes_the_picture_s_size() -> None:
    choice = CameraChoice.parse("500, 501,319.5,239.5")
    camera = choice.fit(64, 48)
    assert (camera.width, camera.height) == (64, 48)
    assert camera.matrix.tolist() == [[500.0, 0.0, 319.5], [0.0, 501.0, 239.5], [0.0, 0.0, 1.0]]
    assert choice.camera is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kinekt2", "did you mean 'kinect2'"),
        ("500 500 320 240", "blanks between its numbers; write 500,500,320,240"),
        ("500,500,320", "four numbers"),
        ("500,500,320,x", "four numbers"),
        ("0,500,320,240", "positive focal lengths"),
        ("nan,500,320,240", "finite"),
    ],
)
def test_cameras_that_are_none(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        CameraChoice.parse(text)


def test_real_files(shared_data: Path) -> None:
    hand = read_depth(shared_data / "sr305" / "30.png", depth_scale=0.125)
    assert hand.shape == (480, 640)
    assert 500 < np.median(hand[hand > 0]) < 2000
    assert read_depth(shared_data / "kinect2" / "00000003.png").shape == (424, 512)
    assert "NYU" in sentence(shared_data / "formats" / "nyu" / "depth_1_0000001.png")
