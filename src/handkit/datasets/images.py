"""PNG files of the data sets: the kind that was expected and whole, or a sentence."""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from handkit.errors import DatasetError
from handkit.files.png import START, decode_image, read_header
from handkit.files.regular import read_regular
from handkit.shapes import UInt8, UInt16

_COLOR_TYPES = {1: 0, 3: 2}
"""Channels to the color type of a PNG's header."""


def read_png16(path: Path, *, width: int, height: int) -> UInt16[np.ndarray, "H W"]:
    """One channel of 16 bits; raises DatasetError or OSError, FileNotFoundError among them."""
    return _read(path, width=width, height=height, bits=16, channels=1)


def read_png_colors(path: Path, *, width: int, height: int) -> UInt8[np.ndarray, "H W 3"]:
    """Three channels of 8 bits, blue first; raises as `read_png16`."""
    return _read(path, width=width, height=height, bits=8, channels=3)


def _read(path: Path, *, width: int, height: int, bits: Literal[8, 16], channels: Literal[1, 3]) -> Any:  # noqa: ANN401 -- 8 or 16 bits
    """The size is compared with the header before anything of that size is allocated."""
    data = read_regular(path)
    if not data.startswith(START):
        seen = "is empty" if not data else "is not a PNG"
        raise DatasetError(f"{path} {seen}; unpack or download it again")
    header = read_header(data)
    if header is None:
        raise DatasetError(f"{path} is a truncated or damaged PNG ({len(data)} bytes); unpack or download it again")
    if (header.width, header.height) != (width, height):
        raise DatasetError(
            f"{path} is {header.width}x{header.height}; this data set's images are {width}x{height}: "
            "use the original files, not resized ones"
        )
    if (header.bits, header.color) != (bits, _COLOR_TYPES[channels]):
        raise DatasetError(
            f"{path} is a PNG of {header.bits} bits and color type {header.color}; expected {bits} bits and "
            f"{channels} channel{'s' * (channels > 1)}: use the original files, not converted ones"
        )
    image = decode_image(data)
    if image is None:
        raise DatasetError(f"{path} is a damaged PNG; unpack or download it again")
    return image
