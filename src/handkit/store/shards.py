"""Files of a store: the row that is kept of every frame, shards of patches, and the manifest.

    store.json         the manifest, written last: a folder with one is a whole store
    index.bin          one row a frame, in the data set's order
    sources.txt        one line a frame: where it came from
    shard-00000.bin    the patches of 2048 frames, their rows, their sources and faults, and a tail with their sizes

A file gets its name when every byte of it is on the disk, so a shard that is there is whole. Its own rows make it
complete in itself: index and sources are made from the shards at the end, and can be made again.
"""

import json
import struct
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from jaxtyping import Shaped

from handkit.errors import StoreError
from handkit.files.regular import open_regular, read_regular
from handkit.recipes.centers import CenterSource
from handkit.store.codec import CODECS, Codec

FORMAT = 3
MANIFEST, INDEX, SOURCES = "store.json", "index.bin", "sources.txt"
PACKING = "packing.json"
"""The settings, while a store is being packed."""
FRAMES_A_SHARD = 2048
"""A kill costs at most this many frames of work; 957,032 frames are 468 files, fewer than a process may open."""
_TAIL = struct.Struct("<QQQI8s")
"""Bytes of patches, of rows, of text; CRC-32 of rows and text; magic."""
_MAGIC = b"HKSHARD1"


def row_type(joints: int) -> np.dtype[np.void]:
    """What the index keeps of a frame, little endian; lengths in mm, in camera axes, other sizes in pixels."""
    return np.dtype(
        [
            ("shard", "<i4"),
            ("offset", "<i8"),  # first byte in the shard
            ("size", "<i4"),  # bytes
            ("crc32", "<u4"),  # of these bytes
            ("left", "<i2"),  # where the patch lay in the image; without one the published box, else 0
            ("top", "<i2"),
            ("width", "<i2"),
            ("height", "<i2"),
            ("valid", "?"),  # False: there is no patch; the manifest's faults say why
            ("faulty", "?"),  # True: without a patch, or with one that the data set's users know to be wrong
            ("subject", "S16"),
            ("center", "<f4", (3,)),
            ("edges", "<f4", (3,)),
            ("joints", "<f4", (joints, 3)),  # NaN where there is no label
        ]
    )


@dataclass(frozen=True)
class Fault:
    """A frame without a patch, or with one that is known to be faulty, and why."""

    frame: int
    source: str
    reason: str


@dataclass(frozen=True)
class ShardEntry:
    """What the manifest says of a shard."""

    name: str
    frames: int
    patch_bytes: int
    total_bytes: int
    crc32: int
    """Of rows and text; patches have their own, in their rows."""


@dataclass(frozen=True)
class Settings:
    """What was packed, and how; a store can be continued only with the same."""

    dataset: str
    split: str
    skeleton: str
    frames: int
    camera: tuple[float, ...]
    """fx, fy, cx, cy in pixels, then width and height of the images."""
    centers: CenterSource
    center_detail: str
    """What else is to be known of the centers: a depth window, a file and its checksum."""
    cube: str
    """The rule of their edges."""
    margin: float
    """Patches cover a cube with edges this many times as long."""
    unit_mm: float
    """Millimeters per stored unit."""
    codec: Codec
    records_crc32: int | None = None
    """Of all sources, subjects and labels in order: which frames these are. Filled in by `pack`."""

    @property
    def center_words(self) -> str:
        """Where the cubes' centers come from, for people."""
        return ", ".join(part for part in (self.centers.words, self.center_detail) if part)


@dataclass(frozen=True)
class Manifest:
    """The contents of `store.json`."""

    format: int
    settings: Settings
    index_crc32: int
    sources_crc32: int
    faults: tuple[Fault, ...]
    shards: tuple[ShardEntry, ...]

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """Raises StoreError where `folder` holds no whole store of this format."""
    path = folder / MANIFEST
    try:
        content: dict[str, Any] = json.loads(read_regular(path))
        written = int(content["format"])
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(_no_store(folder)) from None
    except (KeyError, TypeError, ValueError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} is damaged ({error}); delete {folder} and pack anew") from None
    if written > FORMAT:
        raise StoreError(f"{path} has format {written} and this handkit reads up to {FORMAT}; update handkit")
    if written < FORMAT:
        raise StoreError(f"{path} has format {written} of an earlier handkit, this one reads {FORMAT}; pack it anew")
    try:
        settings = read_settings(content["settings"])
        faults = tuple(Fault(**fault) for fault in content["faults"])
        shards = tuple(ShardEntry(**shard) for shard in content["shards"])
        return Manifest(written, settings, content["index_crc32"], content["sources_crc32"], faults, shards)
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{path} is damaged ({error}); delete {folder} and pack anew") from None


def read_settings(content: dict[str, Any]) -> Settings:
    """Raises TypeError or ValueError where these are no settings."""
    known: dict[str, Any] = content | {
        "camera": tuple(content["camera"]),
        "centers": CenterSource(content["centers"]),
    }
    settings = Settings(**known)
    if settings.codec not in CODECS:
        raise ValueError(f"unknown codec {settings.codec!r}")
    return settings


def _no_store(folder: Path) -> str:
    if not folder.exists():
        return f"there is no store {folder}; make one with `handkit data pack`"
    finished = len(list(folder.glob("shard-*.bin")))
    if finished or (folder / PACKING).exists():
        return f"{folder} is not packed to the end ({finished} shards are); run the same `handkit data pack` again"
    return f"{folder} is no store: it has no {MANIFEST}; make one with `handkit data pack`"


def shard_name(number: int) -> str:
    """
    >>> shard_name(7)
    'shard-00007.bin'
    """
    return f"shard-{number:05d}.bin"


def end_shard(
    file: IO[bytes],
    rows: Shaped[np.ndarray, " N"],
    *,
    patch_bytes: int,
    sources: list[str],
    faults: list[Fault],
) -> None:
    """Write what follows the patches."""
    table = rows.tobytes()
    text = json.dumps({"sources": sources, "faults": [asdict(fault) for fault in faults]}).encode()
    file.write(table)
    file.write(text)
    file.write(_TAIL.pack(patch_bytes, len(table), len(text), zlib.crc32(text, zlib.crc32(table)), _MAGIC))


@dataclass(frozen=True)
class ShardEnd:
    """What follows the patches of a shard."""

    entry: ShardEntry
    table: bytes
    """Rows, as the index holds them."""
    sources: list[str]
    faults: list[Fault]


def read_shard_end(path: Path) -> ShardEnd | None:
    """The rows and texts of a shard; None where the file is missing, cut or damaged there."""
    try:
        total = path.stat().st_size
        with open_regular(path) as file:
            file.seek(max(0, total - _TAIL.size))
            patch_bytes, table_bytes, text_bytes, crc32, magic = _TAIL.unpack(file.read())
            if magic != _MAGIC or patch_bytes + table_bytes + text_bytes + _TAIL.size != total:
                return None
            file.seek(patch_bytes)
            table, text = file.read(table_bytes), file.read(text_bytes)
    except (FileNotFoundError, struct.error):
        return None
    if zlib.crc32(text, zlib.crc32(table)) != crc32:
        return None
    content = json.loads(text)
    entry = ShardEntry(path.name, len(content["sources"]), patch_bytes, total, crc32)
    return ShardEnd(entry, table, content["sources"], [Fault(**fault) for fault in content["faults"]])
