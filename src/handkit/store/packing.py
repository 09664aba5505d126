"""Any labeled data set into a store: patches that crops are cut from, exactly as they would be cut from the images.

    image -> cube -> cube with margin -> integer window, never resampled -> shard

Shards are packed by threads (decoding a PNG and the loops here hold no interpreter lock) and never depend on each
other or on the number of threads. What was interrupted goes on with the first shard that is missing.
"""

import errno
import json
import math
import zlib
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Event

import numpy as np
from jaxtyping import Float32, UInt16

from handkit.camera import Camera
from handkit.datasets.dataset import HandDataset, Record
from handkit.errors import DatasetError, StoreError
from handkit.files.atomic import opened_folder, written_whole
from handkit.files.regular import read_regular
from handkit.geometry.cube import Cube
from handkit.store.codec import LARGEST, encode
from handkit.store.shards import (
    FORMAT,
    FRAMES_A_SHARD,
    INDEX,
    MANIFEST,
    PACKING,
    SOURCES,
    Fault,
    Manifest,
    Settings,
    ShardEntry,
    end_shard,
    read_manifest,
    read_settings,
    read_shard_end,
    row_type,
    shard_name,
)

try:
    import fcntl
except ModuleNotFoundError:  # Windows: two processes that pack the same store at once do not know of each other
    fcntl = None

MARGIN = 1.75
"""Room for a cube that is rolled by 45 degrees, ten percent longer, and moved by 10 mm, or by 10 pixels of 128."""

CubeOf = Callable[[int, Record, Float32[np.ndarray, "H W"]], Cube]
"""The one cube of a frame, from its number, labels and image; raises DatasetError where there is none."""


@dataclass(frozen=True)
class Packing:
    """What is packed: a data set, where its hands are, and how."""

    frames: HandDataset
    cube_of: CubeOf
    settings: Settings
    shard_frames: int = FRAMES_A_SHARD
    boxes: Float32[np.ndarray, "N 4"] | None = None
    """u, v, width, height in pixels, where the data set publishes them: kept of frames without a patch."""

    @property
    def shard_count(self) -> int:
        """The last one may hold fewer frames."""
        return math.ceil(self.settings.frames / self.shard_frames)


class Window:
    """The integer window of an image that a cube covers, and the depth that lies within the cube or before it."""

    def __init__(self, cube: Cube, camera: Camera, *, margin: float) -> None:
        """Clipped to the image, beyond which there is nothing to keep, but never empty."""
        center, half = cube.center[0].double().numpy(), cube.edges[0].double().numpy() * (margin / 2)
        corners = center + np.array([[-1.0, -1.0, 0.0], [1.0, 1.0, 0.0]]) * half
        # The window of a cube is its front view at its center's depth, as for `crop_camera`.
        low, high = camera.project(corners).tolist()
        self.left, self.right = _clipped(low[0], high[0], camera.width)
        self.top, self.bottom = _clipped(low[1], high[1], camera.height)
        self.back_mm = float(center[2] + half[2])

    def cut(self, depth: Float32[np.ndarray, "H W"], *, unit_mm: float) -> UInt16[np.ndarray, "h w"]:
        """Depth values in units; 0 behind the back face, where every crop shows background, or beyond 16 bits."""
        patch = depth[self.top : self.bottom, self.left : self.right]
        kept = (patch > 0) & (patch <= min(self.back_mm, LARGEST * unit_mm))
        return np.where(kept, np.rint(patch / np.float32(unit_mm)), 0).astype(np.uint16)


def _clipped(low: float, high: float, size: int) -> tuple[int, int]:
    """First pixel and one past the last, with a pixel to spare on either side for what is rounded."""
    first = min(max(math.floor(low) - 1, 0), size - 1)
    return first, min(max(math.ceil(high) + 2, first + 1), size)


def pack(
    packing: Packing, out: Path, *, workers: int = 1, tell: Callable[[int], None] = lambda frames: None
) -> Manifest:
    """Write the store `out`, or what is missing of it; `tell` is called with the number of frames done since.

    Raises StoreError where `out` was begun with other settings or other frames, is being packed by somebody else, or
    cannot be written to; finished shards stay.
    """
    settings = replace(packing.settings, records_crc32=records_checksum(packing.frames))
    packing = replace(packing, settings=settings)
    with _told_in_one_sentence(out):
        out.mkdir(parents=True, exist_ok=True)
        with _locked(out):
            _begin(packing.settings, out)
            missing = _missing(packing, out, tell)
            _pack_shards(packing, out, missing, workers=workers, tell=tell)
            return _finish(packing, out)


def records_checksum(frames: HandDataset) -> int:
    """CRC-32 of sources, subjects and labels in order; no image is opened, a million frames take seconds."""
    checksum = 0
    for index in range(len(frames)):
        record = frames.record(index)
        labels = b"" if record.joints is None else record.joints.tobytes()
        checksum = zlib.crc32(f"{record.source}\n{record.subject}\n".encode() + labels, checksum)
    return checksum


def _missing(packing: Packing, out: Path, tell: Callable[[int], None]) -> list[int]:
    """Numbers of the shards that are still to be packed."""
    missing: list[int] = []
    for number in range(packing.shard_count):
        end = read_shard_end(out / shard_name(number))
        if end is None:
            missing.append(number)
        else:
            tell(end.entry.frames)
    return missing


@contextmanager
def _told_in_one_sentence(out: Path) -> Generator[None]:
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        seen = "is no folder" if out.exists() else "lies below something that is no folder"
        raise StoreError(f"{out} {seen}; name a new folder, or an empty one") from error
    except OSError as error:
        finished = len(list(out.glob("shard-*.bin")))
        kept = f"{finished} finished shards are kept; run the same command again to go on"
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StoreError(f"no space is left for {out}: free some; {kept}") from error
        remedy = f"let it be written to; {kept}" if finished else "name a folder that you may write to"
        raise StoreError(f"{error.filename or out} cannot be written: {error.strerror or error}; {remedy}") from error


@contextmanager
def _locked(out: Path) -> Generator[None]:
    """The folder is ours until this or the process ends, however it ends."""
    if fcntl is None:
        yield
        return
    with opened_folder(out) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"{out} is being packed by another process; wait for it, or name another folder") from None
        yield


def _begin(settings: Settings, out: Path) -> None:
    """Take up what an earlier run left, or start; raises StoreError where that was something else."""
    if not (out / PACKING).exists() and not (out / MANIFEST).exists():
        if {path.name for path in out.iterdir()} - {f"{PACKING}.partial"}:
            raise StoreError(f"{out} holds other files, and no store; name a new folder or an empty one")
        with written_whole(out / PACKING) as file:
            file.write(json.dumps(asdict(settings), indent=1).encode())
    for partial in out.glob("*.partial"):
        partial.unlink()
    ours, theirs = asdict(settings), asdict(_settings_of(out))
    frames = [kept.pop("records_crc32") for kept in (ours, theirs)]
    different = [f"{key} {theirs[key]} there and {ours[key]} here" for key in ours if ours[key] != theirs[key]]
    if different:
        raise StoreError(f"{out} holds another packing: {'; '.join(different)}; name another folder")
    if frames[0] != frames[1]:
        raise StoreError(
            f"{out} was begun with other frames: their files, subjects or labels, in order, are not those found here; "
            "give the root that it was begun with, or name another folder"
        )


def _settings_of(out: Path) -> Settings:
    try:
        return read_settings(json.loads(read_regular(out / PACKING)))
    except FileNotFoundError:
        return read_manifest(out).settings
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{out / PACKING} is damaged ({error}); delete {out} and pack anew") from None


def _pack_shards(packing: Packing, out: Path, missing: list[int], *, workers: int, tell: Callable[[int], None]) -> None:
    """Raises what the first failing shard raises; the others stop at their next frame."""
    stop = Event()
    with ThreadPoolExecutor(workers) as pool:
        try:
            futures = [pool.submit(_pack_shard, packing, out, number, stop=stop, tell=tell) for number in missing]
            for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                future.result()
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def _pack_shard(packing: Packing, out: Path, number: int, *, stop: Event, tell: Callable[[int], None]) -> None:
    """Frames `number * shard_frames` and following; every one of them has a row, whatever is wrong with it."""
    first = number * packing.shard_frames
    indices = range(first, min(first + packing.shard_frames, packing.settings.frames))
    rows = np.zeros(len(indices), row_type(len(packing.frames.skeleton)))
    sources: list[str] = []
    faults: list[Fault] = []
    offset = 0
    with written_whole(out / shard_name(number)) as file:
        for row, index in zip(rows, indices, strict=True):
            if stop.is_set():
                raise InterruptedError
            record = packing.frames.record(index)
            data, reason = _pack_frame(packing, index, record, row)
            file.write(data)
            row["shard"], row["offset"], row["size"], row["crc32"] = number, offset, len(data), zlib.crc32(data)
            offset += len(data)
            sources.append(record.source)
            if reason is not None:
                row["faulty"] = True
                faults.append(Fault(index, record.source, reason))
            tell(1)
        end_shard(file, rows, patch_bytes=offset, sources=sources, faults=faults)


def _pack_frame(packing: Packing, index: int, record: Record, row: np.void) -> tuple[bytes, str | None]:
    """Fill the row but for its place; returns the patch, empty where there is none, and what is wrong."""
    settings = packing.settings
    row["joints"] = np.nan if record.joints is None else record.joints
    row["center"] = row["edges"] = np.nan
    row["subject"] = record.subject.encode()
    try:
        depth = packing.frames.depth(index)
        cube = packing.cube_of(index, record, depth)
    except DatasetError as error:
        if packing.boxes is not None:
            row["left"], row["top"], row["width"], row["height"] = packing.boxes[index].round().astype(np.int16)
        return b"", str(error)
    window = Window(cube, packing.frames.camera, margin=settings.margin)
    patch = window.cut(depth, unit_mm=settings.unit_mm)
    row["center"], row["edges"], row["valid"] = cube.center[0], cube.edges[0], True
    row["left"], row["top"], row["height"], row["width"] = window.left, window.top, *patch.shape
    return encode(patch, settings.codec), record.fault


def _finish(packing: Packing, out: Path) -> Manifest:
    """Index, sources and manifest, from the shards alone."""
    entries: list[ShardEntry] = []
    faults: list[Fault] = []
    index_crc32 = sources_crc32 = 0
    with written_whole(out / INDEX) as index, written_whole(out / SOURCES) as sources:
        for number in range(packing.shard_count):
            end = read_shard_end(out / shard_name(number))
            if end is None:
                raise StoreError(f"{out / shard_name(number)} was removed or changed just now; run the command again")
            text = "".join(f"{source}\n" for source in end.sources).encode()
            index.write(end.table)
            sources.write(text)
            index_crc32, sources_crc32 = zlib.crc32(end.table, index_crc32), zlib.crc32(text, sources_crc32)
            entries.append(end.entry)
            faults += end.faults
    manifest = Manifest(FORMAT, packing.settings, index_crc32, sources_crc32, tuple(faults), tuple(entries))
    with written_whole(out / MANIFEST) as file:
        file.write(manifest.to_json().encode())
    (out / PACKING).unlink(missing_ok=True)
    return manifest
