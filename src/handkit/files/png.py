"""PNG files: whether they are whole, what their header says, and back.

Decoders fill the missing rows of a cut PNG with whatever they like, some without a word, and trust the size in a
header: both are looked at before anything is decoded.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from handkit.files.atomic import write_whole
from handkit.shapes import Shaped, UInt8, UInt16

START = b"\x89PNG\r\n\x1a\n"
TIFF = (b"II*\0", b"MM\0*")
_HEAD = struct.Struct(">IIBBBBB")
_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
"""By color type."""


class PngHeader(NamedTuple):
    """What a PNG says of itself."""

    width: int
    height: int
    bits: int
    """Of a channel."""
    color: int
    """Color type: 0 gray, 2 color, 3 palette, 4 and 6 with transparency."""

    @property
    def channels(self) -> int:
        """After decoding; 0 for a color type that there is not."""
        return _CHANNELS.get(self.color, 0)


def read_header(data: bytes) -> PngHeader | None:
    """None unless every chunk is there to the end, each with the right checksum, a whole header with a size first."""
    chunks = list(_chunks(data))
    if not chunks or chunks[-1][0] != b"IEND" or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != _HEAD.size:
        return None
    header = PngHeader(*_HEAD.unpack(chunks[0][1])[:4])
    return header if header.width and header.height else None


def decode_image(data: bytes) -> Shaped[np.ndarray, "..."] | None:
    """What OpenCV reads there, as it is stored, blue first; None, and not a word on stderr, where that is nothing."""
    pages = decode_pages(data)
    return pages[0] if pages else None


def decode_pages(data: bytes) -> list[Shaped[np.ndarray, "..."]]:
    """All pages of a TIFF, of other files the one image; empty where one of them cannot be read."""
    # OpenCV 5 has a module for what OpenCV 4 has at its top; 0 is silence in both.
    logging: Any = getattr(cv2.utils, "logging", cv2)
    level = logging.setLogLevel(0)
    buffer = np.frombuffer(data, np.uint8)
    try:
        if data.startswith(TIFF):
            _, pages = cv2.imdecodemulti(buffer, cv2.IMREAD_UNCHANGED)
        else:
            pages = (cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED),)
    except cv2.error:
        return []
    finally:
        logging.setLogLevel(level)
    found = [page for page in pages if page is not None]
    return found if len(found) == len(pages) else []


def encode_png(image: UInt8[np.ndarray, "_ _ 3"] | UInt16[np.ndarray, "_ _"]) -> bytes:
    """Color, blue first, or 16 bits of gray."""
    return cv2.imencode(".png", image)[1].tobytes()


def write_png(path: Path, image: UInt8[np.ndarray, "_ _ 3"] | UInt16[np.ndarray, "_ _"]) -> None:
    """As `encode_png`, whole or not at all; raises OSError."""
    write_whole(path, encode_png(image))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of every chunk to IEND, or to the first that is cut short or fails its checksum."""
    start, kind = len(START), b""
    while kind != b"IEND" and data.startswith(START) and start + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[start : start + 8])
        content = data[start + 8 : start + 8 + length]
        if data[start + 8 + length : start + 12 + length] != struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))):
            return
        yield kind, content
        start += 12 + length
