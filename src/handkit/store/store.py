"""Packed frames from disk to device: `PackedFrames.open(path).batch(index)`.

A patch is a LabeledFrame whose camera has a shifted principal point, so a crop of the patch is the crop of the image.
Patches of a batch differ in size; the smaller ones are invalid to the right and below.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import torch
from jaxtyping import Float, Float32, Shaped, UInt8
from torch import Tensor

from handkit.camera import Camera
from handkit.errors import StoreError
from handkit.files.regular import read_regular
from handkit.geometry.cube import Cube
from handkit.geometry.frame import LabeledFrame, each_tensor
from handkit.geometry.intrinsics import Intrinsics
from handkit.skeleton import SKELETONS, Skeleton
from handkit.store.codec import decode
from handkit.store.resident import BYTES_PER_PIXEL, ResidentPatches, pixels_of, room_on, sent
from handkit.store.shards import INDEX, SOURCES, Manifest, read_manifest, read_shard_end, row_type

NO_ROOM = "no room"
"""The kind of error of a store that a device cannot hold."""
Numbers = Sequence[int] | Shaped[np.ndarray, " B"] | Shaped[Tensor, " B"]
"""Of frames, from 0; in any order, and more than once."""


@dataclass(frozen=True)
class PackedFrames:
    """A store, mapped into memory: opening it reads the manifest, and a batch only its own patches."""

    path: Path
    manifest: Manifest
    rows: Shaped[np.ndarray, " N"] = field(repr=False)
    """One of `shards.row_type` for each frame of the data set, in order; what is not `valid` has no patch."""
    shards: tuple[UInt8[np.ndarray, "..."], ...] = field(repr=False)
    """The bytes of their patches."""
    resident: ResidentPatches | None = field(default=None, repr=False)
    """The patches themselves, where a device holds them."""

    @classmethod
    def open(cls, path: Path | str) -> "PackedFrames":
        """Raises StoreError where this is no whole store: one of another version, half packed, or with a file cut."""
        path = Path(path)
        manifest = read_manifest(path)
        joints = SKELETONS.get(manifest.settings.skeleton)
        if joints is None:
            raise StoreError(f"{path} has the joints of {manifest.settings.skeleton}, which this handkit does not know")
        kind = row_type(len(joints))
        rows = _mapped(path / INDEX, manifest.settings.frames * kind.itemsize).view(kind)
        shards = tuple(_mapped(path / shard.name, shard.total_bytes)[: shard.patch_bytes] for shard in manifest.shards)
        return cls(path, manifest, rows, shards)

    @property
    def skeleton(self) -> Skeleton:
        """Of the labels."""
        return SKELETONS[self.manifest.settings.skeleton]

    @cached_property
    def sources(self) -> list[str]:
        """Where each frame came from, below the data set's root."""
        return (self.path / SOURCES).read_text(encoding="utf-8").splitlines()

    def batch(self, index: Numbers, *, device: torch.device | str | None = None) -> LabeledFrame:
        """Frames with joints (NaN: no label) and cubes, in mm; where the store is held, if no device is named.

        Raises StoreError where a frame has no patch, or its bytes are damaged; IndexError beyond the last frame.
        """
        index = np.asarray(index)
        rows = self.rows[index]
        if not rows["valid"].all():
            raise StoreError(f"{self.path}: {self._why(int(index[~rows['valid']][0]))}")
        unit = np.float32(self.manifest.settings.unit_mm)
        if self.resident and self.resident.values.device.type != "cpu":
            depth = self.resident.depth(index, rows, unit_mm=float(unit))
        else:
            patches = self.resident.patches(index, rows) if self.resident else self._patches(rows)
            depth = torch.from_numpy(_padded(patches, rows, unit))
        there = torch.device(device or depth.device)
        return each_tensor(_frame(rows, depth, self._camera()), lambda part: sent(part, there))

    @property
    def resident_bytes(self) -> int:
        """That the patches take in the memory of a device."""
        return BYTES_PER_PIXEL * int(pixels_of(self.rows).sum())

    def held_by(self, device: torch.device | str) -> "PackedFrames":
        """The same store with its patches in the memory of a device, whole; reads and decodes all of them.

        Raises StoreError where there is no room for `resident_bytes`, or a file is damaged.
        """
        patches = self._patches(self.rows[self.rows["valid"]])
        needed, room = self.resident_bytes, room_on(torch.device(device))
        try:
            if needed > room:
                raise torch.OutOfMemoryError
            return replace(self, resident=ResidentPatches.of(self.rows, patches, device))
        except torch.OutOfMemoryError:
            raise StoreError(
                f"the patches of {self.path} take {needed / 1e9:.2f} GB, {device} has room for {room / 1e9:.2f} GB; "
                "leave them on disk",
                kind=NO_ROOM,
            ) from None

    def damage(self) -> list[str]:
        """Read everything and compare checksums: one sentence for each damaged file, none for a sound store."""
        found: list[str] = []
        for name, expected in ((INDEX, self.manifest.index_crc32), (SOURCES, self.manifest.sources_crc32)):
            if crc32(read_regular(self.path / name)) != expected:
                found.append(f"{self.path / name} is damaged; delete it and run the same `handkit data pack` again")
        for number, (shard, data) in enumerate(zip(self.manifest.shards, self.shards, strict=True)):
            rows = self.rows[self.rows["shard"] == number]
            bad = [row for row in rows if crc32(_bytes_of(row, data).tobytes()) != row["crc32"]]
            end = read_shard_end(self.path / shard.name)
            if bad or end is None or end.entry != shard:
                found.append(f"{self.path / shard.name} is damaged in {len(bad)} of {shard.frames} patches; {_MEND}")
        return found

    def _patches(self, rows: Shaped[np.ndarray, " B"]) -> Iterator[Shaped[np.ndarray, "H W"]]:
        """16-bit values; raises StoreError where bytes are damaged."""
        columns = (rows[name].tolist() for name in ("shard", "offset", "size", "height", "width"))
        for shard, offset, size, height, width in zip(*columns, strict=True):
            try:
                data = self.shards[shard][offset : offset + size]
                yield decode(data, (height, width), self.manifest.settings.codec)
            except ValueError as error:
                path = self.path / self.manifest.shards[shard].name
                raise StoreError(f"{path} is damaged: {error}; {_MEND}") from None

    def _camera(self) -> Intrinsics:
        fx, fy, cx, cy, width, height = self.manifest.settings.camera
        return Intrinsics.of(Camera(fx=fx, fy=fy, cx=cx, cy=cy, width=int(width), height=int(height)))

    def _why(self, frame: int) -> str:
        reasons = {fault.frame: fault.reason for fault in self.manifest.faults}
        return f"frame {frame} has no patch: {reasons.get(frame % len(self), 'unknown fault')}"

    def __len__(self) -> int:
        return len(self.rows)

    def __reduce__(self) -> tuple[Any, ...]:
        return PackedFrames.open, (self.path,)  # a worker process maps the files itself


_MEND = "delete that file and run the same `handkit data pack` again: it alone is packed anew"


def _padded(
    patches: Iterable[Shaped[np.ndarray, "H W"]], rows: Shaped[np.ndarray, " B"], unit: np.float32
) -> Float32[np.ndarray, "B H W"]:
    """In mm, 0 to the right of and below the smaller patches."""
    depth = np.empty((len(rows), int(rows["height"].max(initial=1)), int(rows["width"].max(initial=1))), np.float32)
    for image, patch in zip(depth, patches, strict=True):
        height, width = patch.shape
        np.multiply(patch, unit, out=image[:height, :width])
        image[:height, width:] = 0
        image[height:] = 0
    return depth


def _frame(rows: Shaped[np.ndarray, " B"], depth: Float[Tensor, "B H W"], camera: Intrinsics) -> LabeledFrame:
    matrix = camera.matrix.expand(len(rows), 3, 3).clone()
    for axis, side in ((0, "left"), (1, "top")):
        matrix[:, axis, 2] -= torch.from_numpy(rows[side].astype(np.float32))
    center, edges = (torch.from_numpy(rows[name].copy()) for name in ("center", "edges"))
    cube = Cube.around(center, edge=edges)
    patch = Intrinsics(matrix, depth.shape[2], depth.shape[1])
    return LabeledFrame(depth, patch, torch.from_numpy(rows["joints"].copy()), cube)


def _bytes_of(row: np.void, shard: UInt8[np.ndarray, " N"]) -> UInt8[np.ndarray, " K"]:
    return shard[row["offset"] : row["offset"] + row["size"]]


def _mapped(path: Path, size: int) -> UInt8[np.ndarray, " N"]:
    """The bytes of a file; raises StoreError where it is missing or not as long as the manifest says."""
    found = path.stat().st_size if path.exists() else None
    if found != size:
        seen = "is missing" if found is None else f"has {found} bytes, and {size} were packed"
        raise StoreError(f"{path} {seen}; run the same `handkit data pack` again to make it anew")
    # As a plain array: every slice of a memmap would cost a microsecond more.
    return np.asarray(np.memmap(path, np.uint8, mode="r")) if size else np.empty(0, np.uint8)
