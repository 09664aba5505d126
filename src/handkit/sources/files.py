"""Where frames come from: depth images in files.

Reads what depth cameras and their tools write: 16-bit PNG and PGM, 16-bit or float TIFF of one page or many, `.npy` and
`.npz` arrays of integers or floats. The first bytes of a file say what it is, not its suffix. Whatever keeps a file
from being a depth image is raised as `SourceError`: one sentence of what was seen, what was expected and what mends it.
What the values mean, `depth.DepthImage.of` checks.
"""

import difflib
import glob
import io
import math
import re
import stat
import tokenize
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from handkit.errors import SourceError
from handkit.files.png import START, TIFF, decode_pages, read_header
from handkit.files.regular import open_regular
from handkit.shapes import Shaped
from handkit.sources.source import CAMERAS

SUFFIXES = (".png", ".tif", ".tiff", ".npy", ".npz", ".pgm")
"""What a folder is searched for."""
LARGEST_BYTES = 1 << 30
"""No file of depth images is larger."""
MOST_CHANNELS = 4
"""A last axis as short as this holds the channels of an image and not its columns."""

OWN = ("camera", "unit_mm", "time_s")
"""Arrays beside the frames of an .npz that handkit wrote."""
_NPY = b"\x93NUMPY"
_LARGEST_HEADER = 1 << 14
"""Bytes; numpy reads none of a .npy file that is larger."""
_NO_ZIP = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError)
"""What reading a damaged one raises."""
_ZIP = b"PK\x03\x04"
_PGM = (b"P5", b"P2")
_OTHER_KINDS = {
    b"\xff\xd8\xff": "a JPEG, which cannot hold depth",
    b"GIF8": "a GIF, which cannot hold depth",
    b"BM": "a BMP, which cannot hold depth",
    b"#?RADIANCE": "a Radiance image",
    b"v/1\x01": "an OpenEXR image",
}
_WAYS = {
    ".bag": "a recording: of a RealSense, `handkit convert FILE frames` makes a folder of 16-bit PNGs of it; of ROS 1, "
    "rosbags-convert makes a .mcap or .db3 of it",
    ".db3": "a recording: of a RealSense, `handkit convert FILE frames` makes a folder of 16-bit PNGs of it; of ROS 2, "
    "`ros2 bag convert` makes a .mcap of it",
    ".mkv": "a recording of an Azure Kinect: `ffmpeg -i FILE -map 0:1 -vsync 0 frames/%06d.png` makes 16-bit PNGs of "
    "its depth track",
    ".oni": "a recording of OpenNI: play it with the openni package and save each depth frame as .npy",
    ".mcap": "a recording, with its camera: `handkit live --source FILE --send poses.jsonl` and `handkit annotate FILE "
    "--out labels.parquet` read it; `handkit convert FILE frames` makes a folder of 16-bit PNGs of it",
    ".avi": "a video: most hold 8 bits; if it is 16-bit gray, `ffmpeg -i FILE -pix_fmt gray16be frames/%06d.png`",
    ".raw": "numbers without their shape: numpy.fromfile(FILE, '<u2').reshape(height, width), saved as .npy",
    ".mat": "a MATLAB file: save its depth array as .npy, with scipy.io.loadmat",
    ".exr": "an OpenEXR image: save its depth channel as .npy or a float TIFF",
    ".bin": "numbers without their shape: numpy.fromfile(FILE, '<u2').reshape(height, width), saved as .npy",
}
"""What files of other kinds are, and the way that leads from them to depth images."""


def find_files(given: str) -> list[Path]:
    """The files that `given` names: itself, the images in a folder, or the matches of a glob.

    Folders and globs are sorted as people count (`frame2` before `frame10`). What matches nothing comes back
    as it was given, so that `read_frames` can say why.
    """
    path, found = Path(given), list[Path]()
    try:
        if path.is_dir():
            found = [child for child in path.iterdir() if child.suffix.lower() in SUFFIXES and child.is_file()]
        elif not path.exists() and glob.has_magic(given):
            found = [Path(match) for match in glob.glob(given, recursive=True)]
    except OSError:
        pass  # `read_frames` says why
    return sorted(found, key=_natural) or [path]


def count_frames(path: Path) -> int:
    """How many arrays `read_frames` gives; 1 for a file that it refuses. Only stacks are read whole for that."""
    try:
        with open_regular(path) as file:
            start = file.read(_LARGEST_HEADER)
        stacked = start.startswith((*TIFF, _ZIP))
        if start.startswith(_NPY):
            with _npy_refused(path):
                stacked = len(_read_npy_header(start, path.stat().st_size).shape) > 2
        return len(read_frames(path)) if stacked else 1
    except (OSError, SourceError):
        return 1


def read_frames(path: Path) -> list[Shaped[np.ndarray, "..."]]:
    """The arrays in a file as they are stored: one, or those of all pages of a TIFF or all images in an .npz.

    An array (N, H, W) or (N, H, W, 1) of a .npy or .npz holds N frames; one of (H, W, 1) is one.
    Raises SourceError.
    """
    try:
        return _read(path)
    except MemoryError:
        raise SourceError("needs more memory than there is", source=path) from None


def _read(path: Path) -> list[Shaped[np.ndarray, "..."]]:
    data = _read_bytes(path)
    if data.startswith(START):
        _check_png(path, data)
        return _decode(path, data)
    if data.startswith((*TIFF, *_PGM)):
        return _decode(path, data)
    if data.startswith(_NPY):
        array = _load_npy(path, data)
        return _split(path, array) or [array]
    if data.startswith(_ZIP):
        return _load_npz(path, data)
    kind = next((kind for start, kind in _OTHER_KINDS.items() if data.startswith(start)), "not a depth image")
    way = _WAYS.get(path.suffix.lower())
    seen = "is empty" if not data else f"is {way}" if way else f"is {kind}"
    expected = "" if way and data else "; expected a 16-bit PNG, PGM or TIFF, or a .npy or .npz array"
    raise SourceError(f"{seen}{expected}", source=path)


def _natural(path: Path) -> list[str | int]:
    """Text and numbers alternately, so that two keys always compare like with like."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"(\d+)", str(path)))]


def _read_bytes(path: Path) -> bytes:
    """Of a regular file: a pipe would wait, a device never ends."""
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            next(path.iterdir(), None)  # raises where it may not be read
            deeper = next((child.suffix for child in path.glob("*/*") if child.suffix.lower() in SUFFIXES), None)
            below = f"; those in folders below it are '{path}/**/*{deeper}'" if deeper else ""
            raise SourceError(f"is a folder without {', '.join(SUFFIXES)} files{below}", source=path)
        if not stat.S_ISREG(about.st_mode):
            raise SourceError("is a pipe or a device; save what it gives to a file", source=path)
        if about.st_size > LARGEST_BYTES:
            way = _WAYS.get(path.suffix.lower())
            large = f"too large for depth images ({about.st_size / 1e9:.1f} GB)"
            raise SourceError(f"is {way or large}", source=path, kind=way or "too large")
        return path.read_bytes()
    except FileNotFoundError:
        raise SourceError(_missing(path), source=path) from None
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror or error}", source=path) from None


def _missing(path: Path) -> str:
    if path.is_symlink():
        return f"is a link to {path.readlink()}, which does not exist"
    if not path.parent.is_dir():
        return f"does not exist: there is no folder {path.parent}"
    if glob.has_magic(str(path)):
        return "matches no file"
    try:
        names = [child.name for child in path.parent.iterdir()]
    except OSError:
        names = []
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.8)
    if near:
        return f"does not exist; did you mean {path.with_name(near[0])}?"
    live = f"; a camera is tracked by `handkit live --source {path}`" if str(path) in CAMERAS else ""
    return f"does not exist{live}"


def _check_png(path: Path, data: bytes) -> None:
    """Raise SourceError unless the file is whole and the image one channel of 16 bits."""
    header = read_header(data)
    if header is None:
        raise _damaged(path, data, "PNG")
    bits, channels = header.bits, header.channels
    if bits == 16 and channels == 1:
        return
    if not channels:
        raise SourceError(f"is a damaged PNG: there is no color type {header.color}", source=path)
    sentence = f"is {'an' if bits == 8 else 'a'} {bits}-bit {channels}-channel PNG; expected one channel of 16 bits"
    if bits == 8 and header.color == 2:
        sentence += (
            " (if this is NYU's packed depth, store 256 * green + blue as a 16-bit PNG;"
            " if it is a colorized image, its depth values are gone)"
        )
    elif bits == 8:
        sentence += ": in 8 bits depth is lost, save the camera's 16-bit values"
    else:
        sentence += ": save one channel, of depth"
    raise SourceError(sentence, source=path)


def _decode(path: Path, data: bytes) -> list[Shaped[np.ndarray, "..."]]:
    """All pages of a TIFF, or the one image."""
    pages = decode_pages(data)
    if not pages:
        raise _damaged(path, data, "image")
    return pages


def _damaged(path: Path, data: bytes, kind: str) -> SourceError:
    seen = f"is a truncated or damaged {kind}"
    return SourceError(f"{seen} ({len(data)} bytes); copy or record it anew", source=path, kind=seen)


class _NpyHeader(NamedTuple):
    """What stands in a .npy file before its numbers."""

    shape: tuple[int, ...]
    fortran: bool
    kind: np.dtype[Any]
    start: int
    """Of the numbers, in bytes."""


def _read_npy_header(start: bytes, size: int) -> _NpyHeader:
    """From the first bytes of a .npy file of `size` bytes: one that promises more than these is refused."""
    stream = io.BytesIO(start)
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, kind = read(stream)
    if kind.hasobject or kind.itemsize == 0:
        raise ValueError(f"it holds {kind} and not numbers")
    if any(length < 0 for length in shape):
        raise ValueError(f"its shape is {shape}")
    needed, there = math.prod(shape) * kind.itemsize, size - stream.tell()
    if needed > there:
        raise ValueError(f"shape {shape} of {kind} needs {needed} bytes, {there} are there")
    return _NpyHeader(shape, fortran, kind, stream.tell())


@contextmanager
def _npy_refused(path: Path, name: str = "") -> Generator[None]:
    """All that numpy raises about a broken .npy file, as SourceError."""
    try:
        yield
    except (ValueError, TypeError, EOFError, OverflowError, SyntaxError, RecursionError, tokenize.TokenError) as error:
        reason = str(error).partition("\n")[0]
        seen = "is a .npy file without a whole array of numbers in it"
        raise SourceError(f"{seen}: {reason}", source=f"{path}{name}", kind=seen) from None


def _load_npy(path: Path, data: bytes, name: str = "") -> Shaped[np.ndarray, "..."]:
    with _npy_refused(path, name):
        shape, fortran, kind, start = _read_npy_header(data, len(data))
        return np.frombuffer(data, kind, math.prod(shape), start).reshape(shape, order="F" if fortran else "C")


class OwnCamera(NamedTuple):
    """What an .npz that handkit wrote says of its frames."""

    numbers: tuple[float, ...]
    """fx, fy, cx, cy in pixels, and the distortion's coefficients if there are any."""
    unit_mm: float
    times_s: tuple[float, ...]
    """Of each frame."""


def read_own_camera(path: Path) -> OwnCamera | None:
    """The camera that stands beside the frames of an .npz; None where none does. Raises SourceError."""
    if path.suffix.lower() != ".npz":
        return None
    data = _read_bytes(path)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if not {f"{name}.npy" for name in OWN} <= set(archive.namelist()):
                return None
            camera, unit, times = (_load_npy(path, archive.read(f"{name}.npy"), f" ({name})") for name in OWN)
            return OwnCamera(tuple(map(float, camera)), float(unit[0]), tuple(map(float, times)))
    except (*_NO_ZIP, TypeError, IndexError):
        raise _damaged(path, data, "zip archive") from None


def _load_npz(path: Path, data: bytes) -> list[Shaped[np.ndarray, "..."]]:
    """The frames in its arrays, by name as people count."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = sorted(archive.infolist(), key=lambda entry: _natural(Path(entry.filename)))
            arrays = [entry for entry in entries if entry.filename.endswith(".npy")]
            if sum(entry.file_size for entry in arrays) > LARGEST_BYTES:
                raise SourceError(
                    f"holds more than {LARGEST_BYTES / 1e9:.1f} GB; save its frames one by one", source=path
                )
            found = [_load_npy(path, archive.read(entry), f" ({entry.filename})") for entry in arrays]
    except _NO_ZIP:
        raise _damaged(path, data, "zip archive") from None
    images = [image for array in found for image in _split(path, array)]
    if not images:
        shapes = ", ".join(str(array.shape) for array in found) or "no array at all"
        raise SourceError(
            f"holds no array of shape (H, W) or (N, H, W), but {shapes}; save the frames as one",
            source=path,
            kind="no such array",
        )
    return images


def _split(path: Path, array: Shaped[np.ndarray, "..."]) -> list[Shaped[np.ndarray, "..."]]:
    """The depth images in an array; none where its shape is of something else, colors for example."""
    shape = array.shape
    if array.size == 0:
        expected = "expected (H, W), or (N, H, W) of N frames"
        raise SourceError(f"holds no frame: its shape is {shape}; {expected}", source=path, kind="no frame in it")
    if array.ndim == 2 or (array.ndim == 3 and shape[2] == 1):
        return [array]
    stacked = (array.ndim == 3 and shape[2] > MOST_CHANNELS) or (array.ndim == 4 and shape[3] == 1)
    return list(array) if stacked else []
