"""Patches as bytes and back: 16-bit values as they are, or packed without loss.

"rvl" is the code of Wilson, "Fast Lossless Depth Image Compression" (ISS 2017), written from its description: row
after row, the number of zeros, the number of depth values, then each value as its difference from the one before. Every
number is cut into groups of three bits, lowest first; a fourth bit says that another group follows. Two groups to a
byte. Differences -4 to 3 mm take half a byte, and long runs of zeros nearly nothing.
"""

import inspect
from collections.abc import Callable
from typing import Literal, TypeVar, cast

import numpy as np
from jaxtyping import Float32, Int64, UInt8, UInt16
from numba import njit  # pyright: ignore[reportUnknownVariableType]

Codec = Literal["none", "rvl"]
CODECS: tuple[Codec, ...] = ("none", "rvl")
LARGEST = 65_535
"""The largest stored value; 0 is invalid."""
_MOST_GROUPS = 6
"""A difference of two 16-bit values takes 17 bits."""

Function = TypeVar("Function", bound=Callable[..., object])


def kernel(function: Function) -> Function:
    """Compile with numba, without the interpreter's lock, and keep the result on disk.

    Unwrapped first, since under test every function arrives wrapped in a type checker. A kernel calls kernels of this
    file only: numba does not notice when a file that it calls into has changed.
    """
    compiled = njit(nogil=True, cache=True, error_model="numpy")
    return cast(Function, cast(Callable[[object], object], compiled)(inspect.unwrap(function)))


def encode(patch: UInt16[np.ndarray, "H W"], codec: Codec) -> bytes:
    """The bytes of one patch, little endian, row by row.

    >>> encode(np.array([[0, 0, 500, 501]], np.uint16), "none").hex()
    '00000000f401f501'
    >>> encode(np.array([[0, 0, 500, 501]], np.uint16), "rvl").hex()  # 2 zeros, 2 values, +500, +1
    '22d81f02'
    """
    flat = np.ascontiguousarray(patch).reshape(-1)
    if codec == "none":
        return flat.astype("<u2", copy=False).tobytes()
    packed = np.empty(_MOST_GROUPS * flat.size // 2 + 16, np.uint8)
    return packed[: _encode_runs(flat, packed)].tobytes()


def decode(data: UInt8[np.ndarray, " N"], shape: tuple[int, int], codec: Codec) -> UInt16[np.ndarray, "H W"]:
    """The patch of (height, width) pixels; raises ValueError where the bytes hold no such patch."""
    patch = np.empty((1, *shape), np.float32)
    place = np.array([[0, 0, data.size, *shape]], np.int64)
    if not gather(data, place, 1.0, patch, packed=codec == "rvl"):
        raise ValueError(f"{data.size} bytes do not hold a patch of {shape[1]}x{shape[0]} pixels")
    return patch[0].astype(np.uint16)


def gather(
    data: UInt8[np.ndarray, " N"],
    places: Int64[np.ndarray, "K 5"],
    unit_mm: float,
    out: Float32[np.ndarray, "B H W"],
    *,
    packed: bool,
) -> bool:
    """Write patches of one shard into rows of `out`, in mm, with zeros to the right of them and below.

    A place is (row of `out`, first byte, number of bytes, height, width). Answers whether every patch was whole.
    """
    if (places[:, 1] < 0).any() or (places[:, 1] + places[:, 2] > data.size).any():
        return False
    if packed:
        return bool(_gather_packed(data, places, np.float32(unit_mm), out))
    if (places[:, 2] != 2 * places[:, 3] * places[:, 4]).any():
        return False
    _gather_plain(data.view("<u2"), places, np.float32(unit_mm), out)
    return True


@kernel
def _gather_plain(
    values: UInt16[np.ndarray, " N"],
    places: Int64[np.ndarray, "K 5"],
    unit: np.float32,
    out: Float32[np.ndarray, "B H W"],
) -> None:
    for k in range(len(places)):
        height, width = places[k, 3], places[k, 4]
        image, source = out[places[k, 0]], places[k, 1] // 2
        for v in range(height):
            for u in range(width):
                image[v, u] = np.float32(values[source + v * width + u]) * unit
            image[v, width:] = 0
        image[height:] = 0


@kernel
def _gather_packed(
    data: UInt8[np.ndarray, " N"],
    places: Int64[np.ndarray, "K 5"],
    unit: np.float32,
    out: Float32[np.ndarray, "B H W"],
) -> bool:
    whole = True
    for k in range(len(places)):
        image = out[places[k, 0]]
        image[:] = 0
        first, last = 2 * places[k, 1], 2 * (places[k, 1] + places[k, 2])
        whole &= _decode_runs(data, first, last, unit, image[: places[k, 3], : places[k, 4]])
    return whole


@kernel
def _decode_runs(
    data: UInt8[np.ndarray, " N"], first: int, last: int, unit: np.float32, out: Float32[np.ndarray, "H W"]
) -> bool:
    """Groups `first` to `last` of `data` into `out`, which is zero; whether they end where the patch ends."""
    height, width = out.shape
    size, done, value = height * width, 0, 0
    u, v = 0, 0
    while done < size:
        zeros, first = _read_number(data, first, last)
        count, first = _read_number(data, first, last)
        if zeros < 0 or count <= 0 or done + zeros + count > size:
            return first >= 0 and done + zeros == size and count == 0 and last - first <= 1
        done += zeros + count
        u += zeros
        v, u = v + u // width, u % width
        for _ in range(count):
            code, first = _read_number(data, first, last)
            value += (code >> 1) ^ -(code & 1)
            out[v, u] = np.float32(value) * unit
            u += 1
            if u == width:
                v, u = v + 1, 0
        if first < 0:
            return False
    return last - first <= 1


@kernel
def _read_number(data: UInt8[np.ndarray, " N"], position: int, last: int) -> tuple[int, int]:
    """(number, next group), or (0, -1) where the groups are at their end."""
    number, shift = 0, 0
    while 0 <= position < last:
        group = (data[position >> 1] >> ((position & 1) << 2)) & 15
        position += 1
        number |= int(group & 7) << shift
        shift += 3
        if group < 8:
            return number, position
    return 0, -1


@kernel
def _encode_runs(values: UInt16[np.ndarray, " N"], out: UInt8[np.ndarray, " M"]) -> int:
    """Answers the number of bytes written."""
    position, i, before = 0, 0, 0
    while i < len(values):
        start = i
        while i < len(values) and values[i] == 0:
            i += 1
        position = _write_number(out, position, i - start)
        start = i
        while i < len(values) and values[i] != 0:
            i += 1
        position = _write_number(out, position, i - start)
        for j in range(start, i):
            change = int(values[j]) - before
            before = int(values[j])
            position = _write_number(out, position, (change << 1) ^ (change >> 63))
    return (position + 1) >> 1


@kernel
def _write_number(out: UInt8[np.ndarray, " M"], position: int, number: int) -> int:
    """Answers the next group; a byte's upper group is empty until it is written."""
    while True:
        group = number & 7
        number >>= 3
        if number > 0:
            group |= 8
        if position & 1:
            out[position >> 1] |= np.uint8(group << 4)
        else:
            out[position >> 1] = np.uint8(group)
        position += 1
        if number == 0:
            return position
