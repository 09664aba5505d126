"""Patches as bytes and back: 16-bit values as they are, or packed without loss by zstandard.

`results/store.md` holds zstandard against blosc2 and a codec made for depth images, on the same patches.
"""

from typing import Literal

import numpy as np
import zstandard
from jaxtyping import Shaped, UInt8, UInt16

Codec = Literal["none", "zstd"]
CODECS: tuple[Codec, ...] = ("none", "zstd")
LARGEST = 65_535
"""The largest stored value; 0 is invalid."""
LEVEL = 3
"""Of zstandard: 9 is a tenth smaller, and takes five times as long to pack."""


def encode(patch: UInt16[np.ndarray, "H W"], codec: Codec) -> bytes:
    """The bytes of one patch, row by row; without a codec, little endian as they are.

    >>> encode(np.array([[0, 0, 500, 501]], np.uint16), "none").hex()
    '00000000f401f501'
    """
    plain = np.ascontiguousarray(patch).astype("<u2", copy=False).tobytes()
    return plain if codec == "none" else zstandard.ZstdCompressor(level=LEVEL).compress(plain)


def decode(data: UInt8[np.ndarray, " N"], shape: tuple[int, int], codec: Codec) -> Shaped[np.ndarray, "H W"]:
    """The patch of (height, width) pixels, read-only; raises ValueError where the bytes hold no such patch."""
    size = 2 * shape[0] * shape[1]
    try:
        plain = data if codec == "none" else _unpacked(data.data, size)
    except zstandard.ZstdError:
        plain = b""
    if len(plain) != size:
        raise ValueError(f"{data.size} bytes do not hold a patch of {shape[1]}x{shape[0]} pixels")
    return np.frombuffer(plain, "<u2").reshape(shape)


def _unpacked(data: memoryview, size: int) -> bytes:
    """Raises ZstdError; a size that is not the patch's is not believed."""
    if zstandard.frame_content_size(data) != size:
        return b""
    return zstandard.ZstdDecompressor().decompress(data, allow_extra_data=False)
