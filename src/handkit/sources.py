"""Where frames come from: depth pictures in files, and the camera they were taken with.

Reads what depth cameras and their tools write: 16-bit PNG, 16-bit or float TIFF, `.npy` arrays of integers or
floats. The first bytes of a file say what it is, not its suffix. Whatever keeps a file from being a depth
picture is raised as `SourceError`: one sentence of what was seen, what was expected and what mends it.
"""

import difflib
import glob
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Shaped
from numpy.typing import NDArray

from handkit.errors import SourceError
from handkit.files.png import START, decode_image, read_header
from handkit.files.regular import read_regular
from handkit.geometry.camera import CAMERAS, Camera

SUFFIXES = (".png", ".tif", ".tiff", ".npy")
"""What a folder is searched for."""

NEAREST_MM = 20.0
"""No camera sees a hand nearer than this: a picture whose median reading is smaller is not in mm."""

_TIFF = (b"II*\0", b"MM\0*")
_NPY = b"\x93NUMPY"
_OTHER_KINDS = {
    b"\xff\xd8\xff": "a JPEG, which cannot hold depth",
    b"GIF8": "a GIF, which cannot hold depth",
    b"BM": "a BMP, which cannot hold depth",
    b"PK\x03\x04": "a zip archive (an .npz file, perhaps)",
    b"#?RADIANCE": "a radiance picture",
    b"v/1\x01": "an OpenEXR picture",
}


def find_pictures(given: str) -> list[Path]:
    """The files that `given` stands for: itself, the pictures in a folder, or the matches of a glob.

    Folders and globs are sorted as people count (`frame2` before `frame10`). What matches nothing comes back
    as it was given, so that `read_depth` can say why.
    """
    path = Path(given)
    if path.is_dir():
        found = [child for child in path.iterdir() if child.suffix.lower() in SUFFIXES and child.is_file()]
    elif not path.exists() and glob.has_magic(given):
        found = [Path(match) for match in glob.glob(given, recursive=True)]
    else:
        found = [path]
    return sorted(found, key=_natural) or [path]


def read_depth(path: Path, *, depth_scale: float = 1.0) -> Float32[np.ndarray, "H W"]:
    """One depth picture in mm, 0 where there is no reading; NaN, infinity and negative values are no reading.

    `depth_scale` is in mm per unit of the file. Raises SourceError.
    """
    raw = _decode(path)
    if raw.ndim != 2 or raw.size == 0:
        shape = " x ".join(str(size) for size in raw.shape)
        raise SourceError(f"{path} has the shape {shape}; one depth picture is (height, width)")
    if raw.dtype.kind not in "iuf" or raw.dtype.itemsize == 1:
        raise SourceError(
            f"{path} holds {raw.dtype} values, too coarse or no numbers; expected 16-bit integers or floats"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        depth = raw.astype(np.float32) * np.float32(depth_scale)
    depth = np.where(np.isfinite(depth) & (depth > 0), depth, np.float32(0))
    _check_unit(path, depth, depth_scale, floating=raw.dtype.kind == "f")
    return depth


@dataclass(frozen=True)
class CameraChoice:
    """A camera by name, or four intrinsics that take the size of whatever picture they are used on."""

    name: str
    intrinsics: tuple[float, float, float, float]
    """fx, fy, cx, cy, pixels."""
    size: tuple[int, int] | None
    """Width and height, pixels; None: the picture's."""

    @classmethod
    def parse(cls, text: str) -> "CameraChoice":
        """`sr305` or `476.0,476.0,313.7,242.8`; raises ValueError that suggests the nearest name.

        >>> CameraChoice.parse("500,500,319.5,239.5").intrinsics
        (500.0, 500.0, 319.5, 239.5)
        """
        if "," not in text and len(text.split()) > 1:
            raise ValueError(f"camera {text!r} has blanks between its numbers; write {','.join(text.split())}")
        if "," not in text:
            named, name = Camera.named(text), text.lower()
            fx, fy, cx, cy, *_ = CAMERAS[name]
            return cls(name, (fx, fy, cx, cy), (named.width, named.height))
        try:
            fx, fy, cx, cy = (float(number) for number in text.split(","))
        except ValueError:
            raise ValueError(f"camera {text!r} is not four numbers fx,fy,cx,cy in pixels") from None
        if not (all(math.isfinite(number) for number in (fx, fy, cx, cy)) and fx > 0 and fy > 0):
            raise ValueError(f"camera {text!r} needs finite numbers and positive focal lengths fx,fy")
        return cls(text, (fx, fy, cx, cy), None)

    def fit(self, width: int, height: int, *, picture: str = "the picture") -> Camera:
        """The camera of a picture of this size; raises SourceError where a named camera has another size."""
        if self.size is not None and self.size != (width, height):
            same = [name for name, known in CAMERAS.items() if (known.width, known.height) == (width, height)]
            others = f"the camera that took it (of that size: {', '.join(same)})" if same else "its camera"
            raise SourceError(
                f"{picture} is {width}x{height} but the camera {self.name!r} is "
                f"{self.size[0]}x{self.size[1]}; name {others} or give its fx,fy,cx,cy"
            )
        fx, fy, cx, cy = self.intrinsics
        return Camera.from_intrinsics(fx=fx, fy=fy, cx=cx, cy=cy, width=width, height=height)

    @property
    def camera(self) -> Camera | None:
        """The camera, as far as it is known without a picture."""
        return None if self.size is None else self.fit(*self.size)


def _natural(path: Path) -> list[str | int]:
    """Text and numbers by turns, so that two keys always compare like with like."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"(\d+)", str(path)))]


def _decode(path: Path) -> Shaped[np.ndarray, "..."]:
    """The file's array as it is stored."""
    data = _read_bytes(path)
    if data.startswith(START):
        _check_png(path, data)
        return _decode_picture(path, data)
    if data.startswith(_TIFF):
        return _decode_picture(path, data)
    if data.startswith(_NPY):
        return _load_npy(path)
    kind = next((kind for start, kind in _OTHER_KINDS.items() if data.startswith(start)), None)
    seen = "is empty" if not data else f"is {kind}" if kind else "is not a picture"
    raise SourceError(f"{path} {seen}; expected a 16-bit PNG, a 16-bit TIFF or a .npy array")


def _read_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise SourceError(f"{path} is a folder without {', '.join(SUFFIXES)} pictures")
    try:
        return read_regular(path)
    except FileNotFoundError:
        raise SourceError(_missing(path)) from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None


def _missing(path: Path) -> str:
    if not path.parent.is_dir():
        return f"{path} does not exist: there is no folder {path.parent}"
    if glob.has_magic(str(path)):
        return f"no file matches {path}"
    names = [child.name for child in path.parent.iterdir()]
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.8)
    return f"{path} does not exist" + (f"; did you mean {path.with_name(near[0])}?" if near else "")


def _check_png(path: Path, data: bytes) -> None:
    """Raise SourceError unless the file is whole and the image one channel of 16 bits."""
    header = read_header(data)
    if header is None:
        raise _damaged(path, data, "PNG")
    if header.bits == 16 and header.channels == 1:
        return
    sentence = (
        f"{path} is {'an' if header.bits == 8 else 'a'} {header.bits}-bit {header.channels}-channel PNG; "
        "expected one channel of 16 bits"
    )
    if header.bits == 8 and header.color == 2:
        sentence += (
            " (if this is NYU's packed depth, store 256 * green + blue as a 16-bit PNG;"
            " if it is a colorized picture, its depth is lost)"
        )
    raise SourceError(sentence)


def _decode_picture(path: Path, data: bytes) -> Shaped[np.ndarray, "..."]:
    picture = decode_image(data)
    if picture is None:
        raise _damaged(path, data, "picture")
    return picture


def _damaged(path: Path, data: bytes, kind: str) -> SourceError:
    return SourceError(f"{path} is a truncated or damaged {kind} ({len(data)} bytes); copy or record it anew")


def _load_npy(path: Path) -> Shaped[np.ndarray, "..."]:
    """The array, mapped: a header that promises more than the file holds is refused, not allocated."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError, OverflowError) as error:
        reason = str(error).partition("\n")[0]
        raise SourceError(f"{path} is a .npy file without a whole array of numbers in it: {reason}") from None


def _check_unit(path: Path, depth: NDArray[np.float32], depth_scale: float, *, floating: bool) -> None:
    """Raise SourceError where the readings are too small to be mm."""
    readings = depth[depth > 0]
    median = float(np.median(readings)) if readings.size else math.inf
    if median >= NEAREST_MM:
        return
    seen = f"the median reading of {path} is {median:.3g} mm at --depth-scale {depth_scale:g}"
    if floating and depth_scale == 1:
        seen = f"the median reading of {path} is {median:.3g}, which looks like metres and not mm"
    fix = f"give --depth-scale {1000 * depth_scale:g}" if floating else "give the mm per unit of this file"
    raise SourceError(f"{seen}; {fix}")
