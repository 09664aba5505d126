"""PNG files of the data sets: the kind that was expected and whole, or a sentence."""

import struct
import zlib
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from jaxtyping import UInt8, UInt16

from handkit.errors import DatasetError

_START = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPES = {1: 0, 3: 2}
"""Channels to the colour type of a PNG's header."""


def read_png16(path: Path, *, width: int, height: int) -> UInt16[np.ndarray, "H W"]:
    """One channel of 16 bits; raises DatasetError or FileNotFoundError."""
    return _read(path, width=width, height=height, bits=16, channels=1)


def read_png_colors(path: Path, *, width: int, height: int) -> UInt8[np.ndarray, "H W 3"]:
    """Three channels of 8 bits, blue first; raises DatasetError or FileNotFoundError."""
    return _read(path, width=width, height=height, bits=8, channels=3)


def _read(path: Path, *, width: int, height: int, bits: Literal[8, 16], channels: Literal[1, 3]) -> Any:  # noqa: ANN401 -- 8 or 16 bits
    """The size is compared with the header before anything of that size is allocated."""
    data = path.read_bytes()
    if not data.startswith(_START):
        seen = "is empty" if not data else "is not a PNG"
        raise DatasetError(f"{path} {seen}; unpack or download it again")
    if not _is_whole(data):
        raise DatasetError(f"{path} is a truncated or damaged PNG ({len(data)} bytes); unpack or download it again")
    seen_width, seen_height, seen_bits, color = struct.unpack(">IIBB", data[16:26])
    if (seen_width, seen_height) != (width, height):
        raise DatasetError(
            f"{path} is {seen_width}x{seen_height}; this data set's pictures are {width}x{height}: "
            "use the original files, not resized ones"
        )
    if (seen_bits, color) != (bits, _COLOR_TYPES[channels]):
        raise DatasetError(
            f"{path} is a PNG of {seen_bits} bits and colour type {color}; expected {bits} bits and "
            f"{channels} channel{'s' * (channels > 1)}: use the original files, not converted ones"
        )
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise DatasetError(f"{path} is a damaged PNG; unpack or download it again")
    return picture


def _is_whole(data: bytes) -> bool:
    """Every chunk is there to the end, with the right checksum: decoders fill lost rows without a word."""
    start, kind = len(_START), b""
    while kind != b"IEND" and start + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[start : start + 8])
        end = start + 8 + length
        if data[end : end + 4] != struct.pack(">I", zlib.crc32(memoryview(data)[start + 4 : end])):
            return False
        start = end + 4
    return kind == b"IEND" and data[12:16] == b"IHDR"
