"""Headers that are whole, headers that are forged, and what is written is what is read."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from handkit.files.png import START, PngHeader, decode_image, encode_png, read_header, write_png

GRAY = np.arange(35, dtype=np.uint16).reshape(5, 7) * 1000
COLOR = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(*chunks: bytes) -> bytes:
    return START + b"".join(chunks)


@pytest.mark.parametrize("image", [GRAY, COLOR])
def test_round_trip(tmp_path: Path, image: np.ndarray):
    write_png(tmp_path / "ü.png", image)
    np.testing.assert_array_equal(decode_image((tmp_path / "ü.png").read_bytes()), image)
    with pytest.raises(OSError, match="nowhere"):
        write_png(tmp_path / "nowhere/x.png", image)


def test_headers():
    assert read_header(encode_png(GRAY)) == PngHeader(7, 5, 16, 0)
    assert read_header(encode_png(COLOR)) == PngHeader(7, 5, 8, 2)
    assert (PngHeader(7, 5, 8, 6).channels, PngHeader(7, 5, 8, 5).channels) == (4, 0)


@pytest.mark.parametrize("size", [0, 7, 8, 20, 33, 60, -12, -1])
def test_a_cut_file_has_no_header(size: int):
    data = encode_png(GRAY)
    assert read_header(data[:size]) is None


def test_a_flipped_bit():
    data = bytearray(encode_png(GRAY))
    data[len(data) // 2] ^= 1
    assert read_header(bytes(data)) is None


@pytest.mark.parametrize("head", [b"", b"\0\0\0\x07", struct.pack(">II", 7, 5), bytes(14)])
def test_a_header_that_is_short_empty_or_long_under_a_right_checksum(head: bytes):
    assert read_header(png(chunk(b"IHDR", head), chunk(b"IDAT", b""), chunk(b"IEND", b""))) is None


def test_a_header_that_is_not_first_or_not_there():
    head, end = chunk(b"IHDR", struct.pack(">IIBBBBB", 7, 5, 16, 0, 0, 0, 0)), chunk(b"IEND", b"")
    assert read_header(png(chunk(b"IDAT", b""), head, end)) is None
    assert read_header(png(end)) is None
    assert read_header(png(head)) is None
    assert read_header(png(head, end)) == PngHeader(7, 5, 16, 0)


@pytest.mark.parametrize("data", [b"", b"no image", png(chunk(b"IEND", b""))])
def test_what_is_no_image_is_none_and_makes_no_noise(data: bytes, capfd: pytest.CaptureFixture[str]):
    assert decode_image(data) is None
    assert capfd.readouterr().err == ""
